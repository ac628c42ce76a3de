"""Checks of lesson 3: rates and curves of a gate, a current, its gates, one Rush-Larsen step."""

import math

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["gate_currents", "rates_to_gate", "rush_larsen_update", "sodium_current"]

RATES = [(3.0, 1.0), (0.2, 1.8), (0.05, 0.05), (12.0, 0.0)]  # alpha, beta in 1/ms
CURRENTS = {
    **dict.fromkeys(("m", "h", "j"), "I_Na"),
    **dict.fromkeys(("d", "f"), "I_CaL"),
    **dict.fromkeys(("r", "s"), "I_to"),
    **dict.fromkeys(("xr1", "xr2"), "I_Kr"),
    "xs": "I_Ks",
}  # Iravanian 2020, section 3
SODIUM = [  # m, h, j, V (mV), E_Na (mV), g_Na
    (0.9, 0.6, 0.7, -20.0, 66.0, 14.838),
    (0.5, 0.2, 0.9, 80.0, 66.0, 14.838),
    (1.0, 1.0, 0.3, -60.0, 50.0, 120.0),
]
STEPS = [(0.1, 0.8, 2.0, 1.0), (0.9, 0.2, 5.0, 0.5), (0.3, 1.0, 0.5, 3.0)]  # m, m_inf, tau, dt


def _is(got, wanted):
    return np.shape(got) == np.shape(wanted) and np.allclose(got, wanted, rtol=1e-6, atol=1e-9)


@exercise()
def rates_to_gate(curves):
    """The steady state is the share of alpha, and the time constant one over the sum."""
    for alpha, beta in RATES:
        given = f"alpha = {alpha:g} and beta = {beta:g} per ms"
        got = ask(curves, alpha, beta)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            return f"return two numbers, m_inf and tau; {given} gave {got!r}."
        m_inf, tau = (float(x) for x in got)
        wanted, slow = alpha / (alpha + beta), 1.0 / (alpha + beta)
        if _is(m_inf, slow) and _is(tau, wanted) and not _is(wanted, slow):
            return "m_inf and tau have changed places: m_inf comes first."
        if not _is(m_inf, wanted):
            if alpha != beta and _is(m_inf, alpha / (alpha - beta)):
                return (
                    "m_inf has alpha - beta below the line. Set m' = 0 in Eq. 2.2.1: alpha = "
                    "(alpha + beta) m. A share of two rates never leaves the range 0 to 1."
                )
            if _is(m_inf, beta / (alpha + beta)):
                return "that m_inf is the closed share; alpha is the rate at which gates open."
            return f"for {given} m_inf should be {wanted:.4f}, got {m_inf:.4g}."
        if not _is(tau, slow):
            if _is(tau, alpha + beta):
                return (
                    "tau is a time: it is one over the sum of the rates. As you have it, a gate "
                    "with fast rates would be slow."
                )
            if _is(tau, 1.0 / alpha):
                return "closing counts as well: tau is 1/(alpha + beta), not 1/alpha."
            return f"for {given} tau should be {slow:.4f} ms, got {tau:.4g}."


@exercise()
def sodium_current(current):
    """Conductance, open share m^3 h j, driving force: negative below E_Na, which is inward."""
    for m, h, j, V, E_Na, g_Na in SODIUM:
        got, open_share = float(ask(current, m, h, j, V, E_Na, g_Na)), m**3 * h * j
        wanted = g_Na * open_share * (V - E_Na)
        if _is(got, wanted):
            continue
        given = f"m = {m:g}, h = {h:g}, j = {j:g}, V = {V:g} mV, E_Na = {E_Na:g} mV"
        if _is(got, -wanted):
            return (
                "the driving force is V - E_Na: below E_Na sodium flows inward, and an inward "
                "current is negative here."
            )
        if _is(got, g_Na * m * h * j * (V - E_Na)):
            return "three m gates stand in a row in each channel: m enters as m^3."
        if _is(got, g_Na * open_share):
            return "the driving force V - E_Na is missing: that is a conductance, not a current."
        if _is(got, g_Na * open_share * V):
            return "the driving force is V - E_Na, not V: the current must vanish at E_Na."
        if _is(got, open_share * (V - E_Na)):
            return "the conductance g_Na is missing: how much current does one millivolt drive?"
        return f"for {given}, g_Na = {g_Na:g} it should be {wanted:.5g}, got {got:.5g}."


@exercise(points=2)
def gate_currents(named):
    """Ten gates, five currents, as section 3 of the paper lists them."""
    if not isinstance(named, dict):
        return f"give a dictionary, gate -> current, as in the cell above; got {named!r}."
    if any(value is ... for value in named.values()):
        left = [gate for gate, value in named.items() if value is ...]
        if len(left) == len(named):
            return ask(lambda: ...)
        return f"still without a current: {', '.join(map(str, left))}."
    missing = [gate for gate in CURRENTS if gate not in named]
    extra = [str(gate) for gate in named if gate not in CURRENTS]
    if extra:
        return f"{', '.join(extra)}: not among the ten classic gates of this cell."
    if missing:
        return f"ten gates, please; missing: {', '.join(missing)}."
    wrong = [gate for gate in CURRENTS if named[gate] != CURRENTS[gate]]
    for pair, hint in (
        (("r", "s"), "r and s are the gates of the transient outward potassium current"),
        (("xs",), "xs is the slow one of the two delayed rectifiers: s for slow"),
        (("xr1", "xr2"), "the r in xr1 and xr2 stands for rapid"),
        (("d", "f"), "d and f let calcium in"),
        (("m", "h", "j"), "m, h and j stand in Eq. 2.2.6"),
    ):
        if set(pair) & set(wrong):
            return f"{len(wrong)} of 10 are wrong. One hint: {hint}."


@exercise(points=2)
def rush_larsen_update(step):
    """The exact solution over one step, for rates that stand still meanwhile: Eq. 2.2.8."""
    for m, m_inf, tau, dt in STEPS:
        got, kept = float(ask(step, m, m_inf, tau, dt)), math.exp(-dt / tau)
        wanted = m_inf + (m - m_inf) * kept
        if _is(got, wanted):
            continue
        given = f"m = {m:g}, m_inf = {m_inf:g}, tau = {tau:g} ms, dt = {dt:g} ms"
        if _is(got, m + dt * (m_inf - m) / tau):
            return (
                "that is Euler's step: it follows the slope at the start for all of dt. The slope "
                "becomes flatter on the way; use the exact solution."
            )
        if _is(got, m_inf + (m - m_inf) / kept):
            return "exp(+dt/tau) makes the distance to m_inf grow; it must shrink: exp(-dt/tau)."
        if _is(got, m + (m_inf - m) * kept):
            return (
                "m and m_inf have changed places: with a very long step, exp(-dt/tau) is 0 and the "
                "gate must stand at m_inf."
            )
        if _is(got, m_inf + (m - m_inf) * math.exp(-tau / dt)):
            return "the exponent is upside down: a longer dt must leave less of the distance."
        return f"for {given} it should be {wanted:.5f}, got {got:.5g}."
