"""Checks of lesson 2: what is trained in each step, and which current changed."""

import math

from ionlab.check.verdict import Untried, ask, exercise

__all__ = ["changed_most", "trained_parts"]

PARTS = {"phi1", "gating layer", "N2"}
TRAINED = {1: PARTS, 2: {"gating layer"}, 3: {"gating layer"}, 4: set(), 5: set()}
GAINS = (  # control, treated, the current that changed most
    ({"I_Kr": 1.0, "I_CaL": 1.0, "I_to": 1.0}, {"I_Kr": 0.5, "I_CaL": 1.02, "I_to": 1.3}, "I_Kr"),
    ({"I_Kr": 1.2, "I_CaL": 0.5, "I_to": 1.3}, {"I_Kr": 0.8, "I_CaL": 0.5, "I_to": 1.35}, "I_Kr"),
    ({"I_Kr": 2.0, "I_Ks": 0.2, "I_K1": 1.0}, {"I_Kr": 1.5, "I_Ks": 0.6, "I_K1": 0.9}, "I_Ks"),
    ({"I_Na": 3.0, "I_K1": 0.5, "I_Ks": 1.0}, {"I_Na": 2.4, "I_K1": 0.5, "I_Ks": 1.1}, "I_Na"),
)


@exercise(points=2)
def trained_parts(trained):
    """All is trained on the theory, the gating layer alone on recordings, nothing when reading."""
    if not isinstance(trained, dict) or set(trained) != set(TRAINED):
        return "the answer must be a dict with the keys 1 to 5, one for each step."
    if all(parts is ... for parts in trained.values()):
        raise Untried
    for step, wanted in TRAINED.items():
        got = trained[step]
        if got is ...:
            return f"step {step} is still open."
        got = {got} if isinstance(got, str) else set(got)
        if unknown := got - PARTS:
            names = ", ".join(sorted(map(str, unknown)))
            return f"step {step}: the parts are phi1, gating layer and N2, got {names}."
        if got == wanted:
            continue
        if step == 1:
            return "step 1: the network starts out knowing nothing, so all of its parts train."
        if step in (2, 3) and not got:
            return f"step {step}: something must give way, or N would stay N."
        if step in (2, 3):
            frozen = " and ".join(sorted(got - wanted))
            return (
                f"step {step}: {frozen} would learn from a recording without hidden states, and "
                "the gates could no longer be read. It is frozen."
                if frozen
                else f"step {step}: the gating layer is what is retrained."
            )
        return f"step {step} only reads what was trained before; nothing is trained."


@exercise()
def changed_most(current):
    """Compare treated with control, as a ratio, and count halving as much as doubling."""
    for control, treated, wanted in GAINS:
        got = ask(current, dict(control), dict(treated))
        if got not in control:
            return f"the answer must be one of the names {', '.join(control)}, got {got!r}."
        if got == wanted:
            continue
        ratios = {name: treated[name] / control[name] for name in control}
        for mistake, why in (
            (
                max(ratios, key=ratios.get),
                "the largest ratio: a current that was halved has changed as well. Take the "
                "logarithm, and of that the size.",
            ),
            (
                max(treated, key=lambda name: abs(math.log(treated[name]))),
                "the one that differs most from the theory. The control may differ from the "
                "theory, too: compare treated with control.",
            ),
            (
                max(treated, key=lambda name: abs(treated[name] - control[name])),
                "the largest difference; a small gain can treble without moving far. Use ratios.",
            ),
        ):
            if got == mistake:
                return f"{got} is {why}"
        return f"from {control} to {treated} {wanted} changed most, got {got}."
