#!/usr/bin/env bash
# night.sh DATE: a night, repeated while its fault may pass. Prints what went wrong, or nothing.
#
# SOLATIUM_TRIES and SOLATIUM_WAIT say how often, and after how many seconds.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

tries=${SOLATIUM_TRIES:-5} wait=${SOLATIUM_WAIT:-600}
for ((try = 1; ; try++)); do
  solatium nightly --landing logs --warehouse wh --config night.yaml --date "$1" > night.log 2>&1
  status=$?
  case $status in
    0) exit 0 ;;
    2 | 3) break ;; # wrong usage, refused input: a person is needed
  esac
  ((try < tries)) || break
  sleep "$wait"
done
echo "solatium ended with exit status $status after $try tries:"
tail -n 30 night.log
exit "$status"
