#!/usr/bin/env python3
"""Draws a study's report on one page: report.png and report.pdf beside the report.

Usage: plot_report.py REPORT.h5 [--client N]     N: client whose example day is drawn, from 0
"""

import argparse
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from report import ReportError, read_report, run, unit_of

# Okabe and Ito's colours, distinct for every kind of colour vision; private variants differ by line style too.
COLOURS = {
    "rules": "#333333",
    "behaviour": "#999999",
    "reference": "#56B4E9",
    "local": "#E69F00",
    "pooled": "#009E73",
    "federated": "#0072B2",
    "federated_all": "#7A5195",
    "compressed": "#CC79A7",
}
PRIVATE = {"record": "#D55E00", "client": "#8C510A"}
LINES = ["-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1, 1.5))]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "h"]
LIMIT = "#B2182B"


def style(policy, policies):
    family = policy.split("_")[0]
    if family in PRIVATE:
        alike = [p for p in policies if p.split("_")[0] == family]
        return PRIVATE[family], LINES[alike.index(policy) % len(LINES)]
    return COLOURS.get(policy, "#666666"), "-"


def label(policy):
    family, _, epsilon = policy.partition("_")
    return f"{family}, ε = {epsilon}" if family in PRIVATE else policy.replace("_", " ")


def title(axes, letter, text):
    axes.set_title(f"({letter})  {text}", loc="left", fontsize=9, fontweight="bold", pad=6)


def wide_scale(axis, values, least):
    """Symmetric logarithm where a few values would squeeze the rest of a linear axis; `least` bounds its linear part."""
    values = np.abs(np.asarray(values, dtype=float))
    if values.max() > 12 * max(np.median(values), least):
        getattr(axis.axes, f"set_{axis.axis_name}scale")("symlog", linthresh=max(np.median(values), least), linscale=1.5)
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axis.axes.autoscale_view()


def policy_rows(axes, names):
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="0.97", zorder=0)


def bar(names):
    """A vertical bar nearly as high as a row."""
    return {"marker": "|", "markersize": min(19, 125 / (len(names) + 1)), "markeredgewidth": 2.4}


def feeder_offsets(count):
    return np.linspace(-0.26, 0.26, count) if count > 1 else [0.0]


def draw_gain(axes, report):
    names = [p for p in report.policies if p != "rules"]
    feeders = list(dict.fromkeys(report.feeders))
    policy_rows(axes, names)
    shown = []
    for row, name in enumerate(names):
        colour, _ = style(name, report.policies)
        for marker, offset, feeder in zip(MARKERS, feeder_offsets(len(feeders)), feeders):
            gain, error = report.over(name, clients=report.clients_of(feeder))
            axes.errorbar(gain, row + offset, xerr=error, fmt=marker, markersize=3.6, color=colour, markerfacecolor="white", elinewidth=0.7, zorder=3)
            shown.append(gain)
        gain, error = report.over(name)
        axes.errorbar(gain, row, xerr=error, elinewidth=2.4, color=colour, zorder=4, **bar(names))
        shown.append(gain)
    axes.axvline(0, color=COLOURS["rules"], linewidth=1.2)
    axes.set_ylim(top=-1)
    axes.text(0, -0.75, " rules", va="center", fontsize=7, color=COLOURS["rules"])
    wide_scale(axes.xaxis, shown, 0.25)
    axes.set_xlabel("return over the rules\n[peak load × energy price × h per day]")
    title(axes, "a", "Return over the rules")
    handles = [Line2D([], [], marker="|", linestyle="", markersize=10, markeredgewidth=2.2, color="0.3", label="all feeders")]
    handles += [Line2D([], [], marker=m, linestyle="", markersize=3.6, color="0.3", markerfacecolor="white", label=f) for m, f in zip(MARKERS, feeders)]
    axes.legend(handles=handles, fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncol=3, frameon=False, handletextpad=0.3, columnspacing=1)


def draw_violation(axes, report):
    names = report.policies
    feeders = list(dict.fromkeys(report.feeders))
    policy_rows(axes, names)
    shown = {n: [report.by_day(n, report.clients_of(f), "violation").mean() for f in feeders] + [report.by_day(n, None, "violation").mean()] for n in names}
    positive = [v for row in shown.values() for v in row if v > 0]
    floor = 10.0 ** np.floor(np.log10(max(min(positive, default=1e-6), 1e-7)))
    axes.set_xscale("symlog", linthresh=floor, linscale=0.6)
    for row, name in enumerate(names):
        colour, _ = style(name, names)
        for marker, offset, value in zip(MARKERS, feeder_offsets(len(feeders)), shown[name]):
            axes.plot(value, row + offset, marker, markersize=3.6, color=colour, markerfacecolor="white", zorder=3)
        axes.plot(shown[name][-1], row, color=colour, zorder=4, **bar(names))
    top = 10.0 ** np.ceil(np.log10(max(positive, default=floor * 10) * 1.2))
    axes.set_xlim(-0.25 * floor, top)
    decades = np.arange(round(np.log10(floor)), round(np.log10(top)) + 1)
    axes.set_xticks([0] + [10.0**d for d in decades], ["0"] + [f"$10^{{{d}}}$" for d in decades.astype(int)])
    axes.set_xlabel("mean constraint violation per step [-]\n(voltage excess / 0.05 p.u. + overload share)")
    title(axes, "b", "Constraint violation")


