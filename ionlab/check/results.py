"""Checks of lesson 9: capture, the split of the sequences, the gates of each current."""

import numpy as np

from ionlab.check.verdict import ask, exercise

__all__ = ["capture_of", "gates_of_currents", "split_of_runs"]

ANSWERED = {  # the answers to stimuli in turn -> capture
    (True, True, True, True): "1:1",
    (True, False, True, False, True): "2:1",
    (False, True, False, True): "2:1",
    (False, False, False): "none",
    (True, True, False, False): "mixed",
    (True, True, True, False, True): "mixed",
    (True, False, False, True, False, False): "mixed",
}
GATES = {
    "I_Na": {"m", "h", "j"},
    "I_CaL": {"d", "f"},
    "I_Kr": {"xr1", "xr2"},
    "I_Ks": {"xs"},
    "I_K1": set(),
    "I_to": {"r", "s"},
}


@exercise()
def capture_of(capture):
    """2:1 is every other stimulus; half of them, in any order, is not enough."""
    for answered, wanted in ANSWERED.items():
        got = ask(capture, np.array(answered))
        if got == wanted:
            continue
        if wanted == "mixed" and got == "2:1" and np.mean(answered) == 0.5:
            return (
                "half of the stimuli is not yet 2:1: two answers and two failures in a row are "
                "mixed. Compare each answer with the one two stimuli earlier."
            )
        if wanted == "2:1" and answered[0] is False:
            return "2:1 may begin with a stimulus that fails."
        if wanted == "mixed" and got == "2:1":
            return f"{list(answered)} is not every other stimulus, so it is mixed."
        return f"answers {list(answered)} should give {wanted!r}, got {got!r}."


@exercise(points=2)
def split_of_runs(split):
    """Every run is in one part only, drawn at random, and the same again with the same seed."""
    for runs, n_validation in ((101, 25), (12, 3)):
        train, validation = (np.asarray(part) for part in ask(split, runs, n_validation, 0))
        together = np.concatenate([train, validation])
        if len(validation) != n_validation or len(train) != runs - n_validation:
            return (
                f"{runs} runs with {n_validation} for validation leave {runs - n_validation} for "
                f"training; got {len(train)} and {len(validation)}."
            )
        if len(set(together.tolist())) != runs or set(together.tolist()) != set(range(runs)):
            return (
                "each run from 0 on must stand in one of the parts, and in one only: a run in both "
                "lets the network see what it is judged by. Draw without replacement."
            )
        again = [np.sort(part).tolist() for part in ask(split, runs, n_validation, 0)]
        if again != [np.sort(train).tolist(), np.sort(validation).tolist()]:
            return "the same seed must give the same split: use np.random.default_rng(seed)."
        seeds = [np.sort(ask(split, runs, n_validation, seed)[1]).tolist() for seed in range(1, 6)]
        if all(other == np.sort(validation).tolist() for other in seeds):
            if np.ptp(validation) == n_validation - 1:
                return (
                    "these are runs in a row: the validation then asks about cycle lengths that "
                    "the training never came near. Draw them at random, by the seed."
                )
            return "every seed gives the same split: use the seed."


@exercise()
def gates_of_currents(gates):
    """Ten classic gates in five currents; I_K1 has none of its own."""
    if not isinstance(gates, dict):
        return f"a dict is asked for, current -> set of gates; got {type(gates).__name__}."
    if any(value is ... for value in gates.values()):
        ask(lambda: ...)  # not attempted yet
    if set(gates) != set(GATES):
        return f"the currents are {', '.join(GATES)}; got {', '.join(map(str, gates))}."
    for current, wanted in GATES.items():
        got = set(gates[current])
        if got == wanted:
            continue
        for odd, why in (
            ("fCa", "fCa follows calcium and may not rise at every voltage: it is not classic."),
            ("g", "g gates the release from the reticulum, and is not classic."),
            ("K1", "K1 is a function of V: it has no rate, so it is no state."),
        ):
            if odd in got:
                return why
        return f"{current} has {len(wanted)} classic gate(s); got {sorted(got) or 'none'}."
