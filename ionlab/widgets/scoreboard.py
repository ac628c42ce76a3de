"""Lesson 15: estimated against true ratios of a method, and how many pairs a coverage needs."""

import numpy as np
from scipy.stats import binom, norm

from ionlab.plot import BLUE, GREY, ORANGE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick

RATIOS = (0.1, 10.0)  # of the drawn estimates; what is beyond is drawn at the edge
TRUE = (0.2, 4.0)  # of the true ratios
HALVES = 5.0  # likewise, of a miss in halves of an interval
LEVEL = norm.ppf(0.95)  # standard errors to each side of a 90 % interval
DENSITY = 0.2  # of the axes, in 1/%
EVERY = "all"


def _bars(x, low, high):
    """Vertical bars as one curve."""
    gap = np.full(len(x), np.nan)
    return np.repeat(x, 3), np.column_stack([low, high, gap]).ravel()


def calibration(estimates, method, kind=EVERY, seen=EVERY, unchanged=True):
    """Return the picture of one method: ratios against the truth, misses against their intervals.

    estimates : DataFrame with a row for each ratio: method, kind, observables, changed, truth,
        ratio, low, high, and miss, in halves of the interval (NaN without one).
    unchanged : whether currents that did not change are in the second panel.
    """
    mine = estimates[estimates["method"] == method]
    if kind != EVERY:
        mine = mine[mine["kind"] == kind]
    if seen != EVERY:
        mine = mine[mine["observables"] == seen]
    amounts = mine[mine["changed"].to_numpy(bool)]
    truth, ratio, low, high, miss = amounts[["truth", "ratio", "low", "high", "miss"]].to_numpy().T
    drawn = np.clip(ratio, *RATIOS)
    held, missed, alone = abs(miss) <= 1.0, abs(miss) > 1.0, np.isnan(miss)
    told = (mine if unchanged else amounts)["miss"].dropna().sort_values().to_numpy()
    rank = 100.0 * (np.arange(len(told)) + 0.5) / max(len(told), 1)
    curves = {
        "equal": (TRUE, TRUE),
        "bars": _bars(truth, np.clip(low, *RATIOS), np.clip(high, *RATIOS)),
        "held": (truth[held], drawn[held]),
        "missed": (truth[missed], drawn[missed]),
        "alone": (truth[alone], drawn[alone]),
        "expected": (np.linspace(1, 99, 99), norm.ppf(np.linspace(0.01, 0.99, 99)) / LEVEL),
        "upper": ((0.0, 100.0), (1.0, 1.0)),
        "lower": ((0.0, 100.0), (-1.0, -1.0)),
        "misses": (rank, np.clip(told, -HALVES, HALVES)),
    }
    return Picture(curves, _said(method, ratio / truth, told, (ratio != drawn).sum()))


def _said(method, off, told, beyond):
    """What the picture of `calibration` shows, in numbers."""
    text = f"{method}: {len(off)} changed amounts"
    if len(off):
        error = 100.0 * abs(off - 1.0)
        text += f", error {np.median(error):.1f} % (median), {np.percentile(error, 90):.1f} % (p90)"
    if len(told):
        inside = int((abs(told) <= 1.0).sum())
        widen = np.percentile(abs(told), 90)
        text += f". The intervals of {len(told)} ratios hold the truth {inside} times"
        text += f" ({100.0 * inside / len(told):.0f} %); {widen:.2f} times as wide, 90 %"
    else:
        text += ". It gives no interval here"
    return f"{text}. {beyond} estimates are drawn at the edge." if beyond else f"{text}."


