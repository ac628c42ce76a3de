"""Lesson 14's checks. Oracle: loops and formulas written here once more."""

import math

import numpy as np
from exercises import judged

from ionlab import check


def by_loop(V, rate_Hz):
    rows = [(1000 * k / rate_Hz, 1000 * v, n) for n, row in enumerate(V) for k, v in enumerate(row)]
    return dict(zip(("time_ms", "V_mV", "sweep"), map(list, zip(*rows, strict=True)), strict=True))


def changed(**columns):
    """The right columns with some of them made by other functions of V and the rate."""
    return lambda V, rate: by_loop(V, rate) | {k: make(V, rate) for k, make in columns.items()}


def odds(log_evidence):
    return [1.0 / sum(math.exp(min(b - a, 700.0)) for b in log_evidence) for a in log_evidence]


def by_sorting(changes, log_evidence, tie=3.0):
    (best, name), (second, _) = sorted(zip(log_evidence, changes, strict=True))[:-3:-1]
    return name if best - second >= tie else "undecidable"


RIGHT = {
    "arrays_as_columns": by_loop,
    "beats_for_error": lambda e, n, w: math.ceil(round(n * e**2 / w**2, 6)),
    "probabilities_of": odds,
    "judged_change": by_sorting,
}
WRONG = [
    ("arrays_as_columns", lambda V, rate: {"t": [0.0]}, "spelled"),
    ("arrays_as_columns", changed(V_mV=lambda V, rate: V.ravel()), "still in volts"),
    ("arrays_as_columns", changed(V_mV=lambda V, rate: 1e3 * V.T.ravel()), "mixed"),
    ("arrays_as_columns", changed(V_mV=lambda V, rate: 1050 * V.ravel()), "1000 times"),
    (
        "arrays_as_columns",
        changed(time_ms=lambda V, rate: np.tile(np.arange(V.shape[1]) / rate, len(V))),
        "in seconds",
    ),
    (
        "arrays_as_columns",
        changed(time_ms=lambda V, rate: 1e3 * np.arange(V.size) / rate),
        "start anew",
    ),
    (
        "arrays_as_columns",
        changed(time_ms=lambda V, rate: np.tile(np.arange(V.shape[1]), len(V))),
        "divide by the rate",
    ),
    (
        "arrays_as_columns",
        changed(sweep=lambda V, rate: np.tile(np.arange(len(V)), V.shape[1])),
        "np.repeat",
    ),
    ("arrays_as_columns", changed(sweep=lambda V, rate: [1]), "one value a sample"),
    ("beats_for_error", lambda e, n, w: math.ceil(n * e / w), "square root"),
    ("beats_for_error", lambda e, n, w: math.ceil(n * (w / e) ** 2), "upside down"),
    ("beats_for_error", lambda e, n, w: n * (e / w) ** 2, "Round up"),
    ("beats_for_error", lambda e, n, w: 1 + 2 * math.ceil(n * (e / w) ** 2), "should take"),
    ("probabilities_of", lambda x: np.exp(x - max(x)), "divide by the sum"),
    ("probabilities_of", lambda x: np.exp(x) / np.exp(x).sum(), "nan"),
    ("probabilities_of", lambda x: 10.0 ** (x - max(x)) / sum(10.0 ** (x - max(x))), "natural"),
    ("probabilities_of", lambda x: x / x.sum(), "should give"),
    ("judged_change", lambda changes, e, tie=3.0: changes[int(np.argmax(e))], "less than 3"),
    ("judged_change", lambda changes, e, tie=3.0: by_sorting(changes, e, 10.0), "more than 3"),
    (
        "judged_change",
        lambda changes, e, tie=3.0: changes[0] if abs(e[0] - e[1]) > tie else "undecidable",
        "may stand anywhere",
    ),
]
TestAnswers = judged(RIGHT, WRONG)


def test_columns_that_are_not_filled_in_are_not_attempted():
    stub = dict.fromkeys(("time_ms", "V_mV", "sweep"), ...)
    assert check.arrays_as_columns(lambda V, rate_Hz: stub).status == "not attempted yet"
