"""What recordings can tell: how V and Ca_i follow each change of a cell, and what noise leaves.

For small changes the paced cell is linear in them, so the errors of the best possible estimate
follow from the derivatives alone (the Cramer-Rao bound for white noise), without any fit.
"""

from dataclasses import dataclass

import numpy as np

from ionlab.cells import Cell
from ionlab.errors import BadValue, known, positive
from ionlab.simulate import pace

STEP = 0.05  # of a log conductance, to each side
SHIFT_mV = 1.0  # of a steady state, to each side
UPSTROKE_mV = 3.0  # per ms: where V moves faster, a difference is one of timing, and is left out


@dataclass(frozen=True)
class Sensitivity:
    """Derivatives of the observables by P changes, along beats of N cycle lengths, M samples.

    Attributes
    ----------
    cell : the cell.
    names : of the changes: currents (log conductance) and gates (shift of h_inf in mV).
    V_mV : (P, M) per unit of the change.
    Ca_i : (P, M), as a part of the range of Ca_i; None for a cell without it.
    """

    cell: Cell
    names: tuple[str, ...]
    V_mV: np.ndarray
    Ca_i: np.ndarray | None

    def select(self, names):
        """Return the sensitivity to these changes alone: all others are known not to happen."""
        rows = [self.names.index(known("change", name, self.names)) for name in names]
        Ca_i = None if self.Ca_i is None else self.Ca_i[rows]
        return Sensitivity(self.cell, tuple(names), self.V_mV[rows], Ca_i)

    def alike(self, one, other):
        """Return how alike two changes look in V: the cosine between them, 1 for the same."""
        a, b = self.select([one, other]).V_mV
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))

    def errors(self, sigma_mV, sigma_Ca=None, beats=1):
        """Return change -> standard error of the best unbiased estimate.

        sigma_mV : of white noise in V at 1 kHz. sigma_Ca : of that in Ca_i, as a part of its
        range; None where Ca_i is not seen. beats : that are averaged.
        """
        positive("the noise of V (mV)", sigma_mV, "Try 0.5.")
        positive("the number of beats", beats, "Try 10.")
        seen = [self.V_mV / sigma_mV]
        if sigma_Ca is not None:
            positive("the noise of Ca_i", sigma_Ca, "Try 0.02, 2 % of its range.")
            if self.Ca_i is None:
                raise BadValue(f"{self.cell.name} has no Ca_i. Leave sigma_Ca out.")
            seen.append(self.Ca_i / sigma_Ca)
        J = np.sqrt(beats) * np.concatenate(seen, 1)
        covariance = np.linalg.inv(J @ J.T)
        return dict(zip(self.names, np.sqrt(np.diag(covariance)).tolist(), strict=True))


def sensitivity(cell, cycle_lengths_ms, shifts=()):
    """Return the `Sensitivity` of a paced cell to its conductances and to shifts of gates.

    Central differences of paced cells; `shifts` names gates.

    >>> from ionlab.cells import hodgkin_huxley1952 as axon
    >>> found = sensitivity(axon, [20.0], ["n"])
    >>> found.names
    ('I_Na', 'I_K', 'I_L', 'shift of n')
    """
    pairs = {
        current: [cell.perturbed(**{g: np.exp(sign * STEP)}) for sign in (1, -1)]
        for current, g in cell.conductances.items()
    }
    for gate in shifts:
        pairs[f"shift of {gate}"] = [
            cell.with_moved_gate(gate, sign * SHIFT_mV) for sign in (1, -1)
        ]
    lengths = np.asarray(cycle_lengths_ms, float)
    span = float(lengths.max())
    whole = span * np.ceil(20_000.0 / span)
    cells = [cell, *(c for pair in pairs.values() for c in pair)]
    traces = pace(cells, lengths, whole, span)
    steps = np.array([SHIFT_mV if name.startswith("shift") else STEP for name in pairs])

    def derivatives(state):
        x = traces[state].reshape(len(cells), len(lengths), -1)
        return x[0], (x[1::2] - x[2::2]) / (2.0 * steps[:, None, None])

    V, dV = derivatives(cell.observables[0])
    calm = np.abs(np.gradient(V, traces.t_ms, axis=-1)) < UPSTROKE_mV
    Ca_i = None
    if "Ca_i" in cell.observables:
        Ca, dCa = derivatives("Ca_i")
        Ca_i = dCa[:, calm] / np.ptp(Ca)
    return Sensitivity(cell, tuple(pairs), dV[:, calm], Ca_i)
