"""The explorer of lesson 8. The oracle is a second solver, or what is known of Euler's method."""

from itertools import product

import numpy as np
import pytest

from ionlab.simulate import pace
from ionlab.widgets import neural_ode as lesson


@pytest.mark.parametrize(
    ("which", "solver", "dt_ms", "tolerance"),
    [*product(("ode", "cell"), (*lesson.EXPLICIT, *lesson.IMPLICIT), (0.0025, 1.0), (1e-6, 1e-2))],
)
def test_every_corner_gives_a_picture(which, solver, dt_ms, tolerance):
    picture = lesson.compared(which, solver, dt_ms, tolerance)
    t, V = picture.curves["V"]
    blown = solver == "euler" and (dt_ms == 1.0 or which == "cell")
    assert ("BLEW UP" in picture.readout) == blown
    assert np.isfinite(V).all() != blown
    assert np.isfinite(picture.curves["truth"][1]).all()
    assert t[-1] == pytest.approx(lesson.SHOWN_ms - lesson.SAMPLE_ms)


def test_the_error_in_the_readout_is_that_of_the_run():
    cell = lesson.equations("ode")
    truth, run = (
        pace(cell, [500.0], 150.0, 150.0, 0.5, "Radau", 1e-9)["V"][0],
        pace(cell, [500.0], 150.0, 150.0, 0.5, "BDF", 1e-3)["V"][0],
    )
    said = lesson.compared("ode", "BDF", 0.1, 1e-3).readout
    rms = float(said.split("error ")[1].split(" mV RMS")[0])
    assert rms == pytest.approx(np.sqrt(np.mean((truth - run) ** 2)), rel=0.06)  # two digits


def test_it_opens_moves_resets_and_prints():
    explorer = lesson.solvers()
    first = explorer.image.value
    explorer["dt_ms"].value = 1.0
    assert explorer.image.value != first
    assert "dt = 1 ms" in explorer.words
    explorer.reset()
    assert "dt = 0.05 ms" in explorer.words
    data, metadata = explorer._repr_mimebundle_()
    assert data["image/png"]
    assert "Rush-Larsen" in metadata["image/png"]["alt"]


def test_what_fails_is_shown_and_raised(monkeypatch):
    explorer = lesson.solvers()
    monkeypatch.setattr(lesson, "reference", lambda which: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explorer["dt_ms"].value = 0.2
    assert "ZeroDivisionError" in explorer.readout.value
