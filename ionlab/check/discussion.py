"""Checks of lesson 13: how alike two changes look, intervals of ratios, weights on gates."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["how_alike", "interval_of_ratio", "weighted_eta_term"]


def _off(got, wanted):
    return not np.allclose(np.asarray(got, float), wanted, rtol=1e-4, atol=1e-9)


@exercise()
def how_alike(cosine):
    """The cosine: 1 if one change can stand in for the other, 0 if they have nothing in common."""
    rng = np.random.default_rng(13)
    for _ in range(3):
        a, b = rng.normal(size=(2, 40)) + 0.7
        got, wanted = ask(cosine, a, b), a @ b / np.sqrt((a @ a) * (b @ b))
        if not _off(got, wanted):
            continue
        if not _off(got, a @ b):
            return "divide by both lengths: twice the change is not twice as alike."
        if not _off(got, np.corrcoef(a, b)[0, 1]):
            return "do not subtract the means: a shift of all of V is part of the picture, too."
        if not _off(got, a @ b / ((a @ a) * (b @ b))):
            return "the length of a vector is the square root of its product with itself."
        return f"two random vectors should give {wanted:.4f}, got {got}."


@exercise()
def interval_of_ratio(interval):
    """The errors of two fits add in squares, and a ratio's interval is one of factors."""
    for ratio, e_control, e_treated in ((0.5, 0.03, 0.04), (3.0, 0.1, 0.02)):
        low, high = ask(interval, ratio, e_control, e_treated)
        both = np.hypot(e_control, e_treated)
        wanted = ratio * np.exp(1.645 * both * np.array([-1, 1]))
        if not _off((low, high), wanted):
            continue
        if not _off(
            (low, high), ratio * np.exp(1.645 * (e_control + e_treated) * np.array([-1, 1]))
        ):
            return "independent errors add in squares: 0.03 and 0.04 make 0.05, not 0.07."
        if not _off((low, high), ratio + 1.645 * both * np.array([-1, 1])):
            return (
                "these are errors of logarithms: the interval is ratio * exp(+-1.645 e), so that "
                "its lower end can never fall below zero."
            )
        if not _off((low, high), ratio * np.exp(both * np.array([-1, 1]))):
            return "90 % of a normal distribution lie within 1.645 standard errors, not within one."
        return f"ratio {ratio}, errors {e_control} and {e_treated} should give {wanted.round(4)}."


@exercise()
def weighted_eta_term(term):
    """A small weight lets its gate go, as if that gate had an eta of its own."""
    rng = np.random.default_rng(4)
    h, theory = rng.uniform(size=(2, 50, 3))
    for weights in (np.ones(3), np.array([1.0, 0.1, 0.0])):
        got, wanted = ask(term, h, theory, weights, 1e-3), 1e-3 * (weights * abs(h - theory)).mean()
        if not _off(got, wanted):
            continue
        if not _off(got, 1e-3 * abs((weights * (h - theory)).mean())):
            return "take the absolute value of each difference before you average: signs cancel."
        if not _off(got, 1e-3 * (weights * (h - theory) ** 2).mean()):
            return "the paper takes the L1 norm: absolute values, not squares."
        if not _off(got, 1e-3 * abs(h - theory).mean()):
            return "the weights do not enter yet: one for each gate, the last axis."
        if not _off(got, 1e-3 * (weights * abs(h - theory)).sum()):
            return "average over samples and gates; a sum would grow with the length of the data."
        return f"weights {weights} should give {wanted:.3e}, got {got}."
