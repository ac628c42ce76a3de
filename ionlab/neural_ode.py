"""From a network back to an ODE (section 2.7).

tau = -dt / log rho (2.7.1) and h' = (h_inf - h) / tau (2.7.2) are kinetics like any other, so the
neural ODE is `cell.with_kinetics(learned(n1))`: there is no second copy of the right-hand side.
"""

import numpy as np
import torch

from ionlab.cells import Kinetics
from ionlab.errors import BadWeights
from ionlab.network import as_inputs


class _Evaluated:
    """All gates of one network, evaluated once for all at the states that were asked for last."""

    def __init__(self, n1):
        self.n1, self.states, self.values = n1, None, None

    def at(self, s):
        if s is not self.states:
            read = {name: np.atleast_1d(getattr(s, name)) for name in self.n1.inputs}
            shape = np.broadcast_shapes(*(x.shape for x in read.values()))
            read = {name: np.broadcast_to(x, shape) for name, x in read.items()}
            with torch.no_grad():
                h_inf, log_rho = (
                    z[0].double().cpu() for z in self.n1.kinetics(as_inputs(self.n1, read))
                )
            tau_ms = -self.n1.gating.dt_ms / log_rho.clamp(max=-1e-9)
            self.states, self.values = s, (h_inf.numpy(), tau_ms.numpy())
        return self.values


class LearnedGate:
    """Kinetics of one gate as a network learned them; reads the states in `inputs`."""

    def __init__(self, evaluated, k):
        self.evaluated, self.k, self.inputs = evaluated, k, evaluated.n1.inputs

    def __call__(self, s):
        h_inf, tau_ms = self.evaluated.at(s)
        shape = np.shape(s.V)
        return Kinetics(h_inf[..., self.k].reshape(shape), tau_ms[..., self.k].reshape(shape))


def learned(n1, cell):
    """Return gate -> kinetics of a network (a stack of one), for `cell.with_kinetics`.

    >>> from ionlab.cells import hodgkin_huxley1952 as axon
    >>> from ionlab.network import N1
    >>> n1 = N1(axon.name, axon.gate_names, ("V",), low=[-100], high=[50])
    >>> axon.with_kinetics(learned(n1, axon)).gates(axon.at(V=-65.0))["m"].h_inf.shape
    ()
    """
    if n1.cell != cell.name or n1.gates != cell.gate_names:
        raise BadWeights(
            f"the network was trained for {n1.cell} with gates {', '.join(n1.gates)}; the cell is "
            f"{cell.name} with {', '.join(cell.gate_names)}. Train one for this cell."
        )
    evaluated = _Evaluated(n1)
    return {gate: LearnedGate(evaluated, k) for k, gate in enumerate(n1.gates)}
