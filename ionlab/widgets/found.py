"""Lessons 10 to 12: networks that ship or are trained here, and what a move reads of them.

What was read is kept, because most moves come back to it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ionlab import readout
from ionlab.cells import tentusscher2004 as CELL
from ionlab.currents import currents
from ionlab.errors import BadValue
from ionlab.retrain import MembraneRecipe, retrain
from ionlab.simulate import pace

BEATS = 8  # of the neural ODE, from the state of the perturbed cell


@dataclass(frozen=True, eq=False)
class Found:
    """A pair of retrained networks: by which decoder, for which strength; equal to itself only."""

    decoder: str
    strength: float
    pair: readout.Pair


def decoders(name):
    """Return the methods of the second pass that ship for a perturbation."""
    return tuple(method for method, has in readout.SHIPPED.items() if name in has)


@lru_cache(maxsize=32)
def beats_of(name, strength):
    """`Along` the control, and along the treated cell of a strength; the treated cell."""
    treated = CELL.perturbed(**dict.fromkeys(readout.CASES[name].factors, strength))
    return readout.along(CELL), readout.along(treated), treated


@lru_cache(maxsize=512)
def _shipped(name, decoder, strength, k):
    """`Found` of eta number k; None where no network of this strength ships."""
    if strength not in readout.SHIPPED[decoder][name]:
        return None
    case = readout.shipped(name, decoder, strength)
    return Found(decoder, strength, case.pair(case.eta[k]))


@lru_cache(maxsize=512)
def ratios(found, same):
    """Current -> ratio of areas, treated over control."""
    return readout.ratios(found.pair, same)


@lru_cache(maxsize=256)
def made(found, which, recording):
    """Current -> (N, T) of a network of the pair along a recording; both "control" or "treated"."""
    return readout.currents(getattr(found.pair, which), getattr(found.pair, f"along_{recording}"))


@lru_cache(maxsize=32)
def true(name, strength):
    """Current -> (T,) of the treated cell itself along the first of its beats."""
    _, along, cell = beats_of(name, strength)
    return currents(cell, {state: along.state(state)[0] for state in CELL.state_names})


@lru_cache(maxsize=64)
def against_eta(name, decoder, strength, same):
    """(K,) values of eta and (K,) ratios of the changed current, of networks that ship."""
    if _shipped(name, decoder, strength, 0) is None:
        return (), ()
    eta, current = readout.shipped(name, decoder, strength).eta, readout.CASES[name].current
    every = [_shipped(name, decoder, strength, k) for k in range(len(eta))]
    return eta, np.array([ratios(found, same)[current] for found in every])


@lru_cache(maxsize=128)
def neural_ode(found):
    """V (T,) of the treated neural ODE at the shortest cycle length, after `BEATS` beats."""
    along = found.pair.along_treated
    ode = readout.ode(found.pair.treated)
    start = {state: float(along.state(state)[0, 0]) for state in ode.state_names}
    length = float(along.beats.lengths[0])
    return pace(ode.with_start(**start), [length], BEATS * length, length)["V"][0]


def chosen(name, decoder, strength, eta, trained):
    """What was trained here if it is of these controls, else what ships, else None."""
    fits = trained and (trained.decoder, trained.strength) == (decoder, strength)
    if fits and abs(trained.pair.eta - eta) < 1e-9:
        return trained
    has = strength in readout.SHIPPED[decoder][name]
    if not has:
        return trained if fits else None
    k = readout.nearest(readout.shipped(name, decoder, strength).eta, eta)
    return _shipped(name, decoder, strength, k)


def train_here(name, watch, decoder, strength, eta, **others):
    """Retrain on the simulated recordings of control and of the cell of this strength."""
    if decoder not in ("membrane", "no-affine"):
        raise BadValue(
            "the second pass with N2 takes minutes, so it does not run here. Choose a decoder "
            "with the membrane equation, or see ionlab reproduce."
        )
    control, treated, _ = beats_of(name, strength)
    refits = retrain(
        readout.shipped(name).fit,
        [control.beats, treated.beats],
        [eta],
        recipe=replace(MembraneRecipe(), affine=decoder == "membrane"),
        watch=watch,
    )
    return Found(decoder, strength, readout.pair(refits, eta, control, treated))
