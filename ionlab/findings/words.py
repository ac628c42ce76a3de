"""What was found, in words."""

import html

import numpy as np

from ionlab.compare import POOR_FIT_mV
from ionlab.groups import WellsIdentification
from ionlab.identify import probability_of, tied

WIDE = 4.0  # an interval whose ends differ by more than this factor decides nothing
GOOD_FIT_mV = 1.0
SURE = 0.99  # less likely explanations are not listed, so nothing is surer than that
NAMED = 3  # explanations in the sentence; the others are in the table
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# --- pieces ------------------------------------------------------------------------------


def listed(words):
    """Return "a", "a and b" or "a, b and c"."""
    *most, last = words or [""]
    return f"{', '.join(most)} and {last}" if most else last


def ratio(value, low, high):
    """Return a ratio with its interval."""
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def amount(name, value, low, high):
    """Return what became of an amount.

    >>> amount("I_Kr", 0.5, 0.48, 0.52)
    'I_Kr fell to 0.50 (0.48 to 0.52) of its control value'
    """
    if value < 1:
        return f"{name} fell to {ratio(value, low, high)} of its control value"
    return f"{name} rose to {ratio(value, low, high)} times its control value"


def change(c):
    """Return a `ChangeFound` in words."""
    gate = f"{c.target} ({c.current})"
    if c.kind == "amount":
        return amount(c.target, c.value, c.low, c.high)
    if c.kind == "shift":
        return (
            f"the steady state of {gate} moved by {c.value:+.1f} mV ({c.low:.1f} to {c.high:.1f})"
        )
    if c.kind == "stretch":
        return f"the steady state of {gate} became {ratio(c.value, c.low, c.high)} times as wide"
    return amount(f"the time constant of {gate}", c.value, c.low, c.high)


def explanation(e):
    """Return an `Explanation` in words."""
    return listed([change(c) for c in e.changes]) if e.changes else "nothing changed"


def percent(probability):
    """Return a probability in percent."""
    return f"{100 * probability:.0f} %" if probability < SURE else f"{100 * SURE:.0f} % or more"


def bullets(lines, first, otherwise=""):
    """Return a line and a list as HTML, or another line if the list is empty."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<p>{first}</p><ul>{items}</ul>" if items else f"<p>{otherwise}</p>"


# --- the answer --------------------------------------------------------------------------


def undecided(found):
    """Return the names of currents that the recordings hardly show: nothing can be said."""
    return [c.name for c in found.currents if not (c.changed or c.high <= WIDE * c.low)]


def answer(found):
    """Return the answer in one plain sentence, with its confidence; doubts in a second."""
    misses = " and ".join(f"{error:.1f} mV" for error in found.v_rmse_mV)
    if not found.fits:
        return (
            "The model cannot fit the control, whatever its conductances and gates: it misses it "
            f"by {found.v_rmse_mV[0]:.1f} mV (RMS). Nothing can be said of the treatment."
        )
    if found.kind == "undecidable":
        said = _either(found)
    else:
        said = _nothing(found) if found.kind == "no change" else _supported(found)
    said = said[0].upper() + said[1:]
    if (found.v_rmse_mV > POOR_FIT_mV).any():
        said += f" The model misses the recordings by {misses} (RMS): read this with doubt."
    elif isinstance(found, WellsIdentification) and found.theory_mV > POOR_FIT_mV:
        said += (
            f" The model as published misses these cells by {found.theory_mV:.1f} mV (RMS), and "
            "was fitted to them: read this with doubt."
        )
    return said


def _supported(found):
    best, open_ = found.explanations[0], undecided(found)
    how = f"with a probability of {percent(best.probability)}"
    if found.kind == "amount":
        own = "its amount" if len(best.changes) == 1 else "their amounts"
        how = f"most probably {own} ({percent(best.probability)})"
    parts = [f"{explanation(best)}, {how}"]
    if open_:
        parts.append(f"{listed(open_)} cannot be decided")
    count = len(found.currents)
    if len(found.changed) + len(open_) < count:
        parts.append(f"no other of the {_number(count)} currents changed")
    return "; ".join(parts) + "."


def _nothing(found):
    open_ = undecided(found)
    told = [c for c in found.currents if c.name not in open_]
    parts = ["no change is supported"]
    if told:
        low, high = min(c.low for c in told), max(c.high for c in told)
        whose = f"all {_number(len(told))} currents" if not open_ else "the others"
        parts.append(f"{whose} kept {low:.2f} to {high:.2f} of their control values (90 %)")
    if open_:
        parts.insert(1, f"{listed(open_)} cannot be decided")
    hidden = tied(found.explanations)[1:]
    if hidden:
        parts.append(f"not ruled out: {', or '.join(_some(hidden))}")
    return "; ".join(parts) + "."


def _some(options):
    """Return the first explanations in words, and how many are left."""
    said = [explanation(e) for e in options[:NAMED]]
    if len(options) > NAMED:
        said.append(f"{_number(len(options) - NAMED)} more, listed below")
    return said


def _either(found):
    options = tied(found.explanations)
    said = _some(options)
    if len(options) == 1:
        return f"not decidable: {said[0]} explains it best, but without the support that it needs."
    whole = "neither" if len(options) == 2 else "none"
    odds = listed([percent(e.probability) for e in options[:NAMED]])
    text = (
        f"not decidable: either {', or '.join(said)}: {whole} can be ruled out "
        f"(probability {odds})."
    )
    if not found.changed:
        return text
    sure = percent(probability_of(found.explanations, found.changed))
    return f"{listed(found.changed)} changed, with a probability of {sure}; how is {text}"


def _number(count):
    return WORDS[count] if count < len(WORDS) else str(count)


# --- the evidence ------------------------------------------------------------------------


def judgement(found):
    """Say how near the fitted model comes to the recordings, a paragraph for each."""
    said = []
    for which, side, error in zip(
        ("control", "treated"), found.sides, found.v_rmse_mV, strict=True
    ):
        if not error <= POOR_FIT_mV:
            word = "poor: the answer stands on weak ground"
        else:
            word = "good" if error <= GOOD_FIT_mV else "fair"
        spreads = [V.std(0, ddof=1).mean() for V, _ in side.beats.single if len(V) > 1]
        text = f"The fitted model misses the {which}'s mean beats by {error:.2f} mV (RMS): {word}."
        if spreads:
            text += f" The beats of a sweep differ among themselves by {np.mean(spreads):.2f} mV."
        said.append(text)
    return "\n\n".join(said)


def eta_rule(found):
    """Say which eta the networks were read at, and why."""
    choice = found.eta
    if len(choice.eta) == 1:
        return f"eta was given, {choice.value:g}, not chosen from the data."
    if (choice.misfit_mV <= choice.limit_mV[:, None]).all(0).any():
        return (
            f"eta is {choice.value:g}: the largest of the values tried at which the networks still "
            "fit both recordings as well as any, or as well as the noise allows (the dashed "
            "limits), for held closer to the theory they would miss the recordings, and let go "
            "further they would fit noise."
        )
    return (
        f"eta is {choice.value:g}, that of the smallest misfit of both together: at none of the "
        "values tried do the networks fit both recordings within the dashed limits."
    )


def warnings(found, control, treated):
    """Return all warnings, each once."""
    return list(dict.fromkeys([*control.warnings, *treated.warnings, *found.warnings]))
