"""Lesson 5's widget. Oracle: the exponential of a gate at constant voltage."""

import itertools

import numpy as np
import pytest

from ionlab.widgets.gating_layer import one_gate, relaxation

CORNERS = list(itertools.product((0.0, 1.0), (0.0, 1.0), (0.01, 0.99), (0.25, 10.0)))


@pytest.mark.parametrize("corner", CORNERS)
def test_the_steps_lie_on_the_exponential(corner):
    h_start, h_inf, rho, dt_ms = corner
    picture = relaxation(h_start, h_inf, rho, dt_ms)
    t, h = map(np.asarray, picture.curves["layer"])
    assert np.allclose(h, h_inf + (h_start - h_inf) * rho**t, atol=1e-9)
    t, exact = picture.curves["exact"]
    assert np.allclose(exact, h_inf + (h_start - h_inf) * rho**t, atol=1e-9)


def test_the_readout_has_the_time_constant():
    assert "tau = 1.44 ms" in relaxation(0.1, 0.8, 0.5, 1.0).readout  # 1 / ln 2
    assert "rho = 0.250" in relaxation(0.1, 0.8, 0.5, 2.0).readout


def test_it_opens_at_its_defaults():
    explorer = one_gate()
    assert bytes(explorer.image.value).startswith(b"\x89PNG")
    assert "h = 0.8" in explorer.readout.value
