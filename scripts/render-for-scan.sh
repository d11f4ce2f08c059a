#!/bin/sh
# Writes the input of a configuration scanner into the folder $1: the Dockerfile and the rendered manifests. A scanner would
# report unrendered patches as unsafe.
set -eu

folder=$1
mkdir -p "$folder"
cp deployments/docker/Dockerfile "$folder"
for root in overlays/dev overlays/staging overlays/production smoke-test/plain smoke-test/mutual-tls logs deployer; do
  "${KUBECTL:-kubectl}" kustomize "deployments/kubernetes/$root" >"$folder/$(echo "$root" | tr / -).yaml"
done
