#!/usr/bin/env bash
# Usage: test_study.sh <case> <folder of the drivers> <h5_probe> <source folder> <mpirun> [mpirun flags...]
# What a study owes its user from simulation to report: the same numbers on any number of ranks, a stop that loses nothing, and one
# sentence and no half-written file when an input is wrong.
set -uo pipefail
case=$1 drivers=$(realpath "$2") probe=$(realpath "$3") source=$4
shift 4
mpirun=("$@")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

# Three clients on two feeders: on 2 ranks one hosts two clients, on 4 ranks one hosts none. Hourly steps keep it short.
cat >study.ini <<DECK
[study]
feeders = $source/inputs/feeders/ieee13_der.dss,$source/inputs/feeders/ieee37_der.dss
[env]
timestep = 3600
[data]
days = 3
[fed]
num_clients = 3
rounds = 4
local_sgd_steps = 5
[rl]
hidden_dims = 16,16
batch_size = 16
[train]
variants = local,pooled,federated,compressed,record_4,client_4
validation_days = 1
validate_every = 2
checkpoint_every = 1
[privacy]
seeded = true
[evaluate]
days = 2
DECK
# The runs that are stopped or killed last some seconds, nearly all of them in rounds.
long=(--fed.rounds 150 --fed.local_sgd_steps 40 --train.variants federated,record_4 --train.checkpoint_every 10 --train.validate_every 10)

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
# run <ranks> <driver> [options...]
run() {
  local ranks=$1 driver=$drivers/gridfed_$2
  shift 2
  if [[ $ranks == 1 ]]; then "$driver" "$@"; else "${mpirun[@]}" -n "$ranks" "$driver" "$@"; fi
}
# must <ranks> <driver> [options...]: a run with the deck that succeeds.
must() {
  local ranks=$1 driver=$2
  shift 2
  if ! run "$ranks" "$driver" --config study.ini "$@" >log 2>&1; then
    fail "gridfed_$driver $* on $ranks ranks:"
    tail -20 log
  fi
}
must_same() {
  "$probe" same "$1" "$2" || fail "$1 and $2 differ"
}
must_same_policies() {
  local file count=0
  for file in "$1"/policy_*.h5; do
    must_same "$file" "$2/${file##*/}"
    count=$((count + 1))
  done
  [[ $count == "$3" ]] || fail "$1 holds $count policies, expected $3"
}
# refused <file that must not be made> <text of the error> <ranks> <driver> [options...]: status 1, one sentence, nothing written.
refused() {
  local file=$1 text=$2 ranks=$3 driver=$4
  shift 4
  run "$ranks" "$driver" "$@" >log 2>&1
  local status=$?
  if [[ $status != 1 || $(grep -c 'error:' log) != 1 || $(<log) != *"$text"* ]]; then
    fail "gridfed_$driver $*: status $status (expected 1), output (expected once: '$text'):"
    cat log
  fi
  [[ ! -e $file && ! -e $file.part ]] || fail "gridfed_$driver $*: left $file or $file.part"
}
# Waits up to 20 s until a command succeeds.
wait_for() {
  local i
  for ((i = 0; i < 400; i++)); do
    "$@" && return
    sleep 0.05
  done
  fail "waited in vain for: $*"
}

# The same bits on 1, 2 and 4 ranks.
case_ranks() {
  local ranks
  for ranks in 1 2 4; do
    must "$ranks" dataset --output "n$ranks"
    must "$ranks" train --output "n$ranks"
    must "$ranks" evaluate --output "n$ranks"
    [[ -e n$ranks/checkpoint.h5 ]] && fail "the checkpoint outlived the run on $ranks ranks"
  done
  for ranks in 2 4; do
    must_same n1/dataset.h5 "n$ranks/dataset.h5"
    must_same_policies n1 "n$ranks" 6
    must_same n1/metrics.h5 "n$ranks/metrics.h5"
    must_same n1/report.h5 "n$ranks/report.h5"
  done
  # What was played may be demanded of, too.
  run 1 evaluate --config study.ini --output n1 --require-lower-bound 1000 >log 2>&1
  [[ $? == 2 && $(grep -c 'is not to be used: its return may be as low as' log) == 6 ]] || { fail "no demand was missed"; tail -5 log; }
  must 1 evaluate --output n1 --require-lower-bound -1000 --require-cvar -1000
  grep -q 'policy=federated_0 return=.* lower_bound=.* cvar=' log || fail "no judgement of what was played"
  # The comparison itself must notice: another seed gives other numbers.
  must 1 dataset --output other --seed 2
  "$probe" same n1/dataset.h5 other/dataset.h5 >log && fail "another seed gave the same dataset"
  [[ $("$probe" attribute n1/policy_record_4_0.h5 privacy) == "NOT PRIVATE"*"differential privacy of each record"* ]] ||
    fail "the record-level statement is: $("$probe" attribute n1/policy_record_4_0.h5 privacy)"
  [[ $("$probe" attribute n1/policy_client_4_0.h5 privacy) == "NOT PRIVATE"*"differential privacy of each client"* ]] ||
    fail "the client-level statement is: $("$probe" attribute n1/policy_client_4_0.h5 privacy)"
  [[ $("$probe" attribute n1/policy_federated_0.h5 privacy) == "No differential privacy"* ]] || fail "federated claims privacy"
}

