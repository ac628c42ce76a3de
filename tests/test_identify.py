"""Oracles: simulated pairs whose change is known; explanations written by hand."""

from dataclasses import replace
from functools import partial
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from ionlab import refine, search
from ionlab.cells import tentusscher2004
from ionlab.changes import Change, acts_on, candidates, starts
from ionlab.errors import BadRecording, BadValue, UnknownName
from ionlab.evidence import LOG_ODDS, Control, Evidence
from ionlab.identify import (
    LISTED,
    TIED,
    ChangeFound,
    Explanation,
    identify,
    kind_of,
    listed,
    prior_odds,
    ratios,
)
from ionlab.recordings import from_traces
from ionlab.refine import Hypothesis
from ionlab.search import Found
from ionlab.simulate import pace
from ionlab.trajectory import Trajectories

CELL = tentusscher2004
LENGTH_ms, PACED_ms = 500.0, 4000.0
CASES = {
    "half": (CELL.perturbed(g_Kr=0.5), {"eta": 1e-3}),
    "null": (CELL, {"pumps": True}),
    "gate": (CELL.with_moved_gate("f", 5.0), {"eta": 1e-3, "favour": {"f": 0.05}}),
}


def recording(cell, name, seed):
    """One sweep of V and Ca_i, 0.3 mV of noise."""
    traces = pace(cell, [LENGTH_ms], PACED_ms, PACED_ms / 2)
    return from_traces(traces, name, 0.3, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def control():
    return recording(CELL, "control", 1)


@pytest.fixture(scope="module")
def quickly():
    """`identify` with trajectories paced for as long as these recordings were."""
    with pytest.MonkeyPatch.context() as patch:
        module = import_module("ionlab.identify")
        patch.setattr(module, "Trajectories", partial(Trajectories, paced_ms=PACED_ms))
        yield partial(identify, preset="fast", device="cpu")


@pytest.fixture(scope="module")
def found(quickly, control):
    """case -> its `Identification`."""
    return {
        name: quickly(control, recording(cell, name, 2), **options)
        for name, (cell, options) in CASES.items()
    }


# --- what is found -----------------------------------------------------------------------


def test_half_a_conductance_is_named(found):
    """Or declared undecidable against xr2, shifted by 15 to 18 mV, which V cannot tell from it."""
    half = found["half"]
    first = half.currents[0]
    assert half.changed == ("I_Kr",) and first.name == "I_Kr" and first.changed
    assert first.low < 0.5 < first.high
    made = [c for e in half.explanations for c in e.changes if c.kind == "amount"]
    assert {c.target for c in made} == {c.current for c in made} == {"I_Kr"}
    assert made[0].value == pytest.approx(0.5, rel=0.05) and made[0].low < 0.5 < made[0].high
    assert half.kind in ("amount", "undecidable")
    if half.explanations[0].changes[0].kind == "amount":
        assert first.ratio == half.explanations[0].changes[0].value


def test_pumps_are_offered_when_asked_for(found):
    named = {name: {c.name for c in answer.currents} for name, answer in found.items()}
    assert named["null"] == {*CELL.conductances, *CELL.pumps}
    assert named["half"] == named["gate"] == set(CELL.conductances)


def test_an_unchanged_pair_is_called_unchanged(found):
    null = found["null"]
    assert null.kind == "no change" and null.changed == ()
    assert null.explanations[0].changes == ()
    for c in null.currents:
        assert c.low < 1.0 < c.high and not c.changed, c
        assert c.ratio == pytest.approx(1.0, abs=0.1)


def test_a_shifted_gate_is_named_and_its_current_changed(found):
    """By 5 mV, of f, from one sweep; what else fits is listed."""
    gate = found["gate"]
    assert gate.changed == ("I_CaL",) and gate.kind in ("gating", "undecidable")
    shifts = [
        c for e in gate.explanations for c in e.changes if (c.kind, c.target) == ("shift", "f")
    ]
    assert shifts and shifts[0].current == "I_CaL"
    assert shifts[0].low < 5.0 < shifts[0].high
    assert shifts[0].value == pytest.approx(5.0, abs=1.5)


def test_explanations_are_weighed_against_each_other(found):
    for answer in found.values():
        weights = np.array([e.probability for e in answer.explanations])
        evidence = np.array([e.log_evidence for e in answer.explanations])
        assert weights.sum() == pytest.approx(1.0) and evidence[0] == 0.0
        assert (evidence > -LISTED).all()
        np.testing.assert_allclose(weights / weights[0], np.exp(np.minimum(evidence, 0.0)))
        for e in answer.explanations:
            assert all(c.low < c.value < c.high for c in e.changes)


def test_the_fitted_model_follows_both_recordings(found, control):
    """Noise of 0.3 mV over 4 beats is 0.15 mV; the misses and the fits are of that size."""
    for answer in found.values():
        assert answer.fits and not any("whole trajectories" in w for w in answer.warnings)
        for k, (side, f) in enumerate(zip(answer.sides, answer.predictions, strict=True)):
            V = side.blocks[0].rows
            rmse = np.sqrt(np.mean((side.seen - f)[V] ** 2))
            assert answer.v_rmse_mV[k] == pytest.approx(rmse) and rmse < 0.3
        assert answer.explanations[0].rmse_mV == pytest.approx(answer.v_rmse_mV[1])
        assert answer.seconds > 0.0 and set(answer.misses[0]) == {"V", "Ca_i"}


def test_eta_is_chosen_where_it_is_not_given(found):
    assert found["half"].eta.eta.tolist() == [1e-3]
    choice = found["null"].eta
    assert len(choice.eta) > 1 and choice.value == choice.eta[choice.chosen]
    accepted = (choice.misfit_mV <= choice.limit_mV[:, None]).all(0)
    assert choice.value == choice.eta[accepted].max()


# --- where no answer can be trusted ------------------------------------------------------


def test_a_model_that_cannot_fit_the_control_says_so(quickly, monkeypatch):
    """A triangle with a slow upstroke, which no change of this cell makes.

    What is said of the treated cell does not matter here, so its search is cut short.
    """
    monkeypatch.setattr(search, "ROUNDS", 1)
    monkeypatch.setattr(refine, "STEPS", 1)

    def triangle(cell, seed):
        own = recording(cell, "triangle", seed)
        sweep = own.sweeps[0]
        t = (np.arange(len(sweep.V_mV)) - sweep.stimuli_ms[0]) % LENGTH_ms
        noise = np.random.default_rng(seed).normal(0.0, 0.3, len(t))
        V = 25.0 - 110.0 * np.abs(t / LENGTH_ms - 0.5) * 2.0 + noise
        return replace(own, sweeps=(replace(sweep, V_mV=V, Ca_i_mM=None),))

    found = quickly(triangle(CELL, 1), triangle(CELL, 2), eta=1e-3)
    assert not found.fits and found.kind == "undecidable"
    assert any("cannot fit the control" in w and "--cell" in w for w in found.warnings)
    assert any("misses the control by" in w for w in found.warnings)
    assert found.v_rmse_mV[0] > 12.0


def test_a_recording_in_block_is_refused(quickly, control):
    blocked = replace(control, sweeps=(replace(control.sweeps[0], answer="2:1"),))
    with pytest.raises(BadRecording, match="no sweep follows its stimuli 1:1"):
        quickly(control, blocked, eta=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"preset": "fats"}, 'unknown preset "fats". Did you mean "fast"'),
        ({"favour": {"I_kr": 0.1}}, 'unknown current or gate "I_kr". Did you mean "I_Kr"'),
        ({"favour": {"xr3": 0.1}}, 'unknown current or gate "xr3". Did you mean "xr2"'),
    ],
)
def test_unknown_names_raise_before_anything_is_done(options, said):
    with pytest.raises(UnknownName, match=said):
        identify(None, None, **options)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, "much"])
