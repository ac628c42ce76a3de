"""What a stimulus channel tells: when the cell was stimulated, how strongly and how long."""

import numpy as np

from ionlab.cells import Stimulus

WEAK_mV = 8.0  # a stimulus that charges the membrane by less cannot start an action potential


def read_stimuli(sweep, warnings):
    """Return the onsets (B,) in ms from the first sample of a `Measured` sweep, and its `Stimulus`.

    Both are None where the channel tells nothing; the stimulus is None where the channel only
    marks the time, as the output of a trigger does.
    """
    where = sweep.where
    if sweep.stim is None:
        return None, None
    strongest = np.abs(sweep.stim).max()
    if strongest == 0:
        warnings.append(
            f"{where}: stim_pA_pF is zero throughout; stimuli are placed at the upstrokes."
        )
        return None, None
    t = np.append(sweep.t_ms, 2 * sweep.t_ms[-1] - sweep.t_ms[-2]) - sweep.t_ms[0]
    on = np.abs(sweep.stim) > 0.5 * strongest
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]])))
    starts, ends = edges[::2], edges[1::2]
    interval = np.median(np.diff(t))
    if np.median(ends - starts) < 2 and interval > 1.01:
        warnings.append(
            f"{where}: stim_pA_pF has one sample a stimulus, {interval:g} ms apart, too few to "
            "time it; stimuli are placed at the upstrokes."
        )
        return None, None
    amplitude = float(np.median(sweep.stim[on]))
    duration = float(np.median(t[ends] - t[starts]))
    if abs(amplitude) * duration < WEAK_mV:
        warnings.append(
            f"{where}: {abs(amplitude):g} pA/pF for {duration:g} ms are too weak for a stimulus; "
            "stim_pA_pF is taken for a trigger, and only its times are used."
        )
        return t[starts], None
    if amplitude > 0:
        warnings.append(
            f"{where}: the stimulus is positive; depolarising current is negative here, so "
            "its sign was changed."
        )
    return t[starts], Stimulus(-abs(amplitude), duration, 0.0)
