#!/usr/bin/env bash
# gridfed_outstation: the example's feeder is read and commanded by a master over the loopback; what is wrong is said.
# Usage: test_outstation.sh OUTSTATION FIELD_PROBE SOURCE_DIR
set -u
driver=$1
probe=$2
cd "$3" || exit 1
deck=inputs/examples/outstation_ieee123.ini
points=inputs/examples/outstation_ieee123_points.csv
work=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

"$driver" --config "$deck" --link.port 0 --twin.speed 1 --output "$work/out" >"$work/log" 2>&1 &
pid=$!
port=
for _ in $(seq 300); do
  port=$(sed -n 's/^listening.* port=\([0-9]*\).*/\1/p' "$work/log")
  [[ -z $port ]] || break
  sleep 0.1
done
[[ -n $port ]] || { cat "$work/log"; echo "FAILED: it does not listen"; exit 1; }

read_points() { "$probe" "$port" "$points" read >"$1" || fail "the points cannot be read"; }
value() { sed -n "s/^$2=\([^ ]*\) .*/\1/p" "$1"; }
holds() { awk "BEGIN { exit !($1) }" || fail "$2: $1"; }

read_points "$work/before"
[[ $(wc -l <"$work/before") == $(grep -vc -e '^#' -e '^name' "$points") ]] || fail "not all points were read"
grep -v 'flags=1$' "$work/before" && fail "a point is not well at the start"
holds "$(value "$work/before" v_83) > 0.9 && $(value "$work/before" v_83) < 1.1" "voltage"
holds "$(value "$work/before" cap_83_is_in) == 1" "capacitor"

set_point() { "$probe" "$port" "$points" set "$@" 2>&1; }
[[ $(set_point cap_83 0) == "outcome=0 status=0" ]] || fail "the capacitor cannot be switched"
[[ $(set_point battery_p 250 direct) == "outcome=0 status=0" ]] || fail "the battery cannot be commanded"
[[ $(set_point tap_reg1 5) == "outcome=0 status=0" ]] || fail "the tap cannot be moved"
[[ $(set_point tap_reg1 17) == "outcome=1 status=12" ]] || fail "a tap out of range is not refused"
[[ $(set_point battery_p 299.9 direct) == "outcome=0 status=0" ]] || fail "the battery cannot be commanded again"
[[ $(set_point battery_p 301) == "outcome=1 status=12" ]] || fail "a limit of the map does not hold"
read_points "$work/after"
holds "$(value "$work/after" cap_83_is_in) == 0" "capacitor after its command"
holds "$(value "$work/after" tap_reg1) == 5" "tap after its command"
holds "$(value "$work/after" head_q) > $(value "$work/before" head_q) + 300" "reactive power at the head without the capacitor"
holds "$(value "$work/after" v_1) > $(value "$work/before" v_1) + 0.02" "voltage behind a raised tap"
holds "$(value "$work/after" battery_p) > 299.8" "battery"

kill -TERM "$pid"
wait "$pid" || fail "it does not end with status 0"
pid=
grep -q '^command point=cap_83 value=0 status=0' "$work/log" || fail "commands are not logged"
grep -q '^served_s=.* commands=4 ' "$work/log" || fail "the end does not count the commands: $(tail -1 "$work/log")"

# A simulated hour in a second, then the end by itself.
"$driver" --config "$deck" --link.port 0 --twin.speed 36000 --twin.duration 3600 --output "$work/out" >"$work/log" 2>&1 || fail "duration"
grep -q 'served_s=3600' "$work/log" || fail "it did not serve an hour: $(tail -1 "$work/log")"

expect() {  # TEXT arguments...
  local text=$1
  shift
  "$driver" --config "$deck" --output "$work/out" "$@" >"$work/said" 2>&1 && fail "it goes through: $*"
  grep -qF -- "$text" "$work/said" || fail "'$text' was not said for $*: $(tail -3 "$work/said")"
}
sed 's/line.149_1.1/line.nowhere.1/' "$points" >"$work/points.csv"
expect "points.csv:13: the feeder has no line 'nowhere'" --points "$work/points.csv"
expect "twin.speed is 0" --twin.speed 0
expect "link.outstation is 65520" --link.outstation 65520
expect "'nobody.pem' cannot be used" --tls.certificate nobody.pem --tls.authority nobody.pem --dry-run
expect "'10.0.0.0/99' is no address" --link.allowed 10.0.0.0/99 --dry-run
"$driver" --config "$deck" --output "$work/out" --dry-run | grep -q 'deck ok: 26 points' || fail "dry run"
[[ $failures == 0 ]]
