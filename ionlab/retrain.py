"""Second pass (section 2.6): fit the gating layer to recordings, held near the theory by eta."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from tqdm import tqdm

from ionlab.observed import hidden_states
from ionlab.errors import positive
from ionlab.network import N1, as_inputs, device_of, gate_path

ETA_ADVICE = "Try 1e-4 to 2e-3; a larger eta keeps the gates closer to the theory."


@dataclass(frozen=True)
class MembraneRecipe:
    """Second pass with the known membrane equation as decoder (Eq. 2.3.4)."""

    steps: int = 300  # of Adam
    learning_rate: float = 3e-3
    lam: float = 1e-5  # lambda of Eq. 2.6.1
    skip_ms: float = 5.0  # after the onset of the stimulus, left out of the loss
    window_ms: int = 8  # the residual is averaged over this long, which divides noise in dV/dt


@dataclass(frozen=True)
class Refits:
    """Retrained networks: D data sets times K values of eta.

    Attributes
    ----------
    n1 : the stack of D * K gating networks, data set by data set.
    gains : (D, K, C) conductances over those of the theory: the affine layer of section 3.3.
    eta : (K,) values.
    misfit_mV : (D, K) RMS of what the network leaves of V(t + 1 ms) - V(t), noise averaged out.
    drift : (D, K) mean departure of the gates from the theory.
    """

    n1: N1
    gains: np.ndarray
    eta: np.ndarray
    misfit_mV: np.ndarray
    drift: np.ndarray

    def network(self, dataset, k):
        """Return the gating network (a stack of one) of a data set and of eta number k."""
        return self.n1.select(dataset * len(self.eta) + k)


class Membrane:
    """The membrane equation as decoder, over D data sets of mean beats padded to (D, N, T).

    V(t + 1) - V(t) = -(sum of currents and stimulus) over the step, with gates from the network
    and all other states from the model clamped to the recording.
    """

    def __init__(self, datasets, recipe, device, states=None):
        self.cell, self.recipe = datasets[0].cell, recipe
        states = states or [hidden_states(beats) for beats in datasets]
        N = max(len(beats.lengths) for beats in datasets)
        T = max(beats.V_mV.shape[1] for beats in datasets)

        def stack(rows):
            """(D, 1, N, T), padded."""
            rows = [np.pad(r, [(0, N - len(r)), (0, T - r.shape[1])], mode="edge") for r in rows]
            return torch.as_tensor(np.stack(rows), dtype=torch.float32, device=device)[:, None]

        self.states = {name: stack([s[name] for s in states]) for name in self.cell.state_names}
        inside, scored, I_stim = [], [], []
        for beats in datasets:
            mask = np.zeros((N, T), bool)
            mask[: len(beats.lengths), : beats.V_mV.shape[1]] = beats.mask
            since = np.arange(T) - beats.onset
            stimulus = beats.cell.stimulus
            live = (since >= -1 - recipe.window_ms) & (since < recipe.skip_ms)
            inside.append(mask)
            scored.append(mask & ~live)
            on = (since >= 0) & (since < stimulus.duration_ms)
            I_stim.append(np.where(on, stimulus.amplitude, 0.0)[None].repeat(N, 0))
        as_mask = lambda rows: torch.as_tensor(np.stack(rows), device=device)[:, None]  # noqa: E731
        self.inside, self.scored = as_mask(inside), as_mask(scored)
        self.I_stim = as_mask(I_stim).float()
        self.count = self.scored.sum((-1, -2))  # (D, 1)
        lengths = self.inside.sum(-1, keepdim=True).clamp(min=1)
        t = torch.arange(T, device=device)
        self.after = torch.where(t + 1 < lengths, t + 1, (t + 1) % lengths).long()  # periodic

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
        """What is left of V(t + 1) - V(t), averaged over the window; zero where not scored."""
        V = self.states["V"]
        r = self.next(V) - V - 0.5 * (dV + self.next(dV))
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
            z.reshape(D, K, N, T, -1)
            for z in n1.gating.kinetics(x.reshape(D * K, N * T, width))
        )
        return gate_path(h_inf, torch.where(self.inside[..., None], log_rho, -1e-12))


def retrain(fit, datasets, eta=(1e-3,), recipe=None, device="auto", seed=0):
    """Fit the gating layer and the gains to D data sets of mean beats, for K values of eta.

    datasets : `Beats`, such as control and treated. Every pair of a data set and an eta is one
        network of the stack; phi1 is shared and frozen.
    Loss (Eq. 2.6.2): residual^2 (mV^2) + eta L1(gates, theory's gates; gains, 1) + lambda L2(W).
    """
    recipe, device = recipe or MembraneRecipe(), device_of(device)
    eta = np.array([positive("eta", e, ETA_ADVICE) for e in eta])
    membrane = Membrane(datasets, recipe, device)
    D, K, C = len(datasets), len(eta), len(membrane.cell.conductances)
    n1 = fit.n1.to(device).stacked(D * K)
    for weights in n1.phi1.parameters():
        weights.requires_grad_(False)
    middle = 0.5 * (membrane.states["V"] + membrane.next(membrane.states["V"]))[:, 0]
    with torch.no_grad():
        features = n1.features(middle.reshape(1, -1, 1)).reshape(*middle.shape, -1)
        theory = membrane.gates(fit.n1.to(device).stacked(D), features)
        gains = linear_gains(membrane, theory, 0.02).repeat(1, K, 1)
    log_gain = gains.log().clone().requires_grad_()
    weights = list(n1.gating.parameters())
    optimizer = torch.optim.Adam([*weights, log_gain], lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.steps)
    etas = torch.as_tensor(eta, dtype=torch.float32, device=device)
    inside = membrane.inside.sum((-1, -2))

    def measure():
        gates, gain = membrane.gates(n1, features), log_gain.exp()
        r = membrane.residual(membrane.dV(gates, gain))
        misfit = (r**2).sum((-1, -2)) / membrane.count
        away = (gates - theory).abs().mean(-1) * membrane.inside
        drift = away.sum((-1, -2)) / inside
        return misfit, drift, (gain - 1.0).abs().mean(-1)

    for _ in tqdm(range(recipe.steps), desc=f"second pass, {D * K} networks", delay=1.0):
        misfit, drift, change = measure()
        penalty = sum((w**2).mean((-1, -2)).sum() for w in weights)
        loss = (misfit + etas * (drift + change)).sum() + recipe.lam * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        misfit, drift, _ = measure()
    return Refits(
        n1=n1,
        gains=log_gain.detach().exp().cpu().numpy(),
        eta=eta,
        misfit_mV=misfit.sqrt().cpu().numpy(),
        drift=drift.cpu().numpy(),
    )


def linear_gains(membrane, gates, ridge):
    """Return the gains (D, 1, C) that fit best with the gates of the theory: least squares.

    The residual is linear in the gains; `ridge` (mV) pulls what the data do not see to 1.
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
    normal = A.mT @ A / n + ridge**2 * torch.eye(C, dtype=torch.float64, device=A.device)
    change = torch.linalg.solve(normal, A.mT @ b / n)
    return (1.0 + change.mT).clamp(min=0.02).float()