def test_a_weight_must_be_positive(weight):
    with pytest.raises(BadValue, match="the weight of I_Kr must be positive, got .* 1 is no pref"):
        identify(None, None, favour={"I_Kr": weight})


# --- rules -------------------------------------------------------------------------------


def test_a_favoured_target_is_more_likely_beforehand():
    """A weight of 0.1: ten times; on all ways in which it may change, and on nothing else."""
    changes = (*candidates(CELL), *starts(CELL))
    plain = prior_odds(CELL, changes, {})
    more = prior_odds(CELL, changes, {"f": 0.1, "I_Ks": 0.5, "d": 1.0}) - plain
    expected = {"f": np.log(10.0), "I_Ks": np.log(2.0)}
    for change, own, gain in zip(changes, plain, more, strict=True):
        assert own == LOG_ODDS.get(change.kind, 0.0)
        assert gain == pytest.approx(expected.get(change.target, 0.0), abs=1e-12), change


def test_currents_of_the_best_are_ranked_by_what_was_fitted():
    """Without I_Kr the best that was fitted is far worse than without I_K1, so I_Kr comes first.

    A straight line from the best fit, here along derivatives that show nothing, tells neither.
    """
    changes = (*candidates(CELL), *starts(CELL))
    P, M = len(changes), 30
    kr, k1 = (changes.index(Change("amount", name)) for name in ("I_Kr", "I_K1"))

    noise, theta, J = SimpleNamespace(whiten=lambda x: x), np.zeros(P), np.zeros((M, P))
    base = Control(changes, theta, theta, 1e-6 * np.eye(P), np.zeros(M), J, noise, None)

    def fitted(S, log_evidence):
        n, nothing = len(S), np.zeros(M)
        small = 1e-4 * np.eye(n)
        return Hypothesis(
            S, theta, np.zeros(n), small, log_evidence, 0.0, nothing, J, nothing, base
        )

    best = fitted((kr, k1), -3.0)
    others = (fitted((kr,), -17.0), fitted((k1,), -154.0), fitted((), -400.0))
    evidence = Evidence(base, prior_odds(CELL, changes, {}))
    found = Found(evidence, (best, *others), np.zeros(P), np.zeros((M, P)), np.zeros(M), noise)
    said = [explained(("amount", "I_Kr"), ("amount", "I_K1"))]
    rows = ratios(CELL, changes, found, said)
    assert [c.name for c in rows if c.changed] == ["I_Kr", "I_K1"]
    assert [c.evidence for c in rows[:2]] == pytest.approx([151.0, 14.0])
    assert all(c.evidence < 0.0 for c in rows[2:])


