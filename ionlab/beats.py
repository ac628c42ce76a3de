"""What is found in one measured sweep: its beats on a 1 ms clock, its levels, its stimuli."""

from typing import NamedTuple

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.ndimage import uniform_filter1d

from ionlab import features
from ionlab.cells import Stimulus
from ionlab.drift import find_drift, white_noise
from ionlab.errors import BadRecording

SMOOTH = 5  # samples (ms) of the moving average through which levels and upstrokes are seen
LOW_mV, HIGH_mV = -80.0, 20.0  # rest and peak go here before `features` looks for upstrokes
SMALLEST_AP_mV, SMALLEST_SNR = 30.0, 6.0  # below these there is no action potential to see
SHORTEST_ms, COARSE_ms = 20.0, 2.0


class Beats(NamedTuple):
    """A sweep on the 1 ms clock, still in its own unit, with what was found in it."""

    signal: np.ndarray  # (T,)
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
    where = sweep.where
    if np.ptp(sweep.t_ms) < SHORTEST_ms:
        raise BadRecording(
            f"{where}: a sweep needs one beat; {len(sweep.t_ms)} samples over "
            f"{np.ptp(sweep.t_ms):g} ms are too short. Record longer; time_ms is in ms."
        )
    if (apart := np.median(np.diff(sweep.t_ms))) > COARSE_ms:
        warnings.append(f"{where}: samples are {apart:g} ms apart; upstrokes are blurred.")
    signal = resample(sweep.t_ms, sweep.signal)
    Ca_i = None if sweep.Ca_i_mM is None else resample(sweep.t_ms, sweep.Ca_i_mM)
    if sweep.fluorescent and _points_down(signal):
        warnings.append(f"{where}: the fluorescence falls at the upstroke; it was turned over.")
        signal = -signal
    rest, peak, upstrokes = landmarks(signal)
    drift = find_drift(signal, upstrokes, peak - rest)
    if drift is not None:
        moved = f"{np.ptp(drift):.2g}" if sweep.fluorescent else f"{np.ptp(drift):.1f} mV"
        warnings.append(
            f"{where}: the resting level drifts by {moved}; a curve through the rests was taken "
            "off. Its mean was kept, so the level itself is uncertain by half of that."
        )
        signal = signal - drift
        rest, peak, upstrokes = landmarks(signal)
    smallest = SMALLEST_SNR * white_noise(signal) if sweep.fluorescent else SMALLEST_AP_mV
    if not len(upstrokes) or peak - rest < smallest:
        unit = "" if sweep.fluorescent else " mV"
        raise BadRecording(
            f"{where}: a sweep needs an upstroke from rest to peak; none was found in "
            f"{len(signal)} ms between {signal.min():g} and {signal.max():g}{unit}. "
            "Check the unit and the column, or leave the sweep out."
        )
    levels = to_levels(signal, rest, peak)
    if not len(features.apd_ms(np.arange(float(len(signal))), levels, 0.7)):
        raise BadRecording(
            f"{where}: a sweep needs one beat, from before the upstroke until rest is reached "
            f"again; these {len(signal)} ms are too short. Record longer."
        )
    stimuli, stimulus = _stimuli(sweep, warnings)
    events = upstrokes if stimuli is None else stimuli
    length = sweep.cycle_length_ms
    if length is None and len(events) > 1:
        length = round(float(np.median(np.diff(events))), 1)
    elif length is None:
        length = float(len(signal))
        warnings.append(
            f"{where}: one beat and no cycle_length_ms: the {length:g} ms of the sweep are taken "
            "for the cycle length."
        )
    elif len(events) > 1:
        beat = float(np.median(np.diff(events)))
        if abs(beat - length * max(1, round(beat / length))) > 0.05 * length:
            warnings.append(
                f"{where}: cycle_length_ms is {length:g}, but the beats are {beat:.0f} ms apart."
            )
    moved = 0.0 if drift is None else float(np.ptp(drift))
    return Beats(signal, Ca_i, rest, peak, upstrokes, stimuli, stimulus, float(length), moved)


def resample(t_ms, x):
    """Bring x (M,) measured at t_ms (M,) to samples 1 ms apart from the first, (T,).

    Between samples x is a line. Where samples are closer than 1 ms, each value is the mean over
    the millisecond around it: what is too fast for 1 kHz averages out, and nothing moves in time.

    >>> resample(np.array([0.0, 2.0, 4.0]), np.array([0.0, 4.0, 8.0]))
    array([0., 2., 4., 6., 8.])
    """
    t = t_ms - t_ms[0]
    clock = np.arange(np.floor(t[-1] + 1e-6) + 1)
    if len(t) < 2 or np.median(np.diff(t)) > 0.999:
        return np.interp(clock, t, x)
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


# --- stimuli -----------------------------------------------------------------------------


def _stimuli(sweep, warnings):
    """Return the onsets (B,) in ms from the first sample and the `Stimulus`; None without any."""
    if sweep.stim is None:
        return None, None
    strongest = np.abs(sweep.stim).max()
    if strongest == 0:
        warnings.append(
            f"{sweep.where}: stim_pA_pF is zero throughout; stimuli are placed at the upstrokes."
        )
        return None, None
    t = np.append(sweep.t_ms, 2 * sweep.t_ms[-1] - sweep.t_ms[-2]) - sweep.t_ms[0]
    on = np.abs(sweep.stim) > 0.5 * strongest
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]])))
    starts, ends = edges[::2], edges[1::2]
    amplitude = float(np.median(sweep.stim[on]))
    if amplitude > 0:
        warnings.append(
            f"{sweep.where}: the stimulus is positive; depolarising current is negative here, so "
            "its sign was changed."
        )
    duration = float(np.median(t[ends] - t[starts]))
    return t[starts], Stimulus(-abs(amplitude), duration, 0.0)
