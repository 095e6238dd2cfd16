#!/usr/bin/env python3
"""Joins both sides of the power-flow benchmark.

Usage: bench_powerflow.py OURS.json THEIRS.json OUT.json [PAGE.md]

Writes rows {case, ours, theirs, who, unit, ratio, goal} (ratio > 1: ours is faster) and prints them as a table. Each case is compared with
every peer that ran it, by its fastest variant there; a case that no peer ran says so in `who`. Goals are those the project set itself.
PAGE.md gets the table between its marks <!-- bench --> and <!-- end of bench -->, and how radial feeders grow between <!-- growth --> and
<!-- end of growth -->.
"""

import json
import sys
from pathlib import Path

# [us]
GOALS = {
    "ieee8500/cold/1e-4": 100, "ieee8500/cold/1e-10": 250, "ieee8500/tap/1e-4": 80, "ieee8500/static/1e-4": 1500,
    "ieee123/cold/1e-4": 4.5, "ieee123/static/1e-4": 60, "ieee37/cold/1e-4": 2.5, "ieee37/batch/1e-4": 1 / 1.6, "ieee123/batch/1e-4": 1.0,
    "ieee8500/batch/1e-4": 25, "ieee8500/series.8760/1e-4": 3e6, "radial1001/cold/1e-8": 35, "radial10001/cold/1e-8": 400,
    "radial1000001/cold/1e-8": 1e5,
}  # fmt: skip
# Another start of the same solve counts for the same case.
VARIANTS = {"cold_own": "cold"}


def main():
    ours, theirs, out = (Path(a) for a in sys.argv[1:4])
    peers = {}
    for row in json.loads(theirs.read_text()) if theirs.exists() else []:
        feeder, case, *tolerance = row["case"].split("/")
        name = "/".join([feeder, VARIANTS.get(case, case), *tolerance])
        best = peers.setdefault(name, {})
        if row["who"] not in best or row["seconds"] < best[row["who"]]["seconds"]:
            best[row["who"]] = row
    rows, growth, mine_by_case = [], [], {}
    for row in json.loads(ours.read_text()):
        if "growth" in row:
            growth.append(row)
            continue
        mine_by_case[row["case"]] = row
        for who, peer in peers.get(row["case"], {"": None}).items():
            mine = 1e6 * row["seconds"]
            other = 1e6 * peer["seconds"] if peer else None
            rows.append({
                "case": row["case"], "ours": round(mine, 4), "theirs": round(other, 4) if peer else None,
                "who": f"{who} {peer['version']}: {peer['what']}" if peer else "no peer ran this case",
                "unit": "us", "ratio": round(other / mine, 2) if peer else None, "goal": GOALS.get(row["case"]),
                "iterations": row["iterations"], "what": row["what"],
            })  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    for row in growth:
        row["solve_seconds"] = mine_by_case[f"{row['growth']}/cold/1e-8"]["seconds"]
    out.write_text(json.dumps(rows + growth, indent=1) + "\n")
    print(f"{'case':24}{'ours [us]':>12}{'theirs [us]':>13}{'ratio':>9}{'goal [us]':>11}  who")
    for row in rows:
        theirs, ratio, goal = (f"{row[k]:.2f}" if row[k] else "-" for k in ("theirs", "ratio", "goal"))
        print(f"{row['case']:24}{row['ours']:>12.2f}{theirs:>13}{ratio:>9}{goal:>11}  {row['who'].split(':')[0]}")
    growth_lines = growth_table(growth)
    print("\n".join(growth_lines))
    print(f"wrote {out}")
    if len(sys.argv) > 4:
        page = Path(sys.argv[4])
        write_between(page, "bench", case_table(rows))
        write_between(page, "growth", growth_lines)


def growth_table(growth):
    lines = [
        "| buses | read [us/bus] | factorise [us/bus] | cold, 1e-8 [us/bus] | network [B/bus] | solver [B/bus] |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in growth:
        per_bus = (f"{1e6 * row[k] / row['buses']:.3g}" for k in ("read_seconds", "factorise_seconds", "solve_seconds"))
        lines.append(f"| {row['buses']} | {' | '.join(per_bus)} | {row['network_bytes_per_bus']} | {row['solver_bytes_per_bus']} |")
    return lines


def case_table(rows):
    lines = ["| case | ours [us] | theirs [us] | ratio | goal [us] | who |", "|---|---:|---:|---:|---:|---|"]
    for row in rows:
        theirs, ratio, goal = (f"{row[k]:.3g}" if row[k] else "-" for k in ("theirs", "ratio", "goal"))
        lines.append(f"| {row['case']} | {row['ours']:.3g} | {theirs} | {ratio} | {goal} | {row['who'].split(':')[0]} |")
    return lines


def write_between(page, mark, lines):
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    sys.exit(main())
