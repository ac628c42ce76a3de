"""The paper's networks, each a stack of E independent ones that train at once.

Adam works element by element, so a stack of networks trains exactly as each would alone. Letters
of shapes: E networks, N sweeps, T samples, I inputs, G gates; x, h, y are normalised quantities.
"""

from contextlib import contextmanager

import numba
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ionlab.errors import BadValue, known

ACTIVATIONS = {"relu": F.relu, "tanh": torch.tanh}


def device_of(name):
    """Return the torch device of "auto", "cpu" or "cuda"; a clear error where CUDA is absent.

    >>> device_of("cpu")
    device(type='cpu')
    """
    known("device", name, ("auto", "cpu", "cuda"))
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise BadValue('device "cuda" was asked for, but torch finds none. Try --device auto.')
    return torch.device("cuda" if present and name != "cpu" else "cpu")


@contextmanager
def one_thread():
    """Run torch on one thread: on tensors this small, threads cost more than they give."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@numba.njit(parallel=True, cache=True)
def _recurrence(a, b, y):
    rows, samples, width = a.shape
    for i in numba.prange(rows):
        for g in range(width):
            y[i, 0, g] = b[i, 0, g]
        for t in range(1, samples):
            for g in range(width):
                y[i, t, g] = a[i, t, g] * y[i, t - 1, g] + b[i, t, g]


def _scan(a, b):
    """y(t) = a(t) y(t-1) + b(t) along the last but one axis, y(-1) = 0."""
    if a.device.type == "cpu":
        y = torch.empty_like(b)
        rows = [z.reshape(-1, *z.shape[-2:]).numpy() for z in (a.contiguous(), b.contiguous(), y)]
        _recurrence(*rows)
        return y
    step, samples = 1, a.shape[-2]
    while step < samples:  # doubling: after each pass y(t) holds the last 2 step terms
        ahead_a, ahead_b = (z[..., :-step, :] for z in (a, b))
        b = torch.cat([b[..., :step, :], b[..., step:, :] + a[..., step:, :] * ahead_b], -2)
        a = torch.cat([a[..., :step, :], a[..., step:, :] * ahead_a], -2)
        step *= 2
    return b


class _Recur(torch.autograd.Function):
    """`_scan` with its adjoint, which is the same recurrence backwards in time."""

    @staticmethod
    def forward(ctx, a, b):
        y = _scan(a.detach(), b.detach())
        ctx.save_for_backward(a, y)
        return y

    @staticmethod
    def backward(ctx, grad):
        a, y = ctx.saved_tensors
        later = torch.cat([a[..., 1:, :], torch.zeros_like(a[..., :1, :])], -2)
        adjoint = _scan(later.flip(-2), grad.flip(-2)).flip(-2)
        before = torch.cat([torch.zeros_like(y[..., :1, :]), y[..., :-1, :]], -2)
        return adjoint * before, adjoint


def gate_path(h_inf, log_rho, h_start=None):
    """Return the gates (..., T, G) along a sweep: Eq. 2.4.4 from sample to sample.

    h_inf, log_rho : (..., T, G); entry t takes the gates from sample t to sample t + 1.
    h_start : (..., G) at sample 0; None takes the periodic state, at which sample T would equal
        sample 0. A beat has one because the step is affine: h(T) = A h(0) + B, so
        h(0) = B / (1 - A).

    >>> h = gate_path(torch.full((5, 1), 0.7), torch.full((5, 1), -0.5))
    >>> h[:, 0]
    tensor([0.7000, 0.7000, 0.7000, 0.7000, 0.7000])
    """
    rho = log_rho.exp()
    driven = _Recur.apply(rho, -torch.expm1(log_rho) * h_inf)
    decay = torch.cumsum(log_rho, -2).exp()
    if h_start is None:
        left = -torch.expm1(log_rho.sum(-2)).clamp(max=-1e-9)
        h_start = driven[..., -1, :] / left
    start = h_start.unsqueeze(-2)
    return torch.cat([start, (driven + decay * start)[..., :-1, :]], -2)


class Dense(nn.Module):
    """E dense layers: y = W x + b. Weights (E, in, out), drawn uniformly (Glorot)."""

    def __init__(self, n_in, n_out, networks, generator):
        super().__init__()
        bound = (6.0 / (n_in + n_out)) ** 0.5
        W = torch.empty(1, n_in, n_out).uniform_(-bound, bound, generator=generator)
        self.W = nn.Parameter(W.repeat(networks, 1, 1))
        self.b = nn.Parameter(torch.zeros(networks, 1, n_out))

    def forward(self, x):
        """x (E or 1, ..., in) -> (E, ..., out)."""
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        y = torch.matmul(flat, self.W) + self.b
        return y.reshape(y.shape[0], *x.shape[1:-1], y.shape[-1])


class GatingLayer(nn.Module):
    """The Gating Neural Network layer (section 2.4): Rush-Larsen with learned kinetics.

    h_inf = sigma(W_inf x + b_inf)                 (2.4.1)
    rho   = exp(-dt/tau) = sigma(W_tau x + b_tau)  (2.4.2, 2.4.3), learned for `dt_ms`
    h(t + dt) = rho h(t) + (1 - rho) h_inf         (2.4.4)

    >>> layer = GatingLayer(3, 2, dt_ms=1.0)
    >>> layer(torch.ones(1, 3), torch.zeros(1, 2), dt_ms=0.5).shape
    torch.Size([1, 2])
    """

    def __init__(self, n_in, n_gates, dt_ms=1.0, networks=1, generator=None):
        super().__init__()
        self.dt_ms = dt_ms
        self.inf = Dense(n_in, n_gates, networks, generator)
        self.tau = Dense(n_in, n_gates, networks, generator)

    def kinetics(self, x, dt_ms=None):
        """Return h_inf and log rho of a step dt_ms, both (E, ..., G), at features x (E, ..., I)."""
        log_rho = F.logsigmoid(self.tau(x))
        return torch.sigmoid(self.inf(x)), log_rho * ((dt_ms or self.dt_ms) / self.dt_ms)

    def forward(self, x, h, dt_ms=None):
        """Return h(t + dt), (E, ..., G), from features x (E, ..., I) and h(t)."""
        h_inf, log_rho = self.kinetics(x, dt_ms)
        rho = log_rho.exp()
        return rho * h + (1.0 - rho) * h_inf


class N1(nn.Module):
    """phi1, two dense layers, and the gating layer (Fig. 1).

    Attributes
    ----------
    cell, gates, inputs : names of the cell, of its gates, and of the states that phi1 reads.
    low, high : (I,) range of the inputs; x = (v - low) / (high - low).
    gate_low, gate_high : (G,) what the layer's 0 and 1 are of each gate: 0 and 1, unless it was
        trained on normalised gates, as by the paper's recipe.
    """

    def __init__(
        self, cell, gates, inputs, low, high, activation="tanh", width=30, seed=0, gate_range=None
    ):
        super().__init__()
        gate_low, gate_high = gate_range or ([0.0] * len(gates), [1.0] * len(gates))
        generator = torch.Generator().manual_seed(seed)
        self.settings = dict(
            cell=cell,
            gates=list(gates),
            inputs=list(inputs),
            low=list(map(float, low)),
            high=list(map(float, high)),
            activation=activation,
            width=width,
            gate_range=(list(map(float, gate_low)), list(map(float, gate_high))),
        )
        self.cell, self.gates, self.inputs = cell, tuple(gates), tuple(inputs)
        self.register_buffer("low", torch.tensor(self.settings["low"]))
        self.register_buffer("high", torch.tensor(self.settings["high"]))
        for name, ends in zip(("gate_low", "gate_high"), self.settings["gate_range"], strict=True):
            self.register_buffer(name, torch.tensor(ends), persistent=False)
        self.activation = ACTIVATIONS[known("activation", activation, ACTIVATIONS)]
        self.phi1 = nn.ModuleList(
            [Dense(len(inputs), width, 1, generator), Dense(width, width, 1, generator)]
        )
        self.gating = GatingLayer(width, len(gates), 1.0, 1, generator)

    def features(self, v):
        """phi1 at inputs v (E or 1, ..., I) in physical units -> (E or 1, ..., width)."""
        x = (v - self.low) / (self.high - self.low)
        if self.activation is torch.tanh:
            x = 2.0 * x - 1.0
        for dense in self.phi1:
            x = self.activation(dense(x))
        return x

    def kinetics_of(self, x, dt_ms=None):
        """Return h_inf, on the gates' own scale, and log rho, at features x (E, ..., width)."""
        h_inf, log_rho = self.gating.kinetics(x, dt_ms)
        return self.gate_low + (self.gate_high - self.gate_low) * h_inf, log_rho

    def kinetics(self, v, dt_ms=None):
        """Return h_inf and log rho, each (E, ..., G), at inputs v (E or 1, ..., I)."""
        return self.kinetics_of(self.features(v), dt_ms)

    def forward(self, v, h, dt_ms=None):
        """Return the gates one step later, (E, ..., G), on the scale of the layer."""
        return self.gating(self.features(v), h, dt_ms)

    def stacked(self, networks):
        """Return a copy whose gating layer is a stack of this many equal networks."""
        return self.select([0] * networks)

    def select(self, rows):
        """Return the networks of these numbers (one, or a list) as a stack of their own."""
        rows = np.atleast_1d(rows)
        copy = N1(**self.settings)
        copy.gating = GatingLayer(
            self.gating.inf.W.shape[1], len(self.gates), self.gating.dt_ms, len(rows)
        )
        state = {
            name: value[rows] if name.startswith("gating.") else value
            for name, value in self.state_dict().items()
        }
        copy.load_state_dict(state)
        return copy.to(self.low.device)


