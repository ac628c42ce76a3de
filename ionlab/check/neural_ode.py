"""Checks of lesson 8: from rho back to a time constant, and the right-hand side of a gate."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["gate_slope", "largest_step", "time_constant_of"]


def _off(got, wanted):
    return not np.allclose(np.asarray(got, float), wanted, rtol=1e-4, atol=1e-9)


@exercise()
def time_constant_of(tau_of):
    """tau = -dt / log rho: a rho near 1 is a slow gate."""
    for rho, dt_ms in ((0.9, 1.0), (0.9, 0.5), (0.2, 1.0), (np.array([0.5, 0.99]), 2.0)):
        got, wanted = ask(tau_of, rho, dt_ms), -dt_ms / np.log(rho)
        if not _off(got, wanted):
            continue
        if not _off(got, -wanted):
            return (
                "a minus sign is missing: rho is below 1, so its logarithm is negative, and a "
                "time constant must be positive."
            )
        if not _off(got, -dt_ms / np.log10(rho)):
            return "log is the natural logarithm (np.log): rho = exp(-dt/tau), not 10 to a power."
        if not _off(got, -1.0 / np.log(rho)):
            return "dt is missing: the same rho for half the step is a gate twice as fast."
        if not _off(got, -np.log(rho) / dt_ms):
            return "that is 1 / tau, the rate: it is upside down."
        return f"rho = {rho} for a step of {dt_ms} ms should give {wanted} ms, got {got}."


@exercise()
def gate_slope(slope):
    """The gate runs towards its steady state, the faster the further away: Eq. 2.7.2."""
    for h, h_inf, tau_ms in ((0.1, 0.8, 4.0), (0.9, 0.2, 0.5), (0.3, 0.3, 70.0)):
        got, wanted = ask(slope, h, h_inf, tau_ms), (h_inf - h) / tau_ms
        if not _off(got, wanted):
            continue
        if not _off(got, -wanted):
            return "h must move towards h_inf, not away from it: mind the order in h_inf - h."
        if not _off(got, (h_inf - h) * tau_ms):
            return "divide by tau: a gate with a larger time constant is slower."
        if not _off(got, h_inf / tau_ms - h):
            return "divide the whole difference by tau, so put it in brackets."
        return f"h = {h}, h_inf = {h_inf}, tau = {tau_ms} ms should give {wanted:.4f}, got {got}."


@exercise()
def largest_step(step_of):
    """Beyond 2 / abs(lambda) every step of Euler's makes the error larger."""
    for rates in ([-0.01, -0.5, -50.0], [-1092.0, -3.0], [0.2, -4.0, -0.001]):
        got, wanted = ask(step_of, np.array(rates)), -2.0 / min(rates)
        if not _off(got, wanted):
            continue
        if not _off(got, -2.0 / max(r for r in rates if r < 0)):
            return "that is the step for the slowest mode; the fastest one blows up first."
        if not _off(got, 0.5 * wanted):
            return (
                "that is where a mode falls to zero in one step. It still fades, with a changing "
                "sign, while abs(1 + lambda dt) is below 1: twice as far."
            )
        if not _off(got, -wanted):
            return "a step is positive; lambda of a mode that fades is negative."
        return f"for eigenvalues {rates} per ms it should give {wanted:.5f} ms, got {got}."
