"""The known membrane equation as decoder: Eq. 2.3.4 with f not the identity.

V' = -(sum of currents), with gates from the network, conductances scaled by gains (the affine
layer that section 3.3 suggests) and all other states from the model clamped to the recording.
"""

from types import SimpleNamespace

import numpy as np
import torch

from ionlab.network import gate_path
from ionlab.observed import hidden_states, paced

RIDGE_mV = 0.005  # pulls gains that the data do not see to 1
SETTLE_ROUNDS = 4  # of hidden states and gains in turn


class Membrane:
    """The membrane equation as decoder, over D data sets of mean beats padded to (D, N, T).

    V(t + 1) - V(t) = -(sum of currents and stimulus) over the step, with gates from the network
    and all other states from the model clamped to the recording.
    """

    def __init__(self, datasets, recipe, device, hidden=None):
        self.cell, self.recipe = datasets[0].cell, recipe
        hidden = hidden or [hidden_states(beats) for beats in datasets]
        N, T = (max(h.inside.shape[axis] for h in hidden) for axis in (0, 1))

        def stack(rows, mode="edge"):
            """(D, 1, N, T), padded."""
            rows = [np.pad(r, [(0, N - len(r)), (0, T - r.shape[1])], mode=mode) for r in rows]
            return torch.as_tensor(np.stack(rows), device=device)[:, None]

        self.states = {
            name: stack([h.values[name] for h in hidden]).float() for name in self.cell.state_names
        }
        self.inside = stack([h.inside for h in hidden], "constant")
        self.dt_ms = stack([h.dt_ms[None].repeat(len(h.inside), 0) for h in hidden]).float()
        scored, I_stim = [], []
        for beats, h in zip(datasets, hidden, strict=True):
            since = h.t_ms - beats.onset
            stimulus = beats.cell.stimulus
            live = (since > -1 - recipe.window_ms) & (since < recipe.skip_ms)
            on = (since >= 0) & (since < stimulus.duration_ms)
            scored.append(h.inside & ~live)
            I_stim.append((h.inside & on) * stimulus.amplitude)
        self.scored, self.I_stim = stack(scored, "constant"), stack(I_stim).float()
        self.count = self.scored.sum((-1, -2))  # (D, 1)
        lengths = self.inside.sum(-1, keepdim=True).clamp(min=1)
        t = torch.arange(T, device=device)
        self.after = torch.where(t + 1 < lengths, t + 1, 0)  # periodic

    def next(self, x):
        """x(t + 1), (D, K, N, T), periodic within each beat."""
        return x.gather(-1, self.after.expand(*x.shape[:2], *self.after.shape[2:]))

    def dV(self, gates, gains):
        """-(currents) in mV/ms, (D, K, N, T), from gates (D, K, N, T, G) and gains (D, K, C)."""
        names = self.cell.gate_names
        s = SimpleNamespace(
            **{n: self.states[n] for n in self.cell.other_names},
            **{n: gates[..., k] for k, n in enumerate(names)},
        )
        p = self.cell.p
        for k, parameter in enumerate(self.cell.conductances.values()):
            setattr(p, parameter, getattr(p, parameter) * gains[..., k, None, None])
        I = self.cell.equations.currents(s, p)
        return self.cell.equations.derivatives(s, p, I, self.I_stim).V

    def residual(self, dV):
        """What is left of dV/dt (mV/ms), averaged over the window; zero where not scored."""
        V = self.states["V"]
        r = (self.next(V) - V) / self.dt_ms - 0.5 * (dV + self.next(dV))
        w = self.recipe.window_ms
        sums = torch.nn.functional.pad(r.cumsum(-1), (1, 0))
        mean = (sums[..., w:] - sums[..., :-w]) / w
        mean = torch.nn.functional.pad(mean, (0, w - 1))
        return torch.where(self.scored, mean, torch.zeros_like(mean))

    def gates(self, n1, features):
        """Gates (D, K, N, T, G) of a stack at features (D, N, T, width) of the mean voltages."""
        D, N, T, width = features.shape
        K = len(n1.gating.inf.W) // D
        x = features.reshape(D, 1, N * T, width).expand(D, K, N * T, width)
        h_inf, log_rho = (
            z.reshape(D, K, N, T, -1) for z in n1.gating.kinetics(x.reshape(D * K, N * T, width))
        )
        log_rho = log_rho * (self.dt_ms * self.inside)[..., None]  # padding leaves a gate alone
        return gate_path(h_inf, log_rho.clamp(max=-1e-9))


def features_of(n1, membrane):
    """Return phi1 (D, N, T, width) at the voltages halfway through each step."""
    V = membrane.states["V"]
    middle = 0.5 * (V + membrane.next(V))[:, 0]
    with torch.no_grad():
        return n1.features(middle.reshape(1, -1, 1)).reshape(*middle.shape, -1)


def linear_gains(membrane, gates):
    """Return the gains (D, 1, C) that fit best with the gates of the theory: least squares.

    The residual is linear in the gains; a ridge pulls what the data do not see to 1.
    """
    D, C = len(gates), len(membrane.cell.conductances)
    ones = torch.ones(D, 1, C, device=gates.device)
    base = membrane.residual(membrane.dV(gates, ones))
    columns = []
    for c in range(C):
        more = ones.clone()
        more[..., c] = 2.0
        columns.append(membrane.residual(membrane.dV(gates, more)) - base)
    A = torch.stack(columns, -1).reshape(D, -1, C).double()
    b = -base.reshape(D, -1, 1).double()
    n = membrane.count.double()[..., None]
    normal = A.mT @ A / n + RIDGE_mV**2 * torch.eye(C, dtype=torch.float64, device=A.device)
    change = torch.linalg.solve(normal, A.mT @ b / n)
    return (1.0 + change.mT).clamp(min=0.02).float()


def settle(n1, datasets, recipe, device):
    """Return the decoder, the theory's gates (D, 1, N, T, G) and the gains (D, 1, C) that agree.

    The hidden states depend on the gains, through calcium and the slow ions, and the gains on the
    hidden states, so the two are found in turn.
    """
    hidden, theory = None, n1.stacked(len(datasets))
    for _ in range(SETTLE_ROUNDS):
        membrane = Membrane(datasets, recipe, device, hidden)
        with torch.no_grad():
            gates = membrane.gates(theory, features_of(n1, membrane))
            gains = linear_gains(membrane, gates)
        hidden = [
            hidden_states(beats, paced(scaled(beats.cell, gains[d, 0].tolist()), beats.lengths))
            for d, beats in enumerate(datasets)
        ]
    return membrane, gates, gains


def scaled(cell, gains):
    """Return the cell with its conductances multiplied by gains (C,), in the cell's order."""
    return cell.perturbed(**dict(zip(cell.conductances.values(), map(float, gains), strict=True)))
