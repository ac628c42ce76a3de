"""What spoils a measured signal: clipping, spikes, hum, and noise that only looks like beats."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from ionlab.drift import white_noise

KINK, KINK_ms = 5.0, 5.0  # a clipped signal leaves its flat part by so many steps in this time
FINEST = 1e-4  # part of the range that a converter resolves; a computed signal has finer steps
NOISY = 3.0  # typical bend from sample to sample of a noisy signal, in steps of its converter
SPIKE_ms, SPIKE, NOISE = 4, 0.15, 6.0  # a spike is shorter, and stands out by this
HUM_Hz, HUM = (50.0, 60.0), 0.002  # mains; the least amplitude, as part of rest to peak
SLOW_ms, STRETCH_ms = 21, 100  # what is slower is taken off; hum is looked for in such stretches


def clipped_ms(t_ms, x):
    """Return the longest time (ms) that x (M,) is held at its ceiling, and at its floor.

    Held is a run of equal values that the signal meets at a kink: it is far away shortly before
    and shortly after. The rounded top of an action potential and its rest, seen in the coarse
    steps of a converter with few bits, have equal values in a row too, but are met smoothly.

    >>> t = np.arange(100.0)
    >>> clipped_ms(t, np.minimum(np.sin(t / 10.0), 0.8))
    (12.0, 0.0)
    """
    return _held_ms(t_ms, x), _held_ms(t_ms, -x)


def _held_ms(t_ms, x):
    levels = np.unique(x)
    if len(levels) < 3:
        return 0.0
    step = np.median(np.diff(levels)[-max(3, len(levels) // 20) :])
    step = max(step, FINEST * np.ptp(x))
    bends = np.abs(np.diff(x, 2))
    noisy = np.median(bends[bends > 0]) > NOISY * step  # then equal values are not met by chance
    edges = np.flatnonzero(np.diff(np.concatenate([[0], x == levels[-1], [0]])))
    longest = 0.0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        held = t_ms[end - 1] - t_ms[start]
        if end - start < 4 or start == 0 or held <= longest:
            continue
        near = min(0.5 * held, KINK_ms)
        around = np.array([t_ms[start] - near, t_ms[end - 1] + near])
        met = np.interp(around[around <= t_ms[-1]], t_ms, x)
        if noisy or levels[-1] - met.max() > KINK * step:
            longest = float(held)
    return longest


def find_spikes(x, rest):
    """Return the spikes in x (T,) that leave its rest and are back within 4 ms: indices (S, 2).

    So does the artefact of a stimulus, up or down; an action potential may follow at once. Where
    action potentials are as short, no spike is looked for.

    >>> x = np.repeat([-85.0, 20.0, -85.0], [50, 100, 50])
    >>> x[[30, 48]] = 15.0, -140.0
    >>> find_spikes(x, -85.0)
    array([[29, 32],
           [47, 50]])
    """
    top = uniform_filter1d(x, SPIKE_ms + 1, mode="nearest").max()
    off = max(SPIKE * (top - rest), NOISE * white_noise(x))
    spikes, longest = [], 0
    for sign in (1.0, -1.0):
        away = sign * (x - rest)
        calm = np.abs(away) < off
        for a, b in _runs(away > off):
            longest = max(longest, b - a)
            if 0 < a and b < len(x) and b - a <= SPIKE_ms:
                if away[a:b].max() - max(away[a - 1], away[b]) > off:
                    spikes.append((a - (calm[a - 1] and a > 1), b + calm[b]))  # and its edges
    return np.array(sorted(spikes if longest > 5 * SPIKE_ms else []), int).reshape(-1, 2)


def bridge(t_ms, x, spikes):
    """Return x (M,) at t_ms (M,) with lines in place of spikes, (S, 2) whole ms."""
    spoiled = np.zeros(len(x), bool)
    for a, b in spikes:
        spoiled |= (t_ms > a - 0.6) & (t_ms < b - 0.4)
    return np.where(spoiled, np.interp(t_ms, t_ms[~spoiled], x[~spoiled]), x)


def _runs(which):
    """Return the first and the one after the last index (R, 2) of every run of True."""
    return np.flatnonzero(np.diff(np.concatenate([[0], which, [0]]))).reshape(-1, 2)


def likeness(x, upstrokes_ms):
    """Return how alike the beats of x (T,) are: 1 if equal, about 0 for noise; 1 for one beat.

    It is the part of the variance that the mean beat explains, without bias.
    """
    starts = np.rint(upstrokes_ms).astype(int)
    if len(starts) < 2:
        return 1.0
    length = min(np.diff(starts).min(), len(x) - starts[-2])
    starts = starts[starts + length <= len(x)]
    if len(starts) < 2 or length < 2:
        return 1.0
    beats = np.stack([x[start : start + length] for start in starts])
    return float(1.0 - beats.var(0, ddof=1).mean() / max(beats.var(), 1e-300))


def find_hum(x, span):
    """Return the frequency (Hz) and amplitude of mains hum in x (T,), or None without.

    Hum swings in every stretch of 100 ms, an action potential in a few of them: the median over
    the stretches must be `HUM` of span (from rest to peak), and twice that at 20 Hz more or less.

    >>> Hz, amplitude = find_hum(0.5 * np.sin(2 * np.pi * 0.05 * np.arange(1000.0)), 100.0)
    >>> Hz, round(amplitude, 2)
    (50.0, 0.5)
    """
    t_s = 0.001 * np.arange(len(x))

    def swing(Hz):
        waves = (x - uniform_filter1d(x, SLOW_ms, mode="nearest")) * np.exp(2j * np.pi * Hz * t_s)
        middle = slice(SLOW_ms, -SLOW_ms)
        mean = [uniform_filter1d(part, STRETCH_ms)[middle] for part in (waves.real, waves.imag)]
        kept = 1.0 - np.sinc(0.001 * Hz * SLOW_ms) / np.sinc(0.001 * Hz)  # of it, after that
        return 2.0 * np.median(np.hypot(*mean)) / kept

    if len(x) < 2 * STRETCH_ms:
        return None
    for Hz in HUM_Hz:
        amplitude = swing(Hz)
        if amplitude > max(HUM * span, 2.0 * swing(Hz - 20.0), 2.0 * swing(Hz + 20.0)):
            return Hz, float(amplitude)
    return None
