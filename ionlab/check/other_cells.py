"""Checks of lesson 16: which slope a classic gate has, its kinetics, what a drug did."""

import numpy as np

from ionlab.cells import hodgkin_huxley1952 as axon
from ionlab.check.verdict import ask, exercise

__all__ = ["classic_slope", "drug_effects", "kinetics_of_slopes"]


def _gate(name):
    """The slope of a gate of the squid axon as a function of its own value and of V."""

    def slope(x, V):
        h_inf, tau_ms = axon.gates(axon.at(V=V))[name]
        return (h_inf - x) / tau_ms

    return slope


SLOPES = (  # slope(x, V), whether it is classic, what to say of a wrong answer
    (_gate("m"), True, "the slope of m of the squid axon is a falling line: it is classic."),
    (_gate("h"), True, "h closes where m opens, and its slope is a falling line, too."),
    (
        lambda x, V: 0.05 * x * (1 - x) - 0.001 * x + 0.0 * V,
        False,
        "x (1 - x) bends: three points of a classic slope lie on one line.",
    ),
    (
        lambda x, V: (0.3 - x) / 5.0 + 1e-4 * V * x * (1 - x),
        False,
        "one voltage is not enough: this slope is a line at 0 mV and bends elsewhere.",
    ),
    (
        lambda x, V: (x - 0.3) / 5.0 + 0.0 * V,
        False,
        "a gate returns to its steady state: a slope that rises with x runs away from it.",
    ),
    (
        lambda x, V: (1.5 - x) / 5.0 + 0.0 * V,
        False,
        "the steady state must lie from 0 to 1; this line crosses zero at 1.5.",
    ),
)


@exercise(points=2)
def classic_slope(classic):
    """At every voltage a line that falls through zero between 0 and 1: alpha (1 - x) - beta x."""
    for slope, wanted, words in SLOPES:
        got = ask(classic, slope)
        if not isinstance(got, bool | np.bool_):
            return f"return True or False; got {got!r}."
        if got != wanted:
            return words


def _off(got, wanted):
    return not np.allclose(np.asarray(got, float), wanted, rtol=1e-6, atol=1e-12)


@exercise()
def kinetics_of_slopes(kinetics):
    """The slope at 0 is alpha, that at 1 is -beta; all else is Eqs. 2.2.3 and 2.2.4."""
    for h_inf, tau in ((0.25, 4.0), (0.9, 0.2)):
        alpha, beta = h_inf / tau, (1.0 - h_inf) / tau
        got = ask(kinetics, alpha, -beta)
        if np.shape(got) != (2,):
            return f"return two numbers, h_inf and tau; got {got!r}."
        if not _off(got, (h_inf, tau)):
            continue
        if not _off(got, (tau, h_inf)):
            return "the other way round: h_inf first, then tau."
        if not _off(got, (alpha / (alpha - beta), 1.0 / (alpha - beta))):
            return "the slope at 1 is -beta, so alpha + beta is the difference of the slopes."
        if not _off(got[0], h_inf):
            return "tau should be one over the difference of the slopes, 1 / (alpha + beta)."
        if not _off(got[1], tau):
            return "h_inf is where the line crosses zero: slope at 0, times tau."
        return f"slopes {alpha:g} and {-beta:g} should give {h_inf:g} and {tau:g} ms."


@exercise()
def drug_effects(effects):
    """What the drug did is the treated animal over the same animal before, current by current."""
    control = {"I_K": 1.25, "I_si": 0.8, "I_K1": 0.8}
    treated = {"I_K1": 0.8, "I_K": 0.5, "I_si": 0.6}
    got = ask(effects, control, treated)
    if not isinstance(got, dict) or set(got) != set(control):
        return f"return a dict with the currents {', '.join(control)}; got {got!r}."
    names = list(control)
    x, y = (np.array([side[name] for name in names]) for side in (control, treated))
    got = [got[name] for name in names]
    if _off(got, y / x):
        if not _off(got, y):
            return "these are the gains over the model: the control has gains of its own."
        if not _off(got, x / y):
            return "treated over control, not control over treated."
        if not _off(got, y - x):
            return "a ratio, not a difference: half of a current is 0.5 whatever it was."
        if not _off(got, np.array(list(treated.values())) / x):
            return "take the gains by name: the two dicts are not in the same order."
        return "control 1.25 and treated 0.5 should give 0.4."
