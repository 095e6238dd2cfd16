#!/usr/bin/env python3
"""Writes an unbalanced radial feeder of any size as an OpenDSS script; the same size gives the same feeder.

Usage: radial_feeder.py BUSES OUT.dss

A random tree of 12.47 kV four-wire lines: every bus hangs on one of the buses before it, preferably a recent one; one branch in twenty
leaves the three phases for a single-phase lateral, so that about half of the buses have one phase. Every bus but the first carries a load
on each phase, wye, constant power, unbalanced: 4 MW in all, whatever the size, over 10 km to the farthest bus. Voltages then stay within
1.0 +- 0.05 p.u., where constant power is meant.
"""

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

KV = 12.47
LOAD_KW = 4000.0
# Ohm and nF per km, 336.4 kcmil ACSR overhead; self and mutual.
SELF_R, MUTUAL_R, SELF_X, MUTUAL_X, SELF_C, MUTUAL_C = 0.2846, 0.0969, 0.6699, 0.3117, 9.5, -1.9


@dataclass
class Branch:
    parent: int
    phases: tuple
    kilometres: float


@dataclass
class RadialFeeder:
    """Bus 0 is the source; `branches[i]` feeds bus i + 1; `loads[i]` are kW and kvar by phase of bus i + 1."""

    branches: list
    loads: list

    @property
    def buses(self):
        return len(self.branches) + 1


def radial_feeder(buses):
    rng = random.Random(buses)
    phases, depth = [(1, 2, 3)], [0]
    branches, loads = [], []
    for bus in range(1, buses):
        parent = max(rng.randrange(bus), rng.randrange(bus)) if bus > 8 else bus - 1
        own = phases[parent]
        if len(own) == 3 and bus > 8 and rng.random() < 0.05:
            own = (rng.randint(1, 3),)
        phases.append(own)
        depth.append(depth[parent] + 1)
        branches.append(Branch(parent, own, rng.uniform(0.5, 1.5)))
        loads.append({p: rng.uniform(0.2, 1.8) for p in own})
    scale = LOAD_KW / sum(sum(load.values()) for load in loads)
    loads = [{p: (kw * scale, kw * scale * rng.uniform(0.2, 0.5)) for p, kw in load.items()} for load in loads]
    stretch = 10.0 / max(depth)  # the farthest bus is about 10 km away
    for branch in branches:
        branch.kilometres *= stretch
    return RadialFeeder(branches, loads)


def matrix(n, own, mutual):
    return " | ".join(" ".join(f"{own if i == j else mutual}" for j in range(i + 1)) for i in range(n))


def script(feeder):
    lines = [
        "clear",
        "set defaultbasefrequency=60",
        f"new circuit.radial{feeder.buses} bus1=b0 basekv={KV} pu=1.03 r1=0.05 x1=0.5 r0=0.05 x0=0.5",
    ]
    for n in (1, 3):
        lines.append(
            f"new linecode.code{n} nphases={n} units=km rmatrix=[{matrix(n, SELF_R, MUTUAL_R)}] xmatrix=[{matrix(n, SELF_X, MUTUAL_X)}] "
            f"cmatrix=[{matrix(n, SELF_C, MUTUAL_C)}]"
        )
    for bus, branch in enumerate(feeder.branches, 1):
        nodes = "".join(f".{p}" for p in branch.phases)
        n = len(branch.phases)
        lines.append(
            f"new line.l{bus} bus1=b{branch.parent}{nodes} bus2=b{bus}{nodes} phases={n} linecode=code{n} "
            f"length={branch.kilometres:.6f} units=km"
        )
    for bus, load in enumerate(feeder.loads, 1):
        for phase, (kw, kvar) in load.items():
            lines.append(
                f"new load.d{bus}_{phase} bus1=b{bus}.{phase} phases=1 conn=wye kv=7.2 kw={kw:.6f} kvar={kvar:.6f} vminpu=0.8 vmaxpu=1.2"
            )
    lines += [f"set voltagebases=[{KV}]", "calcvoltagebases"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("buses", type=int)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.write_text(script(radial_feeder(options.buses)))


if __name__ == "__main__":
    main()
