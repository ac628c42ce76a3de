"""The checks of lesson 4. Oracle: answers written by hand, right and typically wrong."""

import numpy as np
from exercises import judged

GATES = ["m", "h", "j", "d", "f", "xr1", "xr2", "xs", "r", "s"]


def floor(V, h, edges):
    bins = np.digitize(V, edges)
    best = np.zeros_like(h)
    for k in np.unique(bins):
        best[bins == k] = h[bins == k].mean()
    return np.sqrt(np.mean((h - best) ** 2))


def roll(step, v, h):
    path = []
    for now in v:
        h = step(now, h)
        path.append(h)
    return path


def per_bin(V, h, edges):
    bins = np.digitize(V, edges)
    return np.mean([h[bins == k].std() for k in np.unique(bins)])


def late(step, v, h):
    path = []
    for now in v:
        path.append(h)
        h = step(now, h)
    return path


RIGHT = {
    "best_without_memory": floor,
    "roll_out": roll,
    "states_of_n1": GATES,
}
WRONG = [
    ("best_without_memory", per_bin, "every bin counts the same"),
    ("best_without_memory", lambda V, h, edges: h.std(), "one mean for all voltages"),
    ("best_without_memory", lambda V, h, edges: floor(V, h, edges) ** 2, "take its root"),
    ("best_without_memory", lambda V, h, edges: 1.05 * floor(V, h, edges), "should give"),
    ("best_without_memory", lambda V, h, edges: h, "one number is asked for"),
    ("roll_out", lambda step, v, h: [step(x, h) for x in v], "the network forgets"),
    ("roll_out", late, "one place late"),
    ("roll_out", lambda step, v, h: [h, *roll(step, v, h)], "yours is the start"),
    ("roll_out", lambda step, v, h: roll(step, v, h)[-1], "a single number"),
    ("roll_out", lambda step, v, h: 1.05 * np.array(roll(step, v, h)), "should give"),
    ("states_of_n1", [*GATES, "fCa"], "may fall but not rise"),
    ("states_of_n1", [*GATES, "K1"], "not a state"),
    ("states_of_n1", [*GATES, "Na_i"], "concentration"),
    ("states_of_n1", GATES[:-2], "2 classic gates are missing"),
    ("states_of_n1", GATES[:-2], "I_to"),
    ("states_of_n1", ["x5"], 'no state "x5"'),
    ("states_of_n1", "m", "a list of names"),
    ("states_of_n1", [*GATES, "m"], "twice"),
]
TestAnswers = judged(RIGHT, WRONG)
