#!/usr/bin/env python3
"""Writes the page of results from reports: tables in Markdown, every number computed from the scores in the files.

Usage: results_table.py OUT.md NAME=REPORT.h5... [--excerpt README.md]

--excerpt also puts the table of report NAME between the lines `<!-- table of NAME -->` and `<!-- end of table -->` of a file.
"""

import argparse
import re

from report import ReportError, estimate, read_report, run

PREAMBLE = """# Results

This page is written by a script; edit the script, not the page. `./gridfed study` runs the studies below (`inputs/study_NAME.ini`: historical
data, training, evaluation, each into `out/study_NAME`) and then

```
{command}
```

which writes this page from the reports. The picture of each study is `report.png` beside its `report.h5`.

How to read the columns:

- **policy**: *rules* is what a utility runs today (regulators and volt-var by themselves, batteries shave the peak); *behaviour* is what
  wrote the historical data; *reference* plans the batteries by dynamic programming on the day-ahead price and takes each day the best of
  five constant reactive settings in hindsight, so it marks the head-room and is no competitor; the others are trained, see
  [specification.md](specification.md).
- **return** of a day: money saved against the same day with every action at zero (energy, losses, violation penalty, tap and battery
  wear), plus the value of the energy left in the batteries; in units of peak load × mean energy price × 1 h, not clipped ([environment.md](environment.md)). More
  is better. Means over training seeds, feeders and days; ± is one standard error over days.
- **over rules**: difference of returns to the rules on the same day; ± is the standard error of that paired difference.
- **days won**: share of feeder-days (and training seeds) with a higher return than the rules.
- **head-room**: gain over the rules as a share of the reference's gain.
- **violation**: mean over steps of the voltage excess beyond the limits over 0.05 p.u. (mean over measurements) plus the loading above 1
  (mean over lines and transformers). Less is better.
- **seeds**, **spread**: training runs behind the row and the standard deviation of their mean returns. The standard errors do not contain
  it.
- **kB/round**, **MB a run**: payload that all clients together hand over; **of dense**: as a share of the same updates in plain float32. Where
  updates are sent whole and without client-level noise they contain the optimiser's moments too, which triples them.
"""


def signed(value, digits=3):
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 else text).replace("-", "−") if text.startswith("-") else text


def with_error(pair):
    return f"{signed(pair[0])} ± {pair[1]:.3f}"


def percent(share):
    return signed(100 * share, 0) + " %"


def violation(report, policy, clients=None):
    return report.by_day(policy, clients, "violation").mean()


def table(header, rows):
    """First column to the left, others to the right."""
    lines = [" | ".join(header), "---|" + "|".join(["---:"] * (len(header) - 1))] + [" | ".join(row) for row in rows]
    return "\n".join(f"| {line} |" if i != 1 else f"|{line}|" for i, line in enumerate(lines)) + "\n"


def check_against_stored(report):
    """What is printed here must be what gridfed_evaluate printed."""
    number = r"(-?[\d.]+)"
    for policy in report.policies:
        line = rf"^{re.escape(policy)} +{number} \+- *{number} +{number} \+- *{number} +{number} % +{number} % +{number} "
        found = re.search(line, report.table, re.MULTILINE)
        ours = [*estimate(report.by_day(policy)), *report.over(policy), 100 * report.won(policy), 100 * report.head_room(policy), violation(report, policy)]
        last_digits = [1e-3] * 4 + [1, 1, 1e-6]
        if not found or any(abs(float(text) - value) > 0.51 * digit for text, value, digit in zip(found.groups(), ours, last_digits)):
            raise ReportError(f"'{report.path}': the scores of {policy} do not give its line of /table: evaluate again")


def overall(report):
    rows = []
    for policy in report.policies:
        spread = report.seed_spread(policy)
        rows.append([policy, with_error(estimate(report.by_day(policy))), with_error(report.over(policy)), percent(report.won(policy)),
                     percent(report.head_room(policy)), f"{1e3 * violation(report, policy):.3f}", str(report.seeds[report.policies.index(policy)]),
                     "-" if spread is None else f"{spread:.3f}"])
    return table(["policy", "return", "over rules", "days won", "head-room", "violation ×10⁻³", "seeds", "spread"], rows)


def groups(report):
    """Feeders with their clients; clients on one feeder stand together."""
    return {feeder: report.clients_of(feeder) for feeder in dict.fromkeys(report.feeders)}


def by_feeder(report):
    rows = []
    for policy in report.policies[1:]:
        cells = []
        for clients in groups(report).values():
            pair = f"{1e3 * violation(report, policy, clients):.3f} / {1e3 * violation(report, 'rules', clients):.3f}"
            cells.append(f"{with_error(report.over(policy, clients=clients))}<br>{percent(report.won(policy, clients))}<br>{pair}")
        rows.append([policy] + cells)
    text = "By feeder: return over rules, days won, violation ×10⁻³ / that of the rules.\n\n"
    return text + table(["policy"] + [f if len(c) == 1 else f"{f} ({len(c)} clients)" for f, c in groups(report).items()], rows)


