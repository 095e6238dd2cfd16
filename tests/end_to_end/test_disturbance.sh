#!/usr/bin/env bash
# gridfed_disturbance: the golden table from end to end, the limit with and without inverters, resources that trip, messages.
# Usage: test_disturbance.sh DISTURBANCE
set -u
driver=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

expect() {  # STATUS TEXT arguments...
  local status=$1 text=$2
  shift 2
  "$driver" --output "$work/out" "$@" >"$work/said" 2>&1
  local got=$?
  [[ $got == "$status" ]] || fail "status $got for $*: $(tail -3 "$work/said")"
  grep -qF -- "$text" "$work/said" || fail "'$text' was not said for $*: $(tail -3 "$work/said")"
}
expect 0 "lowest_hz=59.0430 at_s=1.24 highest_hz=60.0000 rate_hz_s=-1.5000 end_hz=59.7143 below_limit=true" --frequency.inertia 2
expect 0 "lowest_hz=59.1566 at_s=1.68 highest_hz=60.0000 rate_hz_s=-1.0000 end_hz=59.7143 below_limit=true" --frequency.inertia 3
expect 0 "lowest_hz=59.2718 at_s=2.50 highest_hz=60.0000 rate_hz_s=-0.6000 end_hz=59.7143 below_limit=true" --frequency.inertia 5
[[ $(wc -l <"$work/out/frequency.csv") == 62 ]] || fail "a minute has $(wc -l <"$work/out/frequency.csv") lines"
expect 0 "below_limit=false" --frequency.inverter_share 0.2 --frequency.inverter_droop 0.01 --frequency.inverter_response 0.05
expect 0 "end_hz=60.00" --agc true --seconds 900
# A great loss of load: frequency above 62 Hz trips resources, which brings it back.
expect 0 "trips=1" --step=-0.3 --der_share 0.2 --frequency.inertia 2
expect 0 "deck ok" --dry-run
expect 1 "frequency.inertia is 0: it must be positive" --frequency.inertia 0
expect 1 "der_category is 4: it must be 1, 2 or 3" --der_category 4
expect 1 "seconds is -1: it must be positive" --seconds=-1
[[ $failures == 0 ]]
