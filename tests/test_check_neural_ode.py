"""The checks of lesson 8. The oracle is the formula of the paper, or of Euler's method."""

import numpy as np
from exercises import judged

RIGHT = {
    "time_constant_of": lambda rho, dt_ms: -dt_ms / np.log(rho),
    "gate_slope": lambda h, h_inf, tau_ms: (h_inf - h) / tau_ms,
    "largest_step": lambda rates: 2.0 / np.abs(np.min(rates)),
}
WRONG = [
    ("time_constant_of", lambda rho, dt_ms: dt_ms / np.log(rho), "minus sign"),
    ("time_constant_of", lambda rho, dt_ms: -dt_ms / np.log10(rho), "natural logarithm"),
    ("time_constant_of", lambda rho, dt_ms: -1.0 / np.log(rho), "dt is missing"),
    ("time_constant_of", lambda rho, dt_ms: -np.log(rho) / dt_ms, "upside down"),
    ("time_constant_of", lambda rho, dt_ms: -1.05 * dt_ms / np.log(rho), "should give"),
    ("gate_slope", lambda h, h_inf, tau_ms: (h - h_inf) / tau_ms, "order"),
    ("gate_slope", lambda h, h_inf, tau_ms: (h_inf - h) * tau_ms, "divide by tau"),
    ("gate_slope", lambda h, h_inf, tau_ms: h_inf / tau_ms - h, "brackets"),
    ("gate_slope", lambda h, h_inf, tau_ms: 1.05 * (h_inf - h) / tau_ms, "should give"),
    ("largest_step", lambda rates: 1.0 / np.abs(np.min(rates)), "falls to zero"),
    ("largest_step", lambda rates: 2.0 / np.min(np.abs(rates[rates < 0])), "slowest"),
    ("largest_step", lambda rates: 2.0 / np.min(rates), "positive"),
]
TestAnswers = judged(RIGHT, WRONG)
