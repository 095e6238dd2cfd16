#!/usr/bin/env bash
# Usage: test_foreign.sh <gridfed_train> <gridfed_evaluate> <rl_known_optimum> <h5_probe> <policy_probe> <source folder> <mpirun> [mpirun flags...]
# Training on a dataset of any origin, without a grid: a policy that the NumPy reader runs alike, refusals, divergence, resume.
set -uo pipefail
train=$(realpath "$1") evaluate=$(realpath "$2") generator=$(realpath "$3") probe=$(realpath "$4") policy_probe=$(realpath "$5") source=$6
shift 6
mpirun=("$@")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
deck=(--study.feeders none --fed.num_clients 1 --fed.aggregation none --train.variants local --fed.rounds 4 --fed.local_sgd_steps 20
  --rl.hidden_dims 16,16 --rl.batch_size 32 --train.validate_every 2 --train.checkpoint_every 1)
# must_fail <status> <text> [options...]
must_fail() {
  local expected=$1 text=$2
  shift 2
  "$train" "${deck[@]}" "$@" >log 2>&1
  local status=$?
  [[ $status == "$expected" && $(<log) == *"$text"* ]] || { fail "$*: status $status, expected $expected and '$text':"; tail -5 log; }
}

"$generator" --problems limit --export costly.h5 >log 2>&1 || { fail "no dataset with costs"; cat log; }
"$generator" --problems pendulum --export foreign.h5 >log 2>&1 || { fail "no dataset"; cat log; }

# Every algorithm trains, says first what the data covers, and stops and resumes bit for bit on another number of ranks.
for algorithm in iql cql td3_bc bc; do
  "$train" "${deck[@]}" --data.file foreign.h5 --rl.algorithm $algorithm --train.normalise_observations true --output $algorithm >log 2>&1 ||
    { fail "training with $algorithm"; tail -5 log; }
  [[ $(grep -n 'transitions=' log | head -1 | cut -d: -f1) -lt $(grep -n 'round=' log | head -1 | cut -d: -f1) ]] || fail "no coverage before training"
  grep -q 'validation_critic_loss=' log || fail "no validation losses"
  "$train" "${deck[@]}" --data.file foreign.h5 --rl.algorithm $algorithm --train.normalise_observations true --output parts_$algorithm --walltime 0.001 >log 2>&1
  [[ -e parts_$algorithm/checkpoint.h5 ]] || fail "no checkpoint of $algorithm"
  "${mpirun[@]}" -n 2 "$train" "${deck[@]}" --data.file foreign.h5 --rl.algorithm $algorithm --train.normalise_observations true --output parts_$algorithm >log 2>&1
  "$probe" same $algorithm/policy_local_0.h5 parts_$algorithm/policy_local_0.h5 || fail "$algorithm resumed is another"
done

# A module for LibTorch stands beside the policies where it is asked for.
"$train" "${deck[@]}" --data.file foreign.h5 --rl.algorithm bc --train.torchscript true --output scripted >log 2>&1 || { fail "TorchScript"; tail -5 log; }
/usr/bin/python3 -c 'import sys, zipfile; f = zipfile.ZipFile(sys.argv[1]); sys.exit(not any(b"tanh" in f.read(n) for n in f.namelist()))' \
  scripted/policy_local_0_client_000.pt || fail "no module, or none with code"

# So do a safety critic and its multiplier, while violations are drawn more often.
for algorithm in iql cql td3_bc; do
  safe=(--data.file costly.h5 --rl.algorithm $algorithm --rl.safety_critic true --rl.cost_limit 0.05 --rl.safety_weight 2
    --train.augment_safety_violations 0.5)
  "$train" "${deck[@]}" "${safe[@]}" --output safe_$algorithm >log 2>&1 || { fail "safe training with $algorithm"; tail -5 log; }
  grep -q 'cost=.* multiplier=' log || { fail "no cost said with $algorithm"; cat log; }
  "$train" "${deck[@]}" "${safe[@]}" --output parts_safe_$algorithm --walltime 0.001 >log 2>&1
  [[ -e parts_safe_$algorithm/checkpoint.h5 ]] || fail "no checkpoint of safe $algorithm"
  "${mpirun[@]}" -n 2 "$train" "${deck[@]}" "${safe[@]}" --output parts_safe_$algorithm >log 2>&1
  "$probe" same safe_$algorithm/policy_local_0.h5 parts_safe_$algorithm/policy_local_0.h5 || fail "safe $algorithm resumed is another"
done
must_fail 1 "rl.cost_limit is 0.1 and no safety critic looks at costs" --data.file costly.h5 --rl.cost_limit 0.1 --output out
must_fail 1 "'foreign.h5': no transition has a positive cost" --data.file foreign.h5 --train.augment_safety_violations 0.5 --output out

# Fitted Q evaluation stands beside the policy.
"$train" "${deck[@]}" --data.file foreign.h5 --train.evaluation_fits 2 --rl.discount 0.9 --output judged >log 2>&1 || { fail "evaluation"; tail -5 log; }
grep -q 'fitted_return=.* lower_bound=.* recorded_return=-' log || { fail "no evaluation said"; cat log; }

