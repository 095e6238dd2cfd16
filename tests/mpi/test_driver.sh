#!/usr/bin/env bash
# Usage: test_driver.sh <driver_probe> <mpirun> [mpirun flags...]
# What a driver owes its user: exit status, one sentence, and an end within seconds whatever happens to a rank.
set -uo pipefail
probe=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# expect <status> <text in the output> <command...>: fails too if the command takes 10 s or more.
expect() {
  local status=$1 text=$2
  shift 2
  timeout 10 "$@" >"$folder/log" 2>&1
  local got=$?
  if [[ $got != "$status" ]] || ! grep -qF -- "$text" "$folder/log"; then
    echo "FAILED: $*: status $got (expected $status), output (expected '$text'):"
    cat "$folder/log"
    failures=$((failures + 1))
  fi
}
cd "$folder" || exit 1

for ranks in 1 2 4; do
  run=("$@" -n "$ranks" "$probe")
  expect 0 "Usage: driver_probe" "${run[@]}" --help
  expect 0 "deck ok" "${run[@]}" --dry-run --output dry
  expect 0 "output=made" "${run[@]}" --output made
  expect 1 "driver_probe: error: unknown key 'probe.mod' (command line): did you mean 'probe.mode'?" "${run[@]}" --probe.mod work
  expect 1 "feeder 'x' is missing: pass another" "${run[@]}" --probe.mode agreed
  [[ $(grep -c missing log) == 1 ]] || { echo "FAILED: an agreed error must be one sentence"; failures=$((failures + 1)); }
  expect 1 "feeder 'x' is missing: pass another" "${run[@]}" --probe.mode alone
  expect 2 "" "${run[@]}" --probe.mode goal
  expect 137 "" "${run[@]}" --probe.mode killed
  expect 0 "stop requested at wall_s=" "${run[@]}" --probe.mode loop --walltime 0.3
  # mpirun forwards SIGUSR1 to its ranks, as Slurm does for #SBATCH --signal.
  expect 0 "stop requested at wall_s=" bash -c '"$@" & job=$!; sleep 2; kill -USR1 $job; wait $job; status=$?; while kill -0 $job 2>/dev/null; do wait $job; status=$?; done; exit $status' \
    _ "${run[@]}" --probe.mode loop --walltime 8
done
[[ -d made && ! -d dry ]] || { echo "FAILED: only a real run makes its output folder"; failures=$((failures + 1)); }
echo "driver checks failed: $failures"
exit $((failures > 0))
