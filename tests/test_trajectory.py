"""Oracles: paced cells averaged by hand, an implicit solver."""

from dataclasses import replace

import numpy as np
import pytest

from ionlab import noise, trajectory
from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.changes import Change, apply, candidates, starts
from ionlab.integrate import integrate
from ionlab.observed import Beats
from ionlab.recordings import from_traces
from ionlab.simulate import pace
from ionlab.trajectory import Trajectories

CELL = tentusscher2004
CHANGES = (*candidates(CELL), *starts(CELL))
LENGTHS_ms, PACED_ms, SIGMA_mV = (500.0, 600.0), 4000.0, 0.5


def theta(**values):
    """theta (P,) of `CHANGES`: kind_target=value."""
    x = np.zeros(len(CHANGES))
    for name, value in values.items():
        x[CHANGES.index(Change(*name.split("_", 1)))] = value
    return x


ILL = theta(amount_I_Kr=np.log(0.6), shift_f=2.0, tau_xs=0.2, start_Na_i=0.01)


def beats_of(observables, noise_mV=SIGMA_mV, paced_ms=PACED_ms, lengths_ms=LENGTHS_ms):
    traces = pace(CELL, lengths_ms, paced_ms, paced_ms / 2)
    recording = from_traces(traces, "", noise_mV, np.random.default_rng(3), observables)
    return Beats.of(CELL, recording.sweeps)


@pytest.fixture(scope="module")
def both():
    """Two sweeps of V and Ca_i."""
    return Trajectories(beats_of(("V", "Ca_i")), CHANGES, PACED_ms)


@pytest.fixture(scope="module")
def voltage():
    """Two sweeps of V alone, of 20 and 16 beats."""
    return Trajectories(beats_of(("V",), paced_ms=20_000.0), CHANGES, PACED_ms)


@pytest.fixture(scope="module")
def sweep():
    """One sweep of V alone."""
    return Trajectories(beats_of(("V",), lengths_ms=LENGTHS_ms[:1]), CHANGES, PACED_ms)


# --- the recording as a vector, and what cells would have shown --------------------------


def test_the_recording_is_laid_out_by_observable_then_sweep(both):
    layout = [(b.name, b.sweep, b.rows.start, b.rows.stop) for b in both.blocks]
    assert layout == [("V", 0, 0, 500), ("V", 1, 500, 1100), ("Ca_i", 0, 1100, 1600),
                      ("Ca_i", 1, 1600, 2200)]  # fmt: skip
    for block in both.blocks:
        mean = both.beats.V_mV if block.name == "V" else both.beats.Ca_i_mM
        seen = mean[block.sweep, : len(block.t_ms)]
        np.testing.assert_array_equal(both.seen[block.rows], seen)
        np.testing.assert_array_equal(block.t_ms, np.arange(len(seen)))
        assert block.range == pytest.approx(seen.max() - seen.min())


def by_hand(cell, length, count, state):
    """The mean of the last `count` whole beats before `PACED_ms`."""
    whole = PACED_ms // length * length
    values = pace(cell, [length], whole, whole)[state][0]
    beats = [values[len(values) - (k + 1) * int(length) :][: int(length)] for k in range(count)]
    return np.mean(beats, 0)


def shown(side, x):
    """What the cell at theta x shows, (M,), by `pace`."""
    cell = apply(CELL, dict(zip(CHANGES, x, strict=True)))
    parts = [by_hand(cell, LENGTHS_ms[b.sweep], side.counts[b.sweep], b.name) for b in side.blocks]
    return np.concatenate(parts)


def spans(side):
    """(M,) range of the observable of each sample."""
    return np.concatenate([np.full(len(b.t_ms), b.range) for b in side.blocks])


def against(found, expected):
    """Size of a vector along another, over it, and what is left of their difference."""
    norm = np.linalg.norm(expected)
    return found @ expected / norm**2, np.linalg.norm(found - expected) / norm


def one(k):
    """A unit vector (P,)."""
    return np.eye(len(CHANGES))[k]


@pytest.fixture(scope="module")
def expected(both):
    """(2, M) of the theory and of `ILL`, by `pace`."""
    return np.array([shown(both, 0.0 * ILL), shown(both, ILL)])