KR, KS, XR1, F = ("amount", "I_Kr"), ("amount", "I_Ks"), ("shift", "xr1"), ("shift", "f")


@pytest.mark.parametrize(
    ("said", "trusted", "called"),
    [
        ([(0.46, KR), (0.5, XR1), (0.04, KS)], True, ["I_Kr"]),  # -2.4: tied, yet hardly probable
        ([(0.44, KR), (0.5, XR1), (0.06, KS)], True, []),
        ([(0.46, KR), (0.5, XR1), (0.04, KS)], False, []),
        ([(0.96, KR, F), (0.04, KR)], True, ["I_CaL", "I_Kr"]),
        ([(0.5, KR, F), (0.5, XR1)], True, ["I_Kr"]),
        ([(0.5, KR), (0.5,)], True, []),
    ],
)
def test_a_current_is_called_changed_where_that_is_95_percent_sure(said, trusted, called):
    """By all explanations that change it, in amount or in gating; if they may be read at all."""
    changes = candidates(CELL)
    P = len(changes)
    noise, nothing = SimpleNamespace(whiten=lambda x: x), np.zeros((3, P))
    theta, shown = np.zeros(P), np.zeros(3)
    base = Control(changes, theta, theta, 1e-6 * np.eye(P), shown, nothing, noise, None)
    S = (changes.index(Change("amount", "I_Kr")),)
    best = Hypothesis(S, theta, np.zeros(1), np.eye(1), 0.0, 0.0, shown, nothing, shown, base)
    found = Found(
        Evidence(base, prior_odds(CELL, changes, {})), (best,), theta, nothing, shown, noise
    )
    said = [explained(*made, probability=p) for p, *made in said]
    rows = ratios(CELL, changes, found, said, trusted)
    assert sorted(c.name for c in rows if c.changed) == called


