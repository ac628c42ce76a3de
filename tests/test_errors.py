"""The message of an unknown name, over typing errors made by rule."""

import numpy as np
import pytest

from ionlab.cells import CELLS, tentusscher2004
from ionlab.errors import BadValue, IonlabError, UnknownName, known, positive
from ionlab.perturb import PERTURBATIONS
from ionlab.presets import PRESETS

FAMILIES = {
    "gate": tentusscher2004.gate_names,
    "parameter": [p.name for p in tentusscher2004.parameters],
    "cell": list(CELLS),
    "perturbation": list(PERTURBATIONS),
    "preset": list(PRESETS),
}


def typos(name):
    """The usual ones: a letter doubled, dropped, swapped, a case or an underscore wrong."""
    yield name.upper() if name != name.upper() else name.lower()
    if len(name) > 3:
        k = len(name) // 2
        yield name[:k] + name[k] + name[k:]
        yield name[:k] + name[k + 1 :]
        yield name[: k - 1] + name[k] + name[k - 1] + name[k + 1 :]
        yield name.replace("_", "")
        yield name.replace("_", "-") + " "


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_typing_error_is_answered_by_the_name_that_was_meant(kind):
    names = list(FAMILIES[kind])
    asked = answered = 0
    for name in names:
        for typo in set(typos(name)) - set(names):
            with pytest.raises(UnknownName) as raised:
                known(kind, typo, names)
            message = str(raised.value)
            assert message.startswith(f'unknown {kind} "{typo}". Did you mean "')
            assert message.endswith(f"Known: {', '.join(names)}.")
            asked, answered = asked + 1, answered + (f'Did you mean "{name}"?' in message)
    assert asked > 0 and answered >= 0.9 * asked  # g_Na and g_Ca-like names are near each other


def test_a_name_unlike_any_gets_the_list_and_no_guess():
    with pytest.raises(UnknownName) as raised:
        known("gate", "zzzz", ["xr1", "xs"])
    assert str(raised.value) == 'unknown gate "zzzz". Known: xr1, xs.'


def test_an_unknown_name_is_a_KeyError_and_one_of_the_family():
    assert issubclass(UnknownName, KeyError) and issubclass(UnknownName, IonlabError)
    assert known("gate", "xs", ["xr1", "xs"]) == "xs"


@pytest.mark.parametrize("value", [0, -0.1, float("nan"), float("inf"), "much", "1e-05", None])
def test_positive_refuses(value):
    with pytest.raises(BadValue) as raised:
        positive("eta", value, "Try 1e-3.")
    assert str(raised.value) == f"eta must be positive, got {value!r}. Try 1e-3."


def test_positive_returns_floats():
    assert positive("eta", np.float32(0.25), "") == 0.25
