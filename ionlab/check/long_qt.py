"""Checks of lesson 10: a ratio of areas, the current that changed, a shift that mimics a factor."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["area_ratio", "changed_current", "xr2_shift"]

SLOPE_mV = 24.0  # of xr2_inf = 1 / (1 + exp((V + 88) / 24)), ten Tusscher 2004


@exercise()
def area_ratio(ratio):
    """The ratio of two integrals over the magnitude of a current, treated over control."""
    t = np.concatenate([np.arange(10.0), np.arange(10.0, 12.0, 0.1), np.arange(12.0, 60.0)])
    control = 2.0 * np.exp(-(((t - 11.0) / 0.6) ** 2)) - 0.4 * np.exp(-(((t - 35.0) / 9.0) ** 2))
    treated = 0.4 * np.exp(-(((t - 11.0) / 0.6) ** 2)) - 0.7 * np.exp(-(((t - 35.0) / 9.0) ** 2))
    x, y = (np.trapezoid(np.abs(I), t) for I in (control, treated))
    got = float(ask(ratio, t, control, treated))
    near = lambda value: np.isclose(got, value, rtol=2e-3)  # noqa: E731
    if near(y / x):
        return None
    if near(x / y):
        return "it is upside down: treated over control, so that a halved current gives 0.5."
    if near(np.trapezoid(treated, t) / np.trapezoid(control, t)):
        return (
            "the areas are signed, so that the inward and the outward part of a current cancel. "
            "Take the magnitude first."
        )
    if near(np.abs(treated).sum() / np.abs(control).sum()):
        return (
            "samples do not stand for equal times: they are 0.1 ms apart around the upstroke and "
            "1 ms elsewhere. Integrate over t_ms."
        )
    with np.errstate(all="ignore"):
        pointwise = treated / control, np.abs(treated / control)
    if any(near(np.mean(p)) or near(np.nanmean(p)) for p in pointwise):
        return (
            "a mean of ratios gives as much weight to the samples where hardly any current flows. "
            "Take the ratio of the two areas."
        )
    return f"for the two test currents the ratio is {y / x:.3f}, got {got:.3f}."


@exercise()
def changed_current(name_of):
    """The current with the largest log ratio in size: halved and doubled count the same."""
    rows = (
        ({"I_Na": 1.3, "I_CaL": 1.0, "I_Kr": 0.5, "I_Ks": 0.9}, "I_Kr"),
        ({"I_Na": 2.5, "I_CaL": 1.1, "I_Kr": 0.25, "I_Ks": 0.8}, "I_Kr"),
        ({"I_Na": 0.5, "I_CaL": 0.9, "I_Kr": 1.0, "I_to": 3.0}, "I_to"),
    )
    for ratios, wanted in rows:
        got = ask(name_of, dict(ratios))
        if got == wanted:
            continue
        said = ", ".join(f"{name} {x:g}" for name, x in ratios.items())
        if got not in ratios:
            return f"return the name of a current, one of {', '.join(ratios)}; got {got!r}."
        if got == min(ratios, key=ratios.get):
            return f"of {said} yours takes the smallest ratio: a current that grew is never found."
        if got == max(ratios, key=lambda name: abs(ratios[name] - 1)):
            return (
                f"of {said} yours takes the largest difference from 1. A current cannot fall by "
                "more than 1, but grow by much more: a factor of 4 down is more than 2.5 up."
            )
        if got == max(ratios, key=ratios.get):
            return f"of {said} yours takes the largest ratio: a current that was cut is never found"
        return f"of {said} it should name {wanted}, got {got}."
    return None


@exercise()
def xr2_shift(shift_mV):
    """24 mV times the logarithm of the factor: half the current is a shift by -16.6 mV."""
    for factor in (0.5, 0.25, 0.8, 2.0):
        got, wanted = float(ask(shift_mV, factor)), SLOPE_mV * np.log(factor)
        if np.isclose(got, wanted, rtol=5e-3):
            continue
        if np.isclose(got, -wanted, rtol=5e-3):
            return (
                "the sign is wrong: xr2_inf falls with V, so to lower it at a given voltage the "
                "curve must move to the left, to more negative voltages."
            )
        if np.isclose(abs(got), abs(SLOPE_mV * np.log10(factor)), rtol=5e-3):
            return "that is the logarithm to base 10; exp(-V/24) needs the natural one."
        if np.isclose(abs(got), abs(SLOPE_mV * np.log2(factor)), rtol=5e-3):
            return "that is the logarithm to base 2; exp(-V/24) needs the natural one."
        if np.isclose(got, np.log(factor), rtol=5e-3):
            return "that has no unit yet: the curve falls by a factor of e in 24 mV."
        return f"for the factor {factor:g} it should be {wanted:.1f} mV, got {got:.1f} mV."
    return None
