"""What is found in one measured sweep: its beats on a 1 ms clock, its levels, its stimuli."""

from typing import NamedTuple

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import uniform_filter1d

from ionlab import features
from ionlab.cells import Stimulus
from ionlab.drift import find_drift, white_noise
from ionlab.errors import BadRecording
from ionlab.quality import (
    SPIKE_ms,
    bridge,
    clipped_ms,
    find_hum,
    find_spikes,
    likeness,
)
from ionlab.stimuli import read_stimuli
from ionlab.units import check_duration, check_rest

SMOOTH = 5  # samples (ms) of the moving average through which levels and upstrokes are seen
LOW_mV, HIGH_mV = -80.0, 20.0  # rest and peak go here before `features` looks for upstrokes
SMALLEST_AP_mV, SMALLEST_SNR = 30.0, 6.0  # below these there is no action potential to see
SHORTEST_ms, COARSE_ms = 20.0, 2.0
CLIPPED_ms = 5.0  # held longer at its ceiling or floor, a signal is refused
SLOWEST_ms = 60.0  # an upstroke takes 1 ms, that of a dye in an immature cell up to 30
LEAST_ALIKE = 0.5  # the mean beat explains less of the variance in noise
UNEVEN = 0.1  # beats differ from the median gap by this part of it


class Beats(NamedTuple):
    """A sweep on the 1 ms clock, still in its own unit, with what was found in it."""

    signal: np.ndarray  # (T,)
    measured_ms: np.ndarray  # (M,) times as measured, from the first
    measured: np.ndarray  # (M,) the signal there
    Ca_i_mM: np.ndarray | None  # (T,)
    rest: float
    peak: float
    upstrokes_ms: np.ndarray  # (B,)
    stimuli_ms: np.ndarray | None  # (B,), None without a stimulus channel
    stimulus: Stimulus | None
    cycle_length_ms: float
    drift: float  # how far the resting level moved, before it was taken off

    @property
    def t_ms(self):
        """(T,) time from the first sample."""
        return np.arange(float(len(self.signal)))


def find_beats(sweep, warnings):
    """Return the `Beats` of one `Measured` sweep; raise `BadRecording` if there is not one."""
    where, t = sweep.where, sweep.t_ms - sweep.t_ms[0]
    if t[-1] < SHORTEST_ms:
        raise BadRecording(
            f"{where}: a sweep needs one beat; {len(t)} samples over {t[-1]:g} ms are too short. "
            "Record longer; time_ms is in ms."
        )
    if (apart := np.median(np.diff(t))) > COARSE_ms:
        warnings.append(f"{where}: samples are {apart:g} ms apart; upstrokes are blurred.")
    _check_clipped(sweep, warnings)
    signal, measured, upstrokes, moved = _levelled(sweep, t, warnings)
    rest, peak, _ = landmarks(signal)
    smallest = 0.0 if sweep.fluorescent else SMALLEST_AP_mV
    smallest = max(smallest, SMALLEST_SNR * white_noise(signal))
    if not len(upstrokes) or peak - rest < smallest:
        unit = "" if sweep.fluorescent else " mV"
        raise BadRecording(
            f"{where}: a sweep needs an upstroke from rest to peak; none was found in "
            f"{len(signal)} ms between {signal.min():g} and {signal.max():g}{unit}. "
            "Check the unit and the column, or leave the sweep out."
        )
    levels = to_levels(signal, rest, peak)
    if (rise := _rise_ms(levels, upstrokes)) > SLOWEST_ms:
        raise BadRecording(
            f"{where}: an upstroke must be fast; between {signal.min():g} and {signal.max():g}, "
            f"the signal takes {rise:.0f} ms to rise. Check the column and the unit of time."
        )
    if likeness(signal, upstrokes) < LEAST_ALIKE:
        raise BadRecording(
            f"{where}: beats must be alike; what follows the {len(upstrokes)} upstrokes found is "
            "not, as in noise. Look at the sweep, filter it, or leave it out."
        )
    if not sweep.fluorescent:
        check_rest(where, rest, peak)
    durations = features.apd_ms(np.arange(float(len(signal))), levels, 0.7)
    if not len(durations):
        raise BadRecording(
            f"{where}: a sweep needs one beat, from before the upstroke until rest is reached "
            f"again; these {len(signal)} ms are too short. Record longer."
        )
    check_duration(where, durations)
    if hum := find_hum(signal, peak - rest):
        warnings.append(
            f"{where}: mains hum of {hum[0]:g} Hz swings by {hum[1]:.2g} either way. It does not "
            "average out of beats in step with it; filter it out, or ground the set-up."
        )
    stimuli, stimulus = read_stimuli(sweep, warnings)
    length = _cycle_length(sweep, upstrokes, stimuli, len(signal), warnings)
    Ca_i = None if sweep.Ca_i_mM is None else resample(t, sweep.Ca_i_mM)
    return Beats(signal, t, measured, Ca_i, rest, peak, upstrokes, stimuli, stimulus, length, moved)


