"""Reads report.h5, the file that gridfed_evaluate writes, and adds up its scores; shared by the scripts beside it."""

import configparser
import math
import os
import re
import sys
from dataclasses import dataclass

import h5py
import numpy as np


class ReportError(Exception):
    """What a user can mend, one sentence."""


@dataclass
class Report:
    path: str
    header: dict  # kind, version, writer, commit, deck, seed, ranks
    policies: list  # rules, behaviour, reference, then the trained variants
    seeds: list  # training seeds behind each policy
    privacy: list  # statement of each policy, empty if not trained
    feeders: list  # by client, name without folder and ending
    columns: list  # names of the score columns, without units
    scores: np.ndarray  # [policy and seed, client, day, column]
    table: str  # as gridfed_evaluate printed it
    training: dict  # variant -> [seed][round, column]
    training_columns: list
    examples: dict  # client -> {policy: [step, column]}
    example_columns: list
    timing: dict  # driver -> (stages, seconds [stage, min/mean/max], peak memory [MB])

    @property
    def days(self):
        return self.scores.shape[2]

    @property
    def variants(self):
        return self.policies[3:]

    def setting(self, key):
        """Value of a deck key such as env.timestep, as text."""
        deck = configparser.ConfigParser(interpolation=None)
        deck.read_string("[run]\n" + self.header["deck"])
        section, name = key.split(".")
        if not deck.has_option(section, name):
            raise ReportError(f"'{self.path}' embeds a deck without {key}: evaluate again")
        return deck.get(section, name)

    def clients_of(self, feeder):
        return [client for client, name in enumerate(self.feeders) if name == feeder]

    def values(self, policy, column="return"):
        """[seed, client, day] of one policy."""
        p = self.policies.index(policy)
        first = sum(self.seeds[:p])
        return self.scores[first : first + self.seeds[p], :, :, self.columns.index(column)]

    def by_day(self, policy, clients=None, column="return"):
        """Mean over training seeds and clients, by day: the days are the independent samples."""
        values = self.values(policy, column)
        return (values if clients is None else values[:, clients]).mean(axis=(0, 1))

    def over(self, policy, other="rules", clients=None):
        """Mean difference of returns and its standard error, paired by day."""
        return estimate(self.by_day(policy, clients) - self.by_day(other, clients))

    def won(self, policy, clients=None):
        """Share of days on which a policy's return beats that of the rules: every seed counts in the mean over all clients; in a choice of
        clients the mean over the seeds does. Both as gridfed_evaluate prints them."""
        ours, rules = self.values(policy), self.values("rules")
        if clients is None:
            return float((ours > rules).mean())
        return float((ours[:, clients].mean(axis=0) > rules[0][clients]).mean())

    def head_room(self, policy):
        """Gain over the rules as a share of the reference's."""
        gap = self.over("reference")[0]
        return self.over(policy)[0] / gap if gap else 0.0

    def seed_spread(self, policy):
        """Standard deviation of the mean return over training seeds, None for one seed."""
        means = self.values(policy).mean(axis=(1, 2))
        return float(means.std(ddof=1)) if len(means) > 1 else None

    def training_column(self, variant, column):
        """[seed, round] of one column of the training curve."""
        at = self.training_columns.index(column)
        return np.array([rows[:, at] for rows in self.training[variant]])


def estimate(values):
    """Mean and standard error over independent values."""
    values = np.asarray(values)
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), float(error)


def unit_of(statement):
    """none, client or record; a seeded run says so."""
    found = re.search(r"privacy of each (\w+)", statement)
    return (found.group(1) if found else "none") + (" (seeded, not private)" if statement.startswith("NOT PRIVATE") else "")


def read_report(path):
    """Throws ReportError for what is no complete, finite report."""
    if not os.path.exists(path):
        raise ReportError(f"there is no file '{path}': write it with gridfed_evaluate")
    try:
        file = h5py.File(path, "r")
    except OSError as problem:
        raise ReportError(f"'{path}' cannot be read ({problem}): give the report.h5 of gridfed_evaluate") from None
    with file:
        return _read(file, path)


def _read(file, path):
    def text(value):
        return value.decode() if isinstance(value, bytes) else value

    header = {name: text(value) for name, value in file.attrs.items()}
    kind = header.get("kind", "none of gridfed's kinds")
    if kind != "report":
        raise ReportError(f"'{path}' is no report (its kind is {kind}): give the report.h5 of gridfed_evaluate")
    if str(header.get("version", "")).split(".")[0] != "1":
        raise ReportError(f"'{path}' has layout version {header.get('version')}, these scripts read 1: use those of its commit")
    for name in ("deck", "seed", "ranks", "commit", "writer"):
        if name not in header:
            raise ReportError(f"'{path}' lacks the attribute {name}: evaluate again")

    def item(name):
        if name not in file:
            remedy = "evaluate beside the metrics.h5 of gridfed_train" if name.startswith("/training") else "evaluate again"
            raise ReportError(f"'{path}' lacks {name}: {remedy}")
        return file[name]

    def texts(name):
        return [text(value) for value in item(name)[()]]

    def numbers(name, dimensions):
        values = np.asarray(item(name)[()], dtype=float)
        if values.ndim != dimensions or values.size == 0:
            raise ReportError(f"'{path}': {name} has shape {values.shape}, not {dimensions} dimensions with values: evaluate again")
        if not np.isfinite(values).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise ReportError(f"'{path}': {name} holds a value that is not finite at {where}: train and evaluate again")
        return values

    def bare(names):
        return [name.split(" [")[0] for name in names]

    report = Report(
        path=path,
        header=header,
        policies=texts("/policies"),
        seeds=[int(n) for n in item("/seeds")[()]],
        privacy=texts("/privacy"),
        feeders=[os.path.splitext(os.path.basename(feeder))[0] for feeder in texts("/feeders")],
        columns=bare(texts("/score_columns")),
        scores=numbers("/scores", 4),
        table=text(item("/table")[()]),
        training={},
        training_columns=texts("/training/columns"),
        examples={},
        example_columns=bare(texts("/examples/columns")),
        timing={},
    )
    expected = (sum(report.seeds), len(report.feeders), report.days, len(report.columns))
    if report.policies[:3] != ["rules", "behaviour", "reference"] or report.scores.shape != expected:
        raise ReportError(f"'{path}': /scores has shape {report.scores.shape}, not {expected}, or /policies another order: evaluate again")
    for variant, count in zip(report.variants, report.seeds[3:]):
        report.training[variant] = [numbers(f"/training/{variant}/seed_{seed}", 2) for seed in range(count)]
    for client in range(len(report.feeders)):
        group = f"/examples/client_{client:03d}"
        report.examples[client] = {policy: numbers(f"{group}/{policy}", 2) for policy in item(group)}
    for driver in ("dataset", "train", "evaluate"):  # the dataset may have been made elsewhere
        group = f"/timing/{driver}"
        if driver == "dataset" and group not in file:
            continue
        stages = texts(f"{group}/stages")
        report.timing[driver] = (stages, numbers(f"{group}/seconds_min_mean_max", 2), float(item(group).attrs["peak_memory_mb"]))
    return report


def run(main, program):
    """Calls main with the arguments; a ReportError becomes one sentence and status 1."""
    try:
        main(sys.argv[1:])
    except ReportError as problem:
        print(f"{program}: error: {problem}", file=sys.stderr)
        sys.exit(1)
