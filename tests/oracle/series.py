#!/usr/bin/env python3
"""Compares simulations in time, inverter controls and storage with OpenDSS, step by step.

Usage: series.py POWERFLOW OUTPUT_FOLDER [--case NAME]

Each case is a script that both engines read. At every step taps and banks in service are the same and voltages agree to 1e-6. Exit status
77 where dss-python or h5py is not installed.
"""

import argparse
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
TOLERANCE = 1e-6  # of the node's voltage, or of a tenth of the bus's base if that is more
FEEDERS = Path(__file__).resolve().parents[2] / "inputs" / "feeders"

DAY = "0.55 0.52 0.5 0.49 0.5 0.55 0.65 0.75 0.8 0.8 0.79 0.78 0.77 0.76 0.76 0.78 0.83 0.92 1.0 0.98 0.93 0.85 0.72 0.62"
SUN = "0 0 0 0 0 0 0.05 0.2 0.4 0.6 0.75 0.9 1 1 0.95 0.85 0.7 0.5 0.3 0.1 0 0 0 0"
SHAPES = f"""
new loadshape.day npts=24 interval=1 mult=({DAY})
new loadshape.sun npts=24 interval=1 mult=({SUN})
new loadshape.swing npts=7 minterval=10 mult=(0.4 1.1 0.9 0.3 1.2 0.7 0.5) qmult=(0.5 1.0 0.8 0.4 1.2 0.6 0.5)
new loadshape.ramp npts=4 hour=(0 0.2 0.7 1) mult=(0.3 1.2 0.5 0.8)
new loadshape.dispatch npts=8 interval=1 mult=(0.5 0 -0.7 -1 0.2 1 0.9 -0.3)
"""
CURVES = """
new xycurve.vv npts=6 xarray=[0.5 0.92 0.98 1.02 1.08 1.5] yarray=[1 1 0 0 -1 -1]
new xycurve.open npts=4 xarray=[0.94 0.99 1.01 1.06] yarray=[0.44 0 0 -0.44]
new xycurve.vw npts=3 xarray=[0.5 1.0 1.06] yarray=[1 1 0.2]
"""
TIGHT = "deltaq_factor=0.3 deltap_factor=0.3 voltagechangetolerance=1e-10 varchangetolerance=1e-8 activepchangetolerance=1e-8"
WEAK = """
clear
new circuit.weak basekv=12.47 pu={pu} mvasc3=40 mvasc1=30
new line.l bus1=sourcebus bus2=b length=3 units=km r1=0.3 x1=0.5 r0=0.6 x0=1.4 c1=0 c0=0
new line.m bus1=b.1.2 bus2=c.1.2 phases=2 length=2 units=km rmatrix=[0.4 | 0.1 0.4] xmatrix=[0.6 | 0.2 0.6] cmatrix=[0 | 0 0]
new load.x bus1=b kv=12.47 kw=300 kvar=90 vminpu=0.8 vmaxpu=1.2 daily=day
new load.y bus1=c.2 phases=1 kv=7.2 kw=60 kvar=20 vminpu=0.8 vmaxpu=1.2 daily=day
"""
PLANTS = """
new pvsystem.p bus1=b kv=12.47 kva=1000 pmpp=900 vminpu=0.7 vmaxpu=1.3 {more}
new pvsystem.q bus1=c.1 phases=1 kv=7.2 kva=260 pmpp=250 irradiance=0.9 vminpu=0.7 vmaxpu=1.3 {more}
"""
BASES = "set voltagebases=[12.47 4.16 0.48]\ncalcvoltagebases\n"


def weak(text, pu=1.0):
    return WEAK.format(pu=pu).replace("new line.l", SHAPES + CURVES + "new line.l") + text + BASES


def feeder(name, text):
    return f"redirect {FEEDERS / name}\n{SHAPES}{CURVES}\n{text}\n"


def plants(more):
    return PLANTS.format(more=more)