# Every strategy through the deck: the same bits on 1 and 2 ranks.
case_strategies() {
  local strategy folder dropout ranks
  must 1 dataset --output data
  for strategy in fedavgm fedprox fedadam scaffold fednova fedora multi_krum; do
    dropout=0.1
    [[ $strategy != multi_krum ]] || dropout=0  # needs all three
    for ranks in 1 2; do
      folder=$strategy$ranks
      must "$ranks" train --output "$folder" --data.file data/dataset.h5 --train.variants federated --fed.aggregation "$strategy" \
        --fed.byzantine 0 --fed.dropout "$dropout" --rl.batch_size 64
    done
    must_same_policies "${strategy}1" "${strategy}2" 1
  done
  for ranks in 1 2; do
    must "$ranks" train --output "masks$ranks" --data.file data/dataset.h5 --train.variants federated --fed.secure_aggregation masks
  done
  must_same_policies masks1 masks2 1
  "$probe" same fedprox1/policy_federated_0.h5 fedora1/policy_federated_0.h5 >log && fail "two strategies gave one policy"
  refused krum/policy_federated_0.h5 "fed.aggregation = krum withstands 1 bad clients among 5" 1 train --config study.ini --output krum \
    --fed.aggregation krum
}

# A client whose data make it diverge is named and counted, and the others go on without it; where nobody is left the run says so, and a
# client that learns alone stops.
case_diverged() {
  must 1 dataset --output data
  "$probe" fill data/dataset.h5 /client_001/rewards 1e30 || fail "cannot fill"
  local deck=(--data.file data/dataset.h5 --train.reward_scale 1) ranks how
  for how in none masks; do
    for ranks in 1 2; do
      must "$ranks" train "${deck[@]}" --output "$how$ranks" --train.variants federated --fed.secure_aggregation "$how" --fed.mask_threshold 0.6
      [[ $(grep -c 'variant=federated round=[1-4] left out 1 clients .*: 1$' log) == 4 ]] ||
        fail "client 1 was not left out of all four rounds: $(grep 'left out' log)"
    done
    must_same_policies "${how}1" "${how}2" 1
  done
  must 1 train --data.file data/dataset.h5 --output scaled --train.variants federated
  grep -q 'left out' log && fail "rewards in units of their own deviation made a client diverge: $(grep 'left out' log)"
  "$probe" fill data/dataset.h5 /client_000/rewards 1e30 && "$probe" fill data/dataset.h5 /client_002/rewards 1e30 || fail "cannot fill"
  refused all/metrics.h5 "no client returned finite values in round 1 (client 0 first)" 2 train --config study.ini "${deck[@]}" \
    --output all --train.variants federated
  run 2 train --config study.ini "${deck[@]}" --output alone --train.variants local >log 2>&1
  [[ $? == 2 && $(<log) == *"stopped in round 1: client 0 diverged"* ]] || { fail "alone a client that diverges goes on:"; cat log; }
  "$probe" attribute alone/policy_local_0.h5 kind >log || fail "a diverged run left no policy"
}

# stopped_by_signal <ranks> <folder>: starts a training and asks it to stop once it has passed a validation.
stopped_by_signal() {
  local ranks=$1 out=$2
  if [[ $ranks == 1 ]]; then
    "$drivers/gridfed_train" --config study.ini "${long[@]}" --output "$out" >"log_$out" 2>&1 &
  else
    "${mpirun[@]}" -n "$ranks" "$drivers/gridfed_train" --config study.ini "${long[@]}" --output "$out" >"log_$out" 2>&1 &
  fi
  local job=$!
  wait_for grep -q 'round=' "log_$out"
  kill -USR1 $job
  wait $job || fail "a stopped run ended with status $?"
  grep -q 'stopped in round' "log_$out" || { fail "the run was not stopped in its middle:"; tail -5 "log_$out"; }
  [[ -e $out/checkpoint.h5 ]] || fail "a stopped run left no checkpoint"
}

