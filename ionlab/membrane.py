"""The known membrane equation as decoder: Eq. 2.3.4 with f not the identity.

V' = -(sum of currents), with gates from the network, conductances scaled by gains (the affine
layer that section 3.3 suggests) and all other states from the model clamped to the recording.
"""

from types import SimpleNamespace

import numpy as np
import torch

from ionlab.network import gate_path

RIDGE_mV = 0.005  # pulls gains that the data do not see to 1
GAIN_RANGE = (0.02, 50.0)
BLOCK_ms = 50  # residuals further apart than this count as independent


class Membrane:
    """The membrane equation as decoder, over D data sets of mean beats padded to (D, N, T).

    V(t + 1) - V(t) = -(sum of currents and stimulus) over the step, with gates from the network
    and all other states from the model clamped to the recording.
    """

    def __init__(self, datasets, recipe, device, hidden):
        self.cell, self.recipe = datasets[0].cell, recipe
        N, T = (max(h.inside.shape[axis] for h in hidden) for axis in (0, 1))

        def stack(rows, mode="edge"):
            """(D, 1, N, T), padded."""
            rows = [np.pad(r, [(0, N - len(r)), (0, T - r.shape[1])], mode=mode) for r in rows]
            return torch.as_tensor(np.stack(rows), device=device)[:, None]

        self.states = {
            name: stack([h.values[name] for h in hidden]).float() for name in self.cell.state_names
        }
        self.inside = stack([h.inside for h in hidden], "constant")
        self.t_ms = max((h.t_ms for h in hidden), key=len)
        self.dt_ms = stack([h.dt_ms[None].repeat(len(h.inside), 0) for h in hidden]).float()
        sigmas = [
            np.pad(beats.sigma_mV, (0, N - len(h.inside)))
            for beats, h in zip(datasets, hidden, strict=True)
        ]
        self.sigma_mV = torch.as_tensor(np.stack(sigmas))  # (D, N)
        scored, I_stim = [], []
        for beats, h in zip(datasets, hidden, strict=True):
            since = h.t_ms - beats.onset
            stimulus = beats.cell.stimulus
            live = (since > -1 - recipe.window_ms) & (since < recipe.skip_ms)
            on = (since >= 0) & (since < stimulus.duration_ms)
            first, last = h.t_ms.astype(int), h.t_ms.astype(int) + recipe.window_ms
            seen = beats.seen[:, first] & beats.seen.take(last, 1, mode="wrap")
            scored.append(h.inside & seen & ~live)
            I_stim.append((h.inside & on) * stimulus.amplitude)
        self.scored, self.I_stim = stack(scored, "constant"), stack(I_stim).float()
        self.count = self.scored.sum((-1, -2))  # (D, 1)
        lengths = self.inside.sum(-1, keepdim=True).clamp(min=1)
        t = torch.arange(T, device=device)
        self.after = torch.where(t + 1 < lengths, t + 1, 0)  # periodic

    def next(self, x):
        """x(t + 1), (D, K, N, T), periodic within each beat."""
        return x.gather(-1, self.after.expand(*x.shape[:2], *self.after.shape[2:]))

    def currents(self, gates, gains):
        """Currents (D, K, N, T) by name, from gates (D, K, N, T, G) and gains (D, K, C)."""
        return self._equations(gates, gains)[2]

    def dV(self, gates, gains):
        """-(currents and stimulus) in mV/ms, (D, K, N, T)."""
        return self.cell.equations.derivatives(*self._equations(gates, gains), self.I_stim).V

    def _equations(self, gates, gains):
        """States, parameters and currents, for the cell's equations."""
        s = SimpleNamespace(
            **{n: self.states[n] for n in self.cell.other_names},
            **{n: gates[..., k] for k, n in enumerate(self.cell.gate_names)},
        )
        p = self.cell.p
        for k, parameter in enumerate(self.cell.conductances.values()):
            setattr(p, parameter, getattr(p, parameter) * gains[..., k, None, None])
        return s, p, self.cell.equations.currents(s, p)

    def residual(self, dV):
        """What is left of dV/dt (mV/ms), averaged over the window; zero where not scored."""
        V = self.states["V"]
        r = (self.next(V) - V) / self.dt_ms - 0.5 * (dV + self.next(dV))
        w = self.recipe.window_ms
        sums = torch.nn.functional.pad(torch.cat([r, r[..., : w - 1]], -1).cumsum(-1), (1, 0))
        mean = (sums[..., w:] - sums[..., :-w]) / w  # over the samples from t on, periodic
        return torch.where(self.scored, mean, torch.zeros_like(mean))

    def gates(self, n1, features):
        """Gates (D, K, N, T, G) of a stack at features (D, N, T, width) of the mean voltages."""
        D, N, T, width = features.shape
        K = len(n1.gating.inf.W) // D
        x = features.reshape(D, 1, N * T, width).expand(D, K, N * T, width)
        h_inf, log_rho = (
            z.reshape(D, K, N, T, -1) for z in n1.kinetics_of(x.reshape(D * K, N * T, width))
        )
        step_ms = (self.dt_ms * self.inside)[..., None]  # 0 in padding, which leaves a gate alone
        return gate_path(h_inf, (log_rho * step_ms).clamp(max=-1e-9))


