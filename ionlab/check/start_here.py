"""Checks of lesson 0: a rate from a cycle length, and what an interval says."""

from ionlab.check.verdict import ask, exercise

__all__ = ["beats_per_minute", "supported_change"]

INTERVALS = (  # low, high, whether a change is supported
    (0.48, 0.54, True),
    (0.93, 1.06, False),
    (2.9, 3.3, True),
    (0.3, 2.5, False),
    (1.02, 1.4, True),
    (0.2, 0.99, True),
)


@exercise()
def beats_per_minute(rate):
    """A minute has 60,000 ms, so a longer cycle length means a slower beat."""
    for cycle_length_ms in (350.0, 500.0, 1000.0):
        got, wanted = float(ask(rate, cycle_length_ms)), 60_000.0 / cycle_length_ms
        if abs(got - wanted) < 1e-6 * wanted:
            continue
        if abs(got - 60.0 / cycle_length_ms) < 1e-6:
            return "the cycle length is in ms, and a minute has 60 s: turn one into the other."
        if abs(got - cycle_length_ms / 60_000.0) < 1e-9:
            return "that is upside down: minutes for each beat. A slower beat has fewer of them."
        if abs(got - 1000.0 / cycle_length_ms) < 1e-6:
            return "that is the number of beats in a second; asked are those in a minute."
        return f"a cycle length of {cycle_length_ms:g} ms should give {wanted:.1f}, got {got:g}."


@exercise()
def supported_change(supported):
    """A change is supported if no change, a ratio of 1, lies outside the interval."""
    answers = [(low, high, ask(supported, low, high), wanted) for low, high, wanted in INTERVALS]
    kinds = {type(got).__name__ for *_, got, _ in answers}
    if not kinds <= {"bool", "bool_"}:
        return f"the answer must be True or False, got {', '.join(sorted(kinds))}."
    if all(bool(got) != wanted for *_, got, wanted in answers):
        return "it is the other way round: an interval that holds 1 allows for no change at all."
    for low, high, got, wanted in answers:
        if bool(got) == wanted:
            continue
        if low > 1.0:
            return f"{low} to {high} lies above 1: a current that grew has changed, too."
        if high < 1.0:
            return f"{low} to {high} lies below 1: a current that fell has changed."
        return f"{low} to {high} holds 1, so that no change at all is among what is possible."
