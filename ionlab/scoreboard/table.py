"""How right the answers are: by method, by kind of pair, and by what was recorded.

Definitions, for each pair:

changed currents
    those whose conductance changed and those that a moved gate belongs to.
first
    of pairs with a change: the current ranked first is one of the changed ones.
set
    of pairs with a change: the currents called changed are just the changed ones.
error
    of each changed amount: abs(ratio / true ratio - 1). Changed gates have none.
coverage
    of each changed amount, and of the conductances of all currents (true ratio 1 where not
    changed): whether the 90 % interval holds it. Methods without intervals have none.
kind
    the method says "amount", "gating" or "no change" and is right, and for gating the changes of
    its first alternative are of the right gates; or it says "undecidable", and what changed
    (amount of a current or gating of a gate) is among its alternatives. Methods that never say a
    kind have none.
shift
    of each shifted gate: abs(shift - true shift) in mV, where a gate that is not named counts as
    not shifted. Methods blind to gates have none.
unchanged
    of pairs without a change: no current is called changed.

A pair without an answer counts as wrong in first, set, kind and unchanged; it has no error,
coverage or shift, so read those beside the number of answers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ionlab.changes import current_of
from ionlab.scoreboard.answers import Answer
from ionlab.scoreboard.pairs import KINDS, Pair

NOISE_mV = 0.5  # of the views that the project has figures for


@dataclass(frozen=True)
class Score:
    """One answer against the truth; the module says how. None where there is nothing to score."""

    method: str
    pair: Pair
    answer: Answer
    truth: tuple[str, ...]
    first: bool | None
    set: bool | None
    unchanged: bool | None
    kind: bool
    errors: tuple[float, ...]
    covered: tuple[bool, ...]
    covered_all: tuple[bool, ...]
    shifts_mV: tuple[float, ...]


def score(method, pair, answer, cell):
    """Return the `Score` of an answer."""
    truth = {*pair.factors, *(current_of(cell, gate) for gate in pair.gates)}
    order = tuple(name for name in cell.conductances if name in truth)
    amounts, intervals = {}, {}
    for name, (ratio, low, high) in answer.ratios.items():
        amounts[name] = ratio
        if np.isfinite([low, high]).all():
            intervals[name] = bool(low <= pair.factors.get(name, 1.0) <= high)
    shifts = {}
    if answer.gate_shifts is not None and not answer.error:
        for gate, (shift_mV, _, _) in pair.gates.items():
            if shift_mV:
                shifts[gate] = abs(answer.gate_shifts.get(gate, 0.0) - shift_mV)
    return Score(
        method=method,
        pair=pair,
        answer=answer,
        truth=order,
        first=answer.first in truth if truth else None,
        set=not answer.error and set(answer.changed) == truth if truth else None,
        unchanged=None if truth else not answer.error and not answer.changed,
        kind=_kind_right(pair, answer),
        errors=tuple(abs(amounts[c] / x - 1.0) for c, x in pair.factors.items() if c in amounts),
        covered=tuple(intervals[c] for c in pair.factors if c in intervals),
        covered_all=tuple(intervals.values()),
        shifts_mV=tuple(shifts.values()),
    )


def _kind_right(pair, answer):
    """Whether the kind is right, or undecidable with the truth among the alternatives."""
    amounts = {("amount", current) for current in pair.factors}
    gating = {("gating", gate) for gate in pair.gates}
    alternatives = [
        {("amount" if kind == "amount" else "gating", target) for kind, target in each}
        for each in answer.alternatives
    ]
    if answer.kind == "undecidable":
        return amounts | gating in alternatives
    if not gating:
        return answer.kind == ("amount" if amounts else "no change")
    named = {found for each in alternatives[:1] for found in each if found[0] == "gating"}
    return answer.kind == ("both" if amounts else "gating") and named == gating


# --- tables ------------------------------------------------------------------------------


def _ordinary(pair):
    """Three sweeps of the published model with the noise that the figures are asked for."""
    imperfect = pair.imperfect.factors or pair.imperfect.gates
    return not imperfect and pair.noise_mV == NOISE_mV and len(pair.lengths_ms) > 1


def _imperfect(pair):
    return bool((pair.imperfect.factors or pair.imperfect.gates) and (pair.factors or pair.gates))


VIEWS = {  # what a table is about -> which pairs it takes
    "all": lambda pair: True,
    **{kind: lambda pair, kind=kind: pair.kind == kind for kind in KINDS},
    "V and Ca_i, 0.5 mV": lambda pair: _ordinary(pair) and len(pair.observables) > 1,
    "V alone, 0.5 mV": lambda pair: _ordinary(pair) and len(pair.observables) == 1,
    "1 or 2 mV of noise": lambda pair: pair.noise_mV > NOISE_mV,
    "imperfect model": _imperfect,
    "one sweep": lambda pair: len(pair.lengths_ms) == 1,
}


def summary(scores):
    """Return a row for each view and method: shares from 0 to 1, errors, seconds.

    >>> list(summary([]).columns)[:6]
    ['view', 'method', 'pairs', 'answered', 'first', 'set']
    """
    rows = []
    methods = list(dict.fromkeys(s.method for s in scores))
    tells = {s.method for s in scores if s.answer.kind}
    for view, takes in VIEWS.items():
        for method in methods:
            these = [s for s in scores if s.method == method and takes(s.pair)]
            if these:
                rows.append({"view": view, "method": method, **_row(these, method in tells)})
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = (
    "view method pairs answered first set error_median error_p90 coverage coverage_all kind "
    "shift_mV unchanged seconds"
).split()


def _row(scores, tells_kind):
    """Figures of some scores of one method."""
    every = lambda field: [x for s in scores for x in getattr(s, field)]  # noqa: E731
    each = lambda field: [getattr(s, field) for s in scores if getattr(s, field) is not None]  # noqa: E731
    errors = every("errors")
    return {
        "pairs": len(scores),
        "answered": sum(not s.answer.error for s in scores),
        "first": _of(np.mean, each("first")),
        "set": _of(np.mean, each("set")),
        "error_median": _of(np.median, errors),
        "error_p90": _of(lambda x: np.percentile(x, 90), errors),
        "coverage": _of(np.mean, every("covered")),
        "coverage_all": _of(np.mean, every("covered_all")),
        "kind": _of(np.mean, each("kind")) if tells_kind else float("nan"),
        "shift_mV": _of(np.median, every("shifts_mV")),
        "unchanged": _of(np.mean, each("unchanged")),
        "seconds": _of(np.median, [s.answer.seconds for s in scores if not s.answer.error]),
    }


def _of(what, values):
    return float(what(values)) if values else float("nan")


def rows(scores, cell):
    """Return a row for each pair and method: the truth, the answer, and what is right of it."""
    table = []
    for s in scores:
        ratios = {
            f"{name}_{field}": x
            for name in cell.conductances
            for field, x in zip(
                ("ratio", "low", "high"), s.answer.ratios.get(name, [np.nan] * 3), strict=True
            )
        }
        table.append(
            {
                "pair": s.pair.name,
                "kind": s.pair.kind,
                "observables": " ".join(s.pair.observables),
                "noise_mV": s.pair.noise_mV,
                "sweeps": len(s.pair.lengths_ms),
                "record_ms": s.pair.record_ms,
                "imperfect": bool(s.pair.imperfect.factors or s.pair.imperfect.gates),
                "method": s.method,
                "truth": " ".join(s.truth),
                "said_first": s.answer.first,
                "said_changed": " ".join(s.answer.changed),
                "said_kind": s.answer.kind,
                "first": s.first,
                "set": s.set,
                "unchanged": s.unchanged,
                "kind_right": s.kind if s.answer.kind else None,
                "error": max(s.errors, default=np.nan),
                "shift_error_mV": max(s.shifts_mV, default=np.nan),
                "seconds": s.answer.seconds,
                **ratios,
                "failed": s.answer.error,
            }
        )
    return pd.DataFrame(table)


def text(summarised):
    """Return `summary` as text to read: shares and errors in per cent, a block for each view."""
    shown = summarised.copy()
    for name in ("first", "set", "coverage", "coverage_all", "kind", "unchanged"):
        shown[name] = [_cell(100.0 * x, "{:.0f} %") for x in shown[name]]
    for name in ("error_median", "error_p90"):
        shown[name] = [_cell(100.0 * x, "{:.1f} %") for x in shown[name]]
    for name in ("shift_mV", "seconds"):
        shown[name] = [_cell(x, "{:.1f}") for x in shown[name]]
    blocks = []
    for view, block in shown.groupby("view", sort=False):
        blocks += [f"{view}", block.drop(columns="view").to_string(index=False), ""]
    return "\n".join(blocks).rstrip()


def _cell(x, form):
    return form.format(x) if np.isfinite(x) else "-"
