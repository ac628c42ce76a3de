"""The checks of lesson 6. Oracle: answers written by hand, right and typically wrong."""

import numpy as np
from exercises import judged


def scale(u, low, high):
    x = (u - low) / (high - low)
    return x, low + x * (high - low)


def split(n, n_validation, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[n_validation:], order[:n_validation]


def loss(made_h, made_y, gates, rest, weights, lam, at=1, mean=np.mean):
    fit = mean((made_h - gates[at]) ** 2) + mean((made_y - rest[at]) ** 2)
    return fit + lam * sum(mean(w**2) for w in weights)


def twice(n, n_validation, seed):
    rng = np.random.default_rng(seed)
    return rng.choice(n, n - n_validation, replace=False), rng.choice(n, n_validation, False)


RIGHT = {
    "min_max": scale,
    "split_runs": split,
    "first_pass_loss": loss,
}
WRONG = [
    ("min_max", lambda u, low, high: ((u - low) / high, u), "divide by the range"),
    ("min_max", lambda u, low, high: (u / (high - low), u), "subtract low"),
    ("min_max", lambda u, low, high: scale(u, u.min(0), u.max(0)), "what is in u itself"),
    (
        "min_max",
        lambda u, low, high: (scale(u, low, high)[0], scale(u, low, high)[0] * (high - low)),
        "low is missing",
    ),
    ("min_max", lambda u, low, high: (1.05 * scale(u, low, high)[0], u), "should be"),
    ("min_max", lambda u, low, high: scale(u, low, high)[0], "two things"),
    ("split_runs", twice, "on both sides"),
    ("split_runs", lambda n, v, seed: (range(v, n), range(v)), "seed changes nothing"),
    ("split_runs", lambda n, v, seed: (range(v + 1, n), range(v)), "must be on one side"),
    ("split_runs", lambda n, v, seed: (range(n - 5), range(n - 5, n)), "6 different runs"),
    ("split_runs", lambda n, v, seed: split(n, v, None), "same seed"),
    ("split_runs", lambda n, v, seed: 3, "two lists"),
    ("first_pass_loss", lambda *given: loss(*given, at=0), "compare with index 1"),
    ("first_pass_loss", lambda *given: loss(*given[:-1], 0.0), "weights is missing"),
    ("first_pass_loss", lambda *given: loss(*given[:-1], 1.0), "lambda is missing"),
    ("first_pass_loss", lambda *given: loss(*given, mean=np.sum), "sums where"),
    (
        "first_pass_loss",
        lambda h, y, H, Y, W, lam: loss(h, y, H, Y, [np.hstack([w.ravel() for w in W])], lam),
        "one mean over all weights",
    ),
    (
        "first_pass_loss",
        lambda h, y, H, Y, W, lam: loss(h, Y[1], H, Y, W, lam),
        "the other states is missing",
    ),
    (
        "first_pass_loss",
        lambda h, y, H, Y, W, lam: loss(H[1], y, H, Y, W, lam),
        "the gates is missing",
    ),
    ("first_pass_loss", lambda *given: 1.05 * loss(*given), "should give"),
    ("first_pass_loss", lambda *given: given[0], "one number"),
]
TestAnswers = judged(RIGHT, WRONG)
