"""Checks of lesson 14: arrays as columns, beats for an error, probabilities, a judgement."""

import numpy as np

from ionlab.check.verdict import Untried, ask, exercise

__all__ = ["arrays_as_columns", "beats_for_error", "probabilities_of", "judged_change"]


def _same(got, wanted):
    got = np.asarray(got, float)
    return got.shape == np.shape(wanted) and np.allclose(got, wanted, rtol=1e-6, atol=1e-9)


@exercise()
def arrays_as_columns(columns):
    """Times in ms that start anew with each sweep, V in mV, sweeps one after another."""
    rng = np.random.default_rng(14)
    for N, T, rate in ((2, 5, 10_000.0), (3, 4, 500.0)):
        V = 0.02 * rng.normal(size=(N, T)) - 0.05
        got = ask(columns, V, rate)
        if not isinstance(got, dict) or set(got) != {"time_ms", "V_mV", "sweep"}:
            return "return a dict with the columns time_ms, V_mV and sweep, spelled like this."
        if any(value is ... for value in got.values()):
            raise Untried
        sizes = {name: np.shape(value) for name, value in got.items()}
        if set(sizes.values()) != {(N * T,)}:
            return f"each column has one value a sample, ({N * T},) for {N} x {T}; got {sizes}."
        volts, t = V.ravel(), np.tile(np.arange(T) / rate, N)
        if not _same(got["V_mV"], 1e3 * volts):
            if _same(got["V_mV"], volts):
                return "V is still in volts: 1 V is 1000 mV."
            if _same(got["V_mV"], 1e3 * V.T.ravel()):
                return "the sweeps are mixed: row after row is V.ravel(), not V.T.ravel()."
            return "V_mV should be 1000 times the rows of V, one after another."
        if not _same(got["time_ms"], 1e3 * t):
            if _same(got["time_ms"], t):
                return "time is still in seconds: 1 s is 1000 ms."
            if _same(got["time_ms"], 1e3 * np.arange(N * T) / rate):
                return "time must start anew at 0 with each sweep (np.tile)."
            if _same(got["time_ms"], np.tile(np.arange(T), N)):
                return "these are numbers of samples: divide by the rate."
            return f"at {rate:g} Hz samples are {1e3 / rate:g} ms apart, from 0 in each sweep."
        sweep = np.asarray(got["sweep"]).reshape(N, T)
        if len(np.unique(sweep)) != N or (sweep != sweep[:, :1]).any():
            return f"sweep must be one name for each of the {N} rows, {T} times (np.repeat)."


@exercise()
def beats_for_error(beats):
    """Errors fall with the square root of the beats: half the error takes four times as many."""
    for error, now, wanted in ((0.08, 6, 0.04), (0.1, 5, 0.03), (0.02, 10, 0.04)):
        got, exact = ask(beats, error, now, wanted), now * (error / wanted) ** 2
        right = int(np.ceil(exact - 1e-9))
        if np.shape(got) == () and got == right:
            continue
        what = f"from {error} with {now} beats to {wanted}"
        if got in (now * error / wanted, np.ceil(now * error / wanted)):
            return f"{what}: the error falls with the square root of the beats, not with them."
        if got in (now * (wanted / error) ** 2, np.ceil(now * (wanted / error) ** 2)):
            return f"{what}: a smaller error needs more beats, so the ratio is upside down."
        if np.isclose(got, exact) or got in (round(exact), int(exact)):
            return f"{what}: {exact:.3g} beats. Round up to whole beats."
        return f"{what} should take {right} beats, got {got}."


@exercise()
def probabilities_of(probabilities):
    """Only differences of log evidence count, and the parts of a whole add up to 1."""
    for given in ([0.0, -1.0, -4.0], [-2001.0, -2000.0]):
        given = np.array(given)
        weights = np.exp(given - given.max())
        wanted = weights / weights.sum()
        with np.errstate(all="ignore"):
            got = np.asarray(ask(probabilities, given.copy()), float)
        if _same(got, wanted):
            continue
        if np.isnan(got).any():
            return (
                f"{given.tolist()} gives nan: exp of a very negative number is 0. Subtract the "
                "largest first; only differences count."
            )
        if _same(got, weights) or _same(got, np.exp(given)):
            return "divide by the sum: probabilities add up to 1."
        if _same(got, 10.0 ** (given - given.max()) / (10.0 ** (given - given.max())).sum()):
            return "log evidence is a natural logarithm: exp, not 10**."
        return f"{given.tolist()} should give {wanted.round(4).tolist()}, got {got.tolist()}."


@exercise()
def judged_change(judge):
    """The best explanation counts only if no other one is close behind."""
    cases = (
        (["amount of I_Kr", "shift of xr2"], [0.0, -9.0], "amount of I_Kr"),
        (["amount of I_Kr", "shift of xr2"], [0.0, -1.2], "undecidable"),
        (["amount of I_CaL", "nothing", "shift of f"], [-7.0, 0.0, -3.5], "nothing"),
        (["amount of I_Kr", "amount of I_Ks"], [-0.5, 0.0], "undecidable"),
    )
    for changes, log_evidence, wanted in cases:
        got = ask(judge, list(changes), list(log_evidence))
        if got == wanted:
            continue
        told = ", ".join(f"{c} {e:g}" for c, e in zip(changes, log_evidence, strict=True))
        if got == changes[0] and wanted in changes:
            return f"{told}: the best has the greatest log evidence, and may stand anywhere."
        if wanted == "undecidable":
            return f"{told}: the second is less than 3 behind the best, so nothing is decided."
        if got == "undecidable":
            return f"{told}: all others are more than 3 behind the best, so it is {wanted}."
        return f"{told}: should give {wanted!r}, got {got!r}."
