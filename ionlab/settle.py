"""Before the second pass: hidden states and gains that agree with each other and the recording."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ionlab.membrane import Membrane, features_of, gain_errors, linear_gains
from ionlab.observed import FINE_ms, Hidden, UPSTROKE_ms, hidden_states, paced, upstroke_response

SCALE_ERROR = 0.015  # standard error of the scale of fluorescence, treated against control
SETTLE_ROUNDS = 4  # of hidden states and gains in turn
UPSTROKE_RANGE = (0.1, 10.0)  # of the gain of the current that makes the upstroke
# standard errors of its logarithm: least; from one sweep; without its timing; from fluorescence
UPSTROKE_FLOOR, UPSTROKE_ALONE, UPSTROKE_PLACED, UPSTROKE_UNSEEN = 0.03, 0.1, 0.25, 1.0


@dataclass(frozen=True)
class Settled:
    """The theory fitted to D data sets by its gains alone.

    Attributes
    ----------
    membrane : the decoder, with the hidden states.
    gates : (D, 1, N, T, G) of the theory along the recordings.
    gains : (D, 1, C) conductances over those of the theory.
    errors : (D, C) standard errors of the gains; infinite where they are held at 1.
    hidden : D times the hidden states.
    """

    membrane: Membrane
    gates: torch.Tensor
    gains: torch.Tensor
    errors: np.ndarray
    hidden: list[Hidden]


def upstroke_gain(beats, hidden, gains):
    """Return the log gain of the current that makes the upstroke, and its standard error.

    The loss leaves the upstroke out, so this gain is read there: the model, let go at the onset of
    the stimulus, must meet the samples of the next ms. Where stimuli were placed at the
    upstrokes, their timing is free within half a ms. Fluorescence says nothing of this current.
    """
    if beats.scaled:
        return 0.0, UPSTROKE_UNSEEN
    k = list(beats.cell.conductances).index(beats.cell.upstroke_current)
    parameter = beats.cell.conductances[beats.cell.upstroke_current]
    base = scaled(beats.cell, np.where(np.arange(len(gains)) == k, 1.0, gains))
    at = {name: x[:, beats.onset - 1] for name, x in hidden.values.items()}
    starts = [{name: x[n] for name, x in at.items()} for n in range(len(beats.lengths))]
    factors = np.geomspace(*UPSTROKE_RANGE, 61)
    cells = []
    for factor in factors:
        cell = base.perturbed(**{parameter: factor})
        cells.append([cell.with_start(**start) for start in starts])
    V = upstroke_response(beats, cells, UPSTROKE_ms + 1.0)  # (K, N, fine)
    fine_ms = FINE_ms * np.arange(V.shape[2])
    shifts_ms = np.linspace(-0.5, 0.5, 11) if beats.placed else [0.0]
    cost = np.empty(V.shape[:2])
    for n, (since_ms, seen_mV) in enumerate(beats.upstrokes):
        at = [np.clip(since_ms + shift, 0.0, fine_ms[-1]) for shift in shifts_ms]
        for k in range(len(V)):
            misses = [np.mean((np.interp(t, fine_ms, V[k, n]) - seen_mV) ** 2) for t in at]
            cost[k, n] = np.nan_to_num(min(misses), nan=np.inf)
    grid = np.log(factors)
    each = np.array([_lowest(grid, c) for c in cost.T])
    spread = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else UPSTROKE_ALONE
    floor = UPSTROKE_PLACED if beats.placed else UPSTROKE_FLOOR
    return _lowest(grid, cost.sum(1)), max(spread, floor)


def _lowest(x, y):
    """The x at which y is lowest, by the parabola through the lowest point and its neighbours."""
    k = int(np.clip(np.nanargmin(y), 1, len(x) - 2))
    below, at, above = y[k - 1 : k + 2]
    bend = below - 2.0 * at + above
    shift = 0.5 * (below - above) / bend if bend > 0 else 0.0
    return float(x[k] + np.clip(shift, -0.5, 0.5) * (x[1] - x[0]))


def settle(n1, datasets, recipe, device, scale_unsure=True):
    """Return hidden states, gates of the theory and gains that agree with each other.

    The hidden states depend on the gains, through calcium and the slow ions, and the gains on the
    hidden states, so the two are found in turn. `scale_unsure` counts the unknown scale of
    fluorescence among the errors. Without the affine layer (`recipe.affine` False) all gains are 1.
    """
    theory = n1.stacked(len(datasets))
    hidden = [hidden_states(beats) for beats in datasets]
    if not recipe.affine:
        membrane = Membrane(datasets, recipe, device, hidden)
        with torch.no_grad():
            gates = membrane.gates(theory, features_of(n1, membrane))
        gains = torch.ones(len(datasets), 1, len(membrane.cell.conductances), device=device)
        return Settled(membrane, gates, gains, np.full(gains[:, 0].shape, np.inf), hidden)
    k = list(datasets[0].cell.conductances).index(datasets[0].cell.upstroke_current)
    for _ in range(SETTLE_ROUNDS):
        membrane = Membrane(datasets, recipe, device, hidden)
        with torch.no_grad():
            gates = membrane.gates(theory, features_of(n1, membrane))
            gains = linear_gains(membrane, gates)
            errors = gain_errors(membrane, gates, gains)
        for d, beats in enumerate(datasets):
            log_gain, error = upstroke_gain(beats, hidden[d], gains[d, 0].cpu().numpy())
            gains[d, 0, k] = float(np.exp(log_gain))
            errors[d, k] = error * np.exp(log_gain)
        hidden = [
            hidden_states(beats, paced(scaled(beats.cell, gains[d, 0].tolist()), beats.lengths))
            for d, beats in enumerate(datasets)
        ]
    unsure = [d for d, beats in enumerate(datasets) if beats.scaled and scale_unsure]
    if unsure:
        errors[unsure] = np.hypot(
            errors[unsure], _scale_errors(n1, [datasets[d] for d in unsure], recipe, device)
        )
    return Settled(membrane, gates, gains, errors, hidden)


def _scale_errors(n1, datasets, recipe, device):
    """Return what the unknown scale of fluorescence adds to the errors of the gains, (D, C).

    It is set by the cell's own rest and peak, which the recorded cell need not share: half the
    difference between gains at a scale that much smaller and larger.
    """
    scales = (1.0 - SCALE_ERROR, 1.0 + SCALE_ERROR)
    variants = []
    for beats in datasets:
        rest = beats.V_mV[:, :1]
        variants += [replace(beats, V_mV=rest + x * (beats.V_mV - rest)) for x in scales]
    gains = settle(n1, variants, recipe, device, scale_unsure=False).gains[:, 0].cpu().numpy()
    return 0.5 * np.abs(gains[1::2] - gains[::2])


def scaled(cell, gains):
    """Return the cell with its conductances multiplied by gains (C,), in the cell's order."""
    return cell.perturbed(**dict(zip(cell.conductances.values(), map(float, gains), strict=True)))
