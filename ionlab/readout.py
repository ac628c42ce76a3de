"""What retrained networks mean: neural ODEs, gates, currents along recordings, their ratios.

>>> case = shipped("long_qt")
>>> pair = case.pair(1e-3)
>>> ratio = ratios(pair)
>>> min(ratio, key=ratio.get)
'I_Kr'
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from ionlab import cells, presets, store
from ionlab.cells import Cell
from ionlab.errors import BadValue, known, positive
from ionlab.identify import usable
from ionlab.membrane import Membrane, features_of
from ionlab.network import N1
from ionlab.neural_ode import learned
from ionlab.observed import Beats, hidden_states
from ionlab.perturb import PAPER, Perturbation
from ionlab.recordings import from_traces
from ionlab.retrain import ETA_ADVICE, MembraneRecipe, Refits
from ionlab.settle import scaled
from ionlab.simulate import pace
from ionlab.train import Fit

METHODS = {  # of the second pass -> title
    "membrane": "membrane equation",
    "published": "N2, as published",
    "no-upstroke": "N2, upstroke left out",
    "no-affine": "membrane equation, gates alone",
}
CASES = {p.name: p for p in PAPER}
PAPER_ETA = {"long_qt": 1.5e-3, "short_qt": 1.5e-3, "ito": 3e-4}  # of the paper's Figures 5 to 7
_OWN = {name: (next(iter(p.factors.values())),) for name, p in CASES.items()}  # the paper's factors
SHIPPED = {  # method -> perturbation -> factors of the conductance
    "membrane": {"long_qt": (0.25, 0.5, 0.75), "short_qt": (0.25, 0.5, 0.75), "ito": (2.0, 3.0)},
    "published": _OWN,
    "no-upstroke": _OWN,
    "no-affine": {"ito": _OWN["ito"]},
}
BEATS_ms = presets.PAPER.beats_ms  # cycle lengths of the recordings of the second pass


class Network(NamedTuple):
    """A retrained network: the gating network (a stack of one) and its gains (C,)."""

    n1: N1
    gains: np.ndarray


@dataclass(frozen=True)
class Along:
    """The membrane equation along the mean beats of a recording.

    Attributes
    ----------
    beats : the mean beats, N sweeps of T samples.
    membrane : the decoder along them; all states but V and Ca_i are those of the theory.
    """

    beats: Beats
    membrane: Membrane

    @classmethod
    def of(cls, beats):
        """Clamp the theory to mean beats."""
        decoder = Membrane([beats], MembraneRecipe(), torch.device("cpu"), [hidden_states(beats)])
        return cls(beats, decoder)

    @property
    def t_ms(self):
        """(T,) times since the start of a cycle; 0.1 ms apart around the upstroke, else 1 ms."""
        return self.membrane.t_ms

    @property
    def inside(self):
        """(N, T) where there are data, not padding."""
        return self.membrane.inside[0, 0].numpy()

    @property
    def weight_ms(self):
        """(N, T) the time that each sample stands for; zero in padding."""
        return (self.membrane.dt_ms * self.membrane.inside)[0, 0].numpy()

    def state(self, name):
        """(N, T) a state along the beats, gates those of the theory."""
        known("state", name, self.membrane.states)
        return self.membrane.states[name][0, 0].numpy()


@dataclass(frozen=True)
class Pair:
    """The networks of control and treated at one eta, and the recordings they were fitted to."""

    eta: float
    control: Network
    treated: Network
    along_control: Along
    along_treated: Along


@dataclass(frozen=True)
class Case:
    """Shipped networks: one perturbation of one strength, retrained by one method.

    Attributes
    ----------
    cell, treated : the cell as published, and perturbed.
    perturbation : with the factor that was used.
    method : one of `METHODS`.
    fit : of the first pass.
    refits : of the second pass; rows (control, treated) are this case's data sets.
    file : name of the weights.
    """

    cell: Cell
    treated: Cell
    perturbation: Perturbation
    method: str
    fit: Fit
    refits: Refits
    rows: tuple[int, int]
    file: str

    @property
    def eta(self):
        """(K,) values of eta, rising."""
        return self.refits.eta

    @property
    def factor(self):
        """The strength: what the conductance was multiplied by."""
        return next(iter(self.perturbation.factors.values()))

    def pair(self, eta=None):
        """Return the `Pair` at the shipped eta that is nearest to this one; `Pair.eta` says which.

        None takes the eta of the paper's figures.
        """
        eta = PAPER_ETA[self.perturbation.name] if eta is None else eta
        return pair(self.refits, eta, along(self.cell), along(self.treated), self.rows)


def nearest(eta, wanted):
    """Return the number of the value of eta (K,) that is nearest to the wanted one, on a log scale.

    >>> nearest([1e-4, 1e-3, 2e-3], 9e-4)
    1
    """
    positive("eta", wanted, ETA_ADVICE)
    return int(np.abs(np.log(np.asarray(eta) / wanted)).argmin())


def pair(refits, eta, along_control, along_treated, rows=(0, 1)):
    """Return the `Pair` of two data sets (rows) of `Refits` at the eta nearest to this one."""
    k = nearest(refits.eta, eta)
    networks = [Network(refits.network(d, k), refits.gains[d, k]) for d in rows]
    return Pair(float(refits.eta[k]), *networks, along_control, along_treated)


def recorded(cell, cycle_lengths_ms=BEATS_ms):
    """Return the mean `Beats` of a cell, perturbed or not, as the second pass sees them.

    Cycle lengths that the cell does not follow 1:1 are left out. The beats know the published cell
    of that name, not the perturbed one: that is what is to be found out.
    """
    recording = from_traces(pace(cell, cycle_lengths_ms), cell.name)
    return Beats.of(cells.find(cell.name), usable(recording)[0])


def along(cell, cycle_lengths_ms=BEATS_ms):
    """Return `Along` the mean beats of a cell; the last 16 that were asked for are kept.

    >>> from ionlab.cells import tentusscher2004 as cell
    >>> along(cell.perturbed(g_Kr=0.25)).beats.names  # at 350 ms it answers every other stimulus
    ('500', '800')
    """
    lengths = tuple(float(x) for x in cycle_lengths_ms)
    kinetics = tuple(cell.kinetics.items())
    return _along(cell.name, cell.states, cell.parameters, cell.stimulus, kinetics, lengths)


@lru_cache(maxsize=16)
def _along(name, states, parameters, stimulus, kinetics, cycle_lengths_ms):
    changed = dict(states=states, parameters=parameters, stimulus=stimulus, kinetics=dict(kinetics))
    return Along.of(recorded(replace(cells.find(name), **changed), cycle_lengths_ms))


def ode(network):
    """Return the neural ODE of a `Network`: a cell with its kinetics and its gains."""
    cell = cells.find(network.n1.cell)
    return scaled(cell, network.gains).with_kinetics(learned(network.n1, cell))


def curves(network, V_mV):
    """Return gate -> `Kinetics` (h_inf, tau_ms) of a `Network` at voltages V (P,).

    What else the network reads, such as Ca_i, is held at its start value.
    """
    cell = ode(network)
    return cell.gates(cell.at(V=np.asarray(V_mV, float)))


def gates(network, along):
    """Return gate -> (N, T) as a `Network` has them along a recording."""
    x = _gates(network, along.membrane)[0, 0].numpy()
    return {gate: x[..., k] for k, gate in enumerate(network.n1.gates)}


def currents(network, along):
    """Return current -> (N, T): the gates and gains of a `Network` in the equations."""
    gains = torch.as_tensor(network.gains, dtype=torch.float32)[None, None]
    I = along.membrane.currents(_gates(network, along.membrane), gains)
    return {name: x[0, 0].numpy() for name, x in I._asdict().items()}


def _gates(network, membrane):
    """(1, 1, N, T, G)."""
    with torch.no_grad():
        return membrane.gates(network.n1, features_of(network.n1, membrane))


def areas(network, along):
    """Return current -> its area per beat, the integral of abs(I), summed over the sweeps."""
    I, weight = currents(network, along), along.weight_ms
    names = cells.find(network.n1.cell).conductances
    return {name: float((np.abs(I[name]) * weight).sum()) for name in names}


def ratios(pair, same=True):
    """Return current -> its area, treated over control, of the currents a drug may change.

    same : both networks along the treated recording, so that only what the networks learned
        differs. False: each along its own, as currents flow; a longer beat then lengthens all.
    """
    control, treated = (
        areas(network, along)
        for network, along in (
            (pair.control, pair.along_treated if same else pair.along_control),
            (pair.treated, pair.along_treated),
        )
    )
    return {name: round(treated[name] / control[name], 4) for name in control}


def agreement(cell, ode, cycle_lengths_ms=BEATS_ms):
    """Return APD90 and V RMSE of a neural ODE beside the cell it should be, per cycle length.

    A row has `apd90_ms`, `apd90_of_cell_ms`, `v_rmse_mV` (None where not a number) and `capture`,
    which says "diverged" where the neural ODE did.
    """
    true, given = (pace(c, cycle_lengths_ms, record_last_ms=4000.0) for c in (cell, ode))
    rows = {}
    for k, length in enumerate(cycle_lengths_ms):
        apds = [traces.apd_ms()[k] for traces in (true, given)]
        miss = np.sqrt(np.mean((true["V"][k] - given["V"][k]) ** 2))
        number = lambda x: round(float(x), 2) if np.isfinite(x) else None  # noqa: E731
        rows[f"{length:g}"] = {
            "apd90_ms": number(apds[1]),
            "apd90_of_cell_ms": number(apds[0]),
            "v_rmse_mV": number(miss),
            "capture": "diverged" if given.diverged[k] else given.capture()[k],
        }
    return rows


# --- shipped networks --------------------------------------------------------------------


def file_of(cell, perturbation, method="membrane", factor=None):
    """Return the name of a weights file; a factor that is the paper's does not show in it."""
    if method in ("published", "no-upstroke"):
        return f"{cell}-n2-{method}.safetensors"
    strength = "" if factor in (None, *_OWN[perturbation]) else f"-{factor:g}"
    return f"{cell}-{method}-{perturbation}{strength}.safetensors"