def backfed(settings):
    """A plant behind a regulating transformer sends power back through it at noon."""
    return feeder(
        "",
        "clear\nnew circuit.backfed basekv=12.47 pu=1.02 mvasc3=60 mvasc1=50\n"
        + SHAPES
        + "new loadshape.cloud npts=15 minterval=5 mult=(0 0.1 0.9 1 0.2 1 1 0.9 0 0 0.7 1 0.8 0.1 0.05)\n"
        "new transformer.t windings=2 buses=[sourcebus b] conns=[delta wye] kvs=[12.47 4.16] kvas=[2500 2500] xhl=6 %loadloss=1\n"
        "new line.l bus1=b bus2=c length=2 units=km r1=0.3 x1=0.4 r0=0.6 x0=1.2 c1=0 c0=0\n"
        "new load.x bus1=c kv=4.16 kw=700 kvar=250 vminpu=0.7 vmaxpu=1.3 daily=day\n"
        "new load.y bus1=c.2 phases=1 kv=2.4 kw=120 kvar=40 vminpu=0.7 vmaxpu=1.3 daily=swing\n"
        "new pvsystem.p bus1=c kv=4.16 kva=1800 pmpp=1700 pf=0.98 vminpu=0.6 vmaxpu=1.4 daily=cloud\n"
        f"new regcontrol.r transformer=t winding=2 vreg=120 band=2 ptratio=20 ctprim=350 r=1 x=1 {settings}\n" + BASES,
    ).split("\n", 2)[2]


def control(text):
    return f"new invcontrol.i {text} {TIGHT}\n"


