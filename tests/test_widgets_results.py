"""The explorer of lesson 9. Oracles: runs of 20 s from rest, and the stored map of CVODE."""

from itertools import product

import numpy as np
import pytest

from ionlab.cells import tentusscher2004 as cell
from ionlab.simulate import pace
from ionlab.widgets import results as lesson


@pytest.mark.parametrize(
    ("parameter", "factor", "cycle_length_ms"),
    [*product(cell.conductances.values(), (0.0, 3.0), (300.0, 800.0))],
)
def test_every_corner_gives_a_picture(parameter, factor, cycle_length_ms):
    picture = lesson.answered(parameter, factor, cycle_length_ms)
    for x, y in picture.curves.values():
        assert len(x) == len(y) > 1
        assert np.isfinite(y).all()
    assert "capture" in picture.readout


@pytest.mark.parametrize(
    ("parameter", "factor", "length"), [("g_Kr", 0.5, 500), ("g_to", 3.0, 800), ("g_CaL", 0.5, 350)]
)
def test_apd90_is_near_that_of_20_s(parameter, factor, length):
    """Slow ions are still on their way 2.5 s after the change: 3 % of APD90."""
    truth = pace(cell.perturbed(**{parameter: factor}), [length]).apd_ms()[0]
    said = lesson.answered(parameter, factor, length).readout
    assert float(said.split("APD90 ")[1].split(" ms")[0]) == pytest.approx(truth, rel=0.03)
    base = float(said.split("baseline ")[1].split(",")[0])
    assert base == pytest.approx(pace(cell, [length]).apd_ms()[0], rel=0.01)


@pytest.mark.parametrize(
    ("factor", "length", "capture"), [(0.5, 300, "2:1"), (0.5, 400, "1:1"), (0.25, 310, "2:1")]
)
def test_capture_off_the_edge_is_that_of_the_map(factor, length, capture):
    assert f"; capture {capture}," in lesson.answered("g_Kr", factor, length).readout


def test_stimuli_are_marked_where_they_are():
    stimuli = lesson.answered("g_Kr", 1.0, 500.0).curves["stimuli"][0]
    assert stimuli == pytest.approx([10.0, 510.0, 1010.0])


def test_it_opens_moves_resets_and_prints():
    explorer = lesson.perturbations()
    first = explorer.image.value
    explorer["factor"].value = 2.0
    assert explorer.image.value != first
    assert "g_Kr x 2" in explorer.words
    explorer.reset()
    assert "g_Kr x 0.5, cycle length 350 ms" in explorer.words
    data, metadata = explorer._repr_mimebundle_()
    assert data["image/png"]
    assert "capture" in metadata["image/png"]["alt"]


def test_what_fails_is_shown_and_raised(monkeypatch):
    explorer = lesson.perturbations()
    monkeypatch.setattr(lesson, "baseline", lambda length: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explorer["factor"].value = 2.0
    assert "ZeroDivisionError" in explorer.readout.value
