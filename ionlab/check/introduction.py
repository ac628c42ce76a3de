"""Checks of lesson 1: which states are hidden, and how far two recordings are apart."""

import numpy as np

from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.check.verdict import ask, exercise

__all__ = ["hidden_names", "rms_apart"]


@exercise()
def hidden_names(hidden):
    """Hidden is every state that is not among the observables: 15 of 17 in the M cell."""
    for cell in (tentusscher2004, hodgkin_huxley1952):
        got = ask(hidden, cell)
        if isinstance(got, int):
            return f"the names are asked for, not how many there are; got {got}."
        got, wanted = list(got), [n for n in cell.state_names if n not in cell.observables]
        if sorted(got) == sorted(wanted):
            continue
        seen = [name for name in cell.observables if name in got]
        if sorted(got) == sorted(cell.observables):
            return "these are the observables; asked are all the others."
        if seen:
            return f"{' and '.join(seen)} can be measured in {cell.title}, so not hidden."
        if sorted(got) == sorted(cell.gate_names):
            return (
                "these are the classic gates; there are other hidden states, such as "
                f"{', '.join(n for n in wanted if n not in got)}."
            )
        missing = [name for name in wanted if name not in got]
        if missing:
            return f"{cell.title}: {', '.join(missing)} is hidden as well."
        return f"{cell.title} has {len(wanted)} hidden states, each once; got {len(got)}."


@exercise()
def rms_apart(rms):
    """Square, mean, root: a large error of short duration counts, and signs do not cancel."""
    t = np.linspace(0.0, 1.0, 1001)
    pairs = (
        (np.sin(2 * np.pi * t), np.zeros_like(t)),
        (np.array([0.0, 3.0, 0.0, 0.0]), np.array([0.0, 0.0, 4.0, 0.0])),
        (np.full(5, -86.0), np.full(5, -84.0)),
    )
    for a, b in pairs:
        away = a - b
        got, wanted = float(ask(rms, a.copy(), b.copy())), float(np.sqrt(np.mean(away**2)))
        if abs(got - wanted) < 1e-6 + 1e-4 * wanted:
            continue
        for name, mistake in (
            ("the mean difference: signs cancel, and a sine would be no error", np.mean(away)),
            ("the mean of the absolute differences; square them instead", np.abs(away).mean()),
            ("the mean square, in mV squared; its root is asked for", np.mean(away**2)),
            ("the root of the sum: divide by the number of samples", np.sqrt(np.sum(away**2))),
            ("the largest difference, which says nothing of the rest", np.abs(away).max()),
        ):
            if abs(got - mistake) < 1e-9 and abs(mistake - wanted) > 1e-6:
                return f"that is {name}."
        return (
            f"the traces {a[:4].round(2)}... and {b[:4].round(2)}... should give {wanted:.4f}, "
            + (f"got {got:.4f}.")
        )