def features_of(n1, membrane):
    """Return phi1 (D, N, T, width) at what it reads, halfway through each step."""
    read = [membrane.states[name] for name in n1.inputs]
    middle = torch.stack([0.5 * (x + membrane.next(x))[:, 0] for x in read], -1)
    with torch.no_grad():
        return n1.features(middle.flatten(0, 2)[None]).reshape(*middle.shape[:3], -1)


def gain_errors(membrane, gates, gains):
    """Return the standard errors (D, C) of the gains of `linear_gains`.

    Two sources of error. The model is not quite right: residuals within a block of `BLOCK_ms` may
    depend on each other, blocks are taken as independent (the cluster-robust, or sandwich, form).
    And V has noise: white noise of sigma moves r(t) by (n(t + w) - n(t)) / w. A current that is
    short has but one block a sweep, which the fit itself brings to zero, so that only the second
    form sees its error; the larger of the two is taken for each gain.
    """
    A, _, normal = _system(membrane, gates, gains)
    r = membrane.residual(membrane.dV(gates, gains)).double()
    scores = A * r[:, 0, ..., None]  # (D, N, T, C)
    D, N, T, C = scores.shape
    pad = -T % BLOCK_ms
    blocks = torch.nn.functional.pad(scores, (0, 0, 0, pad)).reshape(D, -1, BLOCK_ms, C).sum(2)
    w = membrane.recipe.window_ms
    noise = (A.roll(w, 2) - A) / w * membrane.sigma_mV.to(A.device)[..., None, None]
    bread = torch.linalg.inv(normal)
    forms = [
        bread @ (rows.mT @ rows / membrane.count.double()[..., None] ** 2) @ bread
        for rows in (blocks, noise.flatten(1, 2))
    ]
    variances = torch.stack([form.diagonal(dim1=-2, dim2=-1) for form in forms]).amax(0)
    return variances.sqrt().cpu().numpy()


def linear_gains(membrane, gates):
    """Return the gains (D, 1, C) that fit best with the gates of the theory: least squares.

    The residual is linear in the gains; a ridge pulls what the data do not see to 1.
    """
    ones = torch.ones(len(gates), 1, len(membrane.cell.conductances), device=gates.device)
    A, b, normal = _system(membrane, gates, ones)
    change = torch.linalg.solve(
        normal, (A * b[..., None]).sum((1, 2))[..., None] / membrane.count.double()[..., None]
    )
    return (1.0 + change.mT).clamp(*GAIN_RANGE).float()


def _system(membrane, gates, gains):
    """Columns A (D, N, T, C) of the residual per unit of gain, b (D, N, T), and A'A/n + ridge."""
    base = membrane.residual(membrane.dV(gates, gains))
    columns = []
    for c in range(gains.shape[-1]):
        more = gains.clone()
        more[..., c] += 1.0
        columns.append(membrane.residual(membrane.dV(gates, more)) - base)
    A = torch.stack(columns, -1)[:, 0].double()
    flat = A.flatten(1, 2)
    eye = torch.eye(A.shape[-1], dtype=torch.float64, device=A.device)
    normal = flat.mT @ flat / membrane.count.double()[..., None] + RIDGE_mV**2 * eye
    return A, -base[:, 0].double(), normal
