"""Checks both scripts on a small report made here: /usr/bin/python3 -m unittest postprocess/test_postprocess.py"""

import contextlib
import io
import os
import re
import sys
import tempfile
import unittest
from unittest import mock

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import plot_reliability
import plot_report
import report as reports
import results_table

COLUMNS = ["return [peak load x energy price x hour]", "violation [-]", "voltage_violation [-]"]
TRAINING = ["round", "updates", "value_loss", "critic_loss", "actor_loss", "q", "update_norm", "clipped_fraction", "bytes_sent", "dense_bytes",
            "epsilon", "validation_return", "seconds_local", "seconds_exchange", "seconds_validation"]
EXAMPLE = ["head_power [kW]", "battery_power [kW]", "battery_charge [share]", "price [$/kWh]", "voltage_lowest [p.u.]", "voltage_highest [p.u.]", "return [scaled]"]
DECK = "seed = 7\n\n[env]\ntimestep = 900\nvoltage_max = 1.05\nvoltage_min = 0.95\n\n[fed]\nnum_clients = 2\n\n[rl]\nhidden_dims = 128,128\n"
NONE = "No differential privacy: updates were shared without noise."
RECORD = "(4, 1.0e-05)-differential privacy of each record: Gaussian noise of 1.2 x clip norm 1, 100 steps at sampling rate 0.02."
FEEDERS = ["inputs/feeders/a.dss", "inputs/feeders/b.dss"]


def table_of(policies, seeds, scores):
    """The overall lines of gridfed_evaluate's table, written down independently of report.py."""
    ends = np.cumsum(seeds)
    parts = {p: scores[end - n : end] for p, n, end in zip(policies, seeds, ends)}
    lines = ["", "header", "columns"]
    rules = parts["rules"][0, :, :, 0]
    gap = (parts["reference"][0, :, :, 0] - rules).mean()
    for policy, part in parts.items():
        gain = part[..., 0].mean(axis=(0, 1)) - rules.mean(axis=0)
        total = part[..., 0].mean(axis=(0, 1))
        error = [x.std(ddof=1) / np.sqrt(len(x)) for x in (total, gain)]
        spread = f"{part[..., 0].mean(axis=(1, 2)).std(ddof=1):.3f}" if len(part) > 1 else "-"
        lines.append(f"{policy:<16} {total.mean():>8.3f} +-{error[0]:>5.3f} {gain.mean():>9.3f} +-{error[1]:>5.3f} {100 * (part[..., 0] > rules).mean():>5.0f} % "
                     f"{100 * gain.mean() / gap:>7.0f} % {part[..., 1].mean():>12.6f} {len(part):>9} {spread:>9}")
    return "\n".join(lines) + "\n\nby feeder\n"


def write(path, variants=(("local", 2, NONE), ("federated", 2, NONE), ("record_4", 1, RECORD)), days=6, feeders=FEEDERS, rounds=4):
    """A report of known numbers; returns its scores."""
    policies = ["rules", "behaviour", "reference"] + [name for name, _, _ in variants]
    seeds = [1, 1, 1] + [count for _, count, _ in variants]
    privacy = ["", "", ""] + [statement for _, _, statement in variants]
    draw = np.random.default_rng(3)
    scores = draw.normal(-0.5, 0.1, (sum(seeds), len(feeders), days, len(COLUMNS)))
    scores[2, ..., 0] += 1.0
    scores[3:, ..., 0] += 0.3
    scores[..., 1] = draw.uniform(0, 1e-3, scores.shape[:-1])
    with h5py.File(path, "w") as file:
        for name, value in {"kind": b"report", "version": b"1.0", "writer": b"gridfed 0.1.0", "commit": b"abc123", "deck": DECK.encode(), "seed": 7, "ranks": 2}.items():
            file.attrs[name] = value
        for name, texts in {"policies": policies, "privacy": privacy, "feeders": feeders, "score_columns": COLUMNS, "training/columns": TRAINING,
                            "examples/columns": EXAMPLE}.items():
            file[name] = np.array([t.encode() for t in texts])
        file["seeds"] = np.array(seeds, dtype=np.int32)
        file["scores"] = scores
        file["table"] = table_of(policies, seeds, scores)
        for name, count, statement in variants:
            for seed in range(count):
                rows = np.zeros((rounds, len(TRAINING)))
                rows[:, 0] = np.arange(1, rounds + 1)
                rows[:, 8] = 0 if name in ("local", "pooled") else 1.25e6
                rows[:, 9] = 5e6
                rows[:, 10] = np.linspace(1, 4, rounds) if statement != NONE else 0
                rows[:, 11] = np.linspace(-0.5, -0.2, rounds) + 0.02 * seed - (30 if name.startswith("client") else 0)
                rows[:, 12:15] = [0.5, 0.1, 0.2]
                file[f"training/{name}/seed_{seed}"] = rows
        for client in range(len(feeders)):
            for policy in ("rules", policies[-1]):
                t = np.arange(96)
                swing = np.sin(t / 96 * 2 * np.pi)
                file[f"examples/client_{client:03d}/{policy}"] = np.stack([1000 + 100 * swing, 200 * swing, 0.5 + 0.3 * swing, 0.15 + 0.05 * swing,
                                                                           0.97 + 0.01 * swing, 1.03 + 0.01 * swing, 0 * swing], axis=1)
        stages = {"dataset": ["simulate"], "train": ["load"] + [f"train {name}" for name, _, _ in variants] + ["checkpoint"], "evaluate": ["evaluate"]}
        for driver, names in stages.items():
            file[f"timing/{driver}/stages"] = np.array([n.encode() for n in names])
            file[f"timing/{driver}/seconds_min_mean_max"] = np.array([[1.0, 2.0, 3.0 + i] for i in range(len(names))])
            file[f"timing/{driver}"].attrs["peak_memory_mb"] = 123.4
    return scores


