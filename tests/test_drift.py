"""Drift of the resting level: put on simulated sweeps of the cell and found again."""

from dataclasses import replace

import numpy as np
import pytest

from ionlab.cells import tentusscher2004
from ionlab.recordings import assemble, from_traces
from ionlab.simulate import pace
from ionlab.tables import Measured

LENGTHS = [350.0, 500.0, 800.0]
CURVES = {
    "line": lambda part: 4.0 * part,
    "settling": lambda part: -5.0 * np.exp(-3.0 * part),
    "wave": lambda part: 3.0 * np.sin(2.0 * np.pi * part),
}


@pytest.fixture(scope="module")
def runs():
    return pace(tentusscher2004, LENGTHS, record_last_ms=5000.0)


def read(V, fluorescent=False, every=1):
    t = np.arange(0.0, len(V), every)
    sweep = Measured("x.csv, sweep 1", "1", t, V[::every], fluorescent)
    recording = assemble("x.csv", [sweep], tentusscher2004)
    return recording.sweeps[0], recording.warnings


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("noise_mV", [0.0, 0.5, 2.0])
def test_drift_of_an_electrode_is_taken_off(runs, rng, curve, noise_mV):
    """Oracle: the voltage before the drift was added, at the mean level of the two."""
    drift = CURVES[curve](np.arange(5000.0) / 5000.0)
    for V in runs["V"]:
        noise = rng.normal(0.0, noise_mV, len(V))
        sweep, warnings = read(V + drift + noise)
        assert len(warnings) == 1 and "drifts by" in warnings[0] and "mV" in warnings[0]
        assert sweep.drift_mV == pytest.approx(np.ptp(drift), abs=0.3 + 0.8 * noise_mV)
        left = sweep.V_mV - V - noise - drift.mean()
        assert np.sqrt(np.mean(left**2)) < 0.25 + 0.2 * noise_mV  # of 1.1 to 2.1


def test_a_paced_cell_does_not_drift(runs, rng):
    """Oracle: nothing was added; the cell itself moves by up to 0.25 mV in 10 s."""
    longer = pace(tentusscher2004, LENGTHS, record_last_ms=10_000.0)
    for V in (*longer["V"], *runs["V"][:, :2000]):
        for noise_mV in (0.0, 0.5, 2.0):
            noisy = V + rng.normal(0.0, noise_mV, len(V))
            sweep, warnings = read(noisy)
            assert warnings == () and sweep.drift_mV == 0.0
            np.testing.assert_array_equal(sweep.V_mV, noisy)


def test_noise_of_coarse_samples_is_no_drift(runs, rng):
    """Oracle: nothing was added; between samples 2 ms apart there is no noise that averages."""
    for V in runs["V"]:
        for _ in range(3):
            sweep, warnings = read(V + rng.normal(0.0, 2.0, len(V)), every=2)
            assert warnings == () and sweep.drift_mV == 0.0


def test_two_beats_show_a_drift():
    """Oracle: 3 mV along a sweep of 2 s; its last rest stands at its end."""
    V = pace(tentusscher2004, [1000.0], record_last_ms=2000.0)["V"][0]
    sweep, warnings = read(V + 0.0015 * np.arange(2000.0))
    assert sweep.drift_mV == pytest.approx(3.0, abs=0.1) and len(warnings) == 1
    assert np.abs(sweep.V_mV - V - 1.5).max() < 0.1


def test_diastolic_depolarisation_and_alternans_stay(runs, rng):
    """Oracle: what was added comes back with every beat, or every second one."""
    t, V = np.arange(5000.0), runs["V"][1]
    since = (t - 10.0) % 500.0
    depolarising = V + np.where(since > 350.0, 0.1 * (since - 350.0), 0.0)
    alternating = V + np.where((t - 10.0) % 1000.0 > 500.0, 2.0, 0.0)
    for changed in (depolarising, alternating):
        for noise_mV in (0.0, 1.0):
            noisy = changed + rng.normal(0.0, noise_mV, len(V))
            sweep, _ = read(noisy)
            assert sweep.drift_mV == 0.0
            np.testing.assert_array_equal(sweep.V_mV, noisy)


def test_a_dye_drifts_by_its_share_of_the_range(runs):
    """Oracle: a loss of 20 % of the range from rest to peak, 22 mV on the scale of the cell."""
    V = runs["V"][1]
    light = 40.0 * (V + 86.0) / np.ptp(V) - 8.0 * np.arange(5000.0) / 5000.0
    sweep, warnings = read(light, fluorescent=True)
    assert "drifts by 8;" in warnings[0]
    assert sweep.drift_mV == pytest.approx(0.2 * np.ptp(V), rel=0.03)
    assert np.sqrt(np.mean((sweep.V_mV - V) ** 2)) < 1.5


def test_a_sweep_knows_its_interval(runs):
    """Oracle: the rate at which the same 5 s were sampled."""
    t = np.arange(0.0, 4999.0, 0.04)
    V = np.interp(t, runs.t_ms - runs.t_ms[0], runs["V"][1])
    fine = Measured("x.csv, sweep 1", "1", t, V, False)
    sweep = assemble("x.csv", [fine], tentusscher2004).sweeps[0]
    assert sweep.interval_ms == pytest.approx(0.04)
    assert replace(sweep, interval_ms=2.0).interval_ms == 2.0
    simulated = from_traces(runs, "x").sweeps[0]
    assert (simulated.interval_ms, simulated.drift_mV) == (1.0, 0.0)