class N2(nn.Module):
    """phi2, an LSTM and phi3 (Fig. 1): the states that are not classic gates.

    Reads the normalised observables and gates and gives the normalised other states (E, ..., R),
    R of them, one step later.
    """

    def __init__(self, n_observed, n_gates, n_rest, width=30, networks=1, generator=None):
        super().__init__()
        self.phi2 = nn.ModuleList(
            [
                Dense(n_observed + n_gates, width, networks, generator),
                Dense(width, width, networks, generator),
            ]
        )
        self.into = Dense(width, 4 * n_rest, networks, generator)
        self.back = Dense(n_rest, 4 * n_rest, networks, generator)
        self.phi3 = Dense(n_rest, n_rest, networks, generator)

    def forward(self, x, h, memory=None):
        """Return y(t + dt) and the LSTM's memory, from x (E, N, O), h (E, N, G) and memory."""
        z = torch.cat([x.expand(h.shape[0], *x.shape[1:]), h], -1)
        for dense in self.phi2:
            z = F.relu(dense(z))
        z = self.into(z)
        if memory is None:
            zeros = torch.zeros_like(z[..., : z.shape[-1] // 4])
            memory = (zeros, zeros)
        out, carry = memory
        write, forget, read, new = (z + self.back(out)).chunk(4, -1)
        carry = torch.sigmoid(forget) * carry + torch.sigmoid(write) * torch.tanh(new)
        out = torch.sigmoid(read) * torch.tanh(carry)
        return torch.sigmoid(self.phi3(out)), (out, carry)


def as_inputs(n1, states):
    """Stack the states that phi1 reads, by name, into (1, ..., I) of the network's precision."""
    columns = np.stack([np.asarray(states[name], np.float32) for name in n1.inputs], -1)
    return torch.as_tensor(columns, device=n1.low.device).unsqueeze(0)
