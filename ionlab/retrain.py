"""Second pass (section 2.6): fit the gating layer to recordings, held near the theory by eta."""

from dataclasses import dataclass

import numpy as np
import torch

from ionlab.errors import BadValue, known, positive
from ionlab.membrane import features_of
from ionlab.network import N1, device_of, one_thread
from ionlab.progress import Progress
from ionlab.settle import settle

UPSTROKE = 0.03  # of the range of V in 1 ms: the stimulus is not an input, so this is not learned
ETA_ADVICE = "Try 1e-4 to 2e-3; a larger eta keeps the gates closer to the theory."


@dataclass(frozen=True)
class MembraneRecipe:
    """Second pass with the known membrane equation as decoder (Eq. 2.3.4)."""

    steps: int = 300  # of Adam
    learning_rate: float = 3e-3
    lam: float = 1e-5  # lambda of Eq. 2.6.1
    skip_ms: float = 5.0  # after the onset of the stimulus, left out of the loss
    window_ms: int = 8  # the residual is averaged over this long, which divides noise in dV/dt
    gain_weight: float = 0.1  # of a changed gain beside changed gates in the eta term
    affine: bool = True  # False holds all gains at 1: gates alone, which cannot exceed 1


@dataclass(frozen=True)
class DecoderRecipe:
    """Second pass with the learned decoder N2, as published: steps in time order."""

    epochs: int = 3
    learning_rate: float = 1e-4
    lam: float = 1e-5  # lambda of Eq. 2.6.1
    upstroke: bool = True  # False leaves out samples where V moves by more than 3 % of its range


@dataclass(frozen=True)
class Refits:
    """Retrained networks: D data sets times K values of eta.

    Attributes
    ----------
    n1 : the stack of D * K gating networks, data set by data set.
    gains : (D, K, C) conductances over those of the theory: the affine layer of section 3.3.
    eta : (K,) values.
    misfit_mV : (D, K) RMS of what the network leaves of V(t + 1 ms) - V(t); averaged over
        `window_ms` with the membrane decoder.
    drift : (D, K) mean departure of the gates from the theory.
    settled : what the membrane decoder started from (`ionlab.settle.Settled`); None with N2.
    stopped : the number of steps after which the training was stopped; None if it went to its end.
    """

    n1: N1
    gains: np.ndarray
    eta: np.ndarray
    misfit_mV: np.ndarray
    drift: np.ndarray
    settled: object = None
    stopped: int | None = None

    def network(self, dataset, k):
        """Return the gating network (a stack of one) of a data set and of eta number k."""
        return self.n1.select(dataset * len(self.eta) + k)


def retrain(
    fit,
    datasets,
    eta=(1e-3,),
    decoder="membrane",
    recipe=None,
    device="auto",
    gate_weights=None,
    watch=None,
):
    """Fit the gating layer to D data sets for K values of eta, D * K networks in one stack.

    fit : of the first pass. phi1, and N2, are shared and frozen.
    datasets : with decoder "membrane" (default) `Beats`, such as control and treated; with "n2"
        (the paper's) arrays (N, T, O) of normalised observables, and a fit by the paper's recipe.
    gate_weights : gate -> weight of its departure in the eta term, such as {"xr1": 0.1} for a gate
        that is thought to have changed (section 4); 1 where not named. The eta term is the mean
        over gates of weight times departure, so a weight acts as an eta of that gate's own. The
        gains of the membrane decoder have one term beside it, `MembraneRecipe.gain_weight` times
        the mean of abs(gain - 1), also times eta, which these weights leave alone.
    watch : called as `watch(step, steps, loss)` every 10 steps; when it returns True, or on a
        KeyboardInterrupt, the best weights so far are kept (see `ionlab.progress`).

    Loss (Eq. 2.6.2): L2(observables) + eta L1(gates, the theory's gates) + lambda L2(W).
    """
    known("decoder", decoder, ("membrane", "n2"))
    eta = np.array([positive("eta", e, ETA_ADVICE) for e in eta])
    named = gate_weights or {}
    for gate, weight in named.items():
        known("gate", gate, fit.n1.gates)
        if weight != 0:
            positive(f"the weight of {gate}", weight, "Try 0.1; 0 lets the gate go.")
    device = device_of(device)
    weights = torch.tensor([float(named.get(g, 1.0)) for g in fit.n1.gates], device=device)
    if decoder == "membrane":
        recipe = recipe or MembraneRecipe()
        return _with_membrane(fit, datasets, eta, recipe, device, weights, watch)
    if fit.n2 is None:
        raise BadValue(
            "the decoder n2 is learned in the first pass by the paper's recipe; this fit has none. "
            'Try train(cell, sequences, recipe="paper").'
        )
    with one_thread():
        recipe = recipe or DecoderRecipe()
        return _with_n2(fit, datasets, eta, recipe, device, weights, watch)


