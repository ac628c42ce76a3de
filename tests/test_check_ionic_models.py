"""The checks of lesson 3: right answers, untouched stubs, and mistakes that are named."""

import numpy as np
from exercises import judged

from ionlab.cells import tentusscher2004 as cell


def rates(alpha, beta):
    return alpha / (alpha + beta), 1 / (alpha + beta)


def sodium(m, h, j, V, E_Na, g_Na):
    return g_Na * m**3 * h * j * (V - E_Na)


def rush_larsen(m, m_inf, tau_ms, dt_ms):
    return m_inf + (m - m_inf) * np.exp(-dt_ms / tau_ms)


def found_in_the_equations():
    """Which membrane current changes when one gate does: the oracle of the ten names."""
    named = {}
    for gate in cell.gate_names:
        low, high = (
            cell.equations.currents(cell.at(**{**HALF, gate: x}), cell.p) for x in (0.3, 0.7)
        )
        (named[gate],) = (
            name
            for name, a, b in zip(cell.current_names, low, high, strict=True)
            if abs(a - b) > 1e-9
        )
    return named


HALF = dict.fromkeys(cell.gate_names, 0.5)
RIGHT = {
    "rates_to_gate": rates,
    "sodium_current": sodium,
    "gate_currents": found_in_the_equations(),
    "rush_larsen_update": rush_larsen,
}
SWAPPED = {**RIGHT["gate_currents"], "xs": "I_Kr"}
WRONG = [
    ("rates_to_gate", lambda a, b: (a / (a - b) if a != b else 0.5, 1 / (a + b)), "alpha - beta"),
    ("rates_to_gate", lambda a, b: (a / (a + b), 1 / a), "1/alpha"),
    ("rates_to_gate", lambda a, b: (a / (a + b), a + b), "one over the sum"),
    ("rates_to_gate", lambda a, b: (b / (a + b), 1 / (a + b)), "closed share"),
    ("rates_to_gate", lambda a, b: (1 / (a + b), a / (a + b)), "changed places"),
    ("rates_to_gate", lambda a, b: 1.05 * a / (a + b), "two numbers"),
    ("rates_to_gate", lambda a, b: (1.05 * a / (a + b), 1 / (a + b)), "should be 0.7500"),
    ("rates_to_gate", lambda a, b: (a / (a + b), 1.05 / (a + b)), "should be 0.2500 ms"),
    ("sodium_current", lambda m, h, j, V, E, g: g * m * h * j * (V - E), "m^3"),
    ("sodium_current", lambda m, h, j, V, E, g: g * m**3 * h * j, "driving force"),
    ("sodium_current", lambda m, h, j, V, E, g: g * m**3 * h * j * V, "vanish at E_Na"),
    ("sodium_current", lambda m, h, j, V, E, g: g * m**3 * h * j * (E - V), "inward"),
    ("sodium_current", lambda m, h, j, V, E, g: m**3 * h * j * (V - E), "conductance g_Na"),
    ("sodium_current", lambda *x: 1.05 * sodium(*x), "should be -390.71"),
    ("gate_currents", SWAPPED, "s for slow"),
    ("gate_currents", {**RIGHT["gate_currents"], "r": "I_Kr", "s": "I_Ks"}, "2 of 10"),
    ("gate_currents", {**RIGHT["gate_currents"], "xs": ...}, "without a current: xs"),
    ("gate_currents", {**RIGHT["gate_currents"], "fCa": "I_CaL"}, "fCa"),
    ("gate_currents", {"m": "I_Na"}, "missing: h"),
    ("gate_currents", ["I_Na"], "dictionary"),
    ("rush_larsen_update", lambda m, i, tau, dt: m + dt * (i - m) / tau, "Euler"),
    ("rush_larsen_update", lambda m, i, tau, dt: i + (m - i) * np.exp(dt / tau), "grow"),
    ("rush_larsen_update", lambda m, i, tau, dt: m + (i - m) * np.exp(-dt / tau), "m_inf"),
    ("rush_larsen_update", lambda m, i, tau, dt: i + (m - i) * np.exp(-tau / dt), "upside down"),
    ("rush_larsen_update", lambda *x: 1.05 * rush_larsen(*x), "should be 0.37543"),
]
TestAnswers = judged(RIGHT, WRONG)
