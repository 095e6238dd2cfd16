#!/usr/bin/env python3
"""Joins both sides of the benchmark of the field.

Usage: bench_field.py OURS.json THEIRS.json OUT.json

Writes rows {case, ours, theirs, who, unit, ratio, goal} (ratio > 1: ours is faster) and prints them as a table. Theirs is the same master
against opendnp3's outstation; where THEIRS.json is missing, `who` says so. Goals are those the project set itself.
"""

import json
import sys
from pathlib import Path

GOALS = {"integrity poll, 400 bytes": 0.3, "direct operate": 0.08, "100 outstations at 1 Hz, master": 5,
         "policy and shield, policy acts, median": 1}


def main():
    ours, theirs, out = (Path(a) for a in sys.argv[1:4])
    peer = {row["case"]: row for row in json.loads(theirs.read_text())} if theirs.exists() else {}
    rows = []
    for row in json.loads(ours.read_text()):
        other = peer.get(row["case"])
        rows.append({
            "case": row["case"], "ours": row["value"], "theirs": other["value"] if other else None,
            "who": "opendnp3's outstation (dnp3-python 0.3.0b2), our master" if other else "no peer ran this case",
            "unit": row["unit"], "ratio": round(other["value"] / row["value"], 2) if other else None, "goal": GOALS.get(row["case"]),
        })  # fmt: skip
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{'case':40}{'ours':>10}{'theirs':>10}{'goal':>8}  unit")
    for row in rows:
        theirs, goal = (f"{row[k]:.4g}" if row[k] else "-" for k in ("theirs", "goal"))
        print(f"{row['case']:40}{row['ours']:>10.4g}{theirs:>10}{goal:>8}  {row['unit']}")


main()