def test_a_prediction_is_the_mean_of_the_last_beats_of_the_paced_cell(both, expected, monkeypatch):
    before = both.evaluations
    monkeypatch.setattr(trajectory, "EASE", 1.0)
    found = both.predict([0.0 * ILL, ILL])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert both.evaluations == before + 2


def test_longer_steps_before_what_is_compared_change_little(both, expected):
    """As shipped: V within 0.15 mV and Ca_i within 0.3 % (RMS), far less than the changes do."""
    found = both.predict([0.0 * ILL, ILL])
    for block in both.blocks:
        error = np.sqrt(np.mean((found - expected)[:, block.rows] ** 2, 1)) / block.range
        assert (error < (0.0015 if block.name == "V" else 0.003)).all(), (block.name, error)
        moved = np.sqrt(np.mean((expected[1] - expected[0])[block.rows] ** 2)) / block.range
        assert moved > 5.0 * error.max()


def test_eased_steps_follow_the_implicit_solver():
    """LSODA at 1e-8 after ten beats; where steps are never eased as well as where they are.

    What is left is the part of the noise that is taken as the solver's.
    """
    onsets = 10.0 + 400.0 * np.arange(11.0)[None]
    runs = {
        (method, ease): integrate(
            [CELL], onsets, 4000, 1.0, 3600, method, 1e-8, ease=ease, quiet=True
        )[0][0]
        for method, ease in (("LSODA", 1.0), ("rush-larsen", 1.0), ("rush-larsen", 2.5))
    }
    exact = runs.pop(("LSODA", 1.0))
    slow = [CELL.state_names.index(c.target) for c in starts(CELL)]
    for (_, ease), values in runs.items():
        for name, least in noise.LEAST.items():
            k = CELL.state_names.index(name)
            error = np.sqrt(np.mean((values[k] - exact[k]) ** 2)) / np.ptp(exact[k])
            assert error < least, (name, ease, error)
        np.testing.assert_allclose(values[slow], exact[slow], atol=0.001 * ease)


def test_without_a_sample_to_ease_nothing_changes():
    onsets = np.array([[10.0]])
    plain, eased = (
        integrate([CELL], onsets, 300, 1.0, 0, "rush-larsen", ease=ease, quiet=True)[0]
        for ease in (1.0, 2.5)
    )
    np.testing.assert_array_equal(eased, plain)


def test_an_axon_is_paced_at_full_accuracy():
    """It has no slow ions to wait for, and at longer steps it would diverge."""
    axon = hodgkin_huxley1952
    traces = pace(axon, [60.0], 600.0, 240.0)
    beats = Beats.of(axon, from_traces(traces, "", 0.0).sweeps)
    side = Trajectories(beats, candidates(axon), 600.0)
    for quick in (False, True):
        shown = side.predict(np.zeros((1, 12)), quick)[0]
        np.testing.assert_allclose(shown, traces["V"][0, -60:], atol=1e-3)


def test_a_cell_that_diverges_is_far_away_and_finite(both):
    lost = both.predict([theta(amount_I_CaL=18.0)])[0]
    assert np.isfinite(lost).all()
    for block in both.blocks:
        off = (lost - both.seen)[block.rows] / block.range
        assert off.max() == pytest.approx(trajectory.FAR)


def test_a_cut_sweep_is_compared_where_it_was_seen():
    """400 ms of a beat of 500 ms, from 20 ms before its stimulus."""
    traces = pace(CELL, [500.0], 3000.0, 500.0)
    sweep = from_traces(traces, "", 0.0).sweeps[0]
    cut = replace(sweep, V_mV=sweep.V_mV[:400], Ca_i_mM=None)
    beats = Beats.of(CELL, [cut])
    side = Trajectories(beats, CHANGES, 3000.0)
    assert beats.seen.sum() == len(side.seen) == 400
    np.testing.assert_array_equal(side.blocks[0].t_ms, np.flatnonzero(beats.seen[0]))
    assert side.rmse_mV(side.predict([0.0 * ILL])[0]) < 0.2


def test_rmse_is_of_voltage_alone(both):
    off = both.seen + np.concatenate([np.full(1100, 3.0), np.full(1100, 7.0)])
    assert both.rmse_mV(off) == pytest.approx(3.0)


# --- derivatives -------------------------------------------------------------------------