def _with_membrane(fit, datasets, eta, recipe, device, gate_weights, watch):
    D, K = len(datasets), len(eta)
    source = fit.n1.to(device)
    settled = settle(source, datasets, recipe, device)
    membrane, theory, gains = settled.membrane, settled.gates, settled.gains
    features = features_of(source, membrane)
    n1 = source.stacked(D * K)
    log_gain = gains.log().repeat(1, K, 1).requires_grad_(recipe.affine)
    weights = list(n1.gating.parameters())
    trained = [*weights, log_gain] if recipe.affine else weights
    optimizer = torch.optim.Adam(trained, lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.steps)
    etas = torch.as_tensor(eta, dtype=torch.float32, device=device)
    inside = membrane.inside.sum((-1, -2))

    def measure(weight):
        gates, gain = membrane.gates(n1, features), log_gain.exp()
        r = membrane.residual(membrane.dV(gates, gain))
        misfit = (r**2).sum((-1, -2)) / membrane.count
        away = (gates - theory).abs() * weight
        drift = (away.mean(-1) * membrane.inside).sum((-1, -2)) / inside
        return misfit, drift, recipe.gain_weight * (gain - 1.0).abs().mean(-1)

    desc = f"second pass, {D * K} networks"
    with Progress(recipe.steps, desc, trained, watch) as progress:
        for _ in range(recipe.steps):
            misfit, drift, change = measure(gate_weights)
            penalty = sum((w**2).mean((-1, -2)).sum() for w in weights)
            loss = (misfit + etas * (drift + change)).sum() + recipe.lam * penalty
            progress.step(loss.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        misfit, drift, _ = measure(torch.ones_like(gate_weights))
    return Refits(
        n1=n1,
        gains=log_gain.detach().exp().cpu().numpy(),
        eta=eta,
        misfit_mV=misfit.sqrt().cpu().numpy(),
        drift=drift.cpu().numpy(),
        settled=settled,
        stopped=progress.stopped,
    )


def _with_n2(fit, datasets, eta, recipe, device, gate_weights, watch):
    D, K = len(datasets), len(eta)
    source, n2 = fit.n1.to(device), fit.n2.to(device)
    n1, theory = source.stacked(D * K), source.stacked(D)
    x = torch.as_tensor(np.stack(datasets), device=device).permute(2, 0, 1, 3)  # (T, D, N, O)
    with torch.no_grad():
        features = source.features(n1.low + x * (n1.high - n1.low))
    each = lambda z: z.repeat_interleave(K, 0)  # noqa: E731 (data set -> its K networks)
    observed = [fit.cell.other_names.index(name) for name in n1.inputs]
    etas = torch.as_tensor(eta, dtype=torch.float32, device=device).repeat(D)
    weights = list(n1.gating.parameters())
    optimizer = torch.optim.Adam(weights, lr=recipe.learning_rate, fused=device.type == "cpu")
    start = fit.cell.gates(fit.cell.at(V=np.array([fit.cell.start["V"]])))
    rest = torch.tensor([float(k.h_inf[0]) for k in start.values()], device=device)
    rest = (rest - n1.gate_low) / (n1.gate_high - n1.gate_low)
    desc, steps = f"second pass, n2, {D * K} networks", recipe.epochs * (len(x) - 1)
    with Progress(steps, desc, weights, watch, comparable=False) as progress:
        for _ in range(recipe.epochs):
            misfit, drift, seen_steps = 0.0, 0.0, 0  # of this epoch
            h, memory = rest.expand(D * K, x.shape[2], -1), None
            h_theory = rest.expand(D, x.shape[2], -1)
            for t in range(len(x) - 1):
                h = n1.gating(each(features[t]), h)
                with torch.no_grad():
                    h_theory = theory.gating(features[t], h_theory)
                y, memory = n2(each(x[t]), h, memory)
                seen = ((x[t + 1] - x[t]).abs()[..., :1] <= UPSTROKE) | recipe.upstroke
                error = (each(seen) * (y[..., observed] - each(x[t + 1])) ** 2).mean((-1, -2))
                away = (h - each(h_theory)).abs()
                penalty = sum((w**2).mean((-1, -2)).sum() for w in weights)
                held = etas * (away * gate_weights).mean((-1, -2))
                loss = (error + held).sum() + recipe.lam * penalty
                misfit = misfit + error.detach()
                drift = drift + away.detach().mean((-1, -2))
                seen_steps += 1
                progress.step(loss.detach())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                h, memory = h.detach(), tuple(m.detach() for m in memory)
    span_mV = float(n1.high[0] - n1.low[0])
    return Refits(
        n1=n1,
        gains=np.ones((D, K, len(fit.cell.conductances))),
        eta=eta,
        misfit_mV=(span_mV * (misfit / seen_steps).sqrt()).cpu().numpy().reshape(D, K),
        drift=(drift / seen_steps).cpu().numpy().reshape(D, K),
        stopped=progress.stopped,
    )
