"""The normaliser against closed forms; splits that keep validation apart."""

import numpy as np
import pytest

from ionlab.cells import tentusscher2004
from ionlab.dataset import Normaliser, Sequences
from ionlab.errors import BadValue, Diverged
from ionlab.simulate import pace

CELL = tentusscher2004


@pytest.fixture(scope="module")
def traces():
    return pace(CELL, [400.0, 450.0, 500.0, 550.0, 600.0], 2000.0, 700.0)


def test_the_range_is_that_of_the_runs_and_of_the_clamp(traces):
    """Gates reach down to their steady states at -100.5 and 50.5 mV; V to these voltages."""
    normaliser = Normaliser.of(CELL, traces.values)
    V = np.arange(-100.5, 51.0)
    h_inf = 1.0 / (1.0 + np.exp((V + 71.55) / 7.43)) ** 2
    xs_inf = 1.0 / (1.0 + np.exp((-5.0 - V) / 14.0))
    assert len(V) == 152 and V[-1] == 50.5
    for name, closed in (("V", V), ("h", h_inf), ("xs", xs_inf), ("Ca_i", None)):
        k, x = CELL.state_names.index(name), traces[name]
        low, high = x.min(), x.max()
        if closed is not None:
            low, high = min(low, closed.min()), max(high, closed.max())
        assert (normaliser.low[k], normaliser.high[k]) == pytest.approx((low, high), rel=1e-12)
    two = Normaliser.of(CELL, traces.values, traces.values[:1] * 1.5)
    k = CELL.state_names.index("Ca_SR")
    wanted = max(traces["Ca_SR"].max(), 1.5 * traces["Ca_SR"][0].max())
    assert two.high[k] == pytest.approx(wanted)


def test_normalising_and_back(rng):
    normaliser = Normaliser(np.array([-90.0, 0.0]), np.array([60.0, 0.002]))
    np.testing.assert_allclose(normaliser.forward(np.array([-15.0, 0.0005])), [0.5, 0.25])
    u = rng.normal(size=(3, 4, 2))
    np.testing.assert_allclose(normaliser.inverse(normaliser.forward(u)), u, rtol=1e-9, atol=1e-12)


def test_sequences_are_the_runs_by_name(traces):
    sequences = Sequences.from_traces(traces)
    assert sequences.x.shape == (5, 700, 17) and sequences.x.dtype == np.float32
    assert sequences.x.min() >= 0.0 and sequences.x.max() <= 1.0
    k = [CELL.state_names.index(name) for name in ("xs", "V")]
    span = sequences.normaliser.high[k] - sequences.normaliser.low[k]
    found = sequences.columns(("xs", "V")) * span + sequences.normaliser.low[k]
    np.testing.assert_allclose(found[..., 0], traces["xs"], atol=1e-6)
    np.testing.assert_allclose(found[..., 1], traces["V"], atol=1e-4)


def test_the_split_is_complete_disjoint_and_repeatable(traces):
    split = [Sequences.from_traces(traces, n_validation=2, seed=seed) for seed in (3, 3, *range(9))]
    for s in split:
        assert len(s.validation) == 2 and len(s.train) == 3
        assert sorted([*s.train, *s.validation]) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(split[0].validation, split[1].validation)
    assert len({tuple(s.validation) for s in split}) > 3


def test_bad_input_is_refused(traces):
    for n in (5, -1):
        with pytest.raises(BadValue, match=f"0 to 4 of the 5 sequences, got {n}"):
            Sequences.from_traces(traces, n_validation=n)
    broken = CELL.with_kinetics({"d": lambda s: type(CELL.gates(s)["d"])(s.V * 0 + 9.0, -1.0)})
    with pytest.raises(Diverged):
        Sequences.from_traces(pace(broken, [400.0], 400.0, 400.0))