def test_derivatives_are_differences_of_paced_cells(both):
    """By `pace` at full accuracy: 2 % in size, 7 % in shape (RMS), over all samples."""
    names = ("amount_I_Kr", "amount_I_to", "shift_xs", "tau_f", "start_Na_i")
    columns = [int(np.flatnonzero(theta(**{name: 1.0}))[0]) for name in names]
    f, J = both.linearised(ILL, columns)
    np.testing.assert_allclose(f, both.predict([ILL])[0], rtol=1e-12)
    for k, column in zip(columns, J.T, strict=True):
        behind, ahead = (shown(both, ILL + x * both.steps[k] * one(k)) for x in (-1.0, 1.0))
        by_pace = (ahead - behind) / (2.0 * both.steps[k]) / spans(both)
        size, miss = against(column / spans(both), by_pace)
        assert size == pytest.approx(1.0, abs=0.02) and miss < 0.07, (str(CHANGES[k]), size, miss)


def test_derivatives_are_near_the_tangent(both):
    """Those of full runs with a tenth of the step: 1 % in size, 6 % in shape."""
    for k in np.flatnonzero(theta(amount_I_Kr=1.0, amount_I_Ks=1.0, amount_I_to=1.0)):
        column = both.linearised(ILL, [k])[1][:, 0] / spans(both)
        h = 0.1 * both.steps[k]
        up, down = both.predict([ILL + h * one(k), ILL - h * one(k)])
        tangent = (up - down) / (2.0 * h) / spans(both)
        size, miss = against(column, tangent)
        assert size == pytest.approx(1.0, abs=0.01) and miss < 0.06, (str(CHANGES[k]), size, miss)


# --- noise that is known -----------------------------------------------------------------


def test_white_noise_is_that_of_the_mean_beat(voltage):
    """0.5 mV over sqrt(20 or 16 beats), where V is flat; more where it is steep."""
    side = Trajectories(replace(voltage.beats, timing_ms=0.1), CHANGES, PACED_ms)
    for block, count in zip(side.blocks, (20, 16), strict=True):
        mean = side.seen[block.rows]
        steep = np.maximum(np.abs(np.diff(mean, append=mean[-1])), np.abs(np.diff(mean, prepend=0)))
        sigma = np.sqrt(np.median(block.white[-60:]))
        own = np.hypot(SIGMA_mV / np.sqrt(count), noise.LEAST["V"] * block.range)
        assert sigma == pytest.approx(own, rel=0.05)
        up = int(np.argmax(steep))
        jitter_mV = np.sqrt(block.white[up] - sigma**2)
        assert jitter_mV == pytest.approx(0.1 * steep[up], rel=0.05)


def test_timing_offset_and_scale_are_known_to_be_uncertain(voltage):
    """Oracles: the beat moved in time, lifted, scaled; each is one unit of its covariance."""
    t = np.arange(500.0)
    smooth = -85.0 + 100.0 * np.exp(-(((t - 200.0) / 60.0) ** 2))
    beats = replace(voltage.beats, V_mV=np.tile(np.pad(smooth, (0, 100), mode="edge"), (2, 1)))

    def block(**how):
        block = Trajectories(replace(beats, **how), CHANGES, PACED_ms).blocks[0]
        return block.known @ block.known.T

    def unit(known, x):
        return x @ np.linalg.lstsq(known, x, rcond=1e-9)[0]

    later = np.interp(t - 0.1, t, smooth) - smooth
    lifted = np.full(500, trajectory.OFFSET_mV)
    for jitter_ms in (0.1, 0.3):
        known = block(timing_ms=jitter_ms)
        assert np.linalg.matrix_rank(known, tol=1e-6 * known.max()) == 2
        assert unit(known, jitter_ms / 0.1 * later) == pytest.approx(1.0, rel=0.02)
        assert unit(known, lifted) == pytest.approx(1.0, rel=0.02)
    known = block(scaled=True, timing_ms=0.1)
    size = trajectory.SCALE * np.ptp(smooth)
    assert unit(known, trajectory.SCALE * (smooth - smooth[0])) == pytest.approx(1.0, rel=0.02)
    assert unit(known, np.full(500, size)) == pytest.approx(
        size**2 / (size**2 + trajectory.OFFSET_mV**2), rel=0.02
    )
