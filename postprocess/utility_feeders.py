#!/usr/bin/env python3
"""Writes small feeders with distributed resources, each of a utility of its own.

Usage: utility_feeders.py GRIDFED_SYNTHESIZE FOLDER FIRST COUNT

feeder_K.dss, K from FIRST on, is a synthetic feeder of seed K (docs/synthetic.md), European where K is even and American where it is odd,
of 100 to 195 buses, with photovoltaics of 110 % of the peak load at six places and storage of 20 % for four hours at four, all on three
phases at medium voltage and drawn by K alone.
"""

import random
import re
import subprocess
import sys
from pathlib import Path

LINE = re.compile(r"^new line\.\S+ phases=3 bus1=\S+ bus2=(s0_n\d+)\.1\.2\.3 ", re.MULTILINE)
LOAD = re.compile(r"^new load\.\S+ .*? kw=(\S+)", re.MULTILINE)
STORAGE = "%stored=50 %reserve=10 %effcharge=95 %effdischarge=95 %idlingkw=0.5"


def write_feeder(synthesize, folder, seed):
    style, kv = ("eu", 10.0) if seed % 2 == 0 else ("us", 12.47)
    base = folder / f"base_{seed}"
    draw = random.Random(seed)
    buses = 100 + 5 * draw.randrange(20)
    command = [synthesize, "--buses", str(buses), "--style", style, "--seed", str(seed), "--format", "dss", "--output", str(base), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    script = (base / "network.dss").read_text()
    peak = sum(float(kw) for kw in LOAD.findall(script))
    places = sorted(set(LINE.findall(script)))
    if not places or peak <= 0:
        sys.exit(f"feeder {seed} has no three-phase place or no load: choose another FIRST")
    lines = [f"! Seed {seed}, {style}, {buses} buses, {peak:.0f} kW of load.", f"redirect base_{seed}/network.dss", ""]
    for i in range(6):
        kw = 1.1 * peak / 6
        lines.append(f"new pvsystem.pv_{i} bus1={draw.choice(places)} phases=3 conn=wye kv={kv} pmpp={kw:.1f} kva={1.1 * kw:.1f}")
    for i in range(4):
        kw = 0.2 * peak / 4
        lines.append(f"new storage.bat_{i} bus1={draw.choice(places)} phases=3 conn=wye kv={kv} kwrated={kw:.1f} kva={1.1 * kw:.1f} "
                     f"kwhrated={4 * kw:.1f} {STORAGE}")
    (folder / f"feeder_{seed}.dss").write_text("\n".join(lines) + "\n")


def main():
    synthesize, folder, first, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        write_feeder(synthesize, folder, seed)


if __name__ == "__main__":
    main()
