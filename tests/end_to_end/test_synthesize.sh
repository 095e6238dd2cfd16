#!/usr/bin/env bash
# gridfed_synthesize: the same script on every number of ranks, which reads back, solves and stays within its voltages; messages.
# The same as tables, which hold the network of the script.
# Usage: test_synthesize.sh SYNTHESIZE POWERFLOW H5_PROBE MPIRUN...
set -u
driver=$1
powerflow=$2
probe=$3
shift 3
mpirun=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

for style in eu us; do
  for n in 1 2 4; do
    "${mpirun[@]}" -n $n "$driver" --buses 2000 --style $style --seed 5 --output "$work/$style$n" >"$work/said" 2>&1 ||
      fail "$style on $n ranks: $(tail -3 "$work/said")"
    for file in network.dss network_buscoords.csv statistics.csv; do
      cmp -s "$work/${style}1/$file" "$work/$style$n/$file" || fail "$style: $n ranks write another $file"
    done
  done
  for n in 1 2 4; do
    "${mpirun[@]}" -n $n "$driver" --buses 2000 --style $style --seed 5 --format h5 --output "$work/h5_$style$n" >"$work/said" 2>&1 ||
      fail "$style tables on $n ranks: $(tail -3 "$work/said")"
    "$probe" same "$work/h5_${style}1/network.h5" "$work/h5_$style$n/network.h5" || fail "$style: $n ranks write other tables"
    cmp -s "$work/${style}1/statistics.csv" "$work/h5_$style$n/statistics.csv" || fail "$style: $n ranks count otherwise"
  done
  "$powerflow" --feeder "$work/h5_${style}1/network.h5" --voltages "$work/h5_$style.csv" --output "$work/out" >"$work/said" 2>&1 ||
    fail "the tables of $style do not solve: $(tail -3 "$work/said")"
  "$powerflow" --feeder "$work/${style}1/network.dss" --voltages "$work/$style.csv" --output "$work/out" >"$work/said" 2>&1 ||
    fail "$style does not solve: $(tail -3 "$work/said")"
  grep -q "converged=true" "$work/said" || fail "$style does not converge: $(tail -3 "$work/said")"
  cmp -s <(cut -d, -f1 "$work/$style.csv") <(cut -d, -f1 "$work/h5_$style.csv") || fail "$style: script and tables differ in their nodes"
done
"$driver" --buses 2000 --style eu --seed 6 --output "$work/other" >"$work/said" 2>&1 || fail "another seed: $(tail -3 "$work/said")"
cmp -s "$work/eu1/network.dss" "$work/other/network.dss" && fail "another seed writes the same network"

expect() {  # STATUS TEXT arguments...
  local status=$1 text=$2
  shift 2
  "$driver" --output "$work/wrong" "$@" >"$work/said" 2>&1
  local got=$?
  [[ $got == "$status" ]] || fail "status $got for $*: $(tail -3 "$work/said")"
  grep -qF -- "$text" "$work/said" || fail "'$text' was not said for $*: $(tail -3 "$work/said")"
}
expect 0 "deck ok: 100000 buses" --buses 100000 --dry-run
expect 1 "style is 'uk': it must be eu or us" --style uk
expect 1 "buses" --buses 7
expect 1 "format is 'csv': it must be dss, h5 or auto" --format csv
[[ $failures == 0 ]]