# Stopped and resumed gives the bits of a run left alone, on whatever number of ranks.
case_resume() {
  must 2 dataset --output whole
  cp -r whole parts
  must 1 train "${long[@]}" --output whole
  stopped_by_signal 2 parts
  must 4 train "${long[@]}" --output parts --walltime 2.5
  [[ -e parts/checkpoint.h5 ]] || echo "note: the walltime did not cut the second part"
  must 1 train "${long[@]}" --output parts
  [[ -e parts/checkpoint.h5 ]] && fail "the checkpoint outlived the run"
  must_same_policies whole parts 2
  must_same whole/metrics.h5 parts/metrics.h5
}

# A stop in the first moment, before any round, resumes too.
case_early_stop() {
  must 1 dataset --output whole
  cp -r whole parts
  must 1 train --output whole
  must 1 train --output parts --walltime 0.001
  [[ -e parts/checkpoint.h5 ]] || fail "a run stopped before its first round left no checkpoint"
  must 2 train --output parts
  must_same_policies whole parts 6
  must_same whole/metrics.h5 parts/metrics.h5
}

# A checkpoint that does not belong to the run is refused.
case_checkpoint() {
  must 1 dataset --output out
  must 1 train --output out --walltime 0.001
  [[ -e out/checkpoint.h5 ]] || fail "no checkpoint to test with"
  local ours="belongs to a run with another deck or seed: give another --output, or remove it"
  refused out/metrics.h5 "$ours" 2 train --config study.ini --output out --fed.rounds 5
  refused out/metrics.h5 "$ours" 1 train --config study.ini --output out --seed 9
  head -c 3000 out/checkpoint.h5 >cut.h5 && mv cut.h5 out/checkpoint.h5
  refused out/metrics.h5 "cannot read 'out/checkpoint.h5'" 2 train --config study.ini --output out
  cp out/dataset.h5 out/checkpoint.h5
  refused out/metrics.h5 "is a dataset file" 2 train --config study.ini --output out
}

