"""Checks of lesson 6: the normaliser, the split of the runs, the loss of the first pass."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["first_pass_loss", "min_max", "split_runs"]


def _same(got, wanted):
    got = np.asarray(got, float)
    return got.shape == np.shape(wanted) and np.allclose(got, wanted, rtol=1e-5, atol=1e-12)


@exercise()
def min_max(scale):
    """There and back: low becomes 0, high becomes 1, and the way back undoes it."""
    low, high = np.array([-100.5, 3.5e-5, 11.0]), np.array([50.5, 1.2e-3, 12.0])
    u = np.array([[-86.2, 2e-4, 11.6], [20.0, 1e-3, 11.9]])
    x = (u - low) / (high - low)
    answer = ask(scale, u, low, high)
    if not isinstance(answer, tuple) or len(answer) != 2:
        return f"two things are asked for, x and the way back: return x, u_again; got {answer!r}."
    got, again = answer
    if _same(got, u / (high - low)):
        return "low must become 0: subtract low before you divide."
    if _same(got, (u - low) / high):
        return "high must become 1: divide by the range, high - low, not by high."
    if _same(got, (u - u.min(0)) / (u.max(0) - u.min(0))) or _same(got, (u - u.min()) / np.ptp(u)):
        return (
            "you scale by what is in u itself. Then the same voltage gets another x in every data "
            "set, and what was learned from one does not hold for the next: use low and high."
        )
    if not _same(got, x):
        return f"x of {u[0].tolist()} should be {x[0].round(4).tolist()}, got {got}."
    if _same(again, x * (high - low)):
        return "on the way back low is missing: x = 0 must give low."
    if not _same(again, u):
        return f"the way back should give {u[0].tolist()} again, got {np.asarray(again)[0]}."
    return None


@exercise()
def split_runs(split):
    """Whole runs, at random, none on both sides: the validation error is an honest one."""
    n, n_validation = 20, 6
    answer = ask(split, n, n_validation, 0)
    if not isinstance(answer, tuple) or len(answer) != 2:
        return f"return two lists of run numbers, train and validation; got {answer!r}."
    train, validation = ([int(k) for k in part] for part in answer)
    if len(validation) != n_validation or len(set(validation)) < len(validation):
        return (
            f"{n_validation} different runs are to be kept aside, got {validation}. Draw without "
            "putting back."
        )
    both = sorted(set(train) & set(validation))
    if both:
        return (
            f"runs {both} are on both sides. What was trained on cannot show how the network does "
            "on what it never saw."
        )
    if sorted(train + validation) != list(range(n)):
        return f"every run from 0 to {n - 1} must be on one side, got {sorted(train + validation)}."
    again = ask(split, n, n_validation, 0)
    if [list(map(int, part)) for part in again] != [train, validation]:
        return "the same seed must give the same split: np.random.default_rng(seed)."
    others = [sorted(map(int, ask(split, n, n_validation, seed)[1])) for seed in range(1, 6)]
    if all(other == sorted(validation) for other in others):
        return (
            "the seed changes nothing. If always the first or last runs are kept aside, all of "
            "them have short or long cycle lengths: draw at random."
        )
    return None


@exercise(points=2)
def first_pass_loss(loss):
    """Gates, the rest and the weights, the first two against the next step: Eq. 2.5.2."""
    rng = np.random.default_rng(6)
    gates, rest = rng.uniform(size=(2, 4, 3)), rng.uniform(size=(2, 4, 2))
    weights = [rng.normal(size=(3, 5)), rng.normal(size=4)]
    made_h, made_y = rng.uniform(size=(4, 3)), rng.uniform(size=(4, 2))
    lam = 0.1
    got = ask(loss, made_h, made_y, gates, rest, weights, lam)
    if np.ndim(got) != 0:
        return f"one number is asked for, got the shape {np.shape(got)}."

    def total(at_h, at_y, mean=np.mean, penalty=lam):
        fit = mean((made_h - gates[at_h]) ** 2) + mean((made_y - rest[at_y]) ** 2)
        return fit + penalty * sum(mean(w**2) for w in weights)

    wanted = total(1, 1)
    if _same(got, wanted):
        return None
    if _same(got, total(0, 0)):
        return (
            "you compare with the states at the same step, index 0. The network says what comes "
            "next: compare with index 1. (A network that copies its input would win yours.)"
        )
    if _same(got, total(1, 1, penalty=0.0)):
        return "the term of the weights is missing: lambda times L2(W)."
    if _same(got, total(1, 1, penalty=1.0)):
        return "lambda is missing: it says how much the weights count."
    if _same(got, total(1, 1, np.sum)):
        return (
            "you take sums where the recipe takes means: yours grows with the number of runs, and "
            "the same lambda would mean something else for every data set."
        )
    flat = np.concatenate([w.ravel() for w in weights])
    if _same(got, total(1, 1, penalty=0.0) + lam * np.mean(flat**2)):
        return (
            "take the mean square of each tensor of weights, then add these means up; yours is one "
            "mean over all weights."
        )
    for missing, value in (
        ("gates", total(1, 1) - np.mean((made_h - gates[1]) ** 2)),
        ("other states", total(1, 1) - np.mean((made_y - rest[1]) ** 2)),
    ):
        if _same(got, value):
            return f"the term of the {missing} is missing."
    return f"for the test data it should give {wanted:.4f}, got {got}."
