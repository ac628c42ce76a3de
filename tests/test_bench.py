"""The bench: its figures have the right form, and the cheap ones run. No time is asserted."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from ionlab import bench, cli
from ionlab.bench.figure import Figure, process
from ionlab.bench.solver import solve_ivp_run
from ionlab.errors import UnknownName
from ionlab.simulate import pace


@pytest.mark.parametrize(
    "figure, ok",
    [
        (Figure("x", 1.0, 2.0), True),
        (Figure("x", 3.0, 2.0), False),
        (Figure("x", 0, 0), True),
        (Figure("x", 30.0, 20.0, at_least=True), True),
        (Figure("x", 3.0, 20.0, at_least=True), False),
        (Figure("x", float("nan"), 2.0), False),
        (Figure("x", 3.0), None),
        (Figure("x", None), False),
    ],
)
def test_a_figure_is_reached_or_not(figure, ok):
    assert figure.ok is ok


def test_the_oracle_figures():
    """Oracle: CVODE; these are accuracies, not times, so they must hold anywhere."""
    figures = bench.oracle()
    assert [f.unit for f in figures] == ["ms", "mV"]
    assert all(f.ok for f in figures), figures


def test_solve_ivp_solves_the_cell():
    """Oracle: the fast kernel. What the kernel is timed against must do the same work."""
    y = solve_ivp_run(800.0, rtol=1e-6)
    traces = pace(bench.solver.CELL, [800.0], 20_001.0, 1.0)
    assert y == pytest.approx(traces.values[0, :, -1], rel=0.01, abs=1e-3)


def test_memory_is_that_of_a_process():
    (figure,) = bench.memory()
    assert 0.05 < figure.measured < 64.0 and figure.unit == "GB"


def test_a_process_that_fails_says_why():
    assert process("-c", "pass") > 0
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        process("-c", "1 / 0")


def test_what_takes_minutes_waits_to_be_asked_for():
    names = bench.chosen()
    assert not set(bench.SLOW) & set(names)
    assert bench.chosen(everything=True) == list(bench.MEASUREMENTS)
    assert bench.chosen(["memory", "report"]) == ["report", "memory"]
    with pytest.raises(UnknownName, match='unknown measurement "oracel". Did you mean "oracle"'):
        bench.chosen(["oracel"])


def test_one_that_fails_hides_no_other(monkeypatch, tmp_path):
    def broken():
        """Fails."""
        raise ZeroDivisionError("no reason")

    def sound():
        """Does not."""
        return [Figure("one", np.float64(1.5), 2.0, "s"), Figure("two", 3, None, "x", note="said")]

    monkeypatch.setattr(bench, "MEASUREMENTS", {"broken": broken, "sound": sound})
    file = tmp_path / "bench.json"
    result = CliRunner().invoke(cli.main, ["bench", "--out", str(file)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].startswith("NO  broken: failed") and "ZeroDivisionError: no reason" in lines[1]
    assert lines[2].split() == ["ok", "sound:", "one", "1.5", "<=", "2", "s"]
    assert lines[3].startswith("-") and lines[3].endswith("said")
    assert result.stderr.splitlines() == ["broken: Fails.", "sound: Does not."]
    written = json.loads(file.read_text())
    assert [f["ok"] for f in written["figures"]] == [False, True, None]
    assert written["figures"][1]["measured"] == 1.5 and written["machine"]["cores"] >= 1


def test_bench_refuses(tmp_path):
    for options in (["--only", "oracel"], ["--out", str(tmp_path / "absent" / "b.json")]):
        result = CliRunner().invoke(cli.main, ["bench", *options])
        assert result.exit_code == 2 and result.stderr.startswith("error: ")
