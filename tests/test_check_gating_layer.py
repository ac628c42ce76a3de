"""Lesson 5's checks: the right answer, the untouched stub, typical mistakes.

Oracle: the equations of section 2.4, written here once more.
"""

import numpy as np
from exercises import judged


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def layer(x, h, W_inf, b_inf, W_tau, b_tau):
    h_inf, rho = sigmoid(x @ W_inf + b_inf), sigmoid(x @ W_tau + b_tau)
    return rho * h + (1 - rho) * h_inf


def no_sigmoid(x, h, W_inf, b_inf, W_tau, b_tau):
    rho = sigmoid(x @ W_tau + b_tau)
    return rho * h + (1 - rho) * (x @ W_inf + b_inf)


def no_state(x, h, W_inf, b_inf, W_tau, b_tau):
    return sigmoid(x @ W_inf + b_inf)


RIGHT = {
    "gating_step": lambda h, h_inf, rho: h_inf + rho * (h - h_inf),
    "step_of_any_length": lambda rho, dt: np.exp(dt * np.log(rho)),
    "hand_layer": layer,
}
WRONG = [
    ("gating_step", lambda h, h_inf, rho: (1 - rho) * h + rho * h_inf, "changed places"),
    ("gating_step", lambda h, h_inf, rho: rho * h + h_inf, "1 - rho"),
    ("gating_step", lambda h, h_inf, rho: 1.05 * (rho * h + (1 - rho) * h_inf), "should give"),
    ("step_of_any_length", lambda rho, dt: rho * dt, "proportion"),
    ("step_of_any_length", lambda rho, dt: rho ** (1 / dt), "upside down"),
    ("hand_layer", no_sigmoid, "needs its sigmoid"),
    ("hand_layer", no_state, "h must appear"),
    ("hand_layer", lambda *given: layer(*given)[:1], "gates in"),
]
TestAnswers = judged(RIGHT, WRONG)
