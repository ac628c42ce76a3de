"""Before the second pass: hidden states and gains that agree with each other and the recording."""

from dataclasses import dataclass

import numpy as np
import torch

from ionlab.membrane import Membrane, features_of, gain_errors, linear_gains
from ionlab.observed import FINE_ms, Hidden, hidden_states, paced, upstroke_response

SETTLE_ROUNDS = 4  # of hidden states and gains in turn
UPSTROKE_RANGE = (0.1, 10.0)  # of the gain of the current that makes the upstroke
# standard errors of its logarithm: least; from one sweep; from fluorescence
UPSTROKE_FLOOR, UPSTROKE_ALONE, UPSTROKE_UNSEEN = 0.03, 0.2, 1.0


@dataclass(frozen=True)
class Settled:
    """The theory fitted to D data sets by its gains alone.

    Attributes
    ----------
    membrane : the decoder, with the hidden states.
    gates : (D, 1, N, T, G) of the theory along the recordings.
    gains : (D, 1, C) conductances over those of the theory.
    covariance : (D, C, C) of the gains.
    hidden : D times the hidden states.
    """

    membrane: Membrane
    gates: torch.Tensor
    gains: torch.Tensor
    covariance: np.ndarray
    hidden: list[Hidden]


def upstroke_gain(beats, hidden, gains):
    """Return the log gain of the current that makes the upstroke, and its standard error.

    The loss leaves the upstroke out, so this gain is read there: the model, let go at the onset of
    the stimulus, must meet the recording 1, 2 and 3 ms later. Where stimuli were placed at the
    upstrokes, their timing is free within half a ms. Fluorescence says nothing of this current.
    """
    if beats.scaled:
        return 0.0, UPSTROKE_UNSEEN
    k = list(beats.cell.conductances).index(beats.cell.upstroke_current)
    parameter = beats.cell.conductances[beats.cell.upstroke_current]
    base = scaled(beats.cell, np.where(np.arange(len(gains)) == k, 1.0, gains))
    at = {name: x[:, beats.onset] for name, x in hidden.values.items()}
    starts = [{name: x[n] for name, x in at.items()} for n in range(len(beats.lengths))]
    factors = np.geomspace(*UPSTROKE_RANGE, 61)
    cells = []
    for factor in factors:
        cell = base.perturbed(**{parameter: factor})
        cells.append([cell.with_start(**start) for start in starts])
    V = upstroke_response(beats, cells, 4)  # (K, N, fine)
    fine = round(1.0 / FINE_ms)
    shifts = np.arange(-fine // 2, fine // 2 + 1) if beats.placed else np.array([0])
    want = beats.V_mV[:, beats.onset + 1 : beats.onset + 4]
    misses = [(V[..., fine * np.arange(1, 4) + shift] - want) ** 2 for shift in shifts]
    cost = np.min([m.sum(-1) for m in misses], 0)  # (K, N)
    grid = np.log(factors)
    each = np.array([_lowest(grid, c) for c in cost.T])
    spread = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else UPSTROKE_ALONE
    return _lowest(grid, cost.sum(1)), max(spread, UPSTROKE_FLOOR)


def _lowest(x, y):
    """The x at which y is lowest, by the parabola through the lowest point and its neighbours."""
    k = int(np.clip(np.nanargmin(y), 1, len(x) - 2))
    below, at, above = y[k - 1 : k + 2]
    bend = below - 2.0 * at + above
    shift = 0.5 * (below - above) / bend if bend > 0 else 0.0
    return float(x[k] + np.clip(shift, -0.5, 0.5) * (x[1] - x[0]))


def settle(n1, datasets, recipe, device):
    """Return hidden states, gates of the theory and gains that agree with each other.

    The hidden states depend on the gains, through calcium and the slow ions, and the gains on the
    hidden states, so the two are found in turn.
    """
    theory = n1.stacked(len(datasets))
    hidden = [hidden_states(beats) for beats in datasets]
    k = list(datasets[0].cell.conductances).index(datasets[0].cell.upstroke_current)
    for _ in range(SETTLE_ROUNDS):
        membrane = Membrane(datasets, recipe, device, hidden)
        with torch.no_grad():
            gates = membrane.gates(theory, features_of(n1, membrane))
            gains = linear_gains(membrane, gates)
            covariance = gain_errors(membrane, gates, gains)
        for d, beats in enumerate(datasets):
            log_gain, error = upstroke_gain(beats, hidden[d], gains[d, 0].cpu().numpy())
            gains[d, 0, k] = float(np.exp(log_gain))
            covariance[d, k], covariance[d, :, k] = 0.0, 0.0
            covariance[d, k, k] = (error * np.exp(log_gain)) ** 2
        hidden = [
            hidden_states(beats, paced(scaled(beats.cell, gains[d, 0].tolist()), beats.lengths))
            for d, beats in enumerate(datasets)
        ]
    return Settled(membrane, gates, gains, covariance, hidden)


def scaled(cell, gains):
    """Return the cell with its conductances multiplied by gains (C,), in the cell's order."""
    return cell.perturbed(**dict(zip(cell.conductances.values(), map(float, gains), strict=True)))