def draw_training(axes, report):
    shown = []
    for variant in report.variants:
        colour, line = style(variant, report.policies)
        rounds, returns, taken = (report.training_column(variant, c) for c in ("round", "validation_return", "seconds_validation"))
        judged = taken[0] > 0  # between validations the column repeats the last value
        if not judged.any():
            raise ReportError(f"'{report.path}': variant {variant} was never validated: train again with a smaller train.validate_every")
        returns = returns[:, judged]
        if len(returns) > 1:
            axes.fill_between(rounds[0][judged], returns.min(axis=0), returns.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        axes.plot(rounds[0][judged], returns.mean(axis=0), linestyle=line, color=colour, marker="o", markersize=2.6, linewidth=1.4, label=label(variant))
        shown.append(returns.ravel())
    wide_scale(axes.yaxis, np.concatenate(shown), 0.25)
    axes.set_xlabel("round (line: mean, band: range over training seeds)" if max(report.seeds) > 1 else "round")
    axes.set_ylabel("return on the validation days\n[peak load × energy price × h per day]")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(left=0)
    axes.grid(color="0.9", linewidth=0.6)
    axes.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.4, -0.16), ncol=4, frameon=False, columnspacing=1, handlelength=1.8)
    title(axes, "c", "Validation during training")


def day_rows(report, client):
    if client not in report.examples or "rules" not in report.examples[client] or len(report.examples[client]) < 2:
        raise ReportError(f"'{report.path}' has no example day of rules and another policy for client {client}: choose --client from 0 to {len(report.feeders) - 1}")
    other = next(p for p in report.examples[client] if p != "rules")
    column = {name: i for i, name in enumerate(report.example_columns)}
    hours = float(report.setting("env.timestep")) / 3600
    edges = np.arange(len(report.examples[client]["rules"]) + 1) * hours
    days = {p: {name: report.examples[client][p][:, i] for name, i in column.items()} for p in ("rules", other)}
    return other, edges, days


def hours_axis(axes, edges, last):
    axes.set_xlim(0, edges[-1])
    axes.set_xticks(np.arange(0, edges[-1] + 0.01, 4))
    axes.tick_params(labelbottom=last)
    axes.grid(color="0.9", linewidth=0.6)
    if last:
        axes.set_xlabel("hour of the day")


def draw_day(figure, cell, report, client):
    other, edges, days = day_rows(report, client)
    parts = cell.subgridspec(3, 1, hspace=0.14, height_ratios=[1, 1.5, 1.2])
    price, power, charge = (figure.add_subplot(parts[i]) for i in range(3))
    price.stairs(days["rules"]["price"], edges, baseline=None, color="0.25", linewidth=1.2)
    price.set_ylabel("price\n[$/kWh]")
    for policy, row in days.items():
        colour, _ = style(policy, report.policies)
        power.stairs(row["battery_power"], edges, baseline=None, color=colour, linewidth=1.3)
        charge.plot(edges[1:], 100 * row["battery_charge"], color=colour, linewidth=1.3, label=label(policy))
    power.axhline(0, color="0.6", linewidth=0.6)
    power.set_ylabel("battery [kW]\n(+ discharge)")
    charge.set_ylabel("charge\n[%]")
    charge.set_ylim(0, 100)
    for axes in (price, power, charge):
        hours_axis(axes, edges, axes is charge)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_label_coords(-0.13, 0.5)
    charge.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.5), ncol=2, frameon=False)
    title(price, "d", f"First test day of {report.feeders[client]}")


def draw_voltage(axes, report, client):
    other, edges, days = day_rows(report, client)
    for policy, row in days.items():
        colour, _ = style(policy, report.policies)
        low, high = row["voltage_lowest"], row["voltage_highest"]
        axes.stairs(high, edges, baseline=low, fill=True, color=colour, alpha=0.16, linewidth=0, zorder=2)
        axes.stairs(high, edges, baseline=None, color=colour, linewidth=1.2, label=label(policy))
        axes.stairs(low, edges, baseline=None, color=colour, linewidth=1.2)
    limits = [float(report.setting(f"env.voltage_{side}")) for side in ("min", "max")]
    for limit in limits:
        axes.axhline(limit, color=LIMIT, linestyle="--", linewidth=1)
        axes.annotate(f"limit {limit:g}", (edges[-1], limit), (-3, 3 if limit > 1 else -3), textcoords="offset points", color=LIMIT, fontsize=7, ha="right",
                      va="bottom" if limit > 1 else "top")
    values = [row[c] for row in days.values() for c in ("voltage_lowest", "voltage_highest")]
    bottom, top = min(limits[0], np.min(values)), max(limits[1], np.max(values))
    axes.set_ylim(bottom - 0.12 * (top - bottom), top + 0.12 * (top - bottom))
    hours_axis(axes, edges, True)
    axes.set_ylabel("lowest and highest voltage [p.u.]")
    axes.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncol=2, frameon=False)
    title(axes, "e", "Voltages of that day")