def calibration_explorer(estimates, method, kinds):
    """Open estimated against true ratios; choose the method, the kind of pairs, what was recorded.

    estimates : as in `calibration`. method : the first one. kinds : names of kinds.
    """
    controls = {
        "method": Choose("method", tuple(dict.fromkeys(estimates["method"])), method, "Whose"),
        "kind": Choose("kind of pair", (EVERY, *kinds), EVERY, "What was changed in these pairs"),
        "seen": Choose("recorded", (EVERY, "V Ca_i", "V"), EVERY, "V and Ca_i, or V alone"),
        "unchanged": Tick("with currents that did not change, at the right", True, "True ratio 1"),
    }  # fmt: skip
    dots = {"ls": "", "ms": 5}
    left = Panel(
        (
            Curve("equal", "", {"color": GREY, "lw": 0.8, "ls": ":"}),
            Curve("bars", "", {"color": GREY, "lw": 1.2}),
            Curve("held", "interval holds it", {"color": BLUE, "marker": "o", **dots}),
            Curve("missed", "misses it", {"color": RED, "marker": "x", "mew": 1.6, **dots}),
            Curve("alone", "no interval", {"color": ORANGE, "marker": "s", **dots}),
        ),
        "true ratio (log scale)",
        "estimated ratio (log scale)",
        TRUE,
        RATIOS,
        xscale="log",
        yscale="log",
        xticks={x: f"{x:g}" for x in (0.2, 0.3, 0.5, 1.0, 2.0, 3.0)},
        yticks={y: f"{y:g}" for y in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)},
    )
    edge = {"color": GREY, "lw": 0.8, "ls": ":"}
    right = Panel(
        (
            Curve("upper", "", edge),
            Curve("lower", "", edge),
            Curve("expected", "if it knew its error", {"color": GREY, "lw": 2.5}),
            Curve("misses", "its ratios", {"color": BLUE, "marker": ".", "ls": "", "ms": 5}),
        ),
        "rank among the misses (%)",
        "miss (halves of the interval)",
        (0.0, 100.0),
        (-HALVES, HALVES),
    )

    def draw(method, kind, seen, unchanged):
        return calibration(estimates, method, kind, seen, unchanged)

    title = "Estimated against true ratios"
    return Explorer(controls, [left, right], draw, title, size=(860, 400), columns=2)


# --- how many pairs ----------------------------------------------------------------------


def confusion(n, low, high):
    """Return the best threshold k of n, and how often it errs: (k, error at low, error at high).

    A method is taken for the better one if its intervals hold the truth k times of n or more. The
    better one covers with probability `high`, the other with `low`; k makes the larger error least.
    """
    k = np.arange(n + 2)
    passes = binom.sf(k - 1, n, low)  # the worse one reaches k
    fails = binom.cdf(k - 1, n, high)  # the better one does not
    best = int(np.argmin(np.maximum(passes, fails)))
    return best, float(passes[best]), float(fails[best])


def how_many(n, low, high):
    """Return the picture of how often the truth is held in n intervals, for two coverages."""
    n = int(n)
    k = np.arange(n + 1)
    likely = [(k, binom.pmf(k, n, share)) for share in (low, high)]
    likely = [(k[p > 1e-6], p[p > 1e-6]) for k, p in likely]
    least, passes, fails = confusion(n, low, high)
    curves = {
        name: (100.0 * k / n, n * p / 100.0)
        for name, (k, p) in zip(("low", "high"), likely, strict=True)
    }
    curves["least"] = ((100.0 * (least - 0.5) / n,) * 2, (0.0, DENSITY))
    return Picture(
        curves,
        f"With {n} intervals, call it good from {least} held on: one that covers {100 * low:.0f} % "
        f"passes with {100 * passes:.1f} %, one that covers {100 * high:.0f} % fails with "
        f"{100 * fails:.1f} %.",
    )


def how_many_explorer(n=43):
    """Open what n intervals can tell of the coverage of a method."""
    controls = {
        "n": Slide("intervals", "", 10, 400, n, 1, "Independent ones, with a truth each"),
        "low": Slide("worse one covers", "", 0.5, 0.94, 0.85, 0.01, "True coverage of a method"),
        "high": Slide("better one covers", "", 0.86, 0.99, 0.95, 0.01, "And of another"),
    }  # fmt: skip
    panel = Panel(
        (
            Curve("low", "worse one", {"color": RED, "marker": ".", "lw": 1.0}),
            Curve("high", "better one", {"color": BLUE, "marker": ".", "lw": 1.0}),
            Curve("least", "threshold", {"color": GREY, "ls": "--"}),
        ),
        "intervals that hold the truth (%)",
        "probability density (1/%)",
        (50.0, 100.0),
        (0.0, DENSITY),
    )
    return Explorer(controls, [panel], how_many, "What a number of intervals can tell", (800, 340))