def _rise_ms(levels_mV, upstrokes_ms):
    """Return how long (ms) the upstrokes of V (T,) take from rest to their crossing, the median."""
    smooth = uniform_filter1d(levels_mV, SMOOTH, mode="nearest")
    resting = np.flatnonzero(smooth < features.RESTED_mV)
    before = resting[np.searchsorted(resting, upstrokes_ms) - 1]
    return np.median(upstrokes_ms - before)


def _check_clipped(sweep, warnings):
    """Raise for a sweep that was clipped at length; warn of one that was clipped in its spikes."""
    for name, held in zip(("ceiling", "floor"), clipped_ms(sweep.t_ms, sweep.signal), strict=True):
        end = sweep.signal.max() if name == "ceiling" else sweep.signal.min()
        said = f"the signal is clipped at its {name}, {end:g}, for {held:.3g} ms"
        if held > CLIPPED_ms:
            raise BadRecording(
                f"{sweep.where}: {said}: its true course there is lost. Leave the sweep out, or "
                "record with less gain or light."
            )
        if held > 0:
            warnings.append(f"{sweep.where}: {said}.")


def _levelled(sweep, t_ms, warnings):
    """Return the signal on the 1 ms clock and as measured, upright, without spikes and drift.

    With it come the upstrokes (B,) in ms, and how far the rest drifted.
    """
    where, measured = sweep.where, sweep.signal
    signal = resample(t_ms, measured)
    if _points_down(signal):
        if not sweep.fluorescent:
            raise BadRecording(
                f"{where}: V_mV must rise at the upstroke, and its fastest change is a fall. Did "
                "you mean -V, from swapped electrodes? Then multiply V_mV by -1."
            )
        warnings.append(f"{where}: the fluorescence falls at the upstroke; it was turned over.")
        signal, measured = -signal, -measured
    clock = np.arange(float(len(signal)))
    if len(spikes := find_spikes(signal, landmarks(signal)[0])):
        warnings.append(
            f"{where}: {len(spikes)} spikes of up to {SPIKE_ms} ms, as a stimulus leaves, stand "
            "at rest; lines were put in their place."
        )
        signal, measured = bridge(clock, signal, spikes), bridge(t_ms, measured, spikes)
    rest, peak, upstrokes = landmarks(signal)
    spacing = max(1, round(np.median(np.diff(t_ms))))
    drift = find_drift(signal, upstrokes, peak - rest, spacing)
    if drift is None:
        return signal, measured, upstrokes, 0.0
    moved = f"{np.ptp(drift):.2g}" if sweep.fluorescent else f"{np.ptp(drift):.1f} mV"
    warnings.append(
        f"{where}: the resting level drifts by {moved}; a curve through the rests was taken "
        "off. Its mean was kept, so the level itself is uncertain by half of that."
    )
    signal, measured = signal - drift, measured - np.interp(t_ms, clock, drift)
    return signal, measured, landmarks(signal)[2], float(np.ptp(drift))


