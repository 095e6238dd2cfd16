#!/usr/bin/env python3
"""Table of the study of many utilities. Usage: utilities_table.py FOLDER [PAGE.md]

Reads FOLDER/STRATEGY_CODING/report.h5 (clients' own feeders) and FOLDER/STRATEGY_CODING/unseen/report.h5 (feeders that no client owned), as
`./gridfed study utilities` writes them. PAGE.md gets the table between <!-- utilities --> and <!-- end of utilities -->.
"""

from pathlib import Path

from report import ReportError, read_report, run


def rows_of(folder, name):
    strategy, coding = name.split("_")
    own, unseen = read_report(folder / name / "report.h5"), read_report(folder / name / "unseen" / "report.h5")
    plain = own.over("federated")[0]
    for variant in own.variants:
        gain, error = own.over(variant)
        spread = own.seed_spread(variant)
        far, far_error = unseen.over(variant)
        kept = f"{100 * gain / plain:.0f} %" if plain > 0 else "-"
        cells = [strategy, coding, variant.replace("federated", "none").replace("client_", "ε "), f"{own.by_day(variant).mean():.3f}",
                 f"{gain:.3f} ± {error:.3f}", "-" if spread is None else f"{spread:.3f}", kept,
                 f"{own.by_day(variant, None, 'violation').mean():.4f}", f"{far:.3f} ± {far_error:.3f}",
                 f"{own.training_column(variant, 'bytes_sent').sum(axis=1).mean() / 1e6:.1f}",
                 f"{own.training_column(variant, 'seconds_exchange').sum(axis=1).mean():.2f}",
                 f"{own.training_column(variant, 'seconds_local').sum(axis=1).mean():.1f}"]
        yield "| " + " | ".join(cells) + " |"


def main(arguments):
    if len(arguments) not in (1, 2):
        raise ReportError("usage: utilities_table.py FOLDER [PAGE.md]")
    folder = Path(arguments[0])
    names = sorted(path.parent.parent.name for path in folder.glob("*_*/unseen/report.h5"))
    if not names:
        raise ReportError(f"'{folder}' holds no STRATEGY_CODING/unseen/report.h5: run ./gridfed study utilities")
    first = read_report(folder / names[0] / "report.h5")
    lines = [f"{len(first.feeders)} clients, {first.seeds[-1]} seeds, {first.setting('fed.rounds')} rounds of "
             f"{first.setting('fed.local_sgd_steps')} updates, {first.setting('data.days')} days of history, {first.days} days judged.", "",
             "| strategy | coding | noise | return | over rules | spread | gain kept | violation | unseen over rules | MB | exchange s | local s |",
             "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for name in names:
        lines += rows_of(folder, name)
    text = "\n".join(lines)
    print(text)
    if len(arguments) == 2:
        page = Path(arguments[1])
        before, rest = page.read_text().split("<!-- utilities -->\n")
        page.write_text(before + "<!-- utilities -->\n\n" + text + "\n\n<!-- end of utilities -->" + rest.split("<!-- end of utilities -->")[1])


if __name__ == "__main__":
    run(main, "utilities_table.py")