class Postprocess(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "report.h5")
        self.page = os.path.join(self.folder, "results.md")
        self.scores = write(self.path)

    def fails(self, script, *arguments):
        """Runs a script that must fail with one sentence; returns it."""
        out, err = io.StringIO(), io.StringIO()
        name = script.__name__
        with mock.patch.object(sys, "argv", [name, *arguments]), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            with self.assertRaises(SystemExit) as stop:
                reports.run(script.main, name)
        self.assertEqual(stop.exception.code, 1)
        self.assertEqual(err.getvalue().count("\n"), 1, err.getvalue())
        self.assertTrue(err.getvalue().startswith(f"{name}: error: "), err.getvalue())
        return err.getvalue()

    def change(self, work):
        with h5py.File(self.path, "r+") as file:
            work(file)

    def make_page(self, *more):
        with contextlib.redirect_stdout(io.StringIO()):
            results_table.main([self.page, f"tiny={self.path}", *more])
        with open(self.page, encoding="utf-8") as page:
            return page.read()

    def rows_of(self, page, policy):
        """Cells of every table row whose first cell is the policy."""
        return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in page.splitlines() if line.startswith(f"| {policy} |")]

    def test_estimate_is_the_standard_error_of_the_mean(self):
        mean, error = reports.estimate([1.0, 2.0, 3.0, 4.0])
        self.assertAlmostEqual(mean, 2.5)
        self.assertAlmostEqual(error, np.sqrt(5.0 / 3.0 / 4.0))
        self.assertEqual(reports.estimate([3.0]), (3.0, 0.0))

    def test_differences_are_paired_by_day(self):
        report = reports.read_report(self.path)
        by_day = self.scores[3:5, :, :, 0].mean(axis=(0, 1)) - self.scores[0, :, :, 0].mean(axis=0)
        gain, error = report.over("local")
        self.assertAlmostEqual(gain, by_day.mean())
        self.assertAlmostEqual(error, by_day.std(ddof=1) / np.sqrt(6))
        gain, _ = report.over("federated", "local", clients=[1])
        self.assertAlmostEqual(gain, (self.scores[5:7, 1, :, 0] - self.scores[3:5, 1, :, 0]).mean())
        self.assertAlmostEqual(report.seed_spread("local"), self.scores[3:5, ..., 0].mean(axis=(1, 2)).std(ddof=1))
        self.assertIsNone(report.seed_spread("rules"))
        self.assertAlmostEqual(report.head_room("reference"), 1.0)

    def test_page_holds_the_numbers(self):
        page = self.make_page()
        overall = self.rows_of(page, "local")[0]
        values = self.scores[3:5, ..., 0]
        self.assertEqual(overall[1].split(" ± ")[0], f"{values.mean():.3f}".replace("-", "−"))
        self.assertEqual(overall[3], f"{100 * (values > self.scores[0, ..., 0]).mean():.0f} %")
        self.assertEqual(overall[5], f"{1e3 * self.scores[3:5, ..., 1].mean():.3f}")
        self.assertEqual(overall[6], "2")
        exchange = self.rows_of(page, "record_4")[-1]
        self.assertEqual(exchange[1:5], [RECORD, "1250", "5.0", "25 %"])
        for word in ("federated − local", "abc123", "seed 7", "2 ranks", "./gridfed study", "timestep = 900"):
            self.assertIn(word, page)

    def test_page_refuses_a_table_that_tells_otherwise(self):
        def shift(file):
            text = file["table"][()].decode()
            del file["table"]
            file["table"] = re.sub(r"(local +)-?0\.\d+", r"\g<1>-9.999", text, count=1)

        self.change(shift)
        self.assertIn("local", self.fails(results_table, self.page, f"tiny={self.path}"))

    def test_excerpt_goes_between_its_marks(self):
        readme = os.path.join(self.folder, "README.md")
        with open(readme, "w", encoding="utf-8") as file:
            file.write("before\n<!-- table of tiny -->\nold\n<!-- end of table -->\nafter\n")
        self.make_page("--excerpt", readme)
        with open(readme, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("old", text)
        self.assertIn("federated", text)
        self.assertTrue(text.startswith("before\n<!-- table of tiny -->\n```") and text.endswith("```\n<!-- end of table -->\nafter\n"), text)

    def test_picture_is_drawn(self):
        with contextlib.redirect_stdout(io.StringIO()):
            plot_report.main([self.path])
        for ending in ("png", "pdf"):
            self.assertGreater(os.path.getsize(os.path.join(self.folder, f"report.{ending}")), 10000)

    def test_both_name_a_missing_file_and_a_wrong_kind(self):
        for script, before in ((plot_report, []), (results_table, [self.page])):
            prefix = "x=" if before else ""
            self.assertIn("there is no file", self.fails(script, *before, prefix + os.path.join(self.folder, "nothing.h5")))
            other = os.path.join(self.folder, "dataset.h5")
            with h5py.File(other, "w") as file:
                file.attrs["kind"] = b"dataset"
            self.assertIn("its kind is dataset", self.fails(script, *before, prefix + other))
            with open(other, "w") as file:
                file.write("no HDF5")
            self.assertIn("cannot be read", self.fails(script, *before, prefix + other))

    def test_missing_group_is_named(self):
        self.change(lambda file: file.__delitem__("training"))
        self.assertIn("lacks /training/columns: evaluate beside the metrics.h5", self.fails(plot_report, self.path))

    def test_value_that_is_not_finite_is_named(self):
        self.change(lambda file: file["scores"].__setitem__((1, 0, 2, 0), np.nan))
        self.assertIn("/scores holds a value that is not finite at (1, 0, 2, 0)", self.fails(plot_report, self.path))

    def test_later_layout_is_refused(self):
        self.change(lambda file: file.attrs.__setitem__("version", b"2.0"))
        self.assertIn("layout version 2.0", self.fails(plot_report, self.path))

    def test_client_without_example_day(self):
        self.assertIn("client 9", self.fails(plot_report, self.path, "--client", "9"))


class PlotReliability(unittest.TestCase):
    """A reliability file of two feeders and a hundred simulated years."""

    def write(self, path, kind=b"reliability", simulated=True, saidi=1.5):
        columns = ["saifi [1/yr]", "saidi [h/yr]", "caidi [h]", "asai [-]", "ens [kWh/yr]", "aens [kWh/yr]", "cost [$/yr]"]
        with h5py.File(path, "w") as file:
            file.attrs["kind"], file.attrs["version"] = kind, b"1.0"
            file["columns"] = np.array(columns, dtype="S16")
            file["feeders"] = np.array(["one", "system"], dtype="S8")
            file["analytic"] = np.full((2, len(columns)), saidi)
            if simulated:
                file["simulated"] = np.ones((2, len(columns)))
                file["montecarlo/columns"] = np.array(["saifi [1/yr]", "saidi [h/yr]"], dtype="S16")
                file["montecarlo/years"] = np.random.default_rng(1).exponential(1, (100, 2)) * (np.arange(100) > 30)[:, None]
                file["montecarlo"].attrs["cv"] = 0.01

    def test_pictures_with_and_without_a_simulation(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            for simulated in (True, False):
                path = os.path.join(folder, f"{simulated}.h5")
                self.write(path, simulated=simulated)
                plot_reliability.main([path])
                for ending in ("png", "pdf"):
                    self.assertGreater(os.path.getsize(path.replace("h5", ending)), 5000)

    def test_faults_are_one_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.h5")
            for text, options in (("is of kind 'report' 1.0", {"kind": b"report"}), ("not finite", {"saidi": np.nan})):
                self.write(path, **options)
                with self.assertRaisesRegex(reports.ReportError, text):
                    plot_reliability.main([path])
            with h5py.File(path, "a") as file:
                del file["analytic"]
            with self.assertRaisesRegex(reports.ReportError, "no complete reliability file"):
                plot_reliability.main([path])
            with self.assertRaisesRegex(reports.ReportError, "cannot read"):
                plot_reliability.main([os.path.join(folder, "missing.h5")])


if __name__ == "__main__":
    unittest.main()
