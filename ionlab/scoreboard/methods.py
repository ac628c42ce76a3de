"""The methods side by side, each as a function from pairs of recordings to answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ionlab import cells, presets, readout, store
from ionlab.compare import compare, usable
from ionlab.direct import fit_pair
from ionlab.identify import identify, tied
from ionlab.observed import Beats
from ionlab.retrain import DecoderRecipe, retrain
from ionlab.scoreboard.answers import NOT_KNOWN, Answer

LEAST = np.log(1.1)  # a ratio nearer to 1 is not called a change, where a method has no rule
N2_ETA = 1.5e-3  # of the paper for two of its three cases
MEMBRANE_ETA = 1e-3
N2_STEPS = 30_000  # of the paper: 3 epochs of 10 s, 1 ms a step; shorter recordings are repeated
TINY = 1e-4  # an area of a current over that of the control, where nothing is left of it


@dataclass(frozen=True)
class Method:
    """A way to say which current changed.

    title : of a table.
    answers : (list of (control, treated), cell) -> list of `Answer`.
    at_once : how many pairs of one shape it takes together.
    needs : observables without which it cannot answer.
    """

    title: str
    answers: Callable
    at_once: int = 1
    needs: tuple[str, ...] = ("V",)


def called(ratios):
    """Return the currents changed by a rule of our own, for a method that has none.

    The ratio is 10 % or more away from 1, and the 90 % interval, if there is one, excludes 1.

    >>> called({"I_Kr": (0.5, 0.4, 0.6), "I_Ks": (1.3, 0.9, 1.8), "I_to": (1.05, 1.04, 1.06)})
    ('I_Kr',)
    """
    return tuple(
        name
        for name, (ratio, low, high) in ratios.items()
        if abs(np.log(ratio)) >= LEAST and not low <= 1.0 <= high
    )


def farthest(ratios):
    """Return the current whose ratio is farthest from 1 on a log scale."""
    return max(ratios, key=lambda name: abs(np.log(ratios[name][0])))


# --- the paper's second pass -------------------------------------------------------------


@lru_cache(maxsize=1)
def _published(name):
    """The first pass by the paper's recipe, with N2, for the published cell of this name."""
    cell = cells.find(name)
    return store.load_fit(store.WEIGHTS / f"{cell.name}-paper.safetensors", cell)


def _normalised(fit, recording):
    """Return the sweeps of a recording as the decoder N2 sees them, (N, T, O)."""
    low, high = fit.normaliser.range_of(fit.cell, fit.n1.inputs)
    sweeps = [np.stack([sweep.V_mV, sweep.Ca_i_mM], -1) for sweep in usable(recording)[0]]
    return ((np.stack(sweeps) - low) / (high - low)).astype(np.float32)


def n2_answers(recordings, cell, upstroke=True):
    """Retrain with the learned decoder, as published: all networks in one stack.

    A ratio is the area of a current by the network of the treated data over that by the network of
    the control, both along the treated recording (`readout.ratios`); it has no interval.
    """
    began = time.perf_counter()
    fit = _published(cell.name)
    data = [_normalised(fit, recording) for pair in recordings for recording in pair]
    epochs = max(1, round(N2_STEPS / (data[0].shape[1] - 1)))
    recipe = DecoderRecipe(epochs=epochs, upstroke=upstroke)
    refits = retrain(fit, data, [N2_ETA], decoder="n2", recipe=recipe)
    found = []
    for k, pair in enumerate(recordings):
        along = [readout.Along.of(Beats.of(cell, usable(r)[0])) for r in pair]
        areas = readout.ratios(readout.pair(refits, N2_ETA, *along, (2 * k, 2 * k + 1)))
        found.append({name: (max(x, TINY), *NOT_KNOWN) for name, x in areas.items()})
    seconds = (time.perf_counter() - began) / len(recordings)
    return [Answer(farthest(r), called(r), r, seconds=seconds) for r in found]


def n2_no_upstroke_answers(recordings, cell):
    """As `n2_answers`, samples in which V moves by more than 3 % of its range left out."""
    return n2_answers(recordings, cell, upstroke=False)


# --- one pair at a time ------------------------------------------------------------------


def _one_by_one(answer):
    """Return a function of (control, treated, cell) as one of pairs that notes the time."""

    def answers(recordings, cell):
        found = []
        for control, treated in recordings:
            began = time.perf_counter()
            fields = answer(control, treated, cell)
            found.append(Answer(**fields, seconds=time.perf_counter() - began))
        return found

    return answers


@lru_cache(maxsize=1)
def _theory(name):
    return store.theory(cells.find(name), presets.PAPER.clamp)


def membrane(control, treated, cell):
    """The second pass with the membrane equation as decoder; first and changed by its own rule."""
    found = compare(
        _theory(cell.name), control, treated, MEMBRANE_ETA, recipe=presets.PAPER.membrane
    )
    return dict(
        first=found.currents[0].name,
        changed=found.changed,
        ratios={c.name: (c.ratio, c.low, c.high) for c in found.currents},
        gate_shifts={gate.name: gate.shift_mV for gate in found.gates},
    )


def least_squares(control, treated, cell):
    """Conductances by least squares along whole trajectories; changed by the rule of `called`."""
    found = fit_pair(cell, control, treated)
    return dict(first=found.first, changed=called(found.ratios), ratios=found.ratios)


def identified(control, treated, cell):
    """All of it: `ionlab.identify.identify`; first and changed by its own rules."""
    found = identify(control, treated, cell)
    shifts = {}  # by the likeliest of those that cannot be told apart
    for change in (c for e in tied(found.explanations) for c in e.changes if c.kind == "shift"):
        shifts.setdefault(change.target, change.value)
    return dict(
        first=found.currents[0].name,
        changed=tuple(found.changed),
        ratios={c.name: (c.ratio, c.low, c.high) for c in found.currents},
        kind=found.kind,
        alternatives=tuple(
            frozenset((change.kind, change.target) for change in explanation.changes)
            for explanation in found.explanations
        ),
        gate_shifts=shifts,
    )


BOTH = ("V", "Ca_i")
METHODS = {
    "n2": Method("second pass as published", n2_answers, 16, BOTH),
    "n2-no-upstroke": Method("its upstroke left out", n2_no_upstroke_answers, 16, BOTH),
    "membrane": Method("membrane decoder", _one_by_one(membrane)),
    "least-squares": Method("least squares on conductances", _one_by_one(least_squares)),
    "identify": Method("identify", _one_by_one(identified)),
}
