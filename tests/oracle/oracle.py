#!/usr/bin/env python3
"""Compares the power flow with OpenDSS on random networks: every node voltage to 1e-6, source power and losses to 1e-5.

Usage: oracle.py POWERFLOW OUTPUT_FOLDER [--networks 100] [--first-seed 0]

Both engines read the same script, controls off, at their tightest tolerance. What the driver writes of a third of the networks, as a script
and as tables, is read back and must have the same solution, to 1e-7. A network for which OpenDSS finds no solution is not judged,
and a further one takes its place: a load sits at a voltage limit where its model jumps, and both engines swing from one side to the other.
Scripts on which the two disagree stay in the output folder. Exit status 77 where dss-python is not installed.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

from networks import RandomNetwork

SKIPPED = 77
VOLTAGE_TOLERANCE = 1e-6  # of the node's voltage, or of a tenth of the bus's base if that is more
WRITING_TOLERANCE = 1e-7
POWER_TOLERANCE = 1e-5  # of the larger of the value and a thousandth of the apparent source power


class Unsolved(Exception):
    """OpenDSS gives no solution to compare with."""


def opendss_solution(dss, script, controls="off"):
    """Voltages by node [V], their bases [V], source power and losses [VA]."""
    dss.Text.Command = f'compile "{script}"'
    for command in (f"set controlmode={controls}", "set maxiterations=2000", "set tolerance=1e-11"):
        dss.Text.Command = command
    circuit = dss.ActiveCircuit
    try:
        for _ in range(4):
            circuit.Solution.Solve()
    except Exception as problem:
        raise Unsolved(str(problem).splitlines()[0]) from problem
    if not circuit.Solution.Converged:
        # Where only parts per million tie a level to ground, rounding noise lies above the tightest tolerance.
        dss.Text.Command = "set tolerance=1e-9"
        for _ in range(4):
            circuit.Solution.Solve()
    if not circuit.Solution.Converged:
        raise Unsolved("no convergence")
    flat = circuit.AllBusVolts
    volts = dict(zip((n.upper() for n in circuit.AllNodeNames), flat[0::2] + 1j * flat[1::2]))
    bases = {bus.Name.upper(): 1e3 * bus.kVBase for bus in circuit.Buses}
    source, losses = circuit.TotalPower, circuit.Losses
    return volts, bases, -1e3 * complex(*source), complex(*losses)


WRITTEN = ("written.dss", "written.h5")


def own_solution(powerflow, script, folder, controls="off", write=False):
    """As above from the project's driver, which writes the network on request; complains in words where that fails."""
    files = {what: folder / f"{what}.csv" for what in ("voltages", "summary")}
    command = [powerflow, "--feeder", script, "--controls", controls, "--tolerance", "1e-11", "--powerflow.max_iterations", "2000"]
    for what, path in files.items():
        path.unlink(missing_ok=True)
        command += [f"--{what}", path]
    if write:
        command += ["--write-feeder", folder / WRITTEN[0], "--write-network", folder / WRITTEN[1]]
    outcome = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    if outcome.returncode != 0:
        raise RuntimeError((outcome.stderr.strip() or outcome.stdout.strip()).splitlines()[-1])
    with open(files["voltages"]) as file:
        volts = {row["node"]: complex(float(row["v_real_V"]), float(row["v_imag_V"])) for row in csv.DictReader(file)}
    with open(files["summary"]) as file:
        row = next(csv.DictReader(file))
    kilo = {key: complex(float(row[f"{key}_p_kW"]), float(row[f"{key}_q_kvar"])) for key in ("source", "losses")}
    return volts, 1e3 * kilo["source"], 1e3 * kilo["losses"]


