"""When a sweep was stimulated: the cell's own upstroke is laid on those that were measured."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ionlab.beats import landmarks
from ionlab.simulate import pace

LONGEST_ms = 2000.0  # slower than this, a cell rests and peaks alike
NEAR_ms = 2.5  # so much on either side of the crossing is compared, two samples at least
EXACT_ms = 0.2  # a stimulus channel as fine as this is taken as it is,
TOLD_ms = 0.12  # and so is a coarser one when the upstrokes agree with it so well


class OwnBeat(NamedTuple):
    """The cell's own steady beat: its levels as `landmarks` sees them, and its upstroke."""

    rest: float
    peak: float
    after_ms: np.ndarray  # (K,) time from the onset of the stimulus
    upstroke_mV: np.ndarray  # (K,)


def own_beats(cell, cycle_lengths_ms):
    """Return the `OwnBeat` of a cell at each cycle length; the upstroke is that of the longest."""
    shortest = np.ceil(cell.stimulus.duration_ms) + 1.0
    lengths, which = np.unique(
        np.clip(np.round(cycle_lengths_ms), shortest, LONGEST_ms), return_inverse=True
    )
    paced = pace(cell, lengths, record_last_ms=2.0 * lengths[-1])
    levels = [
        landmarks(V[-2 * int(length) :])[:2] for V, length in zip(paced["V"], lengths, strict=True)
    ]
    upstroke = _upstroke(cell, lengths[-1])
    return [OwnBeat(*levels[k], *upstroke) for k in which]


def _upstroke(cell, cycle_length_ms):
    """Return times (K,) from the onset of the stimulus and V (K,) there, every 0.02 ms."""
    slow = max(cycle_length_ms, 500.0)  # no 2:1 block
    onset = cell.stimulus.start_ms + 10 * slow
    end = np.ceil(cell.stimulus.start_ms) + 10 * slow + 20.0
    close = pace(cell, [slow], duration_ms=end, record_last_ms=40.0, sample_ms=0.02)
    return close.t_ms - onset, close["V"][0]


def place(t_ms, V_mV, upstrokes_ms, own):
    """Return the onsets (B,) in ms from which the cell's own upstroke fits those measured.

    t_ms, V_mV : (M,) samples as measured, at any rate: samples 1 ms apart straddle an upstroke of
    1 ms, and the crossing of a line between them is up to 0.3 ms off, this mostly less than 0.1 ms.
    It is up to 0.6 ms with samples 2 ms apart, if the upstroke is not that of the cell.
    """
    interval = np.median(np.diff(t_ms))
    above = own.upstroke_mV > 0.5 * (own.rest + own.peak)
    reach = max(1.5, 1.2 * interval)
    shifts = np.arange(-reach, reach, 0.02) - own.after_ms[np.argmax(above)]  # (K,)
    each = int(np.ceil(max(NEAR_ms, 2.0 * interval) / interval))
    near = np.searchsorted(t_ms, upstrokes_ms)[:, None] + np.arange(-each, each)
    near = np.clip(near, 0, len(t_ms) - 1)  # (B, S)
    onsets = []
    for upstroke, at in zip(upstrokes_ms, near, strict=True):
        model_mV = np.interp(t_ms[at] - upstroke - shifts[:, None], own.after_ms, own.upstroke_mV)
        misfit = ((V_mV[at] - model_mV) ** 2).sum(1)
        onsets.append(upstroke + shifts[misfit.argmin()])
    return np.array(onsets)


def refine(stimuli_ms, stimulus, beat, cell, own):
    """Return the onsets (B,) of a stimulus channel, finer than its samples.

    The channel is held from a sample to the next, so a stimulus seen for the first time at t began
    after the sample before. Where the upstrokes tell that it did, they place it in between.
    own : the `OwnBeat` of the cell with its own stimulus.
    """
    interval = np.median(np.diff(beat.measured_ms))
    if interval <= EXACT_ms or not len(beat.upstrokes_ms):
        return stimuli_ms
    stimulus = replace(stimulus, start_ms=cell.stimulus.start_ms)
    if stimulus != cell.stimulus:
        after, V = _upstroke(replace(cell, stimulus=stimulus), beat.cycle_length_ms)
        own = own._replace(after_ms=after, upstroke_mV=V)
        if V.max() < own.rest + 0.5 * (own.peak - own.rest):
            return stimuli_ms
    fitted = place(beat.measured_ms, beat.measured, beat.upstrokes_ms, own)
    early = fitted - stimuli_ms[:, None]
    early = early[np.arange(len(early)), np.abs(early).argmin(1)]
    answered = np.abs(early) < 2.0 * interval
    shift = np.median(early[answered]) if answered.any() else 0.0
    if not -1.1 * interval < shift < -TOLD_ms:
        return stimuli_ms
    early = np.where(answered, np.clip(early, -interval, 0.0), shift)
    return stimuli_ms + (shift if early.std() < TOLD_ms else early)


def with_failed(stimuli_ms, cycle_length_ms):
    """Return the stimuli with those added that no upstroke followed, as in 2:1 block.

    >>> with_failed(np.array([10.0, 610.0, 1210.0]), 300.0)
    array([  10.,  310.,  610.,  910., 1210.])
    """
    every = [stimuli_ms[:1]]
    for a, b in zip(stimuli_ms[:-1], stimuli_ms[1:], strict=True):
        every.append(np.linspace(a, b, max(1, round((b - a) / cycle_length_ms)) + 1)[1:])
    return np.concatenate(every)
