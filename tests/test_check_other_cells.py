"""Lesson 16's checks. Oracle: the formulas written here once more."""

import numpy as np
from exercises import judged

VOLTAGES = np.linspace(-100.0, 40.0, 15)


def falls(slope, V):
    return slope(0.0, V) >= 0.0 >= slope(1.0, V)


def straight(slope, V):
    x = np.linspace(0.0, 1.0, 7)
    return np.abs(np.diff(slope(x, V), 2)).max() < 1e-9 * np.abs(slope(x, V)).max()


def both(slope):
    return all(straight(slope, V) and falls(slope, V) for V in VOLTAGES)


def by_place(x, y):
    return {name: b / a for (name, a), b in zip(x.items(), y.values(), strict=True)}


RIGHT = {
    "classic_slope": both,
    "kinetics_of_slopes": lambda a, b: (a / (a + -b), 1.0 / (a + -b)),
    "drug_effects": lambda x, y: {name: y[name] / gain for name, gain in x.items()},
}
WRONG = [
    ("classic_slope", lambda s: 1, "True or False"),
    ("classic_slope", lambda s: False, "falling line"),
    ("classic_slope", lambda s: s(0.0, -60.0) < 0.01 and both(s), "it is classic"),
    ("classic_slope", lambda s: s(0.0, -30.0) > 0.1 and both(s), "h closes"),
    ("classic_slope", lambda s: all(falls(s, V) for V in VOLTAGES), "bends"),
    ("classic_slope", lambda s: straight(s, 0.0) and falls(s, 0.0), "one voltage"),
    ("classic_slope", lambda s: all(straight(s, V) for V in VOLTAGES), "rises with x"),
    (
        "classic_slope",
        lambda s: all(straight(s, V) and s(0.0, V) > s(1.0, V) for V in VOLTAGES),
        "from 0 to 1",
    ),
    ("kinetics_of_slopes", lambda a, b: 0.5, "two numbers"),
    ("kinetics_of_slopes", lambda a, b: (1 / (a - b), a / (a - b)), "other way round"),
    ("kinetics_of_slopes", lambda a, b: (a / (a + b), 1 / (a + b)), "the slope at 1 is -beta"),
    ("kinetics_of_slopes", lambda a, b: (a, 1 / (a - b)), "crosses zero"),
    ("kinetics_of_slopes", lambda a, b: (a / (a - b), a - b), "one over the difference"),
    ("kinetics_of_slopes", lambda a, b: (1.05 * a / (a - b), 1.05 / (a - b)), "should give"),
    ("drug_effects", lambda x, y: 0.4, "return a dict"),
    ("drug_effects", lambda x, y: y, "gains over the model"),
    ("drug_effects", lambda x, y: {k: x[k] / y[k] for k in x}, "treated over control"),
    ("drug_effects", lambda x, y: {k: y[k] - x[k] for k in x}, "not a difference"),
    ("drug_effects", by_place, "by name"),
    ("drug_effects", lambda x, y: {k: 1.05 * y[k] / x[k] for k in x}, "should give 0.4"),
]
TestAnswers = judged(RIGHT, WRONG)