def kilobytes(value):
    return "-" if value == 0 else f"{value / 1e3:.3g}" if value < 1e6 else f"{value / 1e3:.0f}"


def draw_tables(axes, report):
    axes.axis("off")
    title(axes, "f", "Exchange, privacy, wall time and memory")
    axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=9, fontweight="bold", pad=6, x=-0.16)
    rows = [["variant", "kB/round", "of dense", "ε", "unit", "s/round"]]
    for variant in report.variants:
        sent, dense, epsilon, local, exchange = (
            report.training_column(variant, c) for c in ("bytes_sent", "dense_bytes", "epsilon", "seconds_local", "seconds_exchange"))
        unit = unit_of(report.privacy[report.policies.index(variant)])
        rows.append([label(variant), kilobytes(sent.mean()), f"{100 * sent.sum() / dense.sum():.0f} %" if sent.any() else "-",
                     "-" if unit == "none" else f"{epsilon[:, -1].max():.3g}", unit.split()[0] + ("*" if "seeded" in unit else ""),
                     f"{(local + exchange).mean():.2f}"])
    costs = [["stage", "mean [s]", "max [s]", "peak [MB]"]]
    for driver, (stages, seconds, memory) in report.timing.items():
        for i, stage in enumerate(stages):
            name = driver if stage == driver else f"{driver}: {stage.removeprefix(driver + ' ')}"
            costs.append([name, f"{seconds[i, 1]:.1f}", f"{seconds[i, 2]:.1f}", f"{memory:.0f}" if i == 0 else ""])
    lines = len(rows) + len(costs)
    height = min(0.062, 0.95 / (lines + 1))
    size = 6.8 if height > 0.045 else 5.6
    for content, widths, top in ((rows, [0.27, 0.165, 0.165, 0.12, 0.13, 0.15], 1.0), (costs, [0.46, 0.18, 0.18, 0.18], 1.0 - (len(rows) + 1) * height)):
        box = [-0.16, top - len(content) * height, 1.17, len(content) * height]
        table = axes.table(cellText=content, colWidths=widths, bbox=box, edges="horizontal", cellLoc="right")
        table.auto_set_font_size(False)
        table.set_fontsize(size)
        for (row, column), cell in table.get_celld().items():
            cell.set_linewidth(0.4)
            cell.set_edgecolor("0.75")
            cell.PAD = 0.02
            if column == 0:
                cell.set_text_props(ha="left")
            if row == 0:
                cell.set_text_props(fontweight="bold")
                cell.set_facecolor("0.94")


def main(arguments):
    parser = argparse.ArgumentParser(description="Draws a study's report on one page, report.png and report.pdf beside it.")
    parser.add_argument("report", help="report.h5 of gridfed_evaluate")
    parser.add_argument("--client", type=int, default=0, help="client whose example day is drawn, from 0")
    given = parser.parse_args(arguments)
    report = read_report(given.report)
    plt.rcParams.update({"font.size": 7.5, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7, "axes.axisbelow": True, "pdf.fonttype": 42})
    figure = plt.figure(figsize=(11.69, 8.27))  # A4, landscape
    grid = figure.add_gridspec(2, 3, left=0.085, right=0.985, top=0.895, bottom=0.1, wspace=0.36, hspace=0.47)
    draw_gain(figure.add_subplot(grid[0, 0]), report)
    draw_violation(figure.add_subplot(grid[0, 1]), report)
    draw_training(figure.add_subplot(grid[0, 2]), report)
    draw_day(figure, grid[1, 0], report, given.client)
    draw_voltage(figure.add_subplot(grid[1, 1]), report, given.client)
    draw_tables(figure.add_subplot(grid[1, 2]), report)
    header = report.header
    figure.text(0.012, 0.972, f"Policies on {report.days} unseen days of each of {len(report.feeders)} clients", fontsize=12, fontweight="bold", va="top")
    figure.text(0.012, 0.943, "bars: standard error over days, differences paired by day", fontsize=8, color="0.35", va="top")
    figure.text(0.988, 0.972, f"{header['writer']}, commit {header['commit']}, seed {header['seed']}, {header['ranks']} ranks", fontsize=7.5, color="0.35", ha="right", va="top")
    for ending in ("png", "pdf"):
        target = os.path.splitext(given.report)[0] + "." + ending
        try:
            figure.savefig(target, dpi=170)
        except OSError as problem:
            raise ReportError(f"cannot write '{target}' ({problem.strerror}): check the folder") from None
        print(f"wrote {target}")


if __name__ == "__main__":
    run(main, "plot_report")
