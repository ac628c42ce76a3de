"""Explicit steps and eigenvalues. Oracles: LSODA, and the time constants of the cell itself."""

import numpy as np
import pytest

from ionlab.cells import hodgkin_huxley1952 as axon
from ionlab.cells import tentusscher2004 as cell
from ionlab.errors import BadValue, UnknownName
from ionlab.simulate import pace
from ionlab.stiffness import EXPLICIT, eigenvalues, explicit


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("model", [cell, axon], ids=lambda c: c.name)
def test_short_steps_meet_lsoda_and_the_error_is_of_first_order(model, method):
    duration, steps_ms = model.stimulus.start_ms + 10.0, (0.0005, 0.001)
    truth = pace(model, [100.0], duration, duration, 0.5, "LSODA", 1e-9)
    after = truth.t_ms > model.stimulus.start_ms + 3.0
    off = []
    for dt_ms in steps_ms:
        run = explicit(model, dt_ms, duration, method)
        assert not run.diverged
        V = np.interp(truth.t_ms, run.t_ms, run.V_mV)
        off.append(np.abs(V - truth["V"][0])[after].max())
    assert off[0] < 0.1
    assert off[1] / off[0] == pytest.approx(2.0, rel=0.2)


def test_the_fastest_mode_at_rest_is_m():
    rest = {**cell.start, "V": -86.2}
    states = np.array([[rest[name]] for name in cell.state_names])
    tau_ms = cell.gates(cell.at(**rest))["m"].tau_ms
    assert -eigenvalues(cell, states).real.min() == pytest.approx(1.0 / tau_ms, rel=0.01)


def test_eulers_limit_is_two_time_constants():
    tau_ms = float(cell.gates(cell.at())["m"].tau_ms)
    assert not explicit(cell, 1.8 * tau_ms, 5.0).diverged
    blown = explicit(cell, 2.4 * tau_ms, 5.0)
    assert blown.diverged
    assert np.isnan(blown.V_mV[-1])
    assert blown.last_good_ms < 5.0


def test_what_is_asked_for_is_checked():
    with pytest.raises(UnknownName, match="rush-larsen"):
        explicit(cell, 0.1, 5.0, "rush_larsen")
    with pytest.raises(BadValue, match="must not exceed"):
        explicit(cell, 10.0, 1.0)
    with pytest.raises(BadValue, match="dt_ms"):
        explicit(cell, -0.1, 1.0)
