"""Oracles: SciPy's normal density and Cholesky factors of dense covariances."""

import numpy as np
import pytest
from scipy.linalg import solve_triangular
from scipy.stats import multivariate_normal

from ionlab import noise
from ionlab.noise import Block, likeliest, rough

LENGTHS = (220, 300)
SLOW = {3.0: "short", 15.0: "middle", 60.0: "long"}
M = 2 * sum(LENGTHS)
FIXED = np.empty((M, 0))  # a fit that was not free at all


def blocks():
    """Two sweeps of V and Ca_i, with an offset and a drift; a gap in the second sweep."""
    found, at = [], 0
    for name, span in (("V", 120.0), ("Ca_i", 1e-3)):
        for sweep, T in enumerate(LENGTHS):
            t = np.arange(float(T)) + np.where(np.arange(T) > 200, 37.5, 0.0)
            white = (0.002 * span * (1.0 + (np.arange(T) % 7 == 0))) ** 2
            known = span * np.stack([np.full(T, 0.001), 0.0005 * np.sin(t / 50.0)], 1)
            found.append(Block(name, sweep, slice(at, at + T), t, white, known, span))
            at += T
    return found


BLOCKS = blocks()
SPANS = np.concatenate([np.full(len(b.t_ms), b.range) for b in BLOCKS])


def covariance(block, share, slow_ms):
    """(1 + sqrt(3) d / l) exp(-sqrt(3) d / l), white noise and what is known."""
    d = np.sqrt(3.0) * np.abs(block.t_ms[:, None] - block.t_ms[None]) / slow_ms
    slow = (share * block.range) ** 2 * (1.0 + d) * np.exp(-d)
    return slow + np.diag(block.white) + block.known @ block.known.T


def drawn(share, slow_ms, rng):
    """A residual of a known covariance."""
    factors = [np.linalg.cholesky(covariance(b, share, slow_ms)) for b in BLOCKS]
    return np.concatenate([L @ rng.normal(size=len(L)) for L in factors])


@pytest.mark.parametrize("slow_ms", noise.SLOW_ms, ids=SLOW.get)
@pytest.mark.parametrize("share", [5e-4, 0.02, 0.3])
def test_the_filter_is_the_cholesky_factor(share, slow_ms, rng):
    for block in BLOCKS:
        L = np.linalg.cholesky(covariance(block, share, slow_ms))
        x = block.range * rng.normal(size=(len(L), 3))
        before = x.copy()
        z, log_det = block.whiten(share, slow_ms, x)
        np.testing.assert_allclose(z, solve_triangular(L, x, lower=True), rtol=1e-6, atol=1e-6)
        assert log_det == pytest.approx(np.log(np.diag(L)).sum(), abs=1e-6)
        np.testing.assert_array_equal(x, before)


def test_whitened_residuals_have_scipys_normal_density(rng):
    found = likeliest(BLOCKS, drawn(0.02, 15.0, rng), FIXED)
    assert set(found.misses) == {"V", "Ca_i"}
    x = 0.01 * SPANS * rng.normal(size=M)
    expected = sum(
        multivariate_normal.logpdf(x[b.rows], None, covariance(b, *found.misses[b.name]))
        for b in BLOCKS
    )
    z = found.whiten(x)
    density = -0.5 * z @ z - found.log_det - 0.5 * M * np.log(2.0 * np.pi)
    assert density == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(found.whiten(np.stack([x, 2.0 * x], 1)).T, [z, 2.0 * z])


def test_the_noise_that_is_found_is_the_most_likely(rng):
    """A fine grid of sizes by SciPy's density."""
    residual = drawn(0.02, 15.0, rng)
    likely = {
        (share, slow_ms): sum(
            multivariate_normal.logpdf(residual[b.rows], None, covariance(b, share, slow_ms))
            for b in BLOCKS[:2]
        )
        for share in np.geomspace(0.01, 0.04, 13)
        for slow_ms in noise.SLOW_ms
    }
    share, slow_ms = max(likely, key=likely.get)
    found = likeliest(BLOCKS, residual, FIXED).misses["V"]
    assert found[1] == slow_ms
    assert abs(np.log(found[0] / share)) < 0.08  # a step of the grid is 0.12


@pytest.mark.parametrize("slow_ms", noise.SLOW_ms, ids=SLOW.get)
def test_size_and_duration_of_drawn_misses_are_recovered(slow_ms, rng):
    """40 residuals of random size: the right duration, and no bias of 5 % in size."""
    shares = np.exp(rng.uniform(np.log(0.004), np.log(0.1), 40))
    found = [likeliest(BLOCKS, drawn(s, slow_ms, rng), FIXED).misses["V"] for s in shares]
    assert np.mean([f[1] == slow_ms for f in found]) > 0.9
    log_ratio = np.log([f[0] for f in found] / shares)
    assert abs(np.mean(log_ratio)) < 0.05 and np.std(log_ratio) < 0.3


def test_what_a_fit_took_up_is_reckoned_with(rng):
    """40 misses of 2 %, each after a fit of 30 free slow curves: else the size is 10 % too small.

    Oracle: what was drawn, before the fit.
    """
    t = np.concatenate([b.t_ms + 1000.0 * k for k, b in enumerate(BLOCKS)])
    centres = np.concatenate([np.linspace(b.t_ms[0], b.t_ms[-1], 15) + 1000.0 * k
                              for k, b in enumerate(BLOCKS[:2])])  # fmt: skip
    free = 30.0 * np.exp(-0.5 * ((t[:, None] - centres) / 12.0) ** 2)
    ratios = {"fixed": [], "free": []}
    for _ in range(40):
        residual = drawn(0.02, 15.0, rng)
        known = likeliest(BLOCKS, residual, FIXED)
        A = known.whiten(free)
        left = residual - free @ np.linalg.lstsq(A, known.whiten(residual))[0]
        for name, columns in (("fixed", FIXED), ("free", free)):
            ratios[name].append(likeliest(BLOCKS, left, columns).misses["V"][0] / 0.02)
    assert np.median(ratios["fixed"]) < 0.93
    assert np.median(ratios["free"]) == pytest.approx(1.0, abs=0.06)


def test_without_misses_the_least_noise_is_found(rng):
    white = np.concatenate([rng.normal(0.0, np.sqrt(b.white)) for b in BLOCKS])
    assert likeliest(BLOCKS, white, FIXED).misses["V"][0] < 3.0 * noise.LEAST["V"]


def test_misses_are_no_larger_than_they_may_be(rng):
    residual = drawn(0.02, 15.0, rng)
    assert likeliest(BLOCKS, residual, FIXED, {"V": 0.005}).misses["V"][0] <= 0.005
    assert likeliest(BLOCKS, residual, FIXED, {"Ca_i": 0.005}).misses["V"][0] > 0.01


def test_a_first_approach_takes_all_samples_alike():
    off = np.concatenate([np.full(M // 2, 2.0), np.full(M // 2, 1e-5)])
    found = rough(BLOCKS, off)
    for block in BLOCKS:
        size = off[block.rows][0] / block.range
        variance = (noise.ROUGH * size * block.range) ** 2 + block.white
        np.testing.assert_allclose(
            found.whiten(off)[block.rows], off[block.rows] / np.sqrt(variance), rtol=1e-9
        )
    twice = np.stack([off, -off], 1)
    np.testing.assert_allclose(found.whiten(twice)[:, 1], -found.whiten(off))
