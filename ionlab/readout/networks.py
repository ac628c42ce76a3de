"""Retrained networks along recordings: neural ODEs, gates, currents, ratios."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from ionlab import cells
from ionlab.errors import positive
from ionlab.membrane import features_of
from ionlab.network import N1
from ionlab.neural_ode import learned
from ionlab.readout.beats import Along, BEATS_ms
from ionlab.retrain import ETA_ADVICE
from ionlab.settle import scaled
from ionlab.simulate import pace


class Network(NamedTuple):
    """A retrained network: the gating network (a stack of one) and its gains (C,)."""

    n1: N1
    gains: np.ndarray


@dataclass(frozen=True)
class Pair:
    """The networks of control and treated at one eta, and the recordings they were fitted to."""

    eta: float
    control: Network
    treated: Network
    along_control: Along
    along_treated: Along


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


def flows(pair, cycle_length_ms):
    """Return t_ms (T,) and name -> (control, treated) of currents and V: Figs. 5 to 7.

    Each network along its own recording at this cycle length, which both must have.
    """
    along = pair.along_control, pair.along_treated
    rows = [one.row(cycle_length_ms) for one in along]
    inside = along[0].inside[rows[0]]
    both = [
        {**currents(network, one), "V": one.state("V")}
        for network, one in zip((pair.control, pair.treated), along, strict=True)
    ]
    names = (*cells.find(pair.control.n1.cell).conductances, "V")
    traces = {
        name: tuple(x[name][row, inside] for x, row in zip(both, rows, strict=True))
        for name in names
    }
    return along[0].t_ms[inside], traces


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


def table(rows):
    """Return ratios as lines of text; rows : label -> current -> ratio, one line each.

    >>> print(table({"truth": {"I_Kr": 0.5, "I_Ks": 1.0}}))
                                          I_Kr    I_Ks
    truth                                 0.50    1.00
    """
    (first, *_) = rows.values()
    lines = [f"{'':34}" + "".join(f"{name:>8}" for name in first)]
    lines += [
        f"{label:34}" + "".join(f"{row[name]:8.2f}" for name in first)
        for label, row in rows.items()
    ]
    return "\n".join(lines)


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
