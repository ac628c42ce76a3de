"""Checks of lesson 12: the ceiling of two gates, and the scale of one gate of several."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["gate_scale", "highest_factor"]


@exercise()
def highest_factor(ceiling):
    """At that factor the highest product r s reaches 1, and no sigmoid gets beyond."""
    t = np.arange(0.0, 60.0, 0.5)
    for tau_r, tau_s in ((2.0, 20.0), (4.0, 9.0)):
        r, s = 1 - np.exp(-t / tau_r), 0.95 * np.exp(-t / tau_s)
        got, wanted = float(ask(ceiling, r, s)), 1 / (r * s).max()
        if np.isclose(got, wanted, rtol=5e-3):
            continue
        if np.isclose(got, 1 / (r.max() * s.max()), rtol=5e-3):
            return (
                "r and s are not highest at the same time: r opens while s closes. Take the "
                "product first, then its maximum."
            )
        if np.isclose(got, 1 / wanted, rtol=5e-3):
            return "that is the highest product. By what may it be multiplied until it is 1?"
        if np.isclose(got, 1 / r.max(), rtol=5e-3) or np.isclose(got, 1 / s.max(), rtol=5e-3):
            return "one gate alone does not make the current: it is their product that counts."
        with np.errstate(divide="ignore"):
            if np.isclose(got, 1 / np.mean(r * s), rtol=5e-3):
                return "the mean may stay below 1 while the peak does not; the peak decides."
        return f"for the test gates it should be {wanted:.3f}, got {got:.3f}."
    return None


@exercise()
def gate_scale(scale):
    """A gate that enters as a power needs only the root of the factor."""
    for factor, power in ((3.0, 1), (3.0, 3), (0.5, 2), (2.0, 4)):
        got, wanted = float(ask(scale, factor, power)), factor ** (1 / power)
        if np.isclose(got, wanted, rtol=5e-3):
            continue
        if np.isclose(got, factor):
            return f"with m^{power} that makes the current {factor**power:g} times what it was."
        if np.isclose(got, factor / power):
            return "the scale is raised to the power, not multiplied by it: take a root."
        if np.isclose(got, factor**power):
            return "that is what comes out if m is scaled by the factor; go the other way round."
        return f"for {factor:g} with m^{power} it should be {wanted:.4f}, got {got:.4f}."
    return None
