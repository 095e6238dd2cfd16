#!/usr/bin/env python3
"""Times OpenDSS (dss-python) and power-grid-model on the cases of the power-flow benchmark, one thread each.

Usage: bench_powerflow_peers.py OUT.json [--ieee8500 MASTER.dss] [--seconds 2] [--quick]

Run by the Python of ./gridfed peers. Writes rows {case, seconds, iterations, who, version, what}; seconds is the median over repetitions of
one solve (cases series.*: of the whole simulation), after the circuit was parsed, Y factorised and caches warmed by two solves. `what` says
what lies between the two clock readings.

Cases, FEEDER/CASE[/TOLERANCE]:
  cold         controls off, node voltages put back to no load, Y kept: injections and substitutions alone
  cold_own     the same from OpenDSS's own no-load start (SolutionInitialized = False)
  cold_full    the same with Y marked as changed: the system is built and factorised again
  warm         controls off, from the solution of the same loads
  tap          one tap changed by a step, re-solved from the last solution: Y changed and factorised, see `what`
  static       every tap at 0 and the capacitors as in the script, own no-load start, static controls until none acts
  batch        one of many solves with all loads scaled by another factor
  series.HOURS so many hours in a row, a daily load shape on every load, static controls; 8760 only with --year or where a week promises
               less than two minutes for it
"""

import argparse
import json
import random
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from radial_feeder import KV, MUTUAL_C, MUTUAL_R, MUTUAL_X, SELF_C, SELF_R, SELF_X, radial_feeder, script

FEEDERS = Path(__file__).resolve().parent.parent / "inputs" / "feeders"
BATCH = 200
DAY = [0.55, 0.52, 0.5, 0.49, 0.5, 0.55, 0.65, 0.75, 0.8, 0.8, 0.79, 0.78]
DAY += [0.77, 0.76, 0.76, 0.78, 0.83, 0.92, 1.0, 0.98, 0.93, 0.85, 0.72, 0.62]


def batch_factors():
    rng = random.Random(1)
    return [rng.uniform(0.5, 1.2) for _ in range(BATCH)]


class Timings:
    def __init__(self, budget):
        self.budget, self.rows = budget, []

    def measure(self, case, who, what, work, reset=lambda: None, iterations=lambda: None, repetitions=None):
        """Median of work() after reset(), which is not timed."""
        for _ in range(0 if repetitions else 2):
            reset()
            work()
        spent, times = 0.0, []
        while len(times) < (repetitions or 5) or (not repetitions and spent < self.budget and len(times) < 1000):
            reset()
            start = perf_counter()
            work()
            times.append(perf_counter() - start)
            spent += times[-1]
        self.add(case, who, what, median(times), iterations(), len(times))

    def add(self, case, who, what, seconds, iterations, repetitions):
        package = {"OpenDSS": "dss-python", "power-grid-model": "power-grid-model"}[who]
        self.rows.append(
            dict(case=case, seconds=seconds, iterations=iterations, who=who, version=version(package), repetitions=repetitions, what=what)
        )
        print(f"{case:32} {who:18} {seconds:12.6f} s {iterations or '':>5}  {what}", flush=True)


class OpenDss:
    """A compiled circuit; its node voltages can be put back."""

    def __init__(self, path):
        from dss import DSS

        DSS.AllowForms = False
        DSS.AllowChangeDir = False
        self.dss, self.text = DSS, DSS.Text
        self.text.Command = f'compile "{path}"'
        self.command("set controlmode=off", "set maxiterations=500")
        self.circuit = DSS.ActiveCircuit
        self.solution = self.circuit.Solution
        self.solve()

    def command(self, *commands):
        for command in commands:
            self.text.Command = command

    def solve(self):
        self.solution.Solve()
        if not self.solution.Converged:
            raise RuntimeError("OpenDSS did not converge")

    def voltages(self):
        count = 2 * (self.circuit.NumNodes + 1)
        ffi = self.dss._api_util.ffi
        return np.frombuffer(ffi.buffer(self.dss.YMatrix.GetVPointer(), 8 * count), dtype=float)

    def no_load(self):
        """Node voltages with every load scaled to almost nothing."""
        self.command("set loadmult=1e-9")
        self.solve()
        saved = self.voltages().copy()
        self.command("set loadmult=1")
        self.solve()
        return saved

    def taps_to_zero(self):
        """The regulated windings at nominal, capacitors in service."""
        for regulator in self.circuit.RegControls:
            self.circuit.Transformers.Name = regulator.Transformer
            self.circuit.Transformers.Wdg = regulator.TapWinding
            self.circuit.Transformers.Tap = 1.0
        for capacitor in self.circuit.Capacitors:
            capacitor.States = [1] * capacitor.NumSteps

    def forget(self):
        self.dss.YMatrix.SolutionInitialized = False
        self.command("reset controls")

    def forget_all(self):
        self.forget()
        self.dss.YMatrix.SystemYChanged = True


