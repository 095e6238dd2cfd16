#!/usr/bin/env bash
# Usage: test_powerflow_driver.sh <gridfed_powerflow> <source folder>
# What gridfed_powerflow owes its user: three complete files on success; on failure an exit status, one sentence and no file.
set -uo pipefail
driver=$1
feeders=$2/inputs/feeders
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect <status> <text in the output> <arguments...>: runs the driver.
expect() {
  local status=$1 text=$2 got
  shift 2
  timeout 20 "$driver" "$@" >log 2>errors
  got=$?
  if [[ $got != "$status" || $(cat log errors) != *"$text"* ]]; then
    fail "$*: status $got (expected $status), output (expected '$text'):"
    cat log errors
  fi
}
# refuse <text> <arguments...>: the driver ends with status 1, one sentence, and leaves no file.
refuse() {
  expect 1 "$@" --voltages v.csv --flows f.csv --summary s.csv
  [[ $(wc -l <errors) == 1 && $(<errors) == "gridfed_powerflow: error: "* ]] || fail "$2 $3: not one sentence: $(<errors)"
  leftovers=$(compgen -G '*.csv*')
  [[ -z $leftovers || $leftovers == taps.csv ]] || fail "$2 $3 left $leftovers"
}

expect 0 "Usage: gridfed_powerflow" --help
expect 0 "deck ok: 16 buses, 41 nodes, 15 loads" --feeder "$feeders/ieee13.dss" --dry-run
expect 0 "converged=true" --feeder "$feeders/ieee13.dss" --voltages v.csv --flows f.csv --summary s.csv
[[ $(head -1 v.csv) == node,v_real_V,v_imag_V && $(wc -l <v.csv) == 42 ]] || fail "voltages.csv has not a header and 41 nodes"
[[ $(grep -c '^Line\.' f.csv) == 12 && $(grep -c '^Transformer\.' f.csv) == 5 ]] || fail "flows.csv has not 12 lines and 5 transformers"
for stage in parse elements network solver solve balance write; do
  grep -q "^stage=$stage .* peak_mb=[1-9]" log || fail "stage $stage is not timed"
done
grep -q '^bytes_per_bus=[1-9]' log || fail "bytes a bus are not said"
[[ $(wc -l <s.csv) == 2 && $(tail -1 s.csv) == 1,* ]] || fail "summary.csv has not one converged row"
expect 0 "converged=true" --feeder "$feeders/ieee13.dss" --write-feeder written.dss --voltages v.csv --write-network tables.h5
[[ $(head -c 4 tables.h5 | tail -c 3) == HDF ]] || fail "tables.h5 is no HDF5 file"
expect 0 "converged=true" --feeder written.dss --controls off --voltages again.csv --write-network tables
[[ $(head -1 tables/loads.csv) == "name,terminal_bus,terminal_conductors,phases,is_delta,rated_voltage [V],active_power [W],"* ]] ||
  fail "tables/loads.csv has not the expected header"
[[ $(wc -l <tables/loads.csv) == 16 && -f tables/windings.csv && ! -e tables/solar.csv ]] || fail "the folder of tables is not as expected"
paste -d, v.csv again.csv | awk -F, 'NR > 1 && ($2 - $5)^2 + ($3 - $6)^2 > 1e-12 * ($2^2 + $3^2) { exit 1 }' || fail "written.dss has other voltages"
compgen -G '*.part' && fail "a temporary file stayed behind"
rm -f ./*.csv

refuse "unknown key 'feedr'" --feedr "$feeders/ieee13.dss"
refuse "no-such-feeder.dss" --feeder no-such-feeder.dss
refuse "controls is 'manual'" --feeder "$feeders/ieee13.dss" --controls manual
cat >islanded.dss <<'END'
new circuit.islanded basekv=12.47
new line.one bus1=sourcebus bus2=a r1=0.1 x1=0.2 length=1
new line.two bus1=a bus2=b r1=0.1 x1=0.2 length=1
new load.far bus1=b kv=12.47 kw=100
open line.two
END
refuse "bus 'b' has no path to a source (line 'two' is open)" --feeder islanded.dss
cat >unknown.dss <<'END'
new circuit.unknown basekv=12.47
new line.one bus1=sourcebus bus2=a r1=0.1 x1=0.2 length=1 colour=red
new flywheel.f bus1=a kw=3
new load.near bus1=a kv=12.47 kw=100
END
refuse "unknown property 'colour' of Line.one" --feeder unknown.dss
expect 0 "note: Property colour of class Line is not known and left out." --feeder unknown.dss --feeder.ignore-unknown
expect 0 "note: Objects of class flywheel are read past." --feeder unknown.dss --feeder.ignore-unknown
refuse "cannot read 'missing.csv'" --feeder "$feeders/ieee13.dss" --taps missing.csv
printf 'regcontrol,transformer,winding,tap_number,tap_pu\nreg_a,reg_x,2,1,1.00625\n' >taps.csv
refuse "taps.csv:2: network 'ieee13' has no transformer 'reg_x'" --feeder "$feeders/ieee13.dss" --taps taps.csv
printf 'regcontrol,transformer,winding,tap_number,tap_pu\nreg_a,reg_a,2,1,up\n' >taps.csv
refuse "taps.csv:2: 'up' is not a number" --feeder "$feeders/ieee13.dss" --taps taps.csv
rm taps.csv

# A load that no line can carry is a result, not an error: the files say so and the status is 2.
expect 2 "the power flow did not converge" --feeder "$feeders/ieee34.dss" --controls off --load-scale 20 \
  --powerflow.max_iterations 50 --summary s.csv
[[ $(tail -1 s.csv) == 0,* ]] || fail "summary.csv hides the divergence"

echo "power flow driver checks failed: $failures"
exit $((failures > 0))
