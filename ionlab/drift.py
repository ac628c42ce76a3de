"""The slow drift of the resting level, of an electrode or a dye, to be taken off."""

import numpy as np
from numpy.polynomial import Polynomial

FOOT_ms = 4.0  # the rest of a beat is read until so long before its upstroke,
WINDOW = 0.08  # over this part of a cycle
TAIL = 0.6  # part of a cycle after which the end of a sweep shows the rest too
HIGHEST = 6  # degree of the curve
LEAST, CERTAIN = 0.005, 5.0  # a drift is this part of the range, and so many standard errors


def white_noise(x):
    """Return the standard deviation of white noise in x (T,), from steps between samples."""
    return 1.05 * np.median(np.abs(np.diff(x)))


def resting_levels(x, upstrokes_ms):
    """Return the times (R,) in ms at which x (T,) rests, and its levels (R,) there.

    x has two upstrokes or more, and one level stands before each. The end of the sweep adds one,
    less what the beats before rose (or still fell) from that phase to their next upstroke.

    >>> t = np.arange(1480.0)
    >>> beats = np.where((t > 20) & (t % 500 < 200), 10.0, -85.0)
    >>> resting_levels(beats, np.array([500.0, 1000.0]))
    (array([ 476.,  976., 1460.]), array([-85., -85., -85.]))
    """
    ends = np.rint(upstrokes_ms - FOOT_ms).astype(int)
    gaps, since = np.diff(ends), len(x) - ends[-1]
    window = int(WINDOW * np.median(gaps))

    def level(end):
        return np.median(x[max(0, end - window) : end])

    rises = [
        level(end + gap) - level(end + since)
        for end, gap in zip(ends, gaps, strict=False)
        if since <= gap
    ]
    ends = ends[ends >= 0.5 * window]
    levels = [level(end) for end in ends]
    if rises and since > TAIL * np.median(gaps):
        ends, levels = np.append(ends, len(x)), [*levels, level(len(x)) + np.mean(rises)]
    return np.maximum(ends - 0.5 * window, 0.5 * ends), np.array(levels)


def find_drift(x, upstrokes_ms, span, spacing=1):
    """Return the drift (T,) of the rest of x (T,), of mean zero; None without a certain one.

    spacing : in ms, of the samples from which x was interpolated.

    The curve is the polynomial through the resting levels whose degree serves best (Bayes'
    information criterion), so that alternans and noise do not count: they come and go from beat to
    beat. It must move by `LEAST` of span (from rest to peak; 0.5 mV of 110 mV, more than a paced
    cell moves by itself in 10 s) and by `CERTAIN` standard errors.

    >>> t = np.arange(2000.0)
    >>> beats = np.where(t % 500 < 200, 10.0, -85.0)
    >>> drift = find_drift(beats + 0.001 * t, np.array([500.0, 1000.0, 1500.0]), 95.0)
    >>> round(float(np.ptp(drift)), 2)
    2.0
    """
    if len(upstrokes_ms) < 2:
        return None
    t_ms, levels = resting_levels(x, upstrokes_ms)
    if len(levels) < 2:
        return None
    samples = WINDOW * np.median(np.diff(upstrokes_ms)) / spacing
    step = np.median(np.diff(np.unique(x)))  # of the converter
    error = 1.25 * white_noise(x[::spacing]) / np.sqrt(samples) + 0.3 * step  # of a median
    degrees = range(1, min((len(levels) + 1) // 2, HIGHEST) + 1)
    fits = [_fit(t_ms, levels, degree, error) for degree in degrees]
    curve, variance, _ = min(fits, key=lambda fit: fit[2])
    certain = CERTAIN * np.sqrt(variance * 2.0 * (curve.degree() + 1) / len(levels))
    if np.ptp(curve(t_ms)) < max(LEAST * span, certain):
        return None
    clock = np.arange(float(len(x)))
    inside, slope = np.clip(clock, t_ms[0], t_ms[-1]), curve.deriv()
    drift = curve(inside) + slope(inside) * (clock - inside)  # beyond the levels, a line
    return drift - drift.mean()


def _fit(t_ms, levels, degree, error):
    """Return a polynomial, the variance of a level about it, and its information criterion."""
    R = len(levels)
    curve = Polynomial.fit(t_ms, levels, degree)
    square = ((levels - curve(t_ms)) ** 2).sum()
    variance = max(square / max(1, R - degree - 1), error**2)
    return curve, variance, R * np.log(square / R + error**2) + 2.0 * degree * np.log(R)
