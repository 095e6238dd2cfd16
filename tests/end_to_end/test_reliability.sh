#!/usr/bin/env bash
# gridfed_reliability from deck to file: published indices, the same file on every number of ranks, messages.
# Usage: test_reliability.sh DRIVER H5_PROBE SOURCE_FOLDER MPIRUN...
set -u
driver=$1
probe=$2
source=$3
shift 3
mpirun=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source" || exit 1
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

deck=inputs/reliability/rbts_bus2.ini
for n in 1 2 4; do
  "${mpirun[@]}" -n $n "$driver" --config $deck --montecarlo.target_cv 0.03 --output "$work/n$n" >"$work/n$n.txt" 2>&1 || fail "$n ranks: $(tail -3 "$work/n$n.txt")"
  sed '/^years=/d;/^wrote/d' "$work/n$n.txt" >"$work/n$n.table"
done
grep -qE '^system +0\.2482 +3\.6126 +14\.555 .* 0\.999588 +37\.7457 +19\.783 ' "$work/n1.txt" || fail "published indices of the system: $(cat "$work/n1.txt")"
cmp -s "$work/n1.table" "$work/n2.table" || fail "2 ranks print another table"
cmp -s "$work/n1.table" "$work/n4.table" || fail "4 ranks print another table"
for n in 2 4; do
  "$probe" same "$work/n1/reliability.h5" "$work/n$n/reliability.h5" >"$work/probe" 2>&1 || fail "$n ranks write another file: $(cat "$work/probe")"
done

expect 0 "deck ok: 22 load points" --config $deck --dry-run
expect 0 "wrote" --feeder inputs/feeders/ieee123.dss --montecarlo.target_cv 0.1
expect 2 "above the target" --config $deck --montecarlo.target_cv 0.0001 --montecarlo.max_years 100
expect 1 "neither feeder nor outages.log is given" --reliability.spares true
expect 1 "montecarlo.repair is 'weibull': it must be" --config $deck --montecarlo.repair weibull
expect 1 "cannot read 'missing.csv': check the path" --config $deck --reliability.rates missing.csv
expect 1 "reliability.load_factor is 2: it must" --config $deck --reliability.load_factor 2
printf 'event,start,duration [min],customers,load [kW],area\na,2024-02-01 08:00,90,100,200,n\nb,2024-05-01 08:00,10,100,200,n\nc,2024-05-02 08:00,2,100,200,n\n' >"$work/log.csv"
expect 0 "all days                     0.2000    0.1667    0.833   2.0000   0.1000   0.1000  0.999981     0.3400   0.3400" \
  --outages.log "$work/log.csv" --outages.customers 1000
expect 1 "outages.customers is 0: say how many" --outages.log "$work/log.csv"
sed -i '3s/10,100/ten,100/' "$work/log.csv"
expect 1 "log.csv:3: duration [min] is 'ten': write a number" --outages.log "$work/log.csv" --outages.customers 1000

echo "reliability driver checks failed: $failures"
exit $((failures > 0))
