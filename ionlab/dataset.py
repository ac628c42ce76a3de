"""Simulated runs as training data: the normaliser, and sequences to train on and to validate."""

from dataclasses import dataclass

import numpy as np

from ionlab.cells import Cell
from ionlab.errors import BadValue
from ionlab.simulate import Traces


@dataclass(frozen=True)
class Normaliser:
    """Min-max scaling per state: x = (u - low) / (high - low), with low, high (S,)."""

    low: np.ndarray
    high: np.ndarray

    def forward(self, u):
        """Physical (..., S) -> normalised (..., S)."""
        return (u - self.low) / (self.high - self.low)

    def inverse(self, x):
        """Normalised (..., S) -> physical (..., S)."""
        return self.low + x * (self.high - self.low)

    def range_of(self, cell, names):
        """Return low and high, each (len(names),), of these states of the cell."""
        at = [cell.state_names.index(name) for name in names]
        return self.low[at], self.high[at]

    @classmethod
    def of(cls, cell, *values):
        """Span the given runs (..., S, T) and the gates' steady states from -100.5 to 50.5 mV.

        The voltage-clamp steady states are part of the paper's normaliser (author's code).
        """
        low = np.min([v.min((0, 2)) for v in values], 0)
        high = np.max([v.max((0, 2)) for v in values], 0)
        V = np.arange(-100.5, 51.0)
        for gate, kinetics in cell.gates(cell.at(V=V)).items():
            k = cell.state_names.index(gate)
            low[k] = min(low[k], kinetics.h_inf.min())
            high[k] = max(high[k], kinetics.h_inf.max())
        low[0], high[0] = min(low[0], V[0]), max(high[0], V[-1])
        return cls(low, high)


@dataclass(frozen=True)
class Sequences:
    """Normalised runs with the names of their states: x (N, T, S) of one cell.

    train, validation : indices of the runs; validation data are never trained on.
    """

    cell: Cell
    x: np.ndarray
    normaliser: Normaliser
    train: np.ndarray
    validation: np.ndarray

    @classmethod
    def from_traces(cls, traces: Traces, normaliser=None, n_validation=0, seed=0):
        """Take all runs of `traces`; `n_validation` of them, drawn by `seed`, are kept aside.

        >>> from ionlab.cells import hodgkin_huxley1952 as axon
        >>> from ionlab.simulate import pace
        >>> traces = pace(axon, [20.0, 30.0], duration_ms=100.0, record_last_ms=50.0)
        >>> Sequences.from_traces(traces).x.shape
        (2, 50, 4)
        """
        traces.check()
        if not 0 <= n_validation < len(traces):
            raise BadValue(
                f"validation needs 0 to {len(traces) - 1} of the {len(traces)} sequences, "
                f"got {n_validation}."
            )
        cell = traces.cells[0]
        normaliser = normaliser or Normaliser.of(cell, traces.values)
        order = np.random.default_rng(seed).permutation(len(traces))
        return cls(
            cell=cell,
            x=normaliser.forward(traces.values.transpose(0, 2, 1)).astype(np.float32),
            normaliser=normaliser,
            train=np.sort(order[n_validation:]),
            validation=np.sort(order[:n_validation]),
        )

    def columns(self, names):
        """Return the normalised states of these names, (N, T, len(names))."""
        return self.x[..., [self.cell.state_names.index(n) for n in names]]