def _cycle_length(sweep, upstrokes, stimuli, samples, warnings):
    """Return the cycle length (ms) of a sweep: as given, else between its events."""
    where, length = sweep.where, sweep.cycle_length_ms
    events = upstrokes if stimuli is None else stimuli
    gaps = np.diff(events)
    if not len(gaps):
        if length is None:
            length = float(samples)
            warnings.append(
                f"{where}: one beat and no cycle_length_ms: the {length:g} ms of the sweep are "
                "taken for the cycle length."
            )
        return float(length)
    beat = float(np.median(gaps))
    missed = np.rint(gaps / (length or beat)) * (length or beat)
    if np.abs(gaps - missed).max() > UNEVEN * beat and len(gaps) > 1:
        warnings.append(
            f"{where}: the beats are uneven, {gaps.min():.0f} to {gaps.max():.0f} ms apart; the "
            "model is paced evenly. Choose an even stretch, or pace the cell."
        )
    elif length is not None and abs(beat - length * max(1, round(beat / length))) > 0.05 * length:
        warnings.append(
            f"{where}: cycle_length_ms is {length:g}, but the beats are {beat:.0f} ms apart."
        )
    return round(beat, 1) if length is None else float(length)


def resample(t_ms, x):
    """Bring x (M,) measured at t_ms (M,) to samples 1 ms apart from the first, (T,).

    Between samples x is a cubic without overshoot. Where samples are closer than 1 ms, each value
    is the mean over the millisecond around it: what is too fast for 1 kHz averages out, and nothing
    moves in time.

    >>> resample(np.array([0.0, 2.0, 4.0]), np.array([0.0, 4.0, 8.0]))
    array([0., 2., 4., 6., 8.])
    """
    t = t_ms - t_ms[0]
    clock = np.arange(np.floor(t[-1] + 1e-6) + 1)
    if np.array_equal(t, clock):
        return x
    if np.median(np.diff(t)) > 0.999:
        return PchipInterpolator(t, x)(clock)
    edges = np.clip([clock - 0.5, clock + 0.5], 0.0, t[-1])  # (2, T)
    every = np.union1d(t, edges)
    area = cumulative_trapezoid(np.interp(every, t, x), every, initial=0.0)
    return np.diff(np.interp(edges, every, area), axis=0)[0] / np.diff(edges, axis=0)[0]


def landmarks(x):
    """Return the rest, the peak and the upstroke times (ms) of a signal (T,) in any unit.

    Rest is the median of the lowest 15 % of the range, peak the median of the highest values of
    the beats; both are read from a moving average, so that noise does not widen the range.
    """
    smooth = uniform_filter1d(x, SMOOTH, mode="nearest")
    low, high = smooth.min(), smooth.max()
    if not high > low:
        return low, high, np.array([])
    rest = np.median(smooth[smooth <= low + 0.15 * (high - low)])
    t = np.arange(float(len(x)))
    upstrokes = features.upstrokes(t, to_levels(smooth, rest, high))
    beats = np.split(smooth, np.ceil(upstrokes).astype(int))[1:]
    peak = np.median([beat.max() for beat in beats]) if beats else high
    return float(rest), float(peak), upstrokes


def to_levels(x, rest, peak):
    """Put rest and peak where `features` expects those of a voltage."""
    return LOW_mV + (HIGH_mV - LOW_mV) * (x - rest) / (peak - rest)


def _points_down(x):
    """Whether the fastest change within 5 ms is clearly a fall: an upstroke is the fastest."""
    smooth = uniform_filter1d(x, SMOOTH, mode="nearest")
    change = smooth[5:] - smooth[:-5]
    return len(change) > 0 and -change.min() > 2.0 * change.max()
