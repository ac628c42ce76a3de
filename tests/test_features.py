"""Oracle: made signals, whose upstrokes and durations are known by construction."""

import numpy as np
import pytest

from ionlab.features import apd_ms, capture, upstrokes

REST, PEAK = -85.0, 35.0


def beats(starts, fall_ms, end_ms=3000.0, sample_ms=1.0, rise_ms=2.0):
    """V of triangles: up in 2 ms, then down to rest in a straight line of fall_ms each."""
    t = sample_ms * np.arange(round(end_ms / sample_ms))
    V = np.full_like(t, REST)
    for start, fall in zip(starts, np.broadcast_to(fall_ms, len(starts)), strict=True):
        corners = [start, start + rise_ms, start + rise_ms + fall]
        V = np.maximum(V, np.interp(t, corners, [REST, PEAK, REST]))
    return t, V


def known_apd(fall_ms, fraction, rise_ms=2.0):
    """From the crossing of -20 mV, 65/120 up the rise, to a fraction of the way down."""
    return rise_ms * (1.0 - 65.0 / 120.0) + fraction * fall_ms


# --- upstrokes and duration --------------------------------------------------------------


def test_upstrokes_of_triangles():
    t, V = beats([100.0, 700.0, 1300.0], 300.0)
    crossing = 2.0 * 65.0 / 120.0
    np.testing.assert_allclose(upstrokes(t, V), [100 + crossing, 700 + crossing, 1300 + crossing])


@pytest.mark.parametrize("fraction", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("sample_ms", [1.0, 0.5, 2.0])
def test_apd_of_triangles(fraction, sample_ms):
    falls = np.array([200.0, 300.0, 400.0])
    t, V = beats([100.0, 700.0, 1300.0], falls, sample_ms=sample_ms)
    np.testing.assert_allclose(apd_ms(t, V, fraction), known_apd(falls, fraction), atol=1e-9)


def test_what_happens_between_samples_corrects_peak_and_upstroke():
    steep = {"fall_ms": 20.0, "rise_ms": 0.3}  # 6 mV/ms down: the peak lies between two samples
    t, V = beats([100.25, 700.55], **steep)
    fine_t, fine_V = beats([100.25, 700.55], **steep, sample_ms=0.01)
    fine = np.full((2, len(t)), np.nan)
    fine[0] = [fine_V[max(0, 100 * k - 100) : 100 * k + 1].max() for k in range(len(t))]
    for crossing in upstrokes(fine_t, fine_V):
        fine[1, np.searchsorted(t, crossing)] = crossing
    wanted = known_apd(20.0, 0.9, rise_ms=0.3)
    assert abs(apd_ms(t, V) - wanted).max() > 0.15
    np.testing.assert_allclose(apd_ms(t, V, fine=fine), wanted, atol=0.01)


def test_an_action_potential_cut_off_by_the_end_has_no_duration():
    t, V = beats([100.0, 2800.0], 300.0)
    assert len(upstrokes(t, V)) == 2
    np.testing.assert_allclose(apd_ms(t, V), [known_apd(300.0, 0.9)])


def test_the_notch_of_I_to_is_not_the_end():
    """A spike of 3 ms down to -30 mV and a dome of 250 ms: 0.9 lies behind the dome."""
    t = np.arange(1000.0)
    corners = [(100, -85), (102, 35), (105, -30), (125, 15), (375, -85)]
    V = np.interp(t, *zip(*corners, strict=True))
    assert len(upstrokes(t, V)) == 1  # the dome crosses -20 mV again, without a rest before it
    level = 35.0 - 0.9 * 120.0
    wanted = 125.0 + 250.0 * (15.0 - level) / 100.0 - (100.0 + 2.0 * 65.0 / 120.0)
    np.testing.assert_allclose(apd_ms(t, V), [wanted])


def test_noise_of_2_mV(rng):
    starts = 100.0 + 600.0 * np.arange(5)
    t, V = beats(starts, 300.0, end_ms=3200.0)
    noisy = V + 2.0 * rng.standard_normal(len(V))
    assert len(upstrokes(t, noisy)) == 5
    # rest and peak are extremes of noisy samples, the fall is 0.4 mV/ms: some 10 ms early
    np.testing.assert_allclose(apd_ms(t, noisy), known_apd(300.0, 0.9), atol=12.0)
    assert capture(t, noisy, starts) == "1:1"


def test_nothing_but_rest():
    t = np.arange(500.0)
    V = np.full(500, REST)
    assert len(upstrokes(t, V)) == len(apd_ms(t, V)) == 0
    assert capture(t, V, [10.0, 210.0]) == "none"


def test_a_diverged_trace_keeps_the_beats_before_it():
    t, V = beats([100.0, 700.0, 1300.0], 300.0)
    V[1400:] = np.nan
    np.testing.assert_allclose(apd_ms(t, V), [known_apd(300.0, 0.9)] * 2)


# --- capture -----------------------------------------------------------------------------

STIMULI = 100.0 + 300.0 * np.arange(9)


@pytest.mark.parametrize(
    ("answered", "pattern"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], "1:1"),
        ([0, 2, 4, 6, 8], "2:1"),
        ([1, 3, 5, 7], "2:1"),
        ([0, 1, 3, 4, 6, 7], "mixed"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "mixed"),
        ([], "none"),
    ],
)
def test_capture(answered, pattern):
    t, V = beats(STIMULI[answered], 150.0)
    assert capture(t, V, np.append(STIMULI, np.inf)) == pattern


def test_a_stimulus_inside_an_action_potential_is_not_an_answer():
    """Spikes of the stimulus on a plateau: without a rest before them they do not count."""
    t, V = beats(STIMULI[::2], 500.0)
    for stimulus in STIMULI[1::2]:
        V[int(stimulus) : int(stimulus) + 2] += 60.0
    assert capture(t, V, STIMULI) == "2:1"


def test_stimuli_outside_the_trace_or_near_its_end_do_not_count():
    t, V = beats(STIMULI, 150.0)
    late = t < 2530.0  # the last upstroke, at 2500 ms, may come too late to be seen
    assert capture(t[late], V[late], [*STIMULI, 2490.0, 5000.0]) == "1:1"
    assert capture(t[late], V[late], [5000.0]) == "none"
