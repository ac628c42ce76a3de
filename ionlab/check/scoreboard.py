"""Checks of lesson 15: errors and their percentiles, coverage, how many null pairs it takes."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["coverage_of_intervals", "median_and_p90", "null_pairs_needed"]


def _off(got, wanted):
    return not np.allclose(np.asarray(got, float), wanted, rtol=1e-6, atol=1e-9)


@exercise()
def median_and_p90(errors):
    """The median says what is usual; the 90th percentile says what you must be ready for."""
    for ratio, truth in (
        ([0.52, 1.9, 0.9, 1.1, 2.0], [0.5, 2.0, 1.0, 1.0, 0.5]),
        ([0.3, 2.2, 1.0, 1.0], [0.25, 2.5, 1.6, 0.8]),
    ):
        ratio, truth = np.array(ratio), np.array(truth)
        got = ask(errors, ratio, truth)
        if np.shape(got) != (2,):
            return f"return two numbers, the median and the 90th percentile; got {got!r}."
        relative = ratio / truth - 1.0
        pair = lambda e: (np.median(e), np.percentile(e, 90))  # noqa: E731
        if not _off(got, pair(abs(relative))):
            continue
        if not _off(got, pair(abs(ratio - truth))):
            return "divide by the truth: 0.05 is a tenth of 0.5, but a fortieth of 2."
        if not _off(got, pair(relative)):
            return "take the absolute value of each error: too low and too high must not cancel."
        if not _off(got, 100.0 * np.array(pair(abs(relative)))):
            return "return fractions, not per cent: 0.03 for three per cent."
        if not _off(got[0], abs(relative).mean()):
            return "the mean is not the median: one pair that went wrong carries it away."
        if not _off(got[1], np.max(abs(relative))):
            return "the 90th percentile is not the largest: one pair in ten may be worse."
        if not _off(got, pair(abs(truth / ratio - 1.0))):
            return "the error is in the ratio: divide the estimate by the truth."
        wanted = pair(abs(relative))
        return f"ratios {ratio} of {truth} should give {wanted[0]:.3f} and {wanted[1]:.3f}."


@exercise()
def coverage_of_intervals(coverage):
    """What has no interval is neither a hit nor a miss: it is left out."""
    nan = np.nan
    for low, high, truth in (
        ([0.4, 1.1, 0.9, nan, 0.7, 0.8], [0.6, 1.4, 1.2, nan, 0.9, 1.05], [0.5, 1, 1, 1, 0.8, 0.9]),
        ([0.4, 0.8, 0.7], [0.45, 1.1, 0.9], [0.5, 1.0, 0.8]),
    ):
        low, high, truth = np.array(low), np.array(high), np.array(truth)
        got, told = ask(coverage, low, high, truth), np.isfinite(low)
        held = (low <= truth) & (truth <= high)
        if not _off(got, held[told].mean()):
            continue
        if not _off(got, held.mean()):
            return "leave out the ratios without an interval (NaN): they would count as misses."
        if not _off(got, held.sum()):
            return "divide by the number of intervals: coverage is a share."
        if not _off(got, 100.0 * held[told].mean()):
            return "return a fraction, not per cent: 0.9 for nine of ten."
        if not _off(got, ((low <= 1.0) & (1.0 <= high))[told].mean()):
            return "ask whether the interval holds the true ratio, not whether it holds 1."
        if not _off(got, (~held)[told].mean()):
            return "this is the share of misses; coverage counts the hits."
        return f"intervals from {low} to {high}, truth {truth}: should be {held[told].mean():.3f}."


@exercise()
def null_pairs_needed(pairs_needed):
    """No alarm in a few null pairs is weak evidence: the rarer the alarms, the more it takes."""
    for rate, chance in ((0.95, 0.05), (0.85, 0.05), (0.5, 0.125), (0.99, 0.1)):
        got = ask(pairs_needed, rate, chance)
        exact = np.log(chance) / np.log(rate)
        wanted = int(np.ceil(round(exact, 9)))
        if not _off(got, wanted):
            continue
        if not _off(got, exact):
            return f"half a pair cannot be recorded: {exact:.1f} must become a whole number."
        if not _off(got, np.floor(round(exact, 9))):
            return (
                f"round up: with {wanted - 1} pairs the method still passes in more than "
                f"{100 * chance:g} % of all tries."
            )
        if not _off(got, np.ceil(np.log(chance) / np.log(1.0 - rate))):
            return "all n pairs must be called unchanged: the probability of that is rate**n."
        if not _off(got, np.ceil(1.0 / (1.0 - rate))):
            return "1/(1 - rate) pairs have one false alarm on average; solve rate**n <= chance."
        return f"rate {rate}, chance {chance}: should be {wanted}, got {got}."
