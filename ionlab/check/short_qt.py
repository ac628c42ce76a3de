"""Checks of lesson 11: a factor found by bisection, and how far apart two cells look."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["distance_in_noise", "factor_for_apd"]


@exercise(points=2)
def factor_for_apd(find):
    """The bracket was halved until the duration was right: two mechanisms, one APD90."""
    rows = (
        (lambda f: 300.0 - 12.0 * f, 228.0, 1.0, 12.0, 6.0),
        (lambda f: 250.0 + 90.0 / f, 280.0, 1.0, 9.0, 3.0),
        (lambda f: 200.0 + 10.0 * f, 245.0, 1.0, 12.0, 4.5),
    )
    for apd_of, target_ms, low, high, wanted in rows:
        calls = []

        def counted(f, apd_of=apd_of, calls=calls):
            calls.append(f)
            if len(calls) > 500:
                raise RuntimeError("500 cells were simulated and no end; does the loop stop?")
            return apd_of(f)

        got = float(ask(find, counted, target_ms, low, high))
        if abs(got - wanted) < 2e-3 * wanted:
            continue
        if min(abs(got - low), abs(got - high)) < 1e-2 * high:
            return (
                f"it ran to the end of the bracket, {got:.3g} of {low:g} to {high:g}: the wrong "
                "half is kept. Ask whether the target lies between the middle and low, or "
                "between the middle and high; the APD may rise or fall with the factor."
            )
        if abs(got - 0.5 * (low + high)) < 1e-6:
            return "that is the middle of the bracket. Halve it again, and again."
        if abs(got - wanted) < 0.2 * wanted:
            return (
                f"{got:.4f} is near, but the factor is {wanted:.4f}. Stop when the bracket is "
                "shorter than 0.001, not before."
            )
        if abs(got - apd_of(wanted)) < 1.0:
            return "that is the duration. Return the factor."
        return f"with {low:g} to {high:g} the factor should be {wanted:g}, got {got:.4g}."
    return None


@exercise()
def distance_in_noise(distance):
    """RMS difference over the noise: above 1 the two cells can be told apart."""
    rng = np.random.default_rng(11)
    t = np.linspace(0.0, 1.0, 400)
    x = np.sin(2 * np.pi * t) + 0.05 * rng.normal(size=400)
    for y, noise in ((np.sin(2 * np.pi * t + 0.4), 0.1), (1.5 * np.sin(2 * np.pi * t), 0.4)):
        got = float(ask(distance, x, y, noise))
        d = y - x
        wanted = np.sqrt(np.mean(d**2)) / noise
        if np.isclose(got, wanted, rtol=5e-3):
            continue
        if np.isclose(got * noise, wanted * noise**2, rtol=5e-3):
            return "that has the unit of x. Divide by the noise: how many noises apart?"
        if np.isclose(abs(got), abs(d.mean()) / noise, rtol=5e-3):
            return "a mean of signed differences cancels: too high here makes up for too low there."
        if np.isclose(got, np.mean(d**2) / noise, rtol=5e-3):
            return "the root is missing: V in mV must not become mV squared."
        if np.isclose(got, np.abs(d).max() / noise, rtol=5e-3):
            return "the largest difference rests on one sample; take the root of the mean square."
        return f"for the test traces it should be {wanted:.3f}, got {got:.3f}."
    return None
