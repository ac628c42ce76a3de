"""Pairs drawn at random, of the same kinds as the public ones: to measure off the public set."""

from dataclasses import replace

import numpy as np
from tqdm import tqdm

from ionlab.cells import tentusscher2004
from ionlab.features import apd_ms
from ionlab.scoreboard.pairs import Imperfect, Pair
from ionlab.scoreboard.public import BOTH, FAST, MEDIUM, SLOW, SLOWER, V_ALONE, label
from ionlab.simulate import pace

ORDER = (  # kinds by turns
    "one-current",
    "shift",
    "imperfect-amounts",
    "no-change",
    "one-current",
    "tau",
    "imperfect-kinetics",
    "two-currents",
    "shift",
    "one-current",
    "imperfect-amounts",
    "no-change",
)
LENGTHS = (FAST, MEDIUM, SLOW, SLOWER)  # the first that both cells follow is taken
MARGIN_ms = 20.0  # by which the shortest must follow, too: next to 2:1 block solvers disagree
EVEN_ms = 5.0  # from the APD90 of a beat to that of the next, at most
MOVABLE = ("f", "h", "d", "xr1"), ("xs", "f")  # gates that are shifted; that are paced


def random_pairs(count, seed, model=tentusscher2004):
    """Return `count` pairs drawn at random; the first ones do not depend on `count`.

    A draw that cannot be paced 1:1 is drawn again, so what is left is what can be recorded.
    """
    numbers = tqdm(range(count), desc="draw", unit="pair", disable=None, delay=2.0)
    return tuple(_drawn(k, seed, model) for k in numbers)


def follows(pair, model):
    """Whether both cells follow every cycle length of a pair 1:1, evenly, the shortest with margin.

    Some cells answer every stimulus with an action potential of another length; what they show
    then depends on the solver's error.
    """
    lengths = (*pair.lengths_ms, min(pair.lengths_ms) - MARGIN_ms)
    traces = pace(pair.cells(model), lengths)
    if traces.diverged.any() or set(traces.capture()) != {"1:1"}:
        return False
    at_length = np.tile(np.arange(len(lengths)) < len(pair.lengths_ms), 2)
    durations = [apd_ms(traces.t_ms, V) for V in traces["V"][at_length]]
    return max(np.abs(np.diff(each)).max() for each in durations) < EVEN_ms


def _drawn(k, seed, model):
    """Draw pair number k of this seed."""
    rng = np.random.default_rng([seed, k])
    kind = ORDER[k % len(ORDER)]
    while True:
        factors, gates, imperfect = _change(rng, kind, list(model.conductances))
        pair = Pair(
            f"r{seed}-{k:03d} {label(factors, gates)}",
            kind,
            factors,
            gates,
            imperfect,
            observables=V_ALONE if rng.random() < 1 / 3 else BOTH,
            noise_mV=float(rng.choice([0.5, 1.0, 2.0], p=[0.7, 0.2, 0.1])),
            seed=int(rng.integers(2**31)),
        )
        shape, first = rng.random(), int(rng.integers(3))
        for lengths in LENGTHS[first:]:
            tried = replace(pair, lengths_ms=lengths)
            if not follows(tried, model):
                continue
            if shape < 0.05:  # one sweep, one beat
                return replace(tried, lengths_ms=(1000.0,), record_ms=1000.0)
            return replace(tried, lengths_ms=lengths[1:2]) if shape < 0.15 else tried


def _change(rng, kind, currents):
    """Draw factors, gates and what is imperfect."""
    factors, gates, imperfect = {}, {}, Imperfect()
    if kind == "two-currents":
        factors = {str(name): _factor(rng, 0.3, 2.5) for name in rng.permutation(currents)[:2]}
    elif kind in ("one-current", "imperfect-amounts", "imperfect-kinetics"):
        factors = {str(rng.choice(currents)): _factor(rng, 0.25, 3.0)}
    elif kind == "shift":
        gates = {str(rng.choice(MOVABLE[0])): (_either(rng, 3.0, 8.0), 1.0, 1.0)}
    elif kind == "tau":
        gates = {str(rng.choice(MOVABLE[1])): (0.0, 1.0, _factor(rng, 0.5, 2.0))}
    off = {"imperfect-amounts": 1, "imperfect-kinetics": 2}.get(kind, 0)
    if kind == "no-change":
        off = int(rng.integers(3))
    if off == 1:
        names = rng.permutation(currents)[: rng.integers(3, 6)]
        imperfect = Imperfect({str(name): _between(rng, 0.7, 1.4) for name in names})
    elif off == 2:
        names = rng.permutation(["h", "d", "f", "xr1", "xs", "r", "s"])[: rng.integers(2, 4)]
        moved = {str(g): (_either(rng, 2.0, 4.0), 1.0, _between(rng, 0.75, 1.3)) for g in names}
        imperfect = Imperfect(gates=moved)
    return factors, gates, imperfect


def _between(rng, low, high):
    """Draw a factor, evenly on a log scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _factor(rng, low, high):
    """Draw a factor that changes something: from `low` to 0.8, or from 1.25 to `high`."""
    return _between(rng, low, 0.8) if rng.random() < 0.5 else _between(rng, 1.25, high)


def _either(rng, low, high):
    """Draw a number from `low` to `high` of either sign."""
    return float(rng.uniform(low, high) * rng.choice([-1.0, 1.0]))
