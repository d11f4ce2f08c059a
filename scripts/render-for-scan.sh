#!/bin/sh
# Puts what a scanner of configuration has to see into the folder $1: the Dockerfile, and all that reaches a cluster as it
# reaches it. Patches alone would look unsafe. Used by .github/workflows/scan-source.yml and by make verify-deployments.
set -eu

folder=$1
mkdir -p "$folder"
cp deployments/docker/Dockerfile "$folder"
for root in overlays/dev overlays/staging overlays/production smoke-test/plain smoke-test/mutual-tls logs deployer; do
  "${KUBECTL:-kubectl}" kustomize "deployments/kubernetes/$root" >"$folder/$(echo "$root" | tr / -).yaml"
done