BANKS = """
new capacitor.switched bus1={bus} phases=3 kv={kv} kvar=300
new capcontrol.switched capacitor=switched element=line.{line} terminal={terminal} {more}
"""
# name: script, (shapes, steps, step [s], control mode), the last of a simulation in time only.
CASES = {
    "voltvar": (weak(plants("") + control("mode=voltvar vvc_curve1=vv")), None),
    "voltvar_varmax": (weak(plants("kvarmax=200") + control("mode=voltvar vvc_curve1=vv refreactivepower=varmax")), None),
    "voltvar_low": (weak(plants("irradiance=0.3") + control("mode=voltvar vvc_curve1=open monvoltagecalc=min"), 0.96), None),
    "voltvar_wattpriority": (
        weak(plants("wattpriority=yes") + control("mode=voltvar vvc_curve1=vv refreactivepower=varmax"), 1.03),
        None,
    ),
    "voltwatt": (weak(plants("") + control("mode=voltwatt voltwatt_curve=vw"), 1.02), None),
    "voltwatt_available": (weak(plants("irradiance=0.8") + control("mode=voltwatt voltwatt_curve=vw voltwattyaxis=pavailablepu"), 1.02), None),
    "combined": (weak(plants("") + control("combimode=VV_VW vvc_curve1=vv voltwatt_curve=vw"), 1.03), None),
    "stated": (
        feeder(
            "ieee13.dss",
            "new pvsystem.a bus1=671 kv=4.16 pmpp=500 %pmpp=70 irradiance=0.9 kva=400 pf=0.95\n"
            "new pvsystem.b bus1=611.3 phases=1 kv=2.4 pmpp=100 kva=80 kvar=30 wattpriority=yes\n"
            "new pvsystem.c bus1=675 kv=4.16 pmpp=300 kva=250 kvar=120 pfpriority=yes\n"
            "new storage.a bus1=675 kv=4.16 kwrated=150 kwhrated=400 state=discharging %discharge=60 kva=160 pf=-0.9\n"
            "new storage.b bus1=671 kv=4.16 kwrated=150 kwhrated=400 state=charging %stored=50 kvar=20\n"
            "new storage.c bus1=692 kv=4.16 kwrated=100 kwhrated=400\n"
            "new generator.g bus1=680 kv=4.16 kw=120 pf=0.9 status=fixed\n"
            "set genmult=0.5",
        ),
        None,
    ),
    "day_plants": (
        weak(plants("daily=sun %cutin=25 %cutout=15") + control("mode=voltvar vvc_curve1=vv"), 1.01),
        ("daily", 30, 3600, "static"),
    ),
    "storage": (
        weak(
            "new storage.f bus1=b kv=12.47 kwrated=200 kwhrated=500 kva=220 %stored=60 daily=dispatch dispmode=follow\n"
            "new storage.t bus1=b kv=12.47 kwrated=150 kwhrated=400 %stored=60 daily=day dischargetrigger=0.9 chargetrigger=0.53"
            " timechargetrig=-1 %charge=70\n"
            "new storage.n bus1=b kv=12.47 kwrated=100 kwhrated=300 %stored=55 daily=day dischargetrigger=0.95\n"
            "new storage.d bus1=b kv=12.47 kwrated=50 kwhrated=120 state=discharging %idlingkw=2 %effdischarge=85\n"
            "new generator.g bus1=c.1 phases=1 kv=7.2 kw=30 kvar=5 daily=sun\n"
        ),
        ("daily", 48, 3600, "off"),
    ),
    "ieee123_static": (feeder("ieee123.dss", "batchedit load..* daily=day"), ("daily", 48, 3600, "static")),
    "ieee34_static": (feeder("ieee34.dss", "batchedit load..* yearly=swing"), ("yearly", 60, 600, "static")),
    "ieee123_time_hours": (feeder("ieee123.dss", "batchedit load..* daily=day"), ("daily", 72, 3600, "time")),
    "ieee123_time_seconds": (
        feeder(
            "ieee123.dss",
            "batchedit load..* duty=ramp\nbatchedit regcontrol..* delay=20 tapdelay=3\nregcontrol.reg4_c.delay=37\n"
            + BANKS.format(bus=48, kv=4.16, line="47_48", terminal=2, more="type=voltage on=116 off=121 ptratio=20 delay=23 delayoff=12 deadtime=600"),
        ),
        ("duty", 3600, 1, "time"),
    ),
    "ieee34_time_seconds": (
        feeder("ieee34.dss", "batchedit load..* duty=swing\nbatchedit regcontrol..* delay=30 inversetime=yes maxtapchange=1"),
        ("duty", 1500, 5, "time"),
    ),
    "kvar_time": (
        weak(BANKS.format(bus="b", kv=12.47, line="l", terminal=1, more="type=kvar on=70 off=-240 delay=40 delayoff=35")).replace("daily=day", "duty=swing"),
        ("duty", 900, 5, "time"),
    ),
    "voltvar_time": (
        (FEEDERS.parents[1] / "tests/regression/time_series/feeder.dss").read_text().replace("../../../inputs/feeders", str(FEEDERS)),
        ("duty", 1000, 5, "time"),
    ),
    "reversible_static": (backfed("reversible=yes revvreg=121 revband=2 revthreshold=50"), ("daily", 48, 3600, "static")),
    "reversible_neutral": (backfed("reversible=yes revneutral=yes revthreshold=50 ldc_z=3 rev_z=1"), ("daily", 48, 3600, "static")),
    "cogeneration_static": (backfed("cogen=yes revvreg=118 revband=2 revr=2 revx=1 revthreshold=50"), ("daily", 48, 3600, "static")),
    "reversible_time": (
        backfed("reversible=yes revvreg=121 revband=2 revthreshold=50 revdelay=45 delay=20 tapdelay=4 inversetime=yes ptphase=max vlimit=124")
        .replace("daily=", "duty="),
        ("duty", 900, 7, "time"),
    ),
    "reversible_neutral_time": (
        backfed("reversible=yes revneutral=yes revthreshold=-50 revdelay=12 tapdelay=5 ldc_z=2").replace("daily=", "duty="),
        ("duty", 900, 7, "time"),
    ),
    "other_winding_tapped": (backfed("tapwinding=1 ptphase=min"), ("daily", 24, 3600, "static")),
    "remote_static": (backfed("bus=c.2 remoteptratio=19.6 vlimit=128"), ("daily", 24, 3600, "static")),
    "delta_side": (
        backfed("ptphase=2 ptratio=34.67\nnew reactor.earth bus1=b r=200 x=0")
        .replace("conns=[delta wye]", "conns=[wye delta]")
        .replace("new load.y bus1=c.2 phases=1 kv=2.4", "new load.y bus1=c.2.3 phases=1 kv=4.16")
        .replace("bus1=c kv=4.16", "bus1=c conn=delta kv=4.16"),
        ("daily", 24, 3600, "static"),
    ),
    "voltvar_unlisted": (
        weak(plants("") + control("mode=voltvar vvc_curve1=vv")
             + "new storage.later bus1=b kv=12.47 kwrated=200 kwhrated=500 kva=220 %stored=60 vminpu=0.7 vmaxpu=1.3\n", 1.03),
        None,
    ),
    "clock_time": (
        weak(BANKS.format(bus="b", kv=12.47, line="l", terminal=1, more="type=time on=7.5 off=20 delay=60 delayoff=900")),
        ("daily", 600, 300, "time"),
    ),
}  # fmt: skip


def opendss(dss, script, series):
    """Per step: taps by regulator, steps in service by capacitor, voltages by node [V]; bases by bus [V]."""
    dss.Text.Command = f'compile "{script}"'
    for command in ("set maxiterations=2000", "set tolerance=1e-10", "set maxcontroliter=2000"):
        dss.Text.Command = command
    circuit = dss.ActiveCircuit
    steps = 1
    if series:
        mode, steps, seconds, controls = series
        dss.Text.Command = f"set mode={mode} number=1 stepsize={seconds} controlmode={controls}"
    result = []
    for _ in range(steps):
        circuit.Solution.Solve()
        if not circuit.Solution.Converged:
            raise RuntimeError("OpenDSS does not converge")
        taps = {r.Name: r.TapNumber for r in circuit.RegControls}
        banks = {c.Name: sum(c.States) for c in circuit.Capacitors}
        flat = circuit.AllBusVolts
        result.append((taps, banks, flat[0::2] + 1j * flat[1::2]))
    names = [n.upper() for n in circuit.AllNodeNames]
    bases = {bus.Name.upper(): 1e3 * bus.kVBase for bus in circuit.Buses}
    return names, bases, result