@pytest.mark.parametrize(
    ("best", "others", "wanted"),
    [
        ((), {(6,): -2.0, (0, 6): -LISTED + 0.1, (0,): -LISTED - 0.1}, [(), (6,), (0, 6)]),
        ((0,), {(): -3.0, (6,): -2.0, (0, 6): -1.0, (1,): -LISTED - 0.1}, [(0,), (), (6,)]),
    ],
)
def test_what_is_listed_is_near_and_is_not_more_of_the_best(best, others, wanted):
    """But where nothing changed all is more of it, and says what could have changed unseen."""
    changes, shown = candidates(CELL), np.zeros(3)

    def fitted(S, log_evidence):
        n, none = len(S), np.zeros(len(changes))
        return Hypothesis(
            S, none, np.ones(n), np.eye(n), log_evidence, 0.0, shown, np.zeros((3, 1)), shown, None
        )

    found = Found(None, (fitted(best, 0.0), *map(fitted, others, others.values())), *4 * [None])
    side = SimpleNamespace(rmse_mV=lambda shown: 0.0)
    said = listed(CELL, changes, side, found)
    names = [tuple((c.kind, c.target) for c in e.changes) for e in said]
    assert names == [tuple((changes[k].kind, changes[k].target) for k in S) for S in wanted]
    assert sum(e.probability for e in said) == pytest.approx(1.0)


def explained(*changes, log_evidence=0.0, probability=1.0):
    made = [ChangeFound(*c, acts_on(CELL, Change(*c)), 1.0, 1.0, 1.0) for c in changes]
    return Explanation(tuple(made), probability, log_evidence, 0.0)


AMOUNT, SHIFT, TAU = ("amount", "I_Kr"), ("shift", "f"), ("tau", "f")


@pytest.mark.parametrize(
    ("best", "kind"),
    [
        ((), "no change"),
        ((AMOUNT,), "amount"),
        ((AMOUNT, ("amount", "I_Ks")), "amount"),
        ((SHIFT, TAU), "gating"),
        ((AMOUNT, SHIFT), "both"),
    ],
)
def test_the_kind_is_that_of_the_best_explanation(best, kind):
    assert kind_of([explained(*best)]) == kind
    far = explained(TAU, log_evidence=-1.05 * TIED)
    assert kind_of([explained(*best), far]) == kind


def test_no_change_is_said_if_it_is_ninety_percent_sure_against_any_one_change():
    for odds, kind in ((9.5, "no change"), (8.5, "undecidable")):
        other = explained(SHIFT, log_evidence=-np.log(odds))
        assert kind_of([explained(), other, other]) == kind


def test_explanations_that_cannot_be_told_apart_make_it_undecidable():
    near = {"log_evidence": -0.95 * TIED}
    assert kind_of([explained(AMOUNT), explained(SHIFT, **near)]) == "undecidable"
    assert kind_of([explained(SHIFT), explained(TAU, **near)]) == "undecidable"
    assert kind_of([explained(AMOUNT), explained(**near)]) == "undecidable"
    assert kind_of([explained(AMOUNT, SHIFT), explained(SHIFT, AMOUNT, **near)]) == "both"
