#!/bin/sh
# Prepares a machine as a Kubernetes node. $1 is the cgroup of the pods.
set -eu

# Lets mounts propagate between the node and its containers.
mount --make-rshared /

# These kernel parameters also apply to the host, so the kubelet must not change them. Files with the values that the kubelet
# expects are mounted over the parameters.
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

# CoreDNS listens on this address, which is the address of NodeLocal DNSCache in clusters.
ip link add dns0 type bridge
ip address add 169.254.20.10/32 dev dns0
ip link set dns0 up

# The container engine sets the policy of this chain to DROP, which would block packets from and to pods.
iptables --policy FORWARD ACCEPT

for number in 1 2 3 4 5 6; do
  mkdir -p "/var/lib/docker/volumes-of-pods/$number"
done
