"""The same simulated trace, sampled at many rates, must give the same stimuli and mean beats."""

from dataclasses import replace

import numpy as np
import pytest

from ionlab.cells import tentusscher2004
from ionlab.observed import Beats
from ionlab.perturb import LONG_QT
from ionlab.recordings import from_arrays
from ionlab.simulate import pace

CELL, LENGTH_ms, FINE_ms = tentusscher2004, 500.0, 0.02


def simulate(cell):
    """Columns of five beats sampled at 50 kHz, and the true onsets."""
    traces = pace(cell, [LENGTH_ms], 20_000.0, 2600.0, sample_ms=FINE_ms)
    t = traces.t_ms - traces.t_ms[0]
    onsets = 110.0 + LENGTH_ms * np.arange(5)
    since = (t - onsets[0] + 1e-6) % LENGTH_ms
    stim = np.where((since < CELL.stimulus.duration_ms) & (t > 100.0), -52.0, 0.0)
    return {"time_ms": t, "V_mV": traces["V"][0], "Ca_i_mM": traces["Ca_i"][0]}, stim, onsets


@pytest.fixture(scope="module")
def control():
    return simulate(CELL)


def read(simulated, interval_ms, first_ms=0.0, channel=True, noise_mV=0.0):
    """Sample every interval; return the sweep, the errors of its onsets and the warnings."""
    columns, stim, onsets = simulated
    at = slice(round(first_ms / FINE_ms), None, round(interval_ms / FINE_ms))
    columns = {name: values[at] for name, values in columns.items()}
    if channel:
        columns["stim_pA_pF"] = stim[at]
    rng = np.random.default_rng(0)
    columns["V_mV"] = columns["V_mV"] + rng.normal(0.0, noise_mV, len(columns["V_mV"]))
    recording = from_arrays(columns, CELL)
    sweep = recording.sweeps[0]
    assert len(sweep.stimuli_ms) == len(onsets)
    return sweep, sweep.stimuli_ms + first_ms - onsets, recording.warnings


RATES = [
    pytest.param(interval, first, id=f"{1 / interval:g} kHz from {first:g} ms")
    for interval, first in [
        *[(4.0, 0.0), (2.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.1, 0.0), (0.04, 0.0)],
        *[(4.0, 1.54), (2.0, 0.78), (1.0, 0.26), (1.0, 0.5), (1.0, 0.82), (0.1, 0.06)],
    ]
]


@pytest.mark.parametrize("channel", [True, False], ids=["channel", "no channel"])
@pytest.mark.parametrize(("interval_ms", "first_ms"), RATES)
def test_mean_beats_do_not_depend_on_the_rate(control, interval_ms, first_ms, channel):
    """Oracle: the onsets that the simulation was given; the mean beat at 1 kHz on the onset.

    Samples 4 ms apart may miss the upstroke; V falls by up to 2.5 mV in a ms.
    """
    sweep, error_ms, warnings = read(control, interval_ms, first_ms, channel)
    assert sweep.interval_ms == pytest.approx(interval_ms)
    assert np.abs(error_ms).max() < (0.1 if interval_ms < 4.0 else 0.2)
    assert sweep.cycle_length_ms == pytest.approx(LENGTH_ms, abs=0.1)
    assert sweep.stimulus.duration_ms == pytest.approx(1.0, abs=1e-6)
    beats = Beats.of(CELL, (sweep,))
    expected = Beats.of(CELL, (read(control, 1.0)[0],))
    since = np.arange(LENGTH_ms) - CELL.stimulus.start_ms
    calm = (since < -2.0 * interval_ms) | (since > 5.0 + 2.0 * interval_ms)
    allowed_mV = 0.1 + 2.5 * np.abs(error_ms).max()
    assert np.abs(beats.V_mV - expected.V_mV)[0, calm].max() < allowed_mV
    Ca_error = np.abs(beats.Ca_i_mM - expected.Ca_i_mM)[0, calm].max()
    assert Ca_error < 0.005 * np.ptp(expected.Ca_i_mM)
    coarse = [said for said in warnings if "blurred" in said]
    assert len(coarse) == (interval_ms > 2.0)


@pytest.mark.parametrize("interval_ms", [2.0, 1.0, 0.1])
@pytest.mark.parametrize("channel", [True, False], ids=["channel", "no channel"])
def test_onsets_in_noise(control, interval_ms, channel):
    """Oracle: as above; the error of each of five beats, at 0.5 mV of noise."""
    _, error_ms, _ = read(control, interval_ms, 0.06, channel, noise_mV=0.5)
    assert np.abs(error_ms).max() < 0.15 and abs(error_ms.mean()) < 0.1


def test_control_and_treated_at_different_rates(control):
    """Oracle: the drug lengthens the beat alike, whatever the rate of each recording."""
    treated = simulate(LONG_QT.apply(CELL))
    same = [Beats.of(CELL, (read(x, 1.0)[0],)).V_mV[0] for x in (control, treated)]
    mixed = [Beats.of(CELL, (read(x, d)[0],)).V_mV[0] for x, d in ((control, 0.1), (treated, 2.0))]
    calm = slice(20, None)
    assert np.abs(same[1] - same[0]).max() > 30.0
    assert np.abs((mixed[1] - mixed[0]) - (same[1] - same[0]))[calm].max() < 0.2


def test_a_channel_whose_pulses_are_missed_is_not_trusted(control):
    """Oracle: samples 4 ms apart see some stimuli of 1 ms and miss others."""
    columns, _, onsets = control
    t = columns["time_ms"]
    wandering = np.zeros(len(t))
    wandering[np.searchsorted(t, onsets[[0, 3]] + 2.0)] = -52.0
    sweep, error_ms, warnings = read((columns, wandering, onsets), 4.0)
    assert sweep.placed and np.abs(error_ms).max() < 0.1
    assert any("too few to time it" in said for said in warnings)


def test_another_stimulus_has_its_own_delay():
    """Oracle: onsets of a weaker, longer stimulus, 0.6 ms before the sample that shows it."""
    stimulus = replace(CELL.stimulus, amplitude=-20.0, duration_ms=3.0)
    traces = pace(replace(CELL, stimulus=stimulus), [LENGTH_ms], 20_000.0, 2600.0, sample_ms=0.2)
    t = traces.t_ms - traces.t_ms[0]
    on = ((t - 110.0 + 1e-6) % LENGTH_ms < 3.0) & (t > 100.0)
    at = slice(3, None, 5)  # 1 kHz from 0.6 ms on
    columns = {"time_ms": t[at], "V_mV": traces["V"][0][at], "stim_pA_pF": -20.0 * on[at]}
    sweep = from_arrays(columns, CELL).sweeps[0]
    assert sweep.stimuli_ms + 0.6 == pytest.approx(110.0 + LENGTH_ms * np.arange(5), abs=0.1)
    assert (sweep.stimulus.amplitude, sweep.stimulus.duration_ms) == (-20.0, 3.0)
