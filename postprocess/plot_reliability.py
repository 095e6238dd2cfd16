#!/usr/bin/env python3
"""Draws reliability.h5 of gridfed_reliability on one page: reliability.png and reliability.pdf beside it.

Usage: plot_reliability.py RELIABILITY.h5
"""

import argparse
import os

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from report import ReportError, run

# Okabe and Ito's colours.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
SHOWN = [("saifi [1/yr]", "SAIFI\n[1/yr]", "{:.4f}", 1), ("saidi [h/yr]", "SAIDI\n[h/yr]", "{:.4f}", 1), ("caidi [h]", "CAIDI\n[h]", "{:.3f}", 1),
         ("asai [-]", "ASAI\n[-]", "{:.6f}", 1), ("ens [kWh/yr]", "ENS\n[MWh/yr]", "{:.3f}", 1000), ("aens [kWh/yr]", "AENS\n[kWh/yr]", "{:.2f}", 1),
         ("cost [$/yr]", "cost\n[k$/yr]", "{:.2f}", 1000)]


def texts(dataset):
    return [value.decode() if isinstance(value, bytes) else str(value) for value in dataset[()]]


def read(path):
    if not os.path.exists(path):
        raise ReportError(f"cannot read '{path}': check the path")
    try:
        with h5py.File(path, "r") as file:
            kind, version = (file.attrs.get(name, b"") for name in ("kind", "version"))
            kind, version = (value.decode() if isinstance(value, bytes) else str(value) for value in (kind, version))
            if kind != "reliability" or not version.startswith("1."):
                raise ReportError(f"'{path}' is of kind '{kind}' {version}, not reliability 1.x: run gridfed_reliability again")
            found = {"columns": texts(file["columns"]), "feeders": texts(file["feeders"]), "analytic": file["analytic"][()]}
            if "montecarlo" in file:
                found["simulated"] = file["simulated"][()]
                found["years"] = dict(zip(texts(file["montecarlo/columns"]), file["montecarlo/years"][()].T))
                found["cv"] = float(file["montecarlo"].attrs["cv"])
    except (OSError, KeyError) as problem:
        raise ReportError(f"'{path}' is no complete reliability file ({problem}): run gridfed_reliability again") from None
    numbers = [found["analytic"]] + list(found.get("years", {}).values())
    if not all(np.isfinite(values).all() for values in numbers):
        raise ReportError(f"'{path}' holds values that are not finite: run gridfed_reliability again")
    return found


def draw_table(axes, found):
    axes.axis("off")
    axes.set_title("(a)  Indices", loc="left", fontsize=10, fontweight="bold")
    at = [found["columns"].index(name) for name, _, _, _ in SHOWN]
    rows = [[""] + [heading for _, heading, _, _ in SHOWN]]
    for i, feeder in enumerate(found["feeders"]):
        for label, key in (("cut sets", "analytic"), ("simulated", "simulated")):
            if key in found:
                values = [form.format(found[key][i, c] / scale) for c, (_, _, form, scale) in zip(at, SHOWN)]
                rows.append([f"{feeder}, {label}"] + values)
    if len(rows) > 13:  # many feeders: the system alone
        rows = rows[:1] + rows[-2 if "simulated" in found else -1:]
    table = axes.table(cellText=rows, colWidths=[0.25] + [0.107] * len(SHOWN), loc="upper center", edges="horizontal", cellLoc="right")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    table.scale(1, 1.4)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("0.75")
        cell.set_linewidth(0.5)
        if row == 0:
            cell.set_height(cell.get_height() * 1.7)
            cell.set_text_props(fontweight="bold")
        if column == 0:
            cell.set_text_props(ha="left")


def draw_years(axes, letter, name, values, unit, mean):
    """Share of years above each value; the axis is logarithmic but for a part about zero, where many years lie."""
    some = values[values > 0]
    axes.set_title(f"({letter})  {name} of the system in a year", loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel(f"{name} [{unit}]")
    axes.set_ylabel("share of years that exceed it [%]")
    order = np.sort(values)
    axes.step(order, 100 * (1 - np.arange(1, len(order) + 1) / len(order)), where="post", color=BLUE, linewidth=1.6)
    axes.axvline(mean, color=ORANGE, linestyle="--", linewidth=1.2, label=f"expected, {mean:.3g} {unit}")
    tail = np.quantile(values, 0.95)
    axes.axvline(tail, color=GREY, linestyle=":", linewidth=1.2, label=f"95 % of years below, {tail:.3g} {unit}")
    if len(some):
        axes.set_xscale("symlog", linthresh=10.0 ** np.floor(np.log10(np.quantile(some, 0.2))), linscale=0.6)
        axes.set_xlim(0, order[-1] * 1.1)
    axes.xaxis.set_major_formatter(plt.FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_ylim(0, 100)
    axes.grid(color="0.9", linewidth=0.6)
    axes.legend(fontsize=8, loc="lower left", framealpha=1, edgecolor="0.85")


def main(arguments):
    parser = argparse.ArgumentParser(description="Draws reliability.h5 on one page, reliability.png and reliability.pdf beside it.")
    parser.add_argument("file", help="reliability.h5 of gridfed_reliability")
    path = parser.parse_args(arguments).file
    found = read(path)
    plt.rcParams.update({"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "pdf.fonttype": 42})
    simulated = "years" in found
    figure = plt.figure(figsize=(11.69, 8.27 if simulated else 4.5))
    grid = figure.add_gridspec(2 if simulated else 1, 2, height_ratios=[0.85, 1] if simulated else [1], left=0.07, right=0.98, top=0.94, bottom=0.08, hspace=0.22, wspace=0.2)
    draw_table(figure.add_subplot(grid[0, :]), found)
    if simulated:
        expected = dict(zip(found["columns"], found["analytic"][-1]))
        draw_years(figure.add_subplot(grid[1, 0]), "b", "SAIDI", found["years"]["saidi [h/yr]"], "h/yr", expected["saidi [h/yr]"])
        draw_years(figure.add_subplot(grid[1, 1]), "c", "SAIFI", found["years"]["saifi [1/yr]"], "1/yr", expected["saifi [1/yr]"])
        figure.text(0.98, 0.965, f"{len(found['years']['saidi [h/yr]'])} simulated years, coefficient of variation of ENS {100 * found['cv']:.2g} %",
                    ha="right", fontsize=8, color="0.35")
    for ending in ("png", "pdf"):
        target = os.path.splitext(path)[0] + "." + ending
        try:
            figure.savefig(target, dpi=150)
        except OSError as problem:
            raise ReportError(f"cannot write '{target}' ({problem.strerror}): check the folder") from None
        print(f"wrote {target}")


if __name__ == "__main__":
    run(main, "plot_reliability")
