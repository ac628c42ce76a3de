"""The scoreboard that ships with the project: its rows, and each estimated ratio with its truth."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ionlab import store
from ionlab.cells import tentusscher2004
from ionlab.scoreboard.pairs import KINDS
from ionlab.scoreboard.public import PAIRS

SHIPPED = store.WEIGHTS.parent / "scoreboard" / "scoreboard.csv"
WORDS = ("truth", "said_first", "said_changed", "said_kind", "failed")
SCORES = ("first", "set", "unchanged", "kind_right")


def rows(path=SHIPPED):
    """Return the rows of a scoreboard.csv, one for each pair and method, as `table.rows` made them.

    What was not said is "", and a score that a row does not have is NA.

    >>> len(rows()) == len(PAIRS) * rows()["method"].nunique()
    True
    """
    found = pd.read_csv(path, dtype=dict.fromkeys(WORDS, "str"))
    words = {name: found[name].fillna("") for name in WORDS}
    return found.assign(**words, **{name: found[name].astype("boolean") for name in SCORES})


def estimates(rows, pairs=PAIRS, model=tentusscher2004):
    """Return a row for each ratio that a method gave of a conductance.

    Columns: method, pair, kind, observables, imperfect, current; truth (treated over control, 1 if
    not changed), ratio, low, high (90 % interval, NaN without one), changed (whether this amount
    was), miss: how far the ratio is from the truth on a log scale, in halves of its own interval.
    From -1 to 1 the interval holds the truth; of a method that knows its error the misses are
    normal, 90 % of them there.
    """
    factors = {pair.name: pair.factors for pair in pairs}
    shared = ["method", "pair", "kind", "observables", "imperfect"]
    parts = []
    for current in model.conductances:
        part = rows[shared].assign(
            current=current,
            truth=[factors[name].get(current, 1.0) for name in rows["pair"]],
            changed=[current in factors[name] for name in rows["pair"]],
        )
        for column in ("ratio", "low", "high"):
            part[column] = rows[f"{current}_{column}"]
        parts.append(part)
    found = pd.concat(parts).dropna(subset="ratio").reset_index(drop=True)
    return found.assign(miss=_misses(found))


def shares(rows, score):
    """Return method -> {kind: (share, low, high, of)}: how often a score was right.

    score : "first", "set", "unchanged" or "kind_right". low, high : the 90 % interval of the share
    after Wilson, for the `of` pairs that have this score.
    """
    found = {}
    for method, mine in rows.groupby("method", sort=False):
        found[method] = {}
        for kind in KINDS:
            right = mine.loc[mine["kind"] == kind, score].dropna()
            if len(right):
                of = len(right)
                interval = binomtest(int(right.sum()), of).proportion_ci(0.9, "wilson")
                found[method][kind] = (float(right.mean()), interval.low, interval.high, of)
    return found


def _misses(told):
    """Return (M,) how far each ratio is from the truth, in halves of its interval to that side."""
    off = np.log(told["ratio"] / told["truth"])
    up, down = np.log(told["high"] / told["ratio"]), np.log(told["ratio"] / told["low"])
    return off / np.where(off > 0, down, up)
