"""Oracles: the factors that the simulated recordings were made with, and the noise put on them."""

import numpy as np
import pytest

from ionlab import direct
from ionlab.cells import tentusscher2004
from ionlab.errors import BadValue, UnknownName
from ionlab.observed import Beats
from ionlab.recordings import from_traces
from ionlab.simulate import pace

CELL = tentusscher2004
NOISE_mV = 1.0


def recording_of(cell, lengths_ms=(350.0, 500.0, 800.0), observables=None, **duration):
    rng = np.random.default_rng(7)
    traces = pace(cell, lengths_ms, **duration)
    return from_traces(traces, "test", NOISE_mV, rng, observables)


@pytest.fixture(scope="module")
def pair():
    return direct.fit_pair(CELL, recording_of(CELL), recording_of(CELL.perturbed(g_Kr=0.5)))


@pytest.mark.slow
def test_half_the_conductance_is_found_in_a_pair(pair):
    assert pair.first == "I_Kr"
    for name, (ratio, low, high) in pair.ratios.items():
        limit = 0.05 if name == "I_Ks" else 0.03
        assert ratio == pytest.approx(0.5 if name == "I_Kr" else 1.0, rel=limit), name
        assert low < ratio < high
    np.testing.assert_allclose(pair.control.factors, 1.0, rtol=0.03)
    I_Kr = pair.treated.names.index("I_Kr")
    assert pair.treated.factors[I_Kr] == pytest.approx(0.5, rel=0.05)


@pytest.mark.slow
def test_what_is_left_is_the_noise_and_errors_tell_of_it(pair):
    """B beats of 1 mV white noise average to 1 / sqrt(B) mV; 28, 20 and 12 beats in 10 s."""
    beats = Beats.of(CELL, recording_of(CELL).sweeps)
    counts = np.array([len(V) for V, _ in beats.single])
    expected = np.sqrt(np.average(NOISE_mV**2 / counts, weights=beats.lengths))
    for fit in (pair.control, pair.treated):
        assert fit.rmse_mV == pytest.approx(expected, rel=0.1)
        off = np.log(fit.factors / np.where(fit is pair.treated, [1, 1, 0.5, 1, 1, 1], 1.0))
        assert (abs(off) < 5.0 * fit.errors + 0.01).all()  # the differences are of 0.02
        assert fit.evaluations > 7 and fit.seconds > 0.0


def test_voltage_alone_and_one_conductance():
    cell = CELL.perturbed(g_to=2.0)
    recording = recording_of(cell, [500.0], ("V",))
    found = direct.fit_conductances(CELL, recording, ["I_to"])
    assert found.names == ("I_to",) and found.factors[0] == pytest.approx(2.0, rel=0.02)
    again = direct.fit_conductances(CELL, recording, ["I_to"], start=found.factors)
    assert again.factors[0] == pytest.approx(found.factors[0], rel=0.01)


@pytest.mark.slow
def test_six_seconds_of_pacing_mislead_where_the_data_had_twenty():
    recording = recording_of(CELL, [500.0])
    off = [
        abs(np.log(direct.fit_conductances(CELL, recording, paced_ms=ms).factors)).max()
        for ms in (6_000.0, 20_000.0)
    ]
    assert off[0] > 0.05 > off[1]


def test_bad_input():
    recording = recording_of(CELL, [500.0], duration_ms=2000.0, record_last_ms=1000.0)
    with pytest.raises(UnknownName, match='unknown current "I_kr". Did you mean "I_Kr"'):
        direct.fit_conductances(CELL, recording, ["I_kr"])
    with pytest.raises(BadValue, match="paced_ms must be positive"):
        direct.fit_conductances(CELL, recording, paced_ms=-1)
    with pytest.raises(BadValue, match="a Recording or to Beats, got str"):
        direct.fit_conductances(CELL, "control.csv")
    with pytest.raises(BadValue, match="start needs 1 positive factors"):
        direct.fit_conductances(CELL, recording, ["I_Kr"], start=[1.0, 1.0])