def opendss_cases(name, path, timings, tolerances, quick, year=False):
    who = "OpenDSS"
    dss = OpenDss(path)
    iterations = lambda: dss.solution.Iterations  # noqa: E731
    no_load = dss.no_load()

    def put_back():
        dss.voltages()[:] = no_load

    for tolerance in tolerances:
        dss.command(f"set tolerance={tolerance}")
        for case, what, reset in (
            ("cold", "from no-load node voltages, Y kept", put_back),
            ("cold_own", "with its own no-load start, Y kept", dss.forget),
            ("cold_full", "with its own no-load start, Y rebuilt", dss.forget_all),
            ("warm", "from the solution, nothing changed", lambda: None),
        ):
            timings.measure(f"{name}/{case}/{tolerance}", who, f"Solution.Solve {what}", dss.solve, reset, iterations)

    factors = batch_factors()

    def batch():
        for factor in factors:
            dss.solution.LoadMult = factor
            dss.solve()

    for tolerance in ("1e-4", "1e-8"):
        dss.command(f"set tolerance={tolerance}")
        batch()
        start = perf_counter()
        batch()
        seconds = (perf_counter() - start) / BATCH
        what = "LoadMult set and Solution.Solve, each from the solution before"
        timings.add(f"{name}/batch/{tolerance}", who, what, seconds, iterations(), BATCH)
    dss.solution.LoadMult = 1

    if len(dss.circuit.RegControls) > 0:
        regulator = next(iter(dss.circuit.RegControls))
        transformer = regulator.Transformer
        dss.circuit.Transformers.Name = transformer
        dss.circuit.Transformers.Wdg = regulator.TapWinding
        taps = [1.0, 1.00625]
        step = 0

        def tap():
            nonlocal step
            step += 1
            dss.circuit.Transformers.Name = transformer
            dss.circuit.Transformers.Tap = taps[step % 2]
            dss.solve()

        for tolerance in tolerances:
            dss.command(f"set tolerance={tolerance}")
            for option, words in ((0, "default solver options"), (2, "SolverOptions = ReuseSymbolicFactorization")):
                dss.dss.YMatrix.SolverOptions = option
                what = f"Transformers.Tap set and Solution.Solve, {words}"
                timings.measure(f"{name}/tap/{tolerance}", who, what, tap, iterations=iterations)
            dss.dss.YMatrix.SolverOptions = 0

        def neutral():
            dss.taps_to_zero()
            dss.forget()

        dss.command("set controlmode=static", "set maxcontroliter=100")
        for tolerance in tolerances:
            dss.command(f"set tolerance={tolerance}")
            timings.measure(
                f"{name}/static/{tolerance}",
                who,
                "Solution.Solve, static controls, own no-load start; iterations: control iterations",
                dss.solve,
                neutral,
                lambda: dss.solution.ControlIterations,
            )

    if name == "ieee8500":
        dss.command(f"new loadshape.benchmark_day npts=24 interval=1 mult=({' '.join(map(str, DAY))})")
        dss.command("batchedit load..* daily=benchmark_day")
        dss.command("set tolerance=1e-4", "set mode=daily stepsize=1h controlmode=static", "set maxcontroliter=100")

        def simulate(hours):
            dss.taps_to_zero()
            dss.forget()
            dss.command(f"set number={hours}", "set hour=0")
            start = perf_counter()
            dss.solve()
            return perf_counter() - start

        what = "Solution.Solve, mode=daily, controls static, tolerance 1e-4, taps from 0"
        simulate(24)
        for hours in (24, 168):
            seconds = simulate(hours)
            timings.add(f"{name}/series.{hours}/1e-4", who, what, seconds, None, 1)
        if not quick and (year or seconds * 8760 / 168 < 120):
            timings.add(f"{name}/series.8760/1e-4", who, what, simulate(8760), None, 1)


