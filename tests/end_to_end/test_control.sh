#!/usr/bin/env bash
# gridfed_control against gridfed_outstation over the loopback: it commands, outlives a restart of the outstation, a stopped one (half-open), a wrong
# address and a wrong certificate, and says what is wrong.
# Usage: test_control.sh CONTROL OUTSTATION H5_PROBE SOURCE_DIR
set -u
control=$1
outstation=$2
probe=$3
cd "$4" || exit 1
work=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill -CONT "$p" 2>/dev/null; kill "$p" 2>/dev/null; done; rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
wait_for() {  # FILE PATTERN
  for _ in $(seq 300); do
    grep -q -- "$2" "$1" 2>/dev/null && return
    sleep 0.1
  done
  fail "'$2' did not come in $(basename "$1"): $(tail -4 "$1")"
}

serve() {  # NAME PORT arguments...
  local name=$1 port=$2
  shift 2
  "$outstation" --config inputs/examples/outstation_ieee123.ini --points inputs/examples/control_ieee123_points.csv --twin.control static \
    --twin.speed 1 --twin.start_hour 18.5 --link.port "$port" --output "$work/$name" "$@" >"$work/$name.log" 2>&1 &
  pid=$!
  pids+=("$pid")
  wait_for "$work/$name.log" '^listening'
  port=$(sed -n 's/^listening.* port=\([0-9]*\).*/\1/p' "$work/$name.log")
  served=$port
}
run=("$control" --config inputs/examples/control_ieee123.ini --policy idle --control.speed 1 --control.start_hour 18.5 --control_period 2 --control.stale_after 2 --control.watchdog 5)
begin() {  # NAME PORT arguments...
  local name=$1 port=$2
  shift 2
  "${run[@]}" --link.port "$port" --output "$work/$name" "$@" >"$work/$name.log" 2>&1 &
  loop=$!
  pids+=("$loop")
}
finish() {  # NAME
  kill -TERM "$loop"
  wait "$loop" || fail "$1 does not end with status 0: $(tail -3 "$work/$1.log")"
}

# It commands, and the outstation obeys. The battery follows the feeder's own dispatch until it is told otherwise.
serve first 0
port=$served
begin acting "$port"
wait_for "$work/acting.log" 'status=acted .*commands=.*set_battery='
wait_for "$work/first.log" '^command point=set_battery .* status=0'
# What it told the first one stays told; the second one follows its own dispatch again.
# Outstation killed and started again at the same port: offline, safe state after the watchdog, then the safe action first.
kill -KILL "$pid"
wait "$pid" 2>/dev/null
wait_for "$work/acting.log" 'status=offline'
wait_for "$work/acting.log" 'safe state, no commands'
serve second "$port"
wait_for "$work/acting.log" 'decision=safe'
grep -q 'reason=the calendar' "$work/acting.log" && fail "a cycle was held: $(grep -m1 'reason=the calendar' "$work/acting.log")"
# Half-open: the process stands still, its connection stands.
before=$(grep -c '^command' "$work/second.log")
kill -STOP "$pid"
sleep 7
grep -c 'status=offline' "$work/acting.log" >/dev/null || fail "a silent outstation is not noticed"
tail -1 "$work/acting.log" | grep -Eq 'status=offline|safe state' || fail "a silent outstation is commanded: $(tail -1 "$work/acting.log")"
kill -CONT "$pid"
sleep 1
[[ $(grep -c '^command' "$work/second.log") == "$before" ]] || fail "what was said to a silent outstation was done later: $(tail -2 "$work/second.log")"
finish acting
grep -q '^cycles=.* wrote=' "$work/acting.log" || fail "the end is not told: $(tail -1 "$work/acting.log")"
cycles=$(grep -c '^cycle=' "$work/acting.log")
for path in /cycles /status /reasons /observations /actions /measurements /flags; do
  [[ $("$probe" rows "$work/acting/control.h5" "$path" 2>&1) == "$cycles" ]] || fail "control.h5 does not hold the cycles in $path"
done
[[ $("$probe" rows "$work/acting/control.h5" /commands/value) -ge 2 ]] || fail "control.h5 does not hold the commands"
kill "$pid" 2>/dev/null

# Nothing is sent in a dry run, with another address, or without an operator's yes.
serve third 0
begin dry "$served" --control.mode dry_run
wait_for "$work/dry.log" 'status=dry_run'
finish dry
begin elsewhere "$served" --link.outstation 11
wait_for "$work/elsewhere.log" 'status=offline'
sleep 2
finish elsewhere
grep -q 'status=acted\|status=nothing' "$work/elsewhere.log" && fail "another address is commanded"
grep -q '^command' "$work/third.log" && fail "a command came in a dry run or for another address: $(grep '^command' "$work/third.log")"
(echo n; sleep 4; echo y; sleep 4) | "${run[@]}" --link.port "$served" --control.mode confirm --control.duration 8 \
  --output "$work/asked" >"$work/asked.log" 2>&1 || fail "confirm: $(tail -2 "$work/asked.log")"
grep -q 'status=declined' "$work/asked.log" || fail "an operator's no is not heard: $(tail -3 "$work/asked.log")"
grep -q '^confirm .*set_battery=.* \[y/n\]' "$work/asked.log" || fail "the operator is not asked"
kill "$pid" 2>/dev/null

# A certificate of another authority.
if command -v openssl >/dev/null; then
  for who in one other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$who" -addext "subjectAltName=DNS:$who" \
      -keyout "$work/$who.key" -out "$work/$who.pem" 2>/dev/null || fail "openssl makes no certificate"
  done
  serve tls 0 --tls.certificate "$work/one.pem" --tls.key "$work/one.key" --tls.authority "$work/one.pem"
  begin stranger "$served" --tls.certificate "$work/other.pem" --tls.key "$work/other.key" --tls.authority "$work/other.pem"
  wait_for "$work/stranger.log" 'status=offline'
  finish stranger
  begin friend "$served" --tls.certificate "$work/one.pem" --tls.key "$work/one.key" --tls.authority "$work/one.pem"
  wait_for "$work/friend.log" 'status=acted\|status=nothing'
  finish friend
  grep -q 'last problem of a connection' "$work/stranger.log" || fail "a refused certificate is not told"
else
  echo "certificates are left out: there is no openssl"
fi

expect() {  # TEXT arguments...
  local text=$1
  shift
  "${run[@]}" --output "$work/out" --dry-run "$@" >"$work/said" 2>&1 && fail "it goes through: $*"
  grep -qF -- "$text" "$work/said" || fail "'$text' was not said for $*: $(tail -3 "$work/said")"
}
expect "commands no active_power of battery 'bat_21'" --points inputs/examples/control_ieee123_points.csv --feeder inputs/feeders/ieee123_der.dss
expect "env.actions names reactive" --env.actions battery,reactive
"$control" --config inputs/examples/control_ieee123.ini --policy best --dry-run 2>&1 | grep -q "there is no policy 'best'" || fail "another policy goes through"
expect "control.mode is 'go'" --control.mode go
expect "safety.backup is 'x'" --safety.backup x
"${run[@]}" --output "$work/out" --dry-run | grep -q 'deck ok: 32 points' || fail "dry run"
[[ $failures == 0 ]]
