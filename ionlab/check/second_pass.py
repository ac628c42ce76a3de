"""Checks of lesson 7: what is retrained, the loss with its eta term, the choice of eta."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["chosen_eta", "loss_of_second_pass", "retrained_parts"]

PARTS = ("phi1", "gating layer", "phi2", "LSTM", "phi3")


@exercise()
def retrained_parts(parts):
    """Only the gating layer moves: phi1 and all of N2 are frozen."""
    if isinstance(parts, str):
        return 'a set of names is asked for, such as {"phi1", "phi2"}.'
    parts = set(parts)
    unknown = parts - set(PARTS)
    if unknown:
        return f"the parts are {', '.join(PARTS)}; got {', '.join(map(str, sorted(unknown)))}."
    if "gating layer" not in parts:
        return "then no gate could change, and the gates are what we want to learn about."
    if parts & {"phi2", "LSTM", "phi3"}:
        return (
            "phi2, the LSTM and phi3 are N2: they know what the gates do to V. Retrained, they "
            "could explain any V with the gates unchanged."
        )
    if "phi1" in parts:
        return (
            "phi1 is shared by all gates: retrained, it would move every gate at once, and a "
            "change could not be put down to one of them."
        )


@exercise(points=2)
def loss_of_second_pass(loss):
    """The observables are fitted in the square, the gates held by the absolute value: Eq. 2.6.2."""
    rng = np.random.default_rng(7)
    for eta in (0.3, 2.0):
        predicted, observed, gates, theory = rng.uniform(size=(4, 6, 3))
        got = float(ask(loss, predicted, observed, gates, theory, eta))
        fit, away = np.mean((predicted - observed) ** 2), np.abs(gates - theory).mean()
        wanted = fit + eta * away
        mistakes = {
            fit + eta * np.mean((gates - theory) ** 2): (
                "the eta term is squared, which is L2: it shares a change out among many gates. "
                "L1, the mean of the absolute values, leaves most gates alone."
            ),
            fit + eta * np.abs(gates - observed).mean(): (
                "the gates are compared with the observables; Eq. 2.6.2 compares them with the "
                "gates of the theory, N1(v)."
            ),
            fit + eta * np.abs(predicted - observed).mean(): (
                "the eta term compares observables; it must compare the retrained gates with the "
                "gates of the theory."
            ),
            fit + away: "eta is missing: it weighs the departure of the gates.",
            np.abs(predicted - observed).mean() + eta * away: (
                "the misfit of the observables is L2, the mean of the squares."
            ),
            fit - eta * away: "the eta term is a penalty: it is added.",
            fit + eta * (gates - theory).mean(): (
                "departures of both signs cancel: take the absolute value of each first."
            ),
            fit: "that is Eq. 2.6.1: the eta term is still to be added.",
        }
        for value, why in mistakes.items():
            if np.isclose(got, value, rtol=1e-4) and not np.isclose(value, wanted, rtol=1e-4):
                return why
        if np.isclose(got, 6 * 3 * wanted, rtol=1e-4):
            return "take means, not sums: else eta would depend on how long the recording is."
        if not np.isclose(got, wanted, rtol=1e-4):
            return f"for these arrays and eta = {eta} it should give {wanted:.4f}, got {got:.4f}."


@exercise()
def chosen_eta(choose):
    """The largest eta that still fits: as near to the theory as the recording allows."""
    tables = (
        ([1e-4, 3e-4, 1e-3, 3e-3], [1.00, 1.02, 1.06, 1.90], [0.030, 0.020, 0.012, 0.002]),
        ([1e-4, 2e-4, 4e-4], [2.0, 2.1, 3.0], [0.05, 0.04, 0.01]),
        ([1e-4, 2e-4, 4e-4], [1.05, 1.0, 1.08], [0.05, 0.04, 0.01]),
    )
    for eta, misfit, drift in (map(np.array, table) for table in tables):
        got = float(ask(choose, eta, misfit, drift, 0.1))
        fits = misfit <= 1.1 * misfit.min()
        wanted = eta[fits].max()
        if np.isclose(got, wanted):
            continue
        said = f"eta {eta.tolist()}, misfit {misfit.tolist()}: {wanted:g} is asked for, got {got:g}"
        if np.isclose(got, eta[misfit.argmin()]):
            return f"{said}. The lowest misfit is not the aim: gates may then drift for nothing."
        if np.isclose(got, eta[fits].min()):
            return f"{said}. Of those that fit, the largest eta is nearest to the theory."
        if np.isclose(got, eta.max()):
            return f"{said}. The least drift alone is no aim: the network must still fit."
        return f"{said}. Take those with a misfit of at most (1 + tolerance) times the lowest."