# Trained policies are judged from data alone, and an operator's demands decide the exit status; the answer is the same on two ranks.
judge=(--data.file costly.h5 --output safe_iql --rl.updates 200 --rl.discount 0.9 --rl.algorithm iql --train.augment_safety_violations 0.5)
# must_judge <status> <text> [options...]
must_judge() {
  local expected=$1 text=$2
  shift 2
  "$evaluate" "${deck[@]}" "${judge[@]}" "$@" >log 2>&1
  local status=$?
  [[ $status == "$expected" && $(<log) == *"$text"* ]] || { fail "judging $*: status $status, expected $expected and '$text':"; tail -5 log; }
}
must_judge 0 "policy=local_0_client_000 return=-" --require-lower-bound -1000
cp log one_rank
"${mpirun[@]}" -n 2 "$evaluate" "${deck[@]}" "${judge[@]}" --require-lower-bound -1000 >log 2>&1
diff <(grep '^policy=' one_rank) <(grep '^policy=' log) || fail "two ranks judge otherwise"
must_judge 2 "policy local_0_client_000 is not to be used: its return may be as low as -" --require-lower-bound 0
must_judge 2 "fitted Q evaluation tells no conditional value at risk" --require-cvar -1000
for estimator in per_decision weighted doubly_robust; do
  must_judge 0 "cvar=" --evaluate.estimator $estimator --evaluate.policy_deviation 0.3 --require-cvar -1000 --require-lower-bound -1000
  must_judge 2 "the worst 10 % return -" --evaluate.estimator $estimator --evaluate.policy_deviation 0.3 --require-cvar 0
done
must_judge 1 "require-cvar is 'much'" --require-cvar much
must_fail 0 "done" --data.file foreign.h5 --output bare
judge=(--data.file foreign.h5 --output bare --rl.updates 50)
must_judge 1 "'foreign.h5' holds no action_log_probs" --evaluate.estimator weighted

# A run that diverges ends with status 2 and leaves its last good policy.
must_fail 2 "client 0 diverged" --data.file foreign.h5 --output wild --rl.learning_rate 1e20
must_fail 2 "client 0 diverged" --data.file costly.h5 --output wild_safe --rl.safety_critic true --rl.cost_limit 0.05 --rl.critic_learning_rate 1e20
"$probe" attribute wild_safe/policy_local_0.h5 kind >log || fail "a diverged run with a safety critic left no policy"
"$probe" attribute wild/policy_local_0.h5 kind >log || fail "a diverged run left no policy"

# Faults of the data end in one sentence with name, row and remedy, before anything is written.
must_fail 1 "study.feeders is none but data.file names no dataset" --output out
/usr/bin/python3 - <<'PYTHON' || fail "python cannot make the faulty files"
import shutil
import h5py
import numpy as np
def change(name, work):
    shutil.copy("foreign.h5", name)
    with h5py.File(name, "r+") as file:
        work(file)
def replace(file, name, values):
    del file[name]
    file[name] = values
change("nan.h5", lambda f: f["rewards"].__setitem__(7, np.nan))
change("constant.h5", lambda f: f["observations"].__setitem__((slice(None), 1), 3.0))
change("dtype.h5", lambda f: replace(f, "actions", np.full(f["actions"].shape, b"left")))
change("short.h5", lambda f: replace(f, "rewards", f["rewards"][:-3]))
change("range.h5", lambda f: f["actions"].__setitem__((5, 0), 2.0))
def one(file):
    file["terminals"][:] = 0
    file["timeouts"][:] = 0
change("one.h5", one)
PYTHON
must_fail 1 "'nan.h5': /rewards holds a value that is not finite in row 7: remove the row" --data.file nan.h5 --output out
must_fail 1 "'constant.h5': column 1 of observations is 3 in all" --data.file constant.h5 --output out
must_fail 1 "cannot read '/actions' of 'dtype.h5' as real numbers" --data.file dtype.h5 --output out
must_fail 1 "'short.h5': /rewards does not have one row of 1 for each of the" --data.file short.h5 --output out
must_fail 1 "'range.h5': row 5 of actions holds 2 in column 0, beyond [-1, 1]" --data.file range.h5 --output out
must_fail 1 "'one.h5' holds a single episode of" --data.file one.h5 --output out
[[ ! -e out/metrics.h5 ]] || fail "a refused dataset left metrics"

# The NumPy reader acts as the policy does in C++.
for observation in "0.5 -0.25 0.125" "-1 0 0" "0.1 0.99 -0.9"; do
  for algorithm in iql cql td3_bc bc; do
    read -ra values <<<"$observation"
    /usr/bin/python3 "$source/postprocess/policy.py" $algorithm/policy_local_0.h5 "${values[@]}" >numpy.txt || fail "policy.py"
    "$policy_probe" $algorithm/policy_local_0.h5 "${values[@]}" >cpp.txt || fail "policy_probe"
    /usr/bin/python3 -c 'import sys; a, b = (float(open(f).read()) for f in ("numpy.txt", "cpp.txt")); sys.exit(not abs(a - b) < 1e-6)' ||
      fail "NumPy acts $(<numpy.txt) and C++ $(<cpp.txt) for $algorithm"
  done
done
echo "foreign data: $failures failures"
exit $((failures > 0))
