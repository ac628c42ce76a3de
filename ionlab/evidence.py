"""How well a set of changes explains a treated recording, given what its control has taught.

Near a point theta the prediction is linear, so a hypothesis (a set S of changes, each with a
Gaussian prior) has a Gaussian posterior and an evidence in closed form: P x P matrices, no
simulation. That is fast enough to try every set of three. What has not changed may still differ
a little (`STILL_SD`), for no cell stands still between two recordings. How still this one stood is
read from the recordings (`settled`). The prior odds of S are those of few changes, the part that
the L1 term plays in Eq. 2.6.2.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ionlab.changes import GATING

CHANGE_SD = {"amount": 0.7, "shift": 8.0, "stretch": 0.2, "tau": 0.5}
STILL_SD = {"amount": 0.005, "shift": 0.1, "stretch": 0.005, "tau": 0.005, "start": 0.003}
STILLER = (1.0, 0.4, 0.15, 0.06, 0.02)  # parts of STILL_SD that a cell may keep to, all as likely
LOG_ODDS = {"amount": -2.5, "shift": -3.5, "stretch": -5.0, "tau": -3.5}  # that it changed at all
FURTHER = -2.0  # log odds of each change after the first: one cause is likelier than several
LIMIT = {"amount": 3.0, "shift": 20.0, "stretch": 0.8, "tau": 1.6, "start": 0.2}
TRUST = {"amount": 0.7, "shift": 6.0, "stretch": 0.25, "tau": 0.5, "start": 0.02}  # of one step
BATCH = 500
WIDEN = 40  # pairs of changes that are tried with a third
# Decorates what works on matrices so small that threads cost more than they give.
small_matrices = threadpool_limits.wrap(limits=1, user_api="blas")


def per_change(table, changes):
    """(P,) values of a table by kind."""
    return np.array([table.get(change.kind, 0.0) for change in changes])


def limited(changes, theta):
    """Return theta within the range in which a change means something."""
    limit = per_change(LIMIT, changes)
    return np.clip(theta, -limit, limit)


def marginal(G, b, C):
    """Return how likely data are under K Gaussian priors of theta, but for what all have in common.

    G (P, P), b (P,) : A'A and A'e of the whitened derivatives A and data e, which are A theta and
    noise. C (K, P, P) : covariances.
    """
    M = np.eye(len(G)) + G @ C
    x = np.linalg.solve(M, np.broadcast_to(b, (len(C), len(b)))[..., None])[..., 0]
    return 0.5 * np.einsum("i,kij,kj->k", b, C, x) - 0.5 * np.linalg.slogdet(M)[1]


@dataclass(frozen=True)
class Control:
    """The cell as its control recording shows it (M_X): a Gaussian, as linearised at theta (P,).

    mean (P,), covariance (P, P) : of the Gaussian; the mean is near theta.
    prediction (M,), derivatives (M, P) and noise are those of the recording at theta.
    sd (P,) : how far the cell was taken to lie from the theory.
    log_evidence : of the recording, but for what does not depend on theta.
    """

    changes: tuple
    theta: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    prediction: np.ndarray
    derivatives: np.ndarray
    noise: object
    sd: np.ndarray
    log_evidence: float = 0.0


class Posterior(NamedTuple):
    """Of a set of changes S, linearised at a theta.

    theta (P,), density : mean, and log density there but for a constant. values (s,), covariance
    (s, s) : of the changes. leads (P,) : where S seems to fit best; of one cell, but for the rest.
    """

    theta: np.ndarray
    values: np.ndarray
    covariance: np.ndarray
    density: float
    leads: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Hypotheses about a treated recording y: theta = theta_X + changes in S.

    log_odds : (P,) prior log odds of each change.
    same_cell : whether both recordings are of one cell. What the control leaves open of that cell
        cannot explain a change, but for where the change brings it out, to first order. Cells that
        are not the same may differ in it as far as the control's Gaussian goes.
    stillness : part of STILL_SD that holds.
    """

    control: Control
    log_odds: np.ndarray
    same_cell: bool = True
    stillness: float = STILLER[0]

    def about(self, control):
        """Return the same evidence with a `Control` that is linearised elsewhere."""
        return replace(self, control=control)

    @cached_property
    def variance(self):
        """(P,) of what changed, beforehand."""
        return per_change(CHANGE_SD, self.control.changes) ** 2

    @cached_property
    def still(self):
        """(P,) variance of what has not changed."""
        return (self.stillness * per_change(STILL_SD, self.control.changes)) ** 2

    @cached_property
    def offered(self):
        """Indices of what may have changed."""
        return [k for k, change in enumerate(self.control.changes) if change.kind != "start"]

    def settled(self, A, z, theta, sets):
        """Return the evidence of how still the cell most likely stood, if one of the sets holds."""
        return max(self._tried(), key=lambda evidence: evidence.linear(A, z, theta, sets).max())

    def _tried(self):
        return [replace(self, stillness=stillness) for stillness in STILLER]

    def odds(self, S):
        """Prior log odds of a set of changes."""
        return self.log_odds[list(S)].sum() + FURTHER * max(len(S) - 1, 0)

    def prior(self, S):
        """Covariance (P, P) of theta if the changes S (indices) happened."""
        S, spread = list(S), self.still.copy()
        spread[S] = self.variance[S]
        return self.control.covariance + np.diag(spread)

    def free(self, J, S):
        """How far J (M, P) lets a fit of S move, one standard deviation of each way a column."""
        return J @ np.linalg.cholesky(self.prior(S))

    def linear(self, A, z, theta, sets):
        """Return the log evidence (K,) of K sets, linearised at theta.

        A (M, P), z (M,) : derivatives and residual there, whitened.
        """
        G, b, c = self._normal(A, z, theta)
        found = []
        for k in range(0, len(sets), BATCH):
            C = np.stack([self.prior(S) for S in sets[k : k + BATCH]])
            found.append(marginal(G, b, C) - 0.5 * c + self.control.log_evidence)
        return np.concatenate(found) + [self.odds(S) for S in sets]

    def posterior(self, A, z, theta, S):
        """Return the `Posterior` of a set of changes, linearised at theta."""
        G, b, c = self._normal(A, z, theta)
        C, S = self.prior(S), list(S)
        M = np.eye(len(G)) + G @ C
        x, K = np.linalg.solve(M, b), np.linalg.solve(M, G)
        v = self.variance[S]
        covariance = np.diag(v) - v[:, None] * K[np.ix_(S, S)] * v
        best, values = self.control.mean + C @ x, v * x[S]
        leads = self.at(S, values) if self.same_cell else limited(self.control.changes, best)
        density = 0.5 * (b @ C @ x - c) + self.control.log_evidence
        return Posterior(best, values, covariance, density, leads)

    def at(self, S, values):
        """Return theta (P,): the control with changes S of these values, as far as they go."""
        return limited(self.control.changes, self._moved(S, values))

    def _moved(self, S, values):
        theta = self.control.theta.copy()
        theta[list(S)] += values
        return theta

    def within(self, S, values):
        """Whether changes S of these values leave all gates where that means something.

        A fit that would leave it stands at the limit, where its evidence is not what is reckoned.
        An amount may vanish or grow as it likes.
        """
        gates = [k for k in S if self.control.changes[k].kind in GATING]
        return bool((self.at(S, values) == self._moved(S, values))[gates].all())

    def judged(self, A, z, theta, S):
        """Return the log density of theta under S, but for a constant, and the rest (P,).

        The rest is what of one cell the control left open, and how little it stood still. It moves
        linearly, and is integrated out; what is returned of it is its mean.
        """
        S, rest, before = list(S), self.prior(S), self.control.log_evidence
        if not self.same_cell:
            away = theta - self.control.mean
            density = before - 0.5 * (z @ z + away @ np.linalg.solve(rest, away))
            return density, np.zeros(len(theta))
        rest[S, S] -= self.variance[S]
        away, mean = theta - self.control.theta, self.control.mean - self.control.theta
        z = z - A @ mean
        G, b = A.T @ A, A.T @ z
        x = np.linalg.solve(np.eye(len(G)) + G @ rest, b)
        fit = z @ z - b @ rest @ x + np.sum(away[S] ** 2 / self.variance[S])
        return before - 0.5 * fit, mean + rest @ x

    def fitted(self, A, z, theta, S):
        """Log evidence of S, fitted by theta (Laplace), however still the cell stood."""
        G, found = A.T @ A, []
        for own in self._tried():
            volume = np.linalg.slogdet(np.eye(len(G)) + G @ own.prior(S))[1]
            found.append(own.judged(A, z, theta, S)[0] - 0.5 * volume)
        return np.logaddexp.reduce(found) - np.log(len(found)) + self.odds(S)

    def likely_sets(self, A, z, theta):
        """Return sets of up to three changes and their log evidence, linearised at theta."""
        sets = [(), *((k,) for k in self.offered), *combinations(self.offered, 2)]
        found = self.linear(A, z, theta, sets)
        best = [sets[k] for k in np.argsort(-found) if len(sets[k]) == 2][:WIDEN]
        wider = {tuple(sorted({*S, k})) for S in best for k in self.offered} - set(sets)
        three = [S for S in wider if len(S) == 3]
        return sets + three, np.concatenate([found, self.linear(A, z, theta, three)])

    def _normal(self, A, z, theta):
        e = z - A @ (self.control.mean - theta)
        return A.T @ A, A.T @ e, e @ e
