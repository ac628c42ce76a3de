"""What is read off a voltage trace: upstrokes, action potential duration, rest, peak, capture."""

import numpy as np

RESTED_mV, UPSTROKE_mV = -60.0, -20.0  # an upstroke starts below the one and crosses the other


def upstrokes(t_ms, V_mV):
    """Return the times (ms) of the upstrokes in V (T,): crossings of -20 mV, interpolated.

    V must have been below -60 mV since the upstroke before, so that noise at the crossing and a
    stimulus that falls into an action potential do not count.

    >>> upstrokes(np.arange(4.0), np.array([-80.0, -40.0, 0.0, 20.0]))
    array([1.5])
    """
    crossing = np.flatnonzero((V_mV[:-1] < UPSTROKE_mV) & (V_mV[1:] >= UPSTROKE_mV))
    last_rest = np.maximum.accumulate(np.where(V_mV < RESTED_mV, np.arange(len(V_mV)), -1))
    before = np.concatenate([[-1], crossing[:-1]])
    k = crossing[last_rest[crossing] > before]
    return t_ms[k] + (t_ms[k + 1] - t_ms[k]) * (UPSTROKE_mV - V_mV[k]) / (V_mV[k + 1] - V_mV[k])


def apd_ms(t_ms, V_mV, fraction=0.9, fine=None):
    """Return the duration (ms) of every complete action potential in V (T,).

    Counted from the upstroke (crossing of -20 mV) to the return past a fraction of the way
    from the peak of the beat down to the rest, the median of the 20 ms before it. fine (2, T),
    which the simulator records, has the highest V since the sample before and the exact time of
    a crossing: samples 1 ms apart miss the peak and misplace the upstroke, which makes up to 1 ms.
    """
    peaks, starts = V_mV, upstrokes(t_ms, V_mV)
    if fine is not None:
        peaks = fine[0]
        after = np.searchsorted(t_ms, starts)
        starts = np.where(np.isfinite(fine[1][after]), fine[1][after], starts)
    durations = []
    for start, end in zip(starts, np.append(starts, np.inf)[1:], strict=True):
        before = (t_ms > start - 20.0) & (t_ms < start)
        beat = np.flatnonzero((t_ms >= start) & (t_ms < end))
        if not before.any() or len(beat) < 2:
            continue
        top = beat[0] + np.argmax(V_mV[beat])
        rest, peak = np.median(V_mV[before]), peaks[beat].max()
        level = peak - fraction * (peak - rest)
        below = top + np.flatnonzero(V_mV[top : beat[-1] + 1] < level)
        if len(below):
            k = below[0]
            part = (V_mV[k - 1] - level) / (V_mV[k - 1] - V_mV[k])
            durations.append(t_ms[k - 1] + part * (t_ms[k] - t_ms[k - 1]) - start)
    return np.array(durations)


def capture(t_ms, V_mV, stimuli_ms):
    """Return how V (T,) answers its stimuli: "1:1", "2:1", "none" or "mixed".

    A stimulus is answered if an upstroke follows within 50 ms. Stimuli outside the trace, or
    fewer than 50 ms before its end, do not count.
    """
    stimuli = np.asarray(stimuli_ms)
    stimuli = stimuli[(stimuli >= t_ms[0]) & (stimuli < t_ms[-1] - 50.0)]
    ups = upstrokes(t_ms, V_mV)
    answered = np.array([((ups >= t) & (ups < t + 50.0)).any() for t in stimuli])
    if not answered.any():
        return "none"
    if answered.all():
        return "1:1"
    alternate = len(answered) > 2 and (answered[2:] == answered[:-2]).all()
    return "2:1" if alternate else "mixed"