def pgm_input(feeder):
    """The radial feeder as power-grid-model input, whose buses all have three phases: a lateral's other two carry neither load nor charging."""
    from power_grid_model import ComponentType, DatasetType, LoadGenType, initialize_array

    buses, branches = feeder.buses, feeder.branches

    def array(component, size):
        return initialize_array(DatasetType.input, component, size)

    node = array(ComponentType.node, buses)
    node["id"], node["u_rated"] = np.arange(buses), KV * 1e3
    source = array(ComponentType.source, 1)
    z = abs(complex(0.05, 0.5))
    source["id"], source["node"], source["status"], source["u_ref"] = 10 * buses, 0, 1, 1.03
    source["sk"], source["rx_ratio"], source["z01_ratio"] = (KV * 1e3) ** 2 / z, 0.1, 1
    line = array(ComponentType.asym_line, len(branches))
    line["id"] = buses + np.arange(len(branches))
    line["from_node"], line["to_node"] = [b.parent for b in branches], np.arange(1, buses)
    line["from_status"] = line["to_status"] = 1
    length = np.array([b.kilometres for b in branches])
    three = np.array([len(b.phases) == 3 for b in branches])
    for i, p in enumerate("abc"):
        present = np.array([i + 1 in b.phases for b in branches])
        line[f"r_{p}{p}"], line[f"x_{p}{p}"] = SELF_R * length, SELF_X * length
        line[f"c_{p}{p}"] = SELF_C * 1e-9 * length * present
        for q in "abc"[:i]:
            coupled = length * three
            line[f"r_{p}{q}"], line[f"x_{p}{q}"], line[f"c_{p}{q}"] = MUTUAL_R * coupled, MUTUAL_X * coupled, MUTUAL_C * 1e-9 * coupled
    load = array(ComponentType.asym_load, len(feeder.loads))
    load["id"], load["node"], load["status"] = 2 * buses + np.arange(len(feeder.loads)), np.arange(1, buses), 1
    load["type"] = LoadGenType.const_power
    for bus, powers in enumerate(feeder.loads):
        for key, part in (("p_specified", 0), ("q_specified", 1)):
            load[key][bus] = [1e3 * powers[p][part] if p in powers else 0.0 for p in (1, 2, 3)]
    return {ComponentType.node: node, ComponentType.source: source, ComponentType.asym_line: line, ComponentType.asym_load: load}


def pgm_cases(name, feeder, reference, timings):
    from power_grid_model import CalculationMethod, ComponentType, DatasetType, PowerGridModel, initialize_array

    who = "power-grid-model"
    data = pgm_input(feeder)
    model = PowerGridModel(data, system_frequency=60.0)
    load = data[ComponentType.asym_load]
    factors = np.array(batch_factors())
    update = initialize_array(DatasetType.update, ComponentType.asym_load, (BATCH, len(load)))
    update["id"] = load["id"]
    for key in ("p_specified", "q_specified"):
        update[key] = load[key] * factors[:, None, None]
    for method in (CalculationMethod.iterative_current, CalculationMethod.newton_raphson):
        for tolerance in (1e-4, 1e-8):

            def solve(**more):
                return model.calculate_power_flow(
                    symmetric=False, error_tolerance=tolerance, max_iterations=100, calculation_method=method, threading=-1,
                    output_component_types=[ComponentType.node], **more,
                )  # fmt: skip

            volts = solve()[ComponentType.node]["u"]
            error = max(abs(volts[bus][phase - 1] / volt - 1) for (bus, phase), volt in reference.items())
            if not error < max(1e-5, 10 * tolerance):
                raise RuntimeError(f"{name}: power-grid-model and OpenDSS differ by {error}: the conversion is wrong")
            what = f"calculate_power_flow(symmetric=False, {method.name}), flat start, node output; voltages within {error:.0e} of OpenDSS"
            timings.measure(f"{name}/cold/{tolerance:.0e}".replace("e-0", "e-"), who, what, solve)

            def batch():
                return solve(update_data={ComponentType.asym_load: update})

            batch()
            start = perf_counter()
            batch()
            what = f"the same in one batch of {BATCH}, threading=-1, every scenario from a flat start"
            seconds = (perf_counter() - start) / BATCH
            timings.add(f"{name}/batch/{tolerance:.0e}".replace("e-0", "e-"), who, f"{method.name}: {what}", seconds, None, BATCH)


def opendss_magnitudes(path):
    dss = OpenDss(path)
    dss.command("set tolerance=1e-9")
    dss.solve()
    magnitudes = dict(zip(dss.circuit.AllNodeNames, dss.circuit.AllBusVmag))
    return {(int(n.split(".")[0][1:]), int(n.split(".")[1])): v for n, v in magnitudes.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--ieee8500", type=Path, help="Master.dss of the 8500-node feeder, which the project does not carry")
    parser.add_argument("--seconds", type=float, default=2.0, help="time spent on each measurement")
    parser.add_argument("--year", action="store_true", help="a year of hours however long it takes")
    parser.add_argument("--quick", action="store_true", help="no year, no feeder of 10 001 buses")
    options = parser.parse_args()
    timings = Timings(options.seconds)
    for name in ("ieee37", "ieee123"):
        opendss_cases(name, FEEDERS / f"{name}.dss", timings, ("1e-4", "1e-8"), options.quick)
    if options.ieee8500:
        opendss_cases("ieee8500", options.ieee8500.resolve(), timings, ("1e-4", "1e-8"), options.quick, options.year)
    with TemporaryDirectory() as folder:
        for buses in (1001,) if options.quick else (1001, 10001):
            feeder = radial_feeder(buses)
            path = Path(folder) / f"radial{buses}.dss"
            path.write_text(script(feeder))
            opendss_cases(f"radial{buses}", path, timings, ("1e-4", "1e-8", "1e-10"), options.quick)
            pgm_cases(f"radial{buses}", feeder, opendss_magnitudes(path), timings)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(timings.rows, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