def own(powerflow, script, series, folder):
    """The same from the project's driver."""
    import csv

    command = [powerflow, "--feeder", script, "--tolerance", "1e-11", "--powerflow.max_iterations", "2000"]
    if not series:
        path = folder / "voltages.csv"
        run([*command, "--voltages", path])
        with open(path) as file:
            volts = {row["node"]: complex(float(row["v_real_V"]), float(row["v_imag_V"])) for row in csv.DictReader(file)}
        return list(volts), [(None, None, list(volts.values()))]
    import h5py

    mode, steps, seconds, controls = series
    path = folder / "series.h5"
    run([*command, "--series.mode", mode, "--series.steps", steps, "--series.step_seconds", seconds, "--series.control", controls,
         "--series.nodes", "all", "--series.output", path])  # fmt: skip
    with h5py.File(path) as file:
        words = {k: [n.decode() for n in file[k]] if k in file else [] for k in ("regulator", "capacitor", "voltage_node")}
        volts = file["voltages"][...]
        taps = file["taps"][...] if "taps" in file else [[]] * steps
        banks = file["capacitor_steps"][...] if "capacitor_steps" in file else [[]] * steps
        if not file["converged"][...].all() or not file["settled"][...].all():
            raise RuntimeError("a step does not converge or settle here")
    return words["voltage_node"], [
        (dict(zip(words["regulator"], t)), dict(zip(words["capacitor"], b)), v[:, 0] + 1j * v[:, 1]) for t, b, v in zip(taps, banks, volts)
    ]


def run(command):
    outcome = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
    if outcome.returncode != 0:
        raise RuntimeError((outcome.stderr.strip() or outcome.stdout.strip()).splitlines()[-1])


def compare(theirs, ours):
    """What is wrong in words, or None; steps compared, moves of taps and banks in them, largest error of a voltage."""
    names, bases, reference = theirs
    own_names, own_steps = ours
    order = [own_names.index(name) for name in names]
    floor = [0.1 * bases[name.rsplit(".", 1)[0]] for name in names]
    worst, moves, last = 0.0, 0, None
    for step, ((taps, banks, volts), (own_taps, own_banks, own_volts)) in enumerate(zip(reference, own_steps), 1):
        for what, theirs_now, ours_now in (("tap", taps, own_taps), ("bank", banks, own_banks)):
            for name, number in theirs_now.items() if ours_now is not None else ():
                if ours_now[name] != number:
                    return f"step {step}: {what} of {name} is {ours_now[name]}, OpenDSS {number}", step, moves, worst
        now = [*taps.values(), *banks.values()]
        moves += sum(abs(a - b) for a, b in zip(now, last or now))
        last = now
        for k, volt in enumerate(volts):
            error = abs(own_volts[order[k]] - volt) / max(abs(volt), floor[k])
            worst = max(worst, error)
            if not error <= TOLERANCE:
                return f"step {step}: voltage of {names[k]} is {own_volts[order[k]]:.9g}, OpenDSS {volt:.9g}", step, moves, worst
    return None, len(reference), moves, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("powerflow", type=lambda name: Path(name).resolve())
    parser.add_argument("output", type=Path)
    parser.add_argument("--case", choices=CASES)
    options = parser.parse_args()
    try:
        import h5py  # noqa: F401
        from dss import DSS as dss
    except ImportError as missing:
        print(f"skipped: {missing.name} is not installed (./gridfed peers does that)")
        return SKIPPED
    dss.AllowForms = False
    dss.AllowChangeDir = False
    options.output.mkdir(parents=True, exist_ok=True)
    output = options.output.resolve()
    failed = 0
    cases = [options.case] if options.case else list(CASES)
    for name in cases:
        text, series = CASES[name]
        script = output / f"{name}.dss"
        script.write_text(text)
        try:
            problem, steps, moves, worst = compare(opendss(dss, script, series), own(options.powerflow, script, series, output))
        except RuntimeError as error:
            problem, steps, moves, worst = str(error), 0, 0, float("inf")
        failed += problem is not None
        print(f"{name:24} {steps:5} steps {moves:5} moves  largest voltage error {worst:.1e}  {problem or 'agrees'}", flush=True)
    print(f"{len(cases)} simulations, {failed} disagree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
