#!/usr/bin/env bash
# gridfed_simulate: every named policy plays; the same trajectory on every number of ranks; messages.
# Usage: test_simulate.sh SIMULATE H5_PROBE SOURCE_DIR MPIRUN...
set -u
driver=$1
probe=$2
source=$3
shift 3
mpirun=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
hourly=(--feeder "$source/inputs/feeders/ieee13_der.dss" --env.timestep 3600)

for policy in idle random rules self_consumption voltage curtailment reference behaviour adversarial untrained; do
  "$driver" "${hourly[@]}" --policy $policy --output "$work/$policy" >"$work/said" 2>&1 || fail "$policy: $(tail -3 "$work/said")"
  grep -q "policy=$policy days=1 steps=24 .*diverged=0 clipped=0" "$work/said" || fail "$policy says: $(tail -1 "$work/said")"
done
for n in 1 2 4; do
  "${mpirun[@]}" -n $n "$driver" "${hourly[@]}" --policy behaviour --days 5 --output "$work/n$n" >"$work/said" 2>&1 ||
    fail "on $n ranks: $(tail -3 "$work/said")"
  "$probe" same "$work/n1/trajectory.h5" "$work/n$n/trajectory.h5" || fail "$n ranks play otherwise"
done
# Under a shield, too, and the shield leaves nothing that its backup avoids.
for n in 1 2 4; do
  "${mpirun[@]}" -n $n "$driver" "${hourly[@]}" --policy random --days 5 --shield on --output "$work/shield$n" >"$work/said" 2>&1 ||
    fail "with a shield on $n ranks: $(tail -3 "$work/said")"
  grep -q "^safety policy=random shield=on steps=120 avoidable=0 " "$work/said" || fail "the shield on $n ranks says: $(tail -1 "$work/said")"
  "$probe" same "$work/shield1/trajectory.h5" "$work/shield$n/trajectory.h5" || fail "$n ranks play otherwise under a shield"
done
"$driver" "${hourly[@]}" --policy random --days 5 --shield watch --output "$work/watch" >"$work/said" 2>&1 || fail "watch: $(tail -3 "$work/said")"
grep -Eq "^safety policy=random shield=watch steps=120 avoidable=[1-9]" "$work/said" || fail "watching shows nothing: $(tail -1 "$work/said")"
[[ $("$probe" rows "$work/watch/trajectory.h5" /decisions) == 120 ]] || fail "the trajectory does not hold the decisions"
# Every process of a day at once.
"$driver" "${hourly[@]}" --policy voltage --env.actions reactive,tap,capacitor --env.load_profile classes --env.load_neighbours 0.8 \
  --env.sky tag --env.outages true --env.outage_rate 50 --study.load_models class --days 2 --output "$work/processes" >"$work/said" 2>&1 ||
  fail "all processes: $(tail -3 "$work/said")"
grep -q "steps=48 .*diverged=0" "$work/said" || fail "all processes say: $(tail -1 "$work/said")"

expect() {  # STATUS TEXT arguments...
  local status=$1 text=$2
  shift 2
  "$driver" --output "$work/wrong" "${hourly[@]}" "$@" >"$work/said" 2>&1
  local got=$?
  [[ $got == "$status" ]] || fail "status $got for $*: $(tail -3 "$work/said")"
  grep -qF -- "$text" "$work/said" || fail "'$text' was not said for $*: $(tail -3 "$work/said")"
}
expect 0 "deck ok" --dry-run
expect 1 "there is no policy 'best'" --policy best
expect 1 "none.h5" --policy none.h5
expect 1 "shield is 'off': it must be none, watch or on" --shield off
expect 1 "safety.forecast is 'x': it must be measured or persistence" --safety.forecast x
expect 1 "days is 0: play one or more" --days 0
expect 1 "env.sky is 'blue': it must be regimes or tag" --env.sky blue
expect 1 "study.load_models is 'x': it must be feeder or class" --study.load_models x
[[ $failures == 0 ]]