def disagreement(theirs, ours):
    """The worst disagreement in words, or None; and the largest relative error of a voltage."""
    volts, bases, source, losses = theirs
    own_volts, own_source, own_losses = ours
    # Nodes on which only open conductors land are not nodes here; OpenDSS keeps them, tied by 1e-12 S.
    dead = {node for node in volts.keys() - own_volts.keys() if abs(volts[node]) < 1e-3}
    volts = {node: value for node, value in volts.items() if node not in dead}
    if volts.keys() != own_volts.keys():
        return f"nodes differ: {sorted(volts.keys() ^ own_volts.keys())[:6]}", float("inf")

    def error(node):
        base = bases[node.rsplit(".", 1)[0]]
        return abs(own_volts[node] - volts[node]) / max(abs(volts[node]), 0.1 * base)

    node = max(volts, key=error)
    worst = error(node)
    if not worst <= VOLTAGE_TOLERANCE:
        return f"voltage of {node} differs by {worst:.2e}: {own_volts[node]:.9g}, OpenDSS {volts[node]:.9g}", worst
    for name, own, reference in (("source power", own_source, source), ("losses", own_losses, losses)):
        if not abs(own - reference) <= POWER_TOLERANCE * max(abs(reference), 1e-3 * abs(source)):
            return f"{name} differ: {own:.9g}, OpenDSS {reference:.9g}", worst
    return None, worst


def lost_in_writing(powerflow, folder, solution, bases):
    """What the written forms of a network, read back and solved, make of its solution, in words, or None."""
    volts = solution[0]
    for name in WRITTEN:
        again = own_solution(powerflow, folder / name, folder)[0]
        if again.keys() != volts.keys():
            return f"{name}: nodes differ: {sorted(again.keys() ^ volts.keys())[:6]}"
        for node, value in volts.items():
            scale = max(abs(value), 0.1 * bases[node.rsplit(".", 1)[0]])
            if not abs(again[node] - value) <= WRITING_TOLERANCE * scale:
                return f"{name}: voltage of {node} is {again[node]:.9g}, was {value:.9g}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("powerflow", type=lambda name: Path(name).resolve())
    parser.add_argument("output", type=Path)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    try:
        from dss import DSS as dss
    except ImportError:
        print("skipped: dss-python is not installed (./gridfed peers does that)")
        return SKIPPED
    dss.AllowForms = False
    dss.AllowEditor = False

    options.output.mkdir(parents=True, exist_ok=True)
    output = options.output.resolve()
    for old in output.glob("random_*.dss"):
        old.unlink()
    judged, failed, unsolved, nodes, worst, seed = 0, 0, [], 0, 0.0, options.first_seed
    while judged < options.networks:
        script = output / f"random_{seed}.dss"
        network = RandomNetwork(seed)
        script.write_text(network.script)
        controls = "static" if network.controlled else "off"
        try:
            theirs = opendss_solution(dss, script, controls)
        except Unsolved as reason:
            unsolved.append(f"{seed}: {reason}")
            script.unlink()
            if len(unsolved) > options.networks:
                break
            seed += 1
            continue
        try:
            ours = own_solution(options.powerflow, script, output, controls, write=True)
            problem, largest = disagreement(theirs, ours)
            # Tables hold the network before its controls acted, and a solution after them may not be the one that a cold start finds.
            if not problem and not network.controlled and seed % 3 == 0:
                problem = lost_in_writing(options.powerflow, output, ours, theirs[1])
        except RuntimeError as error:
            problem, largest = str(error), float("inf")
        judged += 1
        nodes += len(theirs[0])
        if problem:
            failed += 1
            print(f"{script.name}: {problem}", flush=True)
        else:
            worst = max(worst, largest)
            script.unlink()
        seed += 1
    for reason in unsolved:
        print(f"not judged, OpenDSS finds no solution of seed {reason}")
    print(
        f"{judged} networks, {nodes} nodes, {failed} disagree; largest voltage error of the others {worst:.1e}; "
        f"{len(unsolved)} without an OpenDSS solution"
    )
    return 1 if failed or judged < options.networks else 0


if __name__ == "__main__":
    sys.exit(main())
