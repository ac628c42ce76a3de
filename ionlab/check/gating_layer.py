"""Checks of lesson 5: the step of the gating layer, and the layer built by hand."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["gating_step", "hand_layer", "step_of_any_length"]

CASES = [(0.1, 0.8, 0.5), (0.9, 0.2, 0.95), (0.3, 0.3, 0.7), (0.6, 1.0, 0.05)]  # h, h_inf, rho


def _off(got, wanted):
    return not np.allclose(np.asarray(got, float), wanted, rtol=1e-4, atol=1e-6)


@exercise()
def gating_step(step):
    """One step keeps rho of the distance to the steady state: Eq. 2.4.4."""
    for h, h_inf, rho in CASES:
        got, wanted = ask(step, h, h_inf, rho), rho * h + (1 - rho) * h_inf
        if not _off(got, wanted):
            continue
        if not _off(got, (1 - rho) * h + rho * h_inf):
            return (
                "rho and 1 - rho have changed places: rho is what is kept of h. A gate with rho "
                "near 1 is slow, and hardly moves in one step."
            )
        if not _off(got, rho * h + h_inf):
            return (
                "the steady state enters with the weight 1 - rho; yours can leave the range 0..1."
            )
        return f"h = {h}, h_inf = {h_inf}, rho = {rho} should give {wanted:.4f}, got {got}."


@exercise()
def step_of_any_length(rho_of):
    """rho of dt ms is rho of 1 ms to the power dt: two half steps make a whole one."""
    for rho, dt_ms in ((0.8, 0.5), (0.8, 2.0), (0.3, 1.0), (0.99, 7.0)):
        got, wanted = ask(rho_of, rho, dt_ms), rho**dt_ms
        if not _off(got, wanted):
            continue
        if not _off(got, rho * dt_ms):
            return (
                "rho does not grow in proportion to dt: it is exp(-dt/tau), so a longer step keeps "
                "less. Write tau in terms of rho first."
            )
        if not _off(got, rho ** (1 / dt_ms)):
            return "the exponent is upside down: a longer step must keep less, not more."
        return f"rho = {rho} for 1 ms and a step of {dt_ms} ms should give {wanted:.4f}, got {got}."


@exercise(points=2)
def hand_layer(layer):
    """Two sigmoids and one Rush-Larsen step: this is the gating layer of the paper."""
    rng = np.random.default_rng(5)
    for n_in, n_gates in ((1, 1), (3, 2)):
        x, h = rng.normal(size=n_in), rng.uniform(size=n_gates)
        W_inf, W_tau = rng.normal(size=(2, n_in, n_gates))
        b_inf, b_tau = rng.normal(size=(2, n_gates))
        got = np.asarray(ask(layer, x, h, W_inf, b_inf, W_tau, b_tau), float)
        h_inf, rho = (1 / (1 + np.exp(-(x @ W + b))) for W, b in ((W_inf, b_inf), (W_tau, b_tau)))
        wanted = rho * h + (1 - rho) * h_inf
        if got.shape != wanted.shape:
            return f"{n_gates} gates come out for {n_gates} gates in, got the shape {got.shape}."
        if not _off(got, wanted):
            continue
        if not _off(got, h_inf):
            return "that is h_inf alone: the layer has a state, so h must appear on the right."
        if not _off(got, rho * h + (1 - rho) * (x @ W_inf + b_inf)):
            return "h_inf needs its sigmoid (Eq. 2.4.1): a gate lies between 0 and 1."
        if not _off(got, np.exp(-1 / (x @ W_tau + b_tau)) * h):
            return "rho itself is a sigmoid (Eq. 2.4.3); tau is only read from it afterwards."
        if not _off(got, (1 - rho) * h + rho * h_inf):
            return "rho and 1 - rho have changed places: rho is what is kept of h."
        return (
            f"for x = {x.round(2)}, h = {h.round(2)} it should give {wanted.round(4)}, got {got}."
        )
