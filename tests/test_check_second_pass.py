"""The checks of lesson 7. The oracle is Eq. 2.6.2, and tables whose choice is read by eye."""

import numpy as np
from exercises import judged


def loss(predicted, observed, gates, theory, eta):
    return np.mean((predicted - observed) ** 2) + eta * np.mean(np.abs(gates - theory))


def chosen(eta, misfit, drift, tolerance):
    return np.max(eta[misfit <= (1 + tolerance) * misfit.min()])


RIGHT = {
    "retrained_parts": {"gating layer"},
    "loss_of_second_pass": loss,
    "chosen_eta": chosen,
}
WRONG = [
    ("retrained_parts", {"gating layer", "phi3"}, "N2"),
    ("retrained_parts", {"gating layer", "phi1"}, "shared by all gates"),
    ("retrained_parts", set(), "no gate could change"),
    ("retrained_parts", {"gating"}, "the parts are"),
    ("retrained_parts", "gating layer", "a set"),
    (
        "loss_of_second_pass",
        lambda p, o, g, t, eta: np.mean((p - o) ** 2) + eta * np.mean((g - t) ** 2),
        "L2",
    ),
    (
        "loss_of_second_pass",
        lambda p, o, g, t, eta: np.mean((p - o) ** 2) + eta * np.mean(np.abs(g - o)),
        "compared with the observables",
    ),
    (
        "loss_of_second_pass",
        lambda p, o, g, t, eta: np.mean((p - o) ** 2) + eta * np.mean(np.abs(p - o)),
        "compares observables",
    ),
    ("loss_of_second_pass", lambda p, o, g, t, eta: np.mean((p - o) ** 2), "Eq. 2.6.1"),
    (
        "loss_of_second_pass",
        lambda p, o, g, t, eta: np.mean((p - o) ** 2) + np.mean(np.abs(g - t)),
        "eta is missing",
    ),
    (
        "loss_of_second_pass",
        lambda p, o, g, t, eta: np.sum((p - o) ** 2) + eta * np.sum(np.abs(g - t)),
        "means, not sums",
    ),
    ("loss_of_second_pass", lambda *given: 1.05 * loss(*given), "should give"),
    ("chosen_eta", lambda eta, misfit, drift, tol: eta[misfit.argmin()], "not the aim"),
    ("chosen_eta", lambda eta, misfit, drift, tol: eta[drift.argmin()], "must still fit"),
    ("chosen_eta", lambda eta, misfit, drift, tol: 1.05 * chosen(eta, misfit, drift, tol), "(1 +"),
]
TestAnswers = judged(RIGHT, WRONG)
