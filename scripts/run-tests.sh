#!/bin/sh
# Runs the suites whose mocha configurations are named, all of them also after a failure in one.
failed=0
for suite in "$@"; do
  node_modules/.bin/mocha --config "$suite" || failed=1
done
exit "$failed"
