"""The paper from nothing, at the fast preset: killed once, then to the end."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from ionlab import reproduce, stages
from ionlab.cells import tentusscher2004 as CELL
from ionlab.perturb import PAPER
from ionlab.presets import FAST

TRUTH = {p.name: (p.current, next(iter(p.factors.values()))) for p in PAPER}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A run that was killed after its first stage, then run again to the end."""
    folder = tmp_path_factory.mktemp("reproduce")
    command = [sys.executable, "-m", "ionlab", "reproduce", "--preset", "fast", "--out", folder]
    first = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        while not list(folder.glob("stages/first-pass-clamp-*")):
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert not (folder / "metrics.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("stages/first-pass-clamp-*")}
    reproduce.run(folder, "fast", weights=folder / "weights")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    return folder


@pytest.mark.slow
def test_the_membrane_decoder_names_the_current_of_each_case(out):
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    cases = [c for c in metrics["cases"] if c["method"] == "membrane equation"]
    assert [c["perturbation"] for c in cases] == list(TRUTH)
    for case in cases:
        current, factor = TRUTH[case["perturbation"]]
        ratio, low, high = case["interval"][current]
        assert case["first"] == current
        assert abs(ratio - factor) < (0.3 if factor > 1 else 0.1) and low < ratio < high
        for row in case["neural_ode"].values():
            assert abs(row["apd90_ms"] - row["apd90_of_cell_ms"]) < 5.0
            assert row["capture"] == "1:1"
    for row in metrics["first_pass"]["clamp"].values():
        assert row["v_rmse_mV"] < 0.5


@pytest.mark.slow
def test_the_papers_own_recipe_stands_beside_it(out):
    table = pd.read_csv(out / "table.csv")
    assert table.groupby("case")["decoder"].nunique().to_dict() == dict.fromkeys(TRUTH, 3)
    assert table["the paper says"].notna().all()
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["first_pass"]["paper"]["gate_rmse"]) == set(CELL.gate_names)
    assert metrics["networks_retrained"] == {"membrane": 6 * len(FAST.eta), "n2": 40}


@pytest.mark.slow
def test_every_figure_of_the_paper_is_drawn(out):
    for number in range(2, 8):
        assert (out / f"figure{number}.png").stat().st_size > 10_000
    assert not list(out.rglob(".*"))  # nothing half-written


@pytest.mark.slow
def test_a_second_run_computes_nothing_but_what_is_missing(out, monkeypatch):
    def never(*args, **named):
        raise AssertionError("a stored stage was computed again")

    monkeypatch.setattr(stages, "train", never)
    (missing,) = out.glob(f"stages/second-pass-membrane-ito-{'?' * 16}.safetensors")
    before = missing.read_bytes()
    missing.unlink()
    fit = stages.theory_stage(out / "stages", FAST, 0, "cpu")
    assert fit.n1.gates == CELL.gate_names
    arrays = stages.membrane_stage(out / "stages", FAST, 0, "cpu", "ito")
    assert missing.read_bytes() == before  # the same seed, the same result
    monkeypatch.setattr(stages, "retrain", never)
    again = stages.membrane_stage(out / "stages", FAST, 0, "cpu", "ito")
    assert (again["gains"] == arrays["gains"]).all()


@pytest.mark.slow
def test_the_weights_for_the_lessons_are_written(out):
    names = sorted(path.name for path in (out / "weights").iterdir())
    assert names == [
        "tentusscher2004-membrane-ito-2.safetensors",
        "tentusscher2004-membrane-ito.safetensors",
        "tentusscher2004-membrane-long_qt-0.25.safetensors",
        "tentusscher2004-membrane-long_qt-0.75.safetensors",
        "tentusscher2004-membrane-long_qt.safetensors",
        "tentusscher2004-membrane-short_qt-0.25.safetensors",
        "tentusscher2004-membrane-short_qt-0.75.safetensors",
        "tentusscher2004-membrane-short_qt.safetensors",
        "tentusscher2004-n2-no-upstroke.safetensors",
        "tentusscher2004-n2-published.safetensors",
        "tentusscher2004-no-affine-ito.safetensors",
        "tentusscher2004-paper.safetensors",
    ]
