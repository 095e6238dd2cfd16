#!/usr/bin/env python3
"""Joins the rows of the federation benchmark. Usage: bench_fed.py OUT.json PAGE.md PART.json ...

Rows are {case, ours, theirs, who, unit, ratio, goal}; ratio > 1: ours is faster or smaller. PAGE.md gets the table between its marks
<!-- bench --> and <!-- end of bench -->.
"""

import json
import sys
from pathlib import Path


def main():
    out, page, *parts = (Path(a) for a in sys.argv[1:])
    rows = [row for part in parts for row in json.loads(part.read_text())]
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