@lru_cache(maxsize=32)
def shipped(perturbation, method="membrane", factor=None):
    """Return the `Case` that ships under these names; what was loaded once is kept.

    perturbation : "long_qt" (g_Kr), "short_qt" (g_CaL) or "ito" (g_to).
    method : one of `METHODS`; `SHIPPED` says which perturbations and factors each has.
    factor : of the conductance; None takes the paper's.
    """
    base = CASES[known("perturbation", perturbation, CASES)]
    factors = SHIPPED[known("method", method, METHODS)].get(perturbation, ())
    factor = _OWN[perturbation][0] if factor is None else factor
    if factor not in factors:
        has = "; ".join(
            f"{name} {', '.join(f'{x:g}' for x in every)}"
            for name, every in SHIPPED[method].items()
        )
        raise BadValue(
            f"{perturbation} with factor {factor!r} does not ship by method {method}. "
            f"These do: {has}. Or retrain one: ionlab.retrain."
        )
    cell = cells.tentusscher2004
    chosen = replace(base, factors=dict.fromkeys(base.factors, float(factor)))
    file = file_of(cell.name, perturbation, method, factor)
    n2 = method in ("published", "no-upstroke")
    fit = _first_pass(n2)
    rows = (0, 1 + list(CASES).index(perturbation)) if n2 else (0, 1)
    refits = store.load_refits(store.WEIGHTS / file, fit)
    return Case(cell, chosen.apply(cell), chosen, method, fit, refits, rows, file)


@lru_cache(maxsize=2)
def _first_pass(n2):
    """The fit that the second passes started from: by the paper's recipe with N2, or not."""
    cell = cells.tentusscher2004
    file = f"{cell.name}-paper.safetensors" if n2 else store.theory_file(cell, presets.PAPER.clamp)
    return store.load_fit(store.WEIGHTS / file, cell)
