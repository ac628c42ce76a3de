"""The scoreboard; oracles: published formulas, tables by hand, stored features of its traces."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ionlab import cli, cli_scoreboard, integrate, kernel
from ionlab.cells import hodgkin_huxley1952
from ionlab.cells import tentusscher2004 as CELL
from ionlab.dataset import Sequences
from ionlab.errors import BadValue, UnknownName
from ionlab.features import apd_ms
from ionlab.identify import TIED
from ionlab.scoreboard import (
    PAIRS,
    Imperfect,
    Pair,
    drawn,
    methods,
    pairs,
    random_pairs,
    run,
    table,
)
from ionlab.scoreboard import recordings as recorded
from ionlab.scoreboard.answers import Answer, keep, stored
from ionlab.scoreboard.methods import METHODS, Method
from ionlab.simulate import pace

FEATURES = Path(__file__).parent / "data" / "scoreboard_public.csv"
NAN = float("nan")
SIX = ["I_Na", "I_CaL", "I_Kr", "I_Ks", "I_K1", "I_to"]


# --- the pairs ---------------------------------------------------------------------------


def test_the_public_set_has_what_was_promised():
    """Oracle: the list of what is to be measured."""
    kinds = [pair.kind for pair in PAIRS]
    assert len(PAIRS) >= 48 and len({pair.name for pair in PAIRS}) == len(PAIRS)
    assert set(kinds) == set(pairs.KINDS)
    ones = [next(iter(p.factors.items())) for p in PAIRS if p.kind == "one-current"]
    for current in SIX:
        factors = [x for name, x in ones if name == current]
        assert min(factors) < 1 < max(factors), current
    every = [x for pair in PAIRS for x in pair.factors.values()]
    assert min(every) == 0.25 and max(every) == 3.0
    assert all(len(p.factors) == 2 for p in PAIRS if p.kind == "two-currents")
    moved = [(gate, m) for p in PAIRS for gate, m in p.gates.items()]
    for gate in ("f", "h", "d", "xr1"):
        shifts = [m[0] for g, m in moved if g == gate and m[0]]
        assert min(shifts) < -2 and max(shifts) > 3 and max(map(abs, shifts)) <= 8, gate
    for gate in ("xs", "f"):
        slower = [m[2] for g, m in moved if g == gate and m[2] != 1]
        assert min(slower) == 0.5 and max(slower) > 1.5, gate
    unchanged = [p for p in PAIRS if p.kind == "no-change"]
    assert len(unchanged) >= 8 and all(not p.factors and not p.gates for p in unchanged)
    assert sum(p.imperfect != Imperfect() for p in unchanged) >= 4
    noise = [pair.noise_mV for pair in PAIRS]
    assert noise.count(0.0) == 1 and {0.5, 1.0, 2.0} < set(noise)
    assert noise.count(0.5) > 0.7 * len(PAIRS)
    assert 0.28 < np.mean([pair.observables == ("V",) for pair in PAIRS]) < 0.42
    assert sum(pair.record_ms == 500.0 and len(pair.lengths_ms) == 1 for pair in PAIRS) >= 2


def test_the_truth_is_in_the_cells():
    """Oracle: the formulas of ten Tusscher 2004, written out here."""
    off = Imperfect({"I_Ks": 1.4}, {"xr1": (3.0, 1.0, 1.25)})
    moved = {"f": (5.0, 1.0, 2.0), "xr1": (-8.0, 1.0, 1.0)}
    control, treated = Pair("x", "shift", {"I_Kr": 0.25}, moved, off).cells(CELL)
    assert control.parameter("g_Kr") == 0.096 and treated.parameter("g_Kr") == 0.024
    assert control.parameter("g_Ks") == treated.parameter("g_Ks") == pytest.approx(0.0868)
    V = np.linspace(-60.0, 20.0, 9)
    x, y = control.gates(control.at(V=V)), treated.gates(treated.at(V=V))
    half = lambda V, mV, slope: 1.0 / (1.0 + np.exp((V - mV) / slope))  # noqa: E731
    np.testing.assert_allclose(x["f"].h_inf, half(V, -20.0, 7.0))
    np.testing.assert_allclose(y["f"].h_inf, half(V, -15.0, 7.0))
    np.testing.assert_allclose(y["f"].tau_ms, 2.0 * x["f"].tau_ms)
    np.testing.assert_allclose(x["xr1"].h_inf, half(V, -23.0, -7.0))
    np.testing.assert_allclose(y["xr1"].h_inf, half(V, -31.0, -7.0))
    published = CELL.gates(CELL.at(V=V))["xr1"].tau_ms
    np.testing.assert_allclose(y["xr1"].tau_ms, 1.25 * published)


def test_public_pairs_are_captured_and_keep_their_distance_from_block():
    """Oracle: the kernel against features of the stored traces, which an implicit solver made."""
    features = pd.read_csv(FEATURES)
    wanted = [
        (pair.name, who, length)
        for pair in PAIRS
        for who in ("control", "treated")
        for length in pair.lengths_ms
    ]
    have = features[["pair", "cell", "cycle_length_ms"]].itertuples(index=False, name=None)
    assert list(have) == wanted
    assert set(features["answer"]) == {"1:1"}
    stored_ms = features.set_index(["pair", "cell", "cycle_length_ms"])["apd90_ms"]
    for which, who in enumerate(("control", "treated")):
        for length in {min(pair.lengths_ms) for pair in PAIRS}:
            these = [pair for pair in PAIRS if min(pair.lengths_ms) == length]
            cells = [pair.cells(CELL)[which] for pair in these]
            assert set(pace(cells, [length - drawn.MARGIN_ms]).capture()) == {"1:1"}
            paced = pace(cells, [length], record_last_ms=2000.0)
            for pair, V in zip(these, paced["V"], strict=True):
                mine = apd_ms(paced.t_ms, V).mean()
                assert abs(mine - stored_ms[pair.name, who, length]) < 0.5, pair.name


def test_an_unknown_kind_is_refused():
    with pytest.raises(UnknownName, match='Did you mean "shift"'):
        Pair("x", "shifts")
    with pytest.raises(UnknownName, match='Did you mean "I_Kr"'):
        Pair("x", "one-current", {"I_Krr": 0.5}).cells(CELL)


# --- drawn at random ---------------------------------------------------------------------


def test_drawn_pairs_repeat_and_stay_in_their_ranges(monkeypatch):
    monkeypatch.setattr(drawn, "follows", lambda pair, model: True)
    many = random_pairs(120, seed=3)
    assert random_pairs(7, seed=3) == many[:7]
    assert random_pairs(7, seed=4) != many[:7]
    assert len({pair.name for pair in many}) == 120 == len({pair.seed for pair in many})
    kinds = [pair.kind for pair in many]
    assert {kind: kinds.count(kind) / 10 for kind in pairs.KINDS} == {
        "one-current": 3, "two-currents": 1, "shift": 2, "tau": 1,
        "imperfect-amounts": 2, "imperfect-kinetics": 1, "no-change": 2,
    }  # fmt: skip
    for pair in many:
        for factor in pair.factors.values():
            assert 0.25 <= factor <= 0.8 or 1.25 <= factor <= 3.0
        for shift_mV, stretch, slower in pair.gates.values():
            assert stretch == 1.0
            assert (slower == 1.0) == (3.0 <= abs(shift_mV) <= 8.0)
            assert shift_mV == 0.0 or slower == 1.0
        assert all(0.7 <= x <= 1.4 for x in pair.imperfect.factors.values())
        for shift_mV, _, slower in pair.imperfect.gates.values():
            assert 2.0 <= abs(shift_mV) <= 4.0 and 0.75 <= slower <= 1.3
    signs = [m[0] > 0 for p in many for m in p.gates.values() if m[0]]
    assert 0.2 < np.mean(signs) < 0.8
    assert 0.2 < np.mean([p.observables == ("V",) for p in many]) < 0.5


def test_a_pair_next_to_block_is_drawn_again():
    """Oracle: the capture map; half of I_Kr is answered 2:1 up to 340 ms, so 350 is too near."""
    half = Pair("x", "one-current", {"I_Kr": 0.5})
    assert not drawn.follows(half, CELL)
    assert drawn.follows(replace(half, lengths_ms=(400.0, 600.0)), CELL)


def test_a_pair_whose_beats_differ_is_drawn_again():
    """Oracle: LSODA and the kernel; action potentials of this cell last from 58 to 348 ms."""
    off = Imperfect(gates={"s": (3.0, 1.0, 1.3), "r": (-2.0, 1.0, 1.0)})
    uneven = Pair("x", "imperfect-kinetics", {"I_to": 3.0}, {}, off, (450.0, 700.0, 1000.0))
    assert not drawn.follows(uneven, CELL)


# --- recordings --------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch):
    """Simulations of 1 s instead of 20 s."""
    monkeypatch.setattr(pairs, "PACED_ms", 1000.0)
    return Pair("x", "one-current", {"I_Kr": 0.5}, lengths_ms=(500.0,), record_ms=1000.0, seed=5)


def test_the_kernel_that_fits_never_makes_a_recording(short, monkeypatch):
    """Oracle: Radau; the kernel itself raises."""
    compiled = kernel.compiled

    def without_kernel(cell):
        loops = compiled(cell)

        def run(*args):
            raise AssertionError("the kernel was called")

        return SimpleNamespace(slope=loops.slope, jacobian=loops.jacobian, run=run)

    expected = pace(short.cells(CELL), [500.0], 1000.0, 1000.0, method="Radau", rtol=1e-7)
    monkeypatch.setattr(integrate.kernel, "compiled", without_kernel)
    with pytest.raises(AssertionError, match="the kernel was called"):
        pace(CELL, [500.0], 1000.0, 1000.0)
    for k, recording in enumerate(recorded(replace(short, noise_mV=0.0))):
        (sweep,) = recording.sweeps
        np.testing.assert_allclose(sweep.V_mV, expected["V"][k], atol=0.01)
        np.testing.assert_allclose(sweep.Ca_i_mM, expected["Ca_i"][k], rtol=1e-4)
        assert sweep.stimuli_ms.tolist() == [10.0, 510.0] and sweep.cycle_length_ms == 500.0


def test_noise_is_of_the_size_that_was_asked_for(short, tmp_path):
    clean = recorded(replace(short, noise_mV=0.0), folder=tmp_path)
    noisy = recorded(replace(short, noise_mV=2.0), folder=tmp_path)
    noise = [b.sweeps[0].V_mV - a.sweeps[0].V_mV for a, b in zip(clean, noisy, strict=True)]
    for x, a, b in zip(noise, clean, noisy, strict=True):
        assert x.std() == pytest.approx(2.0, rel=0.05) and abs(x.mean()) < 0.2
        Ca_i = a.sweeps[0].Ca_i_mM
        off = b.sweeps[0].Ca_i_mM - Ca_i
        assert off.std() == pytest.approx(0.01 * (Ca_i.max() - Ca_i.min()), rel=0.05)
    assert abs(np.corrcoef(*noise)[0, 1]) < 0.1
    again = recorded(replace(short, noise_mV=2.0), folder=tmp_path)
    assert (again[1].sweeps[0].V_mV == noisy[1].sweeps[0].V_mV).all()
    alone = recorded(replace(short, observables=("V",)), folder=tmp_path)
    assert all(recording.sweeps[0].Ca_i_mM is None for recording in alone)


def test_traces_are_stored_under_what_makes_them(short, tmp_path, monkeypatch):
    first = recorded(short, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2

    def never(*args, **settings):
        raise AssertionError("simulated anew")

    monkeypatch.setattr(pairs, "pace", never)
    again = recorded(replace(short, name="y"), folder=tmp_path)
    assert (first[0].sweeps[0].Ca_i_mM == again[0].sweeps[0].Ca_i_mM).all()
    for other in (
        replace(short, factors={"I_Kr": 0.6}),
        replace(short, gates={"f": (3.0, 1.0, 1.0)}),
        replace(short, imperfect=Imperfect({"I_Ks": 1.3})),
        replace(short, lengths_ms=(400.0,)),
        replace(short, record_ms=500.0),
    ):
        with pytest.raises(AssertionError, match="simulated anew"):
            recorded(other, folder=tmp_path)


# --- scores, by hand ---------------------------------------------------------------------


def ratios(**given):
    """All six ratios with intervals of 10 % to each side; 1 where not given."""
    made = {name: given.get(name, 1.0) for name in SIX}
    return {name: (x, 0.9 * x, 1.1 * x) for name, x in made.items()}


KR = Pair("kr", "one-current", {"I_Kr": 0.5})
TWO = Pair("two", "two-currents", {"I_Kr": 0.5, "I_to": 2.0}, observables=("V",))
SHIFT = Pair("shift", "shift", {}, {"xr1": (6.0, 1.0, 1.0)})
NULL = Pair("null", "no-change", imperfect=Imperfect({"I_Ks": 1.3}), noise_mV=2.0)


def test_a_right_answer_and_wrong_ones():
    right = Answer("I_Kr", ("I_Kr",), ratios(I_Kr=0.52), "amount", gate_shifts={}, seconds=3.0)
    s = table.score("a", KR, right, CELL)
    assert (s.first, s.set, s.unchanged, s.kind) == (True, True, None, True)
    assert s.errors == (pytest.approx(0.04),) and s.covered == (True,) and s.shifts_mV == ()
    assert s.covered_all == (True,) * 6
    wrong = Answer("I_Ks", ("I_Ks", "I_Kr"), ratios(I_Kr=0.4, I_Ks=0.5), "gating")
    s = table.score("a", KR, wrong, CELL)
    assert (s.first, s.set, s.kind) == (False, False, False)
    assert s.errors == (pytest.approx(0.2),) and s.covered == (False,)
    assert sorted(s.covered_all) == [False, False, True, True, True, True]
    s = table.score("a", KR, Answer(error="it broke"), CELL)
    assert (s.first, s.set, s.kind, s.errors, s.covered) == (False, False, False, (), ())


def test_either_of_two_currents_may_come_first():
    s = table.score("a", TWO, Answer("I_to", ("I_to",), ratios(I_to=1.0, I_Kr=0.5)), CELL)
    assert (s.first, s.set) == (True, False)
    assert s.errors == pytest.approx((0.0, 0.5)) and s.covered == (True, False)
    both = Answer("I_to", ("I_to", "I_Kr"), ratios(I_to=2.0, I_Kr=0.5))
    assert table.score("a", TWO, both, CELL).set


@pytest.mark.parametrize(
    ("kind", "alternatives", "right"),
    [
        ("gating", [{("shift", "xr1")}], True),
        ("gating", [{("shift", "xr2")}, {("shift", "xr1")}], False),
        ("gating", [{("shift", "xr1"), ("tau", "f")}], False),
        ("gating", [], False),
        ("undecidable", [{("amount", "I_Kr")}, {("shift", "xr1")}], True),
        ("undecidable", [{("amount", "I_Kr")}, {("tau", "xr2")}], False),
        ("undecidable", [], False),
        ("amount", [{("amount", "I_Kr")}], False),
        ("no change", [set()], False),
        ("", [], False),
    ],
)
def test_the_kind_of_a_shifted_gate(kind, alternatives, right):
    answer = Answer(kind=kind, alternatives=tuple(map(frozenset, alternatives)))
    assert table.score("a", SHIFT, answer, CELL).kind == right


def test_the_kind_of_amounts_and_of_no_change():
    among = Answer(kind="undecidable", alternatives=(frozenset({("amount", "I_Kr")}),))
    assert table.score("a", KR, among, CELL).kind
    assert not table.score("a", TWO, among, CELL).kind
    nothing = Answer(kind="undecidable", alternatives=(frozenset({("tau", "f")}), frozenset()))
    assert table.score("a", NULL, nothing, CELL).kind
    assert table.score("a", NULL, Answer(kind="no change"), CELL).kind
    assert not table.score("a", NULL, Answer(kind="amount"), CELL).kind


def test_a_shifted_gate_belongs_to_its_current():
    answer = Answer("I_Kr", ("I_Kr",), ratios(), gate_shifts={"xr1": 5.2, "f": 1.0})
    s = table.score("a", SHIFT, answer, CELL)
    assert (s.truth, s.first, s.set, s.errors, s.covered) == (("I_Kr",), True, True, (), ())
    assert s.shifts_mV == (pytest.approx(0.8),)
    assert table.score("a", SHIFT, replace(answer, gate_shifts={}), CELL).shifts_mV == (6.0,)
    assert table.score("a", SHIFT, replace(answer, gate_shifts=None), CELL).shifts_mV == ()


def test_the_summary_is_what_a_hand_would_count():
    said = {
        "kr": Answer("I_Kr", ("I_Kr",), ratios(I_Kr=0.52), "amount", seconds=2.0),
        "two": Answer("I_Ks", ("I_Kr", "I_to"), ratios(I_Kr=0.6, I_to=2.6), "amount", seconds=4.0),
        "shift": Answer(error="it broke"),
        "null": Answer("I_Na", ("I_Na",), ratios(I_Na=1.2), "no change", seconds=9.0),
    }
    blind = {
        name: Answer(a.first, a.changed, {c: (x[0], NAN, NAN) for c, x in a.ratios.items()})
        for name, a in said.items()
    }
    scores = [
        table.score(method, pair, answers[pair.name], CELL)
        for method, answers in (("a", said), ("b", blind))
        for pair in (KR, TWO, SHIFT, NULL)
    ]
    found = table.summary(scores).set_index(["view", "method"])
    every = found.loc["all", "a"]
    assert (every["pairs"], every["answered"], every["seconds"]) == (4, 3, 4.0)
    assert every["first"] == pytest.approx(1 / 3)  # of kr, two, shift
    assert every["set"] == pytest.approx(2 / 3)
    assert every["error_median"] == pytest.approx(0.2)  # of 0.04, 0.2, 0.3
    assert every["error_p90"] == pytest.approx(0.28)
    assert every["coverage"] == pytest.approx(1 / 3)
    assert every["coverage_all"] == pytest.approx(15 / 18)
    assert every["kind"] == pytest.approx(3 / 4)
    assert every["unchanged"] == 0.0 and np.isnan(every["shift_mV"])
    other = found.loc["all", "b"]
    assert np.isnan(other[["coverage", "coverage_all", "kind", "seconds"]].astype(float)).all()
    assert other["error_median"] == pytest.approx(0.2)
    assert found.loc["V alone, 0.5 mV", "a"]["pairs"] == 1
    assert found.loc["V alone, 0.5 mV", "a"]["error_median"] == pytest.approx(0.25)
    assert found.loc["V and Ca_i, 0.5 mV", "a"]["pairs"] == 2  # kr and shift
    assert found.loc["1 or 2 mV of noise", "a"]["pairs"] == 1
    assert "imperfect model" not in found.index.get_level_values(0)  # the null pair has no change
    shown = table.text(table.summary(scores))
    assert shown.splitlines()[0] == "all"
    assert "33 %" in shown and "20.0 %" in shown and "nan" not in shown


# --- the methods -------------------------------------------------------------------------


def test_the_rule_for_what_changed():
    """Oracle: 10 % from 1, and an interval, if there is one, that leaves 1 out."""
    given = {"I_Na": (1.11, 1.05, 1.2), "I_CaL": (1.09, 1.05, 1.2), "I_Kr": (0.5, 0.2, 1.01)}
    assert methods.called(given) == ("I_Na",)
    assert methods.called({"I_Ks": (0.89, NAN, NAN), "I_to": (0.92, NAN, NAN)}) == ("I_Ks",)
    assert methods.farthest({"I_Ks": (1.9, NAN, NAN), "I_to": (0.5, NAN, NAN)}) == "I_to"


@pytest.fixture(scope="module")
def beats():
    """Two pairs of recordings of one sweep, by the kernel: what is fitted does not matter here."""
    from ionlab.recordings import from_traces

    cells = [CELL, CELL.perturbed(g_Kr=0.5), CELL.perturbed(g_to=2.0)]
    traces = pace(cells, [500.0], 4000.0, 1000.0)
    control, long_qt, ito = (from_traces(traces.select([k]), str(k)) for k in range(3))
    return traces, [(control, long_qt), (control, ito)]


def test_a_stack_of_pairs_trains_as_each_would_alone(beats, monkeypatch):
    traces, both = beats
    monkeypatch.setattr(methods, "N2_STEPS", 1000)
    together = METHODS["n2"].answers(both, CELL)
    (alone,) = METHODS["n2"].answers(both[1:], CELL)
    for name in SIX:
        assert together[1].ratios[name][0] == pytest.approx(alone.ratios[name][0], rel=2e-3)
    assert max(abs(np.log(x[0])) for x in alone.ratios.values()) > 0.01
    fit = methods._published(CELL.name)
    expected = Sequences.from_traces(traces.select([1]), fit.normaliser).columns(fit.n1.inputs)
    np.testing.assert_allclose(methods._normalised(fit, both[0][1]), expected, atol=1e-6)


def test_leaving_the_upstroke_out_is_another_method(beats, monkeypatch):
    recipes = []

    def watched(fit, data, eta, decoder, recipe):
        recipes.append(recipe)
        raise InterruptedError

    monkeypatch.setattr(methods, "retrain", watched)
    for name in ("n2", "n2-no-upstroke"):
        with pytest.raises(InterruptedError):
            METHODS[name].answers(beats[1], CELL)
    assert [recipe.upstroke for recipe in recipes] == [True, False]
    assert {recipe.epochs for recipe in recipes} == {30}  # 30,000 steps on 1 s


def test_answers_of_the_fitting_methods_are_carried_over(monkeypatch):
    """Oracle: made-up results, each field looked up."""
    fitted = SimpleNamespace(first="I_Kr", ratios=ratios(I_Kr=0.5, I_Na=1.05))
    monkeypatch.setattr(methods, "fit_pair", lambda cell, control, treated: fitted)
    (direct,) = METHODS["least-squares"].answers([(1, 2)], CELL)
    assert (direct.first, direct.changed, direct.kind) == ("I_Kr", ("I_Kr",), "")
    assert direct.ratios["I_Kr"] == (0.5, 0.45, 0.55) and direct.seconds < 1.0
    change = SimpleNamespace(name="I_to", ratio=2.0, low=1.9, high=2.1)
    gate = SimpleNamespace(name="f", shift_mV=3.0)
    compared = SimpleNamespace(currents=(change,), changed=("I_to",), gates=(gate,))
    monkeypatch.setattr(methods, "compare", lambda *args, **settings: compared)
    (read,) = METHODS["membrane"].answers([(1, 2)], CELL)
    assert (read.first, read.changed, read.gate_shifts) == ("I_to", ("I_to",), {"f": 3.0})
    assert read.ratios == {"I_to": (2.0, 1.9, 2.1)}
    own = (("shift", "f", 3.2), ("amount", "I_to", 2.0)), (("shift", "f", 9.0), ("shift", "d", 1.0))
    made = [[SimpleNamespace(kind=k, target=t, value=x) for k, t, x in each] for each in own]
    found = SimpleNamespace(
        currents=(change,),
        changed=("I_to",),
        kind="undecidable",
        explanations=[
            SimpleNamespace(changes=made[0], log_evidence=0.0),
            SimpleNamespace(changes=made[1], log_evidence=-TIED + 0.1),
            SimpleNamespace(changes=[SimpleNamespace(kind="shift", target="h", value=4.0)],
                            log_evidence=-TIED - 0.1),
        ],
    )  # fmt: skip
    monkeypatch.setattr(methods, "identify", lambda *args: found)
    (said,) = METHODS["identify"].answers([(1, 2)], CELL)
    assert (said.first, said.kind, said.gate_shifts) == (
        "I_to",
        "undecidable",
        {"f": 3.2, "d": 1.0},
    )
    assert said.alternatives[0] == {("shift", "f"), ("amount", "I_to")}


# --- the run -----------------------------------------------------------------------------


def test_an_answer_survives_the_disk(tmp_path):
    answer = Answer(
        "I_Kr",
        ("I_Kr", "I_to"),
        {"I_Kr": (0.5, NAN, NAN), "I_to": (2.0, 1.5, float("inf"))},
        "undecidable",
        (frozenset({("amount", "I_Kr"), ("shift", "f")}), frozenset()),
        {"f": 2.0},
        1.5,
    )
    keep(tmp_path, "a", KR, answer)
    (path,) = tmp_path.rglob("*.json")
    json.loads(path.read_text(), parse_constant=pytest.fail)
    back = stored(tmp_path, "a", KR)
    assert replace(back, ratios={}) == replace(answer, ratios={})
    np.testing.assert_equal(back.ratios["I_Kr"], answer.ratios["I_Kr"])
    assert back.ratios["I_to"][:2] == (2.0, 1.5)
    assert stored(tmp_path, "b", KR) is None
    assert stored(tmp_path, "a", replace(KR, factors={"I_Kr": 0.6})) is None


@pytest.fixture
def toy(monkeypatch):
    """Methods that answer at once, and note what they were asked: the names of pairs."""
    asked = []

    def answers(made, cell):
        asked.append(list(made))
        if "two" in made and asked_to_fail:
            raise ArithmeticError("no answer for two")
        return [Answer("I_Kr", ("I_Kr",), ratios(I_Kr=0.5), seconds=1.0) for _ in made]

    asked_to_fail = [True]
    monkeypatch.setattr(run, "recordings", lambda pair, model, folder: pair.name)
    monkeypatch.setattr(run, "simulate", lambda pairs, folder, model: None)
    known = {"one": Method("one", answers), "three": Method("three", answers, 3, ("V", "Ca_i"))}
    monkeypatch.setattr(run, "METHODS", known)
    return SimpleNamespace(asked=asked, failing=asked_to_fail)


def test_a_failure_is_an_answer_and_is_tried_again(toy, tmp_path):
    four = (KR, TWO, SHIFT, NULL)
    found = run.run(tmp_path, four, ["one"]).set_index("view")
    assert found.loc["all", "answered"] == 3
    rows = pd.read_csv(tmp_path / "scoreboard.csv").set_index("pair")
    assert rows.loc["two", "failed"] == "ArithmeticError: no answer for two"
    assert rows.loc["kr", "I_Kr_ratio"] == 0.5 and rows.loc["shift", "truth"] == "I_Kr"
    assert toy.asked == [["kr"], ["two"], ["shift"], ["null"]]
    toy.asked.clear(), toy.failing.clear()
    again = run.run(tmp_path, four, ["one"]).set_index("view")
    assert toy.asked == [["two"]] and again.loc["all", "answered"] == 4
    full = json.loads((tmp_path / "scoreboard.json").read_text())
    assert [one["pair"]["name"] for one in full] == ["kr", "two", "shift", "null"]
    written = pd.read_csv(tmp_path / "summary.csv")
    assert written["first"][0] == pytest.approx(1.0) and set(written["method"]) == {"one"}


def test_pairs_of_one_shape_are_answered_together(toy, tmp_path):
    one = replace(KR, name="one sweep", lengths_ms=(500.0,))
    others = [replace(KR, name=f"kr{k}") for k in range(3)]
    found = run.answer("three", (KR, one, TWO, *others), tmp_path)
    assert toy.asked == [["one sweep"], ["kr", "kr0"], ["kr1", "kr2"]]  # two has V alone
    assert found["two"].error == "needs Ca_i, which was not recorded"
    assert all(not found[name].error for name in ("kr", "one sweep", "kr2"))
    toy.asked.clear()
    mates = [replace(TWO, observables=("V", "Ca_i")), replace(KR, name="mate")]
    found = run.answer("three", mates, tmp_path / "mates")
    assert toy.asked == [["two", "mate"], ["two"], ["mate"]]  # then one by one
    assert found["two"].error.startswith("ArithmeticError") and not found["mate"].error


def test_a_run_that_was_stopped_goes_on(toy, tmp_path, monkeypatch):
    toy.failing.clear()

    def interrupted(pair, model, folder):
        if pair.name == "shift":
            raise KeyboardInterrupt
        return pair.name

    monkeypatch.setattr(run, "recordings", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run(tmp_path, (KR, TWO, SHIFT, NULL), ["one"])
    assert toy.asked == [["kr"], ["two"]]
    monkeypatch.setattr(run, "recordings", lambda pair, model, folder: pair.name)
    run.run(tmp_path, (KR, TWO, SHIFT, NULL), ["one"])
    assert toy.asked == [["kr"], ["two"], ["shift"], ["null"]]


def test_traces_are_made_in_processes_and_a_failure_does_not_stop_them(tmp_path):
    """The axon is quick to simulate; a pair without its current fails, here and when answered."""
    good = Pair("a", "no-change", lengths_ms=(200.0,), record_ms=200.0, observables=("V",))
    bad = replace(good, name="b", factors={"I_Kr": 0.5})
    run.simulate([bad, good], tmp_path, hodgkin_huxley1952)
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UnknownName):
        recorded(bad, hodgkin_huxley1952, tmp_path)


def test_some_pairs_of_some_kinds():
    assert run.chosen(PAIRS) == list(PAIRS)
    kept = run.chosen(PAIRS, ["shift", "tau"])
    assert {pair.kind for pair in kept} == {"shift", "tau"}
    few = run.chosen(PAIRS, (), 5)
    assert len(few) == 5 and few[0] == PAIRS[0] and few[-1] == PAIRS[-1]
    assert run.chosen(PAIRS, ["tau"], 1) == kept[8:9]
    with pytest.raises(BadValue, match="one pair at least"):
        run.chosen(PAIRS, (), 0)


# --- the command -------------------------------------------------------------------------


def command(*args):
    return CliRunner().invoke(cli.main, ["scoreboard", *map(str, args)])


def test_the_command_knows_kinds_and_methods_by_name():
    assert tuple(pairs.KINDS) == cli_scoreboard.KINDS
    assert tuple(METHODS) == cli_scoreboard.METHODS
    wrong = command("--out", "x", "--only", "shft")
    assert wrong.exit_code == 2 and 'Did you mean "shift"' in wrong.output
    wrong = command("--out", "x", "--method", "indentify")
    assert wrong.exit_code == 2 and 'Did you mean "identify"' in wrong.output


def test_the_command_prints_tables_and_writes_files(tmp_path, monkeypatch):
    def answers(made, cell):
        return [Answer("I_Kr", ("I_Kr",), ratios(I_Kr=0.5), seconds=1.0) for _ in made]

    monkeypatch.setattr(run, "recordings", lambda pair, model, folder: pair.name)
    monkeypatch.setattr(run, "simulate", lambda pairs, folder, model: None)
    monkeypatch.setitem(METHODS, "membrane", Method("", answers))
    out = tmp_path / "new"
    ran = command("--out", out, "--method", "membrane", "--only", "tau", "--pairs", 2)
    assert ran.exit_code == 0, ran.output
    assert "all" in ran.output and "membrane" in ran.output and "tau" in ran.output
    for name in ("scoreboard.csv", "summary.csv", "scoreboard.json"):
        assert (out / name).is_file() and name in ran.output
    assert len(pd.read_csv(out / "scoreboard.csv")) == 2

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run", stop)
    stopped = command("--out", out)
    assert stopped.exit_code == 130 and "goes on where it stopped" in stopped.output
