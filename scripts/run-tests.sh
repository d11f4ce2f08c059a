#!/bin/sh
# Runs mocha with each given configuration, even after a failure.
failed=0
for suite in "$@"; do
  node_modules/.bin/mocha --config "$suite" || failed=1
done
exit "$failed"
