"""Oracle: the full Gaussian of a control, handed to SciPy, for every set that may lie apart."""

from itertools import combinations

import linear
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from ionlab.nearness import APART, NEARER, cell_sd

CHANGES, FAR = linear.CHANGES[::2], linear.CELL[::2]
P, M = len(CHANGES), 25
SETS = [list(S) for n in range(P + 1) for S in combinations(range(P), n)]


def recorded(truth, rng):
    """Derivatives (M, P) and data (M,) of a cell, whitened; noise is 0.03 of CELL_SD or so."""
    A = 30.0 * rng.normal(size=(M, P)) / np.sqrt(M) / FAR
    return A, A @ truth + rng.normal(size=M)


def found(truth, rng):
    A, e = recorded(truth, rng)
    theta = rng.normal(size=P)  # it may be linearised anywhere
    return cell_sd(CHANGES, A, e - A @ theta, theta)


def likeliest(A, e):
    """Return the greatest log density of part and set, with its standard deviations."""
    tried = []
    for part in NEARER:
        for S in SETS if part < 1.0 else [[]]:
            sd = part * FAR
            sd[S] = FAR[S]
            density = multivariate_normal.logpdf(e, cov=np.eye(M) + (A * sd) @ (A * sd).T)
            tried.append((density + APART * len(S), tuple(sd)))
    return max(tried)


@pytest.mark.parametrize("part", NEARER)
def test_how_near_a_whole_cell_is_to_the_theory_is_read_from_its_control(part, rng):
    """Of thirty cells that lie so far off, the widths are right on the whole."""
    sds = [found(part * FAR * rng.normal(size=P), rng) for _ in range(30)]
    middle = [np.exp(np.mean(np.log(sd / FAR))) for sd in sds]
    assert np.exp(np.mean(np.log(middle))) == pytest.approx(part, rel=0.3)


@pytest.mark.parametrize("apart", [(), (0,), (2,), (1, 4)])
def test_what_lies_apart_is_singled_out(apart, rng):
    """Of cells that lie far off in some things, and a thirtieth as far in the rest."""
    right, sets = 0, []
    for _ in range(20):
        truth = 0.03 * FAR * rng.normal(size=P)
        truth[list(apart)] = 0.9 * FAR[list(apart)] * rng.choice([-1.0, 1.0], len(apart))
        sd = found(truth, rng)
        sets.append(set(np.flatnonzero(sd > sd.min() / FAR[sd.argmin()] * FAR * 1.001)))
        right += sets[-1] == set(apart)
    assert right >= 17, sets


def test_the_widths_are_the_likeliest_of_all(rng):
    """One is set apart after another, yet that finds the best of all sets nearly always."""
    same = 0
    for _ in range(30):
        truth = rng.choice([0.03, 0.9], P, p=[0.7, 0.3]) * FAR * rng.normal(size=P)
        A, e = recorded(truth, rng)
        best, sd = likeliest(A, e)
        own = cell_sd(CHANGES, A, e, np.zeros(P))
        density = multivariate_normal.logpdf(e, cov=np.eye(M) + (A * own) @ (A * own).T)
        n = int((own > own.min() / FAR[own.argmin()] * FAR * 1.001).sum())
        assert density + APART * n > best - 1.0
        same += np.allclose(own, sd)
    assert same >= 27


def test_ways_that_do_not_show_stay_with_the_rest(rng):
    truth = np.zeros(P)
    truth[0] = 0.9 * FAR[0]
    A, e = recorded(truth, rng)
    A[:, 3] = 0.0
    sd = cell_sd(CHANGES, A, e, np.zeros(P))
    np.testing.assert_allclose(sd / FAR, [1.0, *[NEARER[-1]] * (P - 1)])
