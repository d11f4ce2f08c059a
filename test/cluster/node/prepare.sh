#!/bin/sh
# Makes a node of a machine. $1: the cgroup of its pods.
set -eu

# Volumes that a container mounts are seen by others.
mount --make-rshared /

# A kubelet would set these for the kernel, and so for everybody: it finds them as it wants them.
hold() {
  file="/node/$(basename "$1")"
  printf '%s' "$2" >"$file"
  mount --bind "$file" "/proc/sys/$1"
}
hold vm/overcommit_memory 1
hold vm/panic_on_oom 0
hold kernel/panic 10
hold kernel/panic_on_oops 1
hold kernel/keys/root_maxkeys 1000000
hold kernel/keys/root_maxbytes 25000000

awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read -r place; do
  mkdir -p "$place/$1"
done

# Where NodeLocal DNSCache is found in a cluster that has it.
ip link add dns0 type bridge
ip address add 169.254.20.10/32 dev dns0
ip link set dns0 up

# The engine of the machine lets through only what it started.
iptables --policy FORWARD ACCEPT

for number in 1 2 3 4 5 6; do
  mkdir -p "/var/lib/docker/volumes-of-pods/$number"
done
