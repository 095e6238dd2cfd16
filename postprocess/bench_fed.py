#!/usr/bin/env python3
"""Joins the rows of the federation benchmark. Usage: bench_fed.py OUT.json PAGE.md FLOWER.json PART.json ...

FLOWER.json is what bench_fed_flower.py wrote; where it is missing its row says so. Rows are {case, ours, theirs, who, unit, ratio, goal}; ratio > 1: ours is faster or smaller. PAGE.md gets the table between its marks
<!-- bench --> and <!-- end of bench -->.
"""

import json
import sys
from pathlib import Path


def flower_row(path, rows):
    """Our dense round of four ranks against one of as many clients in Flower."""
    ours = next(row["ours"] for row in rows if row["case"] == "round dense, 4 ranks")
    row = {"case": "round dense, 4 clients", "unit": "us", "ours": ours, "theirs": None, "ratio": None, "goal": None}
    if not path.exists():
        return row | {"who": "Flower could not be installed or run"}
    theirs = json.loads(path.read_text())
    microseconds = 1e6 * theirs["seconds"]
    return row | {"theirs": microseconds, "ratio": microseconds / ours, "goal": microseconds / 100, "who": theirs["who"]}


def main():
    out, page, flower, *parts = (Path(a) for a in sys.argv[1:])
    rows = [row for part in parts for row in json.loads(part.read_text())]
    rows.append(flower_row(flower, rows))
    out.write_text(json.dumps(rows, indent=1) + "\n")
    lines = ["| case | unit | ours | theirs | ratio | goal | who |", "|---|---|---:|---:|---:|---:|---|"]
    for row in rows:
        ours, theirs, ratio, goal = (f"{row[k]:.4g}" if row[k] else "-" for k in ("ours", "theirs", "ratio", "goal"))
        lines.append(f"| {row['case']} | {row['unit']} | {ours} | {theirs} | {ratio} | {goal} | {row['who']} |")
    print("\n".join(lines))
    begin, end = "<!-- bench -->\n", "<!-- end of bench -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    sys.exit(main())