def federation_gain(report):
    """Federated less local on the same days, empty where one of them is missing."""
    if not {"federated", "local"} <= set(report.policies):
        return ""
    cells = [with_error(report.over("federated", "local"))] + [with_error(report.over("federated", "local", c)) for c in groups(report).values()]
    return "Return of *federated* less that of *local*, paired by day.\n\n" + table(["", "all", *groups(report)], [["federated − local", *cells]]) + "\n"


def exchange(report):
    """Bytes and promises of what is sent, empty where nothing was compressed or private."""
    special = [v for v in report.variants if v.startswith(("compressed", "record_", "client_"))]
    if not special:
        return ""
    rows = []
    for variant in [v for v in report.variants if v == "federated"] + special:
        sent, dense = (report.training_column(variant, column) for column in ("bytes_sent", "dense_bytes"))
        rows.append([variant, report.privacy[report.policies.index(variant)], f"{sent.mean() / 1e3:.0f}", f"{sent.sum(axis=1).mean() / 1e6:.1f}",
                     percent(sent.sum() / dense.sum()), with_error(estimate(report.by_day(variant))), with_error(report.over(variant)),
                     f"{1e3 * violation(report, variant):.3f}"])
    header = ["variant", "privacy", "kB/round", "MB a run", "of dense", "return", "over rules", "violation ×10⁻³"]
    return "What is sent and what is promised ([privacy.md](privacy.md)).\n\n" + table(header, rows) + "\n"


def times(report):
    rows = []
    for driver, (stages, seconds, memory) in report.timing.items():
        for stage, row in zip(stages, seconds):
            name = driver if stage == driver else f"{driver}: {stage.removeprefix(driver + ' ')}"
            rows.append([name, *(f"{value:.1f}" for value in row), f"{memory:.0f}"])
    return table(["stage", "least [s]", "mean [s]", "most [s]", "peak of the program [MB]"], rows)


def section(name, report):
    h = report.header
    return "\n".join([
        f"## {name}\n",
        f"{h['writer']}, commit `{h['commit']}`, seed {h['seed']}, {h['ranks']} ranks; {report.days} unseen days for each of {len(report.feeders)} clients.\n",
        overall(report),
        by_feeder(report),
        federation_gain(report) + exchange(report) + "Wall time over the ranks and the largest resident set of a rank.\n",
        times(report),
        f"<details><summary>Deck of {name}</summary>\n\n```ini\n{h['deck'].strip()}\n```\n\n</details>\n",
    ])


def put_excerpt(path, reports):
    """The overall part of the printed table of every report, where a file has marks for it."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as problem:
        raise ReportError(f"cannot read '{path}' ({problem.strerror}): check --excerpt") from None
    places = 0
    for name, report in reports.items():
        printed = report.table.strip().split("\n\n")[0]
        marks = re.compile(rf"(<!-- table of {re.escape(name)} -->\n).*?(<!-- end of table -->)", re.DOTALL)
        text, count = marks.subn(lambda mark: f"{mark[1]}```\n{printed}\n```\n{mark[2]}", text)
        places += count
    if places == 0:
        raise ReportError(f"'{path}' has no '<!-- table of NAME -->' and '<!-- end of table -->' of these reports: add both lines")
    save(path, text)


def save(path, text):
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise ReportError(f"cannot write '{path}' ({problem.strerror}): check the folder") from None
    print(f"wrote {path}")


def main(arguments):
    parser = argparse.ArgumentParser(description="Writes the page of results from reports.")
    parser.add_argument("page", help="Markdown file to write, such as docs/results.md")
    parser.add_argument("reports", nargs="+", metavar="NAME=REPORT.h5")
    parser.add_argument("--excerpt", metavar="FILE", help="file whose marked table is replaced too")
    given = parser.parse_args(arguments)
    reports = {}
    for argument in given.reports:
        name, separator, path = argument.partition("=")
        if not separator or not name or not path:
            raise ReportError(f"'{argument}' names no report: write NAME=REPORT.h5")
        reports[name] = read_report(path)
        check_against_stored(reports[name])
    command = " ".join(["postprocess/results_table.py docs/results.md"] + [f"{n}=out/{n if n == 'demo' else 'study_' + n}/report.h5" for n in reports])
    save(given.page, "\n".join([PREAMBLE.replace("{command}", command)] + [section(name, report) for name, report in reports.items()]))
    if given.excerpt:
        put_excerpt(given.excerpt, reports)


if __name__ == "__main__":
    run(main, "results_table")