# A killed rank ends the job within seconds; the last checkpoint goes on.
case_killed() {
  must 2 dataset --output whole
  cp -r whole killed
  must 2 train "${long[@]}" --output whole
  "${mpirun[@]}" -n 2 "$drivers/gridfed_train" --config study.ini "${long[@]}" --output killed >log_killed 2>&1 &
  local job=$!
  wait_for test -e killed/checkpoint.h5
  local ranks start=$SECONDS status
  mapfile -t ranks < <(pgrep -P $job -f gridfed_train)
  [[ ${#ranks[@]} == 2 ]] || fail "found ${#ranks[@]} ranks of 2"
  kill -KILL "${ranks[1]}"
  wait $job
  status=$?
  ((status != 0)) || fail "a job with a killed rank ended with status 0"
  ((SECONDS - start < 10)) || fail "a job with a killed rank took $((SECONDS - start)) s to end"
  grep -qi 'killed\|signal 9' log_killed || { fail "no message about the killed rank:"; cat log_killed; }
  [[ ! -e killed/metrics.h5 && ! -e killed/policy_record_4_0.h5 ]] || fail "the job was not killed in its middle"
  local file
  for file in killed/*.h5; do
    "$probe" attribute "$file" kind >log || fail "$file is not complete"
  done
  must 1 train "${long[@]}" --output killed
  must_same_policies whole killed 2
  must_same whole/metrics.h5 killed/metrics.h5
}

# Every file repeats its run.
case_repeat() {
  local driver
  for driver in dataset train evaluate; do must 1 $driver --output first --train.variants federated,record_4 --seed 7; done
  "$probe" attribute first/report.h5 deck >report.ini
  "$probe" attribute first/policy_federated_0.h5 deck >policy.ini
  "$probe" attribute first/dataset.h5 deck >dataset.ini
  "$probe" attribute first/metrics.h5 deck >metrics.ini
  for file in policy dataset metrics; do cmp report.ini $file.ini || fail "the decks of report and $file differ"; done
  for driver in dataset train evaluate; do
    run 2 $driver --config report.ini --output second >log 2>&1 || { fail "the embedded deck does not run:"; cat log; }
  done
  must_same first/dataset.h5 second/dataset.h5
  must_same_policies first second 2
  must_same first/metrics.h5 second/metrics.h5
  must_same first/report.h5 second/report.h5
}

# feeder <name> <lines...>: ieee13 with more lines.
feeder() {
  local name=$1
  shift
  { echo "redirect $source/inputs/feeders/ieee13_der.dss"; printf '%s\n' "$@"; } >"$name.dss"
}

# Decks that make no study.
case_wrong_deck() {
  local driver
  for driver in dataset train evaluate; do
    run 1 $driver --help >log 2>&1 || fail "gridfed_$driver --help"
    grep -q -- '--train.variants' log || fail "gridfed_$driver --help shows no options"
    run 2 $driver --config study.ini --dry-run --output dry >log 2>&1 || { fail "gridfed_$driver --dry-run"; cat log; }
    grep -q 'deck ok' log || fail "gridfed_$driver --dry-run does not say deck ok"
  done
  [[ -e dry || -e out ]] && fail "--help and --dry-run must write nothing"

  refused out/dataset.h5 "unknown key 'fed.round' (command line): did you mean 'fed.rounds'?" 2 dataset --config study.ini --output out --fed.round 3
  printf '[data]\nday = 3\n' >typo.ini
  refused out/dataset.h5 "unknown key 'data.day' (typo.ini:2): did you mean 'data.days'?" 2 dataset --config typo.ini --output out
  refused out/dataset.h5 "cannot read deck 'none.ini'" 1 dataset --config none.ini --output out
  refused out/dataset.h5 "bad value 'three' for key 'data.days'" 1 dataset --config study.ini --output out --data.days three
  refused out/dataset.h5 "data.days is 0: it must be at least 1" 1 dataset --config study.ini --output out --data.days 0
  refused out/dataset.h5 "fed.num_clients is 0" 1 dataset --config study.ini --output out --fed.num_clients 0
  refused out/dataset.h5 "study.feeders is empty" 1 dataset --config study.ini --output out --study.feeders ,
  refused out/dataset.h5 "env.actions names 'batery'" 2 dataset --config study.ini --output out --env.actions batery
  local unknown="train.variants names 'federatd': it may list local, pooled, federated"
  refused out/metrics.h5 "$unknown" 2 train --config study.ini --output out --train.variants local,federatd
  refused out/report.h5 "$unknown" 2 evaluate --config study.ini --output out --train.variants local,federatd
  refused out/metrics.h5 "a positive epsilon, such as record_4" 1 train --config study.ini --output out --train.variants record_-1
  refused out/metrics.h5 "a positive epsilon, such as record_4" 1 train --config study.ini --output out --train.variants client_nan

}

# Feeders that make no network.
case_wrong_feeder() {
  local good=$source/inputs/feeders/ieee13_der.dss
  broken() {  # the third client's feeder, so that another rank than the first meets it
    refused out/dataset.h5 "$2" 2 dataset --config study.ini --output out --study.feeders "$good,$good,$1.dss"
    refused out/dataset.h5 "$2" 1 dataset --config study.ini --output out --study.feeders "$1.dss" --dry-run
  }
  broken absent "absent.dss"
  feeder island "new line.far bus1=900 bus2=901 length=1 units=mi linecode=601" "new load.lost bus1=901 phases=3 kv=4.16 kw=100 pf=0.9"
  broken island "has no path to a source"
  feeder nan "new load.bad bus1=671 phases=3 kv=4.16 kw=nan pf=0.9"
  broken nan "nan.dss"
  feeder inf "new load.bad bus1=671 phases=3 kv=4.16 kw=inf pf=0.9"
  broken inf "inf.dss"
  feeder negative "new load.bad bus1=671 phases=3 kv=0 kw=10 pf=0.9"
  broken negative "bad"
}

# Histories of the user's own: a good one is played, a wrong one is refused before anything is simulated.
case_wrong_profile() {
  local hour day
  { echo 'time,load [pu]'
    for day in 01 02 03 04 05 06 07 08 09 10; do
      for hour in {00..23}; do echo "2024-06-$day $hour:00,0.6"; done
    done; } >good.csv
  local deck=(--config study.ini --study.feeders "$source/inputs/feeders/ieee13_der.dss,$source/inputs/feeders/ieee37_der.dss")
  must 2 dataset --output measured --study.profiles good.csv,none
  must 2 dataset --output drawn
  "$probe" same measured/dataset.h5 drawn/dataset.h5 >log && fail "the profile changed nothing"
  wrong() {  # of the second client, so that another rank than the first meets it
    refused out/dataset.h5 "$2" 2 dataset "${deck[@]}" --output out --study.profiles "good.csv,$1"
    refused out/dataset.h5 "$2" 1 dataset "${deck[@]}" --output out --study.profiles "good.csv,$1" --dry-run
  }
  sed 's/2024-06-03 05:00,0.6/2024-06-03 05:00,nan/' good.csv >nan.csv
  wrong nan.csv "nan.csv:55: column 'load [pu]' holds 'nan' at 2024-06-03 05:00: give a finite number"
  grep -v '2024-06-03 05:00' good.csv >gap.csv
  wrong gap.csv "gap.csv:55: 2024-06-03 06:00 follows 2024-06-03 04:00"
  head -73 good.csv >short.csv
  wrong short.csv "'short.csv' has 3 days, of which 0 are for validation"
  wrong absent.csv "cannot read profile 'absent.csv'"
  refused out/dataset.h5 "study.profiles names 1 files and study.feeders 2" 1 dataset "${deck[@]}" --output out --study.profiles good.csv
}

# Datasets that do not belong to the deck.
case_wrong_dataset() {
  must 2 dataset --output out
  local deck=(--config study.ini --output wrong)
  refused wrong/metrics.h5 "cannot read 'wrong/dataset.h5' (there is no such file)" 2 train "${deck[@]}"
  mkdir -p wrong
  head -c 5000 out/dataset.h5 >wrong/dataset.h5
  refused wrong/metrics.h5 "cannot read 'wrong/dataset.h5'" 2 train "${deck[@]}"
  echo "no data" >wrong/dataset.h5
  refused wrong/metrics.h5 "it is not an HDF5 file" 2 train "${deck[@]}"
  cp out/dataset.h5 wrong/dataset.h5
  "$probe" poison wrong/dataset.h5 /client_002/rewards || fail "cannot poison"
  refused wrong/metrics.h5 "'wrong/dataset.h5': /client_002/rewards holds a value that is not finite in row 5" 2 train "${deck[@]}"
  must 1 dataset --output fewer --fed.num_clients 2
  refused wrong/metrics.h5 "'fewer/dataset.h5' holds 2 clients, the deck names 3: generate it with this deck" 2 train "${deck[@]}" --data.file fewer/dataset.h5
  refused wrong/metrics.h5 "generate the data with this deck" 2 train "${deck[@]}" --data.file out/dataset.h5 --env.actions battery
  refused wrong/metrics.h5 "holds action 'zone1.curtailment [-1..1]'" 2 train "${deck[@]}" --data.file out/dataset.h5 \
    --env.actions battery,reactive,tap
  refused wrong/metrics.h5 "holds data of feeder" 2 train "${deck[@]}" --data.file out/dataset.h5 \
    --study.feeders "$source/inputs/feeders/ieee37_der.dss"
  [[ $(ls wrong) == dataset.h5 ]] || fail "refused trainings left: $(ls wrong)"

}

# Policies that do not belong to the deck.
case_wrong_policy() {
  must 2 dataset --output out
  refused wrong/report.h5 "cannot read 'wrong/policy_local_0.h5' (there is no such file)" 2 evaluate --config study.ini --output wrong
  must 2 train --output out --train.variants local
  local deck=(--config study.ini --output out --train.variants local)
  refused out/report.h5 "'out/policy_local_0.h5' holds policies of 3 clients, the deck names 2" 2 evaluate "${deck[@]}" --fed.num_clients 2
  refused out/report.h5 "train again with this deck" 2 evaluate "${deck[@]}" --env.actions battery
  refused out/report.h5 "cannot read 'out/policy_local_1.h5'" 2 evaluate "${deck[@]}" --train.seeds 2
  cp out/policy_local_0.h5 whole.h5
  head -c 2000 whole.h5 >out/policy_local_0.h5
  refused out/report.h5 "cannot read 'out/policy_local_0.h5'" 2 evaluate "${deck[@]}"
  cp out/dataset.h5 out/policy_local_0.h5
  refused out/report.h5 "is a dataset file" 2 evaluate "${deck[@]}"
}

# Where nothing can go on later, a signal or the walltime ends the work with a sentence.
case_no_time() {
  refused out/dataset.h5 "the walltime is over" 2 dataset --config study.ini --output out --walltime 0.001
  must 2 dataset --output out
  must 2 train --output out --train.variants local
  refused out/report.h5 "the walltime is over" 2 evaluate --config study.ini --output out --train.variants local --walltime 0.001
  "$drivers/gridfed_dataset" --config study.ini --data.days 100000 --output never >log 2>&1 &
  local job=$!
  wait_for grep -q 'simulate days' log
  kill -TERM $job
  wait $job
  [[ $? == 1 && $(<log) == *"a signal asked for it"* && ! -e never/dataset.h5 ]] || { fail "SIGTERM did not end the simulation"; cat log; }
}

"case_$case"
echo "study checks failed in $case: $failures"
exit $((failures > 0))
