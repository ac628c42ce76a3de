"""Lesson 2's widget. Oracles: the recordings that the five steps get, and known factors."""

import itertools
import re

import numpy as np
import pytest

from ionlab.widgets.overview import (
    CELLS,
    Found,
    LENGTHS_ms,
    find_cause,
    pair_explorer,
    recording,
    two_recordings,
)


@pytest.mark.parametrize(
    "corner", list(itertools.product(CELLS, ("baseline", "I_to"), (0.0, 3.0), LENGTHS_ms))
)
def test_what_is_drawn_is_what_is_compared(corner):
    control, treated, noise_mV, length = corner
    picture = two_recordings(control, treated, noise_mV, length)
    k, beats = LENGTHS_ms.index(length), {}
    for side, name in (("control", control), ("treated", treated)):
        sweep = recording(name, side, noise_mV).sweeps[k]
        first = int(sweep.stimuli_ms[0] - 10.0) % int(length)
        beats[side] = sweep.V_mV[first : first + int(length)]
        assert np.allclose(picture.curves[side][1], beats[side], atol=1e-9)
    away = beats["treated"] - beats["control"]
    assert np.allclose(picture.curves["away"][1], away)
    said = float(re.search(r"differs by ([\d.]+) mV", picture.readout).group(1))
    assert said == pytest.approx(np.sqrt(np.mean(away**2)), abs=0.006)


def test_the_same_cell_without_noise_does_not_differ():
    assert "differs by 0.00 mV" in two_recordings("baseline", "baseline", 0.0, 500.0).readout


@pytest.fixture(scope="module")
def found():
    steps = []
    watch = lambda step, steps_, loss: steps.append(step)  # noqa: E731
    found = find_cause(watch, "baseline", "short QT", 0.5, 800.0)
    assert steps[-1] == 60, "the preset fast takes 60 steps, watched to the end"
    return found


def test_the_cause_is_the_factor_that_was_put_in(found):
    first = found.changes[0]
    assert (first.name, first.changed) == ("I_CaL", True)
    assert first.ratio == pytest.approx(0.5, abs=0.025)


def test_the_interval_of_the_first_settings_just_misses_as_the_lesson_says():
    noisy, exact = (
        find_cause(None, "baseline", "long QT", noise, 500.0).changes[0] for noise in (0.5, 0.0)
    )
    assert noisy.name == exact.name == "I_Kr"
    assert 0.5 < noisy.low < 0.52 and noisy.ratio < 0.56
    assert exact.low < 0.5 < exact.ratio < 0.525


def test_the_equations_follow_both_recordings(found):
    picture = two_recordings("baseline", "short QT", 0.5, 800.0, trained=found)
    for side in ("control", "treated"):
        away = picture.curves[f"{side} ODE"][1] - picture.curves[side][1]
        assert np.sqrt(np.mean(away**2)) < 1.5  # 0.5 of it is noise
    assert "Found: I_CaL is 0.5" in picture.readout


def test_an_answer_is_shown_for_its_own_recordings_only(found):
    picture = two_recordings("baseline", "long QT", 0.5, 800.0, trained=found)
    assert "control ODE" not in picture.curves and "Press" in picture.readout


def test_nothing_found_is_said():
    nothing = Found(("baseline", "baseline", 0.5), (), (np.zeros((3, 800)), np.zeros((3, 800))))
    readout = two_recordings("baseline", "baseline", 0.5, 350.0, trained=nothing).readout
    assert "no change is supported" in readout


def test_it_opens_moves_trains_resets_and_shows_errors(found, monkeypatch):
    explorer = pair_explorer()
    first, words = explorer.image.value, explorer.readout.value
    explorer["treated"].value = "short QT"
    assert explorer.image.value != first and explorer.readout.value != words
    explorer.trained = found
    explorer.show()
    assert "I_CaL is 0.5" in explorer.readout.value
    explorer.reset()
    assert explorer.readout.value == words and explorer.trained is None
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR") and "Two recordings" in data["text/plain"]

    def broken(**values):
        raise ZeroDivisionError("no recording")

    monkeypatch.setattr(explorer, "draw", broken)
    with pytest.raises(ZeroDivisionError):
        explorer["noise_mV"].value = 1.0
    assert "no recording" in explorer.readout.value
