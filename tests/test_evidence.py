"""Oracle: the full Gaussian of control, changes and data, written out and handed to SciPy."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from ionlab import evidence
from ionlab.changes import Change
from ionlab.evidence import Control, Evidence, limited, per_change

CHANGES = (
    Change("amount", "I_Kr"),
    Change("amount", "I_Ks"),
    Change("shift", "xr1"),
    Change("stretch", "xr1"),
    Change("tau", "xs"),
    Change("start", "Na_i"),
)
P, M = len(CHANGES), 25
SETS = [S for n in range(4) for S in combinations(range(5), n)]
ODDS = np.array([-2.0, -2.5, -3.0, -4.0, -3.5, 0.0])


class Problem:
    """A random linear recording: y = y_0 + A theta + white noise, seen from the point `theta`.

    phi : covariance of what the control leaves unsure, times `unsure`.
    """

    def __init__(self, seed, unsure=1.0):
        rng = np.random.default_rng(seed)
        self.A = rng.normal(size=(M, P)) * rng.uniform(0.3, 3.0, P)
        root = 0.3 * rng.normal(size=(P, P))
        self.theta_X = limited(CHANGES, rng.normal(0.0, 0.2, P))
        self.phi = unsure * (root @ root.T + 0.01 * np.eye(P))
        control = Control(CHANGES, self.theta_X, self.theta_X, self.phi, None, None, None, None)
        self.evidence = Evidence(control, ODDS)
        self.theta = self.theta_X + rng.normal(0.0, 0.3, P)
        self.y = self.A @ self.theta_X + 2.0 * rng.normal(size=M)
        self.z = self.y - self.A @ self.theta
        self.sd = per_change(evidence.CHANGE_SD, CHANGES)
        self.still = per_change(evidence.STILL_SD, CHANGES)

    def joint(self, S):
        """Map from (phi, drift of what is still, delta of S) to theta, and their covariance."""
        still = [k for k in range(P) if k not in S]
        to_theta = np.concatenate([np.eye(P), np.eye(P)[:, still], np.eye(P)[:, list(S)]], 1)
        covariance = np.diag([*np.zeros(P), *self.still[still] ** 2, *self.sd[list(S)] ** 2])
        covariance[:P, :P] = self.phi
        return to_theta, covariance

    def log_marginal(self, S):
        """Log density of y under S."""
        to_theta, covariance = self.joint(S)
        D = self.A @ to_theta
        return multivariate_normal.logpdf(
            self.y, self.A @ self.theta_X, np.eye(M) + D @ covariance @ D.T
        )


@pytest.fixture(params=range(3))
def problem(request):
    return Problem(request.param)


def linear(problem, sets, theta=None):
    theta = problem.theta if theta is None else theta
    return problem.evidence.linear(problem.A, problem.y - problem.A @ theta, theta, sets)


def test_log_evidence_is_the_marginal_likelihood_and_the_prior_odds(problem):
    further = [evidence.FURTHER * max(len(S) - 1, 0) for S in SETS]
    expected = [
        problem.log_marginal(S) + ODDS[list(S)].sum() + x
        for S, x in zip(SETS, further, strict=True)
    ]
    constant = -0.5 * M * np.log(2.0 * np.pi)  # the same for all sets, and left out
    np.testing.assert_allclose(linear(problem, SETS), np.array(expected) - constant, atol=1e-8)


def test_more_sets_than_a_batch_come_back_in_their_order(problem, monkeypatch):
    whole = linear(problem, SETS)
    monkeypatch.setattr(evidence, "BATCH", 4)
    np.testing.assert_allclose(linear(problem, SETS), whole, atol=1e-10)


def test_where_it_is_linearised_does_not_matter_to_a_linear_recording(problem):
    elsewhere = linear(problem, SETS, problem.theta_X + 1.0)
    np.testing.assert_allclose(elsewhere, linear(problem, SETS), atol=1e-8)


@pytest.mark.parametrize("S", [(), (0,), (2,), (0, 4), (1, 2, 3)])
def test_posterior_of_theta_and_of_the_changes(problem, S):
    """By precisions, (D'D + C^-1)^-1, where the code inverts nothing."""
    found = problem.evidence.posterior(problem.A, problem.z, problem.theta, S)
    theta, values, covariance = found.theta, found.values, found.covariance
    to_theta, prior = problem.joint(S)
    D = problem.A @ to_theta
    full = np.linalg.inv(D.T @ D + np.linalg.inv(prior))
    mean = full @ D.T @ (problem.y - problem.A @ problem.theta_X)
    np.testing.assert_allclose(theta, problem.theta_X + to_theta @ mean, atol=1e-8)
    n = len(S)
    np.testing.assert_allclose(values, mean[2 * P - n :], atol=1e-8)
    np.testing.assert_allclose(covariance, full[2 * P - n :, 2 * P - n :], atol=1e-8)
    at = found.leads
    np.testing.assert_allclose(at - problem.theta_X, np.eye(P)[list(S)].T @ values, atol=1e-12)
    best, rest = problem.evidence.judged(problem.A, problem.y - problem.A @ at, at, S)
    assert found.density == pytest.approx(best, abs=1e-8)
    np.testing.assert_allclose(at + rest, theta, atol=1e-8)


@pytest.mark.parametrize(
    ("S", "values", "within"),
    [
        ((), [], True),
        ((0,), [-9.0], True),  # an amount may vanish
        ((2,), [19.0], True),
        ((2,), [-21.0], False),  # 20 mV, and a stretch by 0.8, is where gates mean something
        ((0, 3), [-9.0, 0.7], True),
        ((0, 3), [-0.5, 0.9], False),
        ((4,), [-1.7], False),
    ],
)
def test_how_far_a_gate_may_move(S, values, within):
    control = Control(CHANGES, np.zeros(P), np.zeros(P), np.eye(P), None, None, None, None)
    assert Evidence(control, ODDS).within(S, values) == within
    if S[-1:] == (2,):  # it is the cell that counts, not how it came there
        control = replace(control, theta=-np.sign(values[0]) * 5.0 * np.eye(P)[2])
        assert Evidence(control, ODDS).within(S, values)


@pytest.mark.parametrize("S", [(), (2,), (0, 4)])
def test_changes_are_judged_by_scipys_normal_density(problem, S):
    """Of one cell the rest is integrated out; of two it is part of theta, with its prior."""
    to_theta, covariance = problem.joint(S)
    n = len(S)
    rest = (to_theta @ covariance @ to_theta.T) - np.diag(np.isin(range(P), S) * problem.sd**2)
    spread = np.eye(M) + problem.A @ rest @ problem.A.T
    judged, expected, apart, whole = [], [], [], []
    for theta in (problem.evidence.at(S, np.full(n, x)) for x in (0.0, 0.2)):
        z, delta = problem.y - problem.A @ theta, (theta - problem.theta_X)[list(S)]
        judged.append(problem.evidence.judged(problem.A, z, theta, S)[0])
        seen = multivariate_normal.logpdf(z, np.zeros(M), spread)
        expected.append(seen - 0.5 * np.sum((delta / problem.sd[list(S)]) ** 2))
        aside = theta + 0.1
        two = Evidence(problem.evidence.control, ODDS, same_cell=False)
        z = problem.y - problem.A @ aside
        apart.append(two.judged(problem.A, z, aside, S)[0])
        prior = to_theta @ covariance @ to_theta.T
        whole.append(
            multivariate_normal.logpdf(z, np.zeros(M), np.eye(M))
            + multivariate_normal.logpdf(aside, problem.theta_X, prior)
        )
    assert np.diff(judged) == pytest.approx(np.diff(expected), abs=1e-8)
    assert np.diff(apart) == pytest.approx(np.diff(whole), abs=1e-8)


@pytest.mark.parametrize("same_cell", [True, False])
@pytest.mark.parametrize("S", [(), (3,), (0, 1)])
def test_a_fit_has_the_evidence_of_all_that_is_linear(problem, S, same_cell, monkeypatch):
    """Laplace is exact there, and the density is greatest where the fit leads."""
    monkeypatch.setattr(evidence, "STILLER", (1.0,))
    monkeypatch.setattr(evidence, "LIMIT", dict.fromkeys(evidence.LIMIT, np.inf))
    own = Evidence(problem.evidence.control, ODDS, same_cell)
    theta = own.posterior(problem.A, problem.z, problem.theta, S).leads
    z = problem.y - problem.A @ theta
    expected = linear(problem, [S])[0]
    assert own.fitted(problem.A, z, theta, S) == pytest.approx(expected, abs=1e-8)
    best = own.judged(problem.A, z, theta, S)[0]
    for k in S if same_cell else range(P):
        aside = theta + 0.05 * np.eye(P)[k]
        assert own.judged(problem.A, problem.y - problem.A @ aside, aside, S)[0] < best


def test_how_still_a_cell_stood_is_left_open(problem):
    """Where nothing changed, the evidence is the mean of those of each stillness."""
    each = []
    for part in evidence.STILLER:
        own = Evidence(problem.evidence.control, ODDS, stillness=part)
        z = problem.y - problem.A @ problem.theta_X
        each.append(own.linear(problem.A, z, problem.theta_X, [()])[0])
    found = problem.evidence.fitted(problem.A, z, problem.theta_X, ())
    assert found == pytest.approx(np.log(np.mean(np.exp(each))), abs=1e-8)


@pytest.mark.parametrize("part", [evidence.STILLER[0], evidence.STILLER[-1]])
def test_how_still_a_cell_stood_is_read_from_its_recording(part):
    """Ten cells, recorded 1,000 times as well as the others, that drift as much as is said."""
    found = []
    for seed in range(10):
        problem = Problem(seed, unsure=1e-12)
        rng = np.random.default_rng(seed)
        A = 1e3 * problem.A
        drift = part * problem.still * rng.normal(size=P)
        z = A @ drift + rng.normal(size=M)
        found.append(problem.evidence.settled(A, z, problem.theta_X, [()]).stillness)
    assert np.exp(np.mean(np.log(found))) == pytest.approx(part, rel=0.5)


def test_a_change_that_explains_nothing_costs_its_odds_and_no_more():
    problem = Problem(7)
    problem.A[:, 0] = 0.0  # the recording does not show I_Kr
    alone, besides = linear(problem, [(1,), (0, 1)], problem.theta_X)
    assert besides - alone == pytest.approx(ODDS[0] + evidence.FURTHER, abs=1e-8)


def test_intervals_cover_changes_that_are_drawn_from_the_prior():
    covered = []
    for seed in range(400):
        problem = Problem(100 + seed)
        rng, S = np.random.default_rng(seed), list(SETS[1 + seed % 25])
        delta = rng.normal(0.0, problem.still)
        delta[S] = rng.normal(0.0, problem.sd[S])
        cell = rng.multivariate_normal(problem.theta_X, problem.phi)
        z = problem.A @ (cell + delta - problem.theta) + rng.normal(size=M)
        found = problem.evidence.posterior(problem.A, z, problem.theta, S)
        covered += list(abs(found.values - delta[S]) < 1.645 * np.sqrt(np.diag(found.covariance)))
    assert len(covered) > 700 and np.mean(covered) == pytest.approx(0.9, abs=0.03)


def test_where_the_control_is_well_known_the_set_that_made_the_recording_wins():
    for seed, S in enumerate(SETS):
        problem = Problem(seed, unsure=1e-4)
        truth = problem.theta_X.copy()
        truth[list(S)] += 2.0 * problem.sd[list(S)]
        z = 10.0 * problem.A @ (truth - problem.theta)
        sets, found = problem.evidence.likely_sets(10.0 * problem.A, z, problem.theta)
        assert len(set(sets)) == len(sets) == len(found)
        assert sets[int(np.argmax(found))] == S


def test_sets_of_three_are_tried_where_nothing_changed(monkeypatch):
    """There all single changes are as good as any pair; a third still joins the best pairs."""
    monkeypatch.setattr(evidence, "WIDEN", 1)
    problem = Problem(2)
    sets, found = problem.evidence.likely_sets(problem.A, 0.0 * problem.z, problem.theta_X)
    pairs = [S for S in SETS if len(S) == 2]
    best = pairs[int(np.argmax(linear_at(problem, pairs)))]
    three = [S for S in sets if len(S) == 3]
    assert len(three) == 3 and all(set(best) < set(S) for S in three)
    assert sets[int(np.argmax(found))] == ()


def linear_at(problem, sets):
    return problem.evidence.linear(problem.A, 0.0 * problem.z, problem.theta_X, sets)


def test_sets_of_three_grow_from_the_best_pairs_and_leave_starts_out():
    problem = Problem(1)
    sets, _ = problem.evidence.likely_sets(problem.A, problem.z, problem.theta)
    assert {S for S in sets if len(S) < 3} == {S for S in SETS if len(S) < 3}
    assert {len(S) for S in sets} == {0, 1, 2, 3}
    assert all(S == tuple(sorted(set(S))) and 5 not in S for S in sets)


def test_tables_by_kind_and_their_limits():
    np.testing.assert_array_equal(
        per_change({"shift": 20.0, "amount": 3.0}, CHANGES), [3.0, 3.0, 20.0, 0.0, 0.0, 0.0]
    )
    wide = evidence.LIMIT["shift"]
    np.testing.assert_allclose(limited(CHANGES, np.full(P, 1e3))[2], wide)
    np.testing.assert_allclose(limited(CHANGES, np.full((2, P), -1e3))[:, 2], -wide)
    small = np.full(P, 0.01)
    np.testing.assert_array_equal(limited(CHANGES, small), small)
