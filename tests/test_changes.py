"""Oracles: the published equations and the closed forms of their gates, parameters by hand."""

from dataclasses import replace

import numpy as np
import pytest

from ionlab import gate_tables
from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.cells.cell import Held
from ionlab.cells.tentusscher2004 import ENDO
from ionlab.changes import GATING, KINDS, Change, apply, candidates, current_of, starts
from ionlab.errors import BadValue, UnknownName

CELL, AXON = tentusscher2004, hodgkin_huxley1952
V_mV = np.linspace(-110.0, 50.0, 321)
# Hodgkin and Huxley 1952: g_Na m^3 h, g_K n^4. ten Tusscher et al. 2004: m^3 h j, d f fCa, r s,
# xr1 xr2, xs^2.
OPENS = {
    "hodgkin_huxley1952": {"I_Na": "m h", "I_K": "n"},
    "tentusscher2004": {
        "I_Na": "m h j",
        "I_CaL": "d f",
        "I_to": "r s",
        "I_Kr": "xr1 xr2",
        "I_Ks": "xs",
    },
}


def gate(cell, name):
    return cell.gates(cell.at(V=V_mV))[name]


# --- what belongs to what ----------------------------------------------------------------


@pytest.mark.parametrize("cell", [AXON, CELL], ids=lambda cell: cell.name)
def test_gates_open_the_currents_of_the_published_equations(cell):
    expected = {g: current for current, gates in OPENS[cell.name].items() for g in gates.split()}
    assert {g: current_of(cell, g) for g in cell.gate_names} == expected
    with pytest.raises(UnknownName, match='unknown gate "M". Did you mean "m"'):
        current_of(cell, "M")


def test_candidates_are_amounts_then_three_ways_for_every_gate():
    amounts = [c.target for c in candidates(CELL) if c.kind == "amount"]
    assert amounts == ["I_Na", "I_CaL", "I_Kr", "I_Ks", "I_K1", "I_to"]
    for kind in GATING:
        assert [c.target for c in candidates(CELL) if c.kind == kind] == list(CELL.gate_names)
    assert len(candidates(CELL)) == 6 + 3 * 10
    more = [c.target for c in candidates(CELL, pumps=True) if c not in candidates(CELL)]
    assert more == ["I_NaK", "I_NaCa", "I_pCa"]
    assert str(Change("tau", "xs")) == "tau of xs"


def test_starts_are_concentrations_that_nobody_records():
    assert {c.target for c in starts(CELL)} == {"Ca_SR", "Na_i", "K_i"}
    assert {c.kind for c in starts(CELL)} == {"start"}
    assert starts(AXON) == ()


# --- amounts and starts ------------------------------------------------------------------


def test_amounts_multiply_the_parameter_of_their_current_and_nothing_else():
    values = {Change("amount", "I_Kr"): np.log(0.5), Change("amount", "I_NaK"): np.log(1.3)}
    ill = apply(CELL, values)
    by_hand = {"g_Kr": 0.048, "P_NaK": 1.362 * 1.3}
    for p in CELL.parameters:
        assert ill.parameter(p.name) == pytest.approx(by_hand.get(p.name, p.value), rel=1e-12)
    assert ill.states == CELL.states and not ill.kinetics


def test_a_start_multiplies_one_concentration():
    ill = apply(CELL, {Change("start", "Na_i"): np.log(1.02)})
    assert ill.start == {**CELL.start, "Na_i": pytest.approx(11.6 * 1.02, rel=1e-12)}
    assert ill.parameters == CELL.parameters


def test_no_change_is_the_same_cell():
    assert apply(CELL, {}) == CELL
    assert apply(CELL, {c: 0.0 for c in (*candidates(CELL, True), *starts(CELL))}) == CELL


# --- gates -------------------------------------------------------------------------------


def test_a_moved_gate_has_its_closed_form():
    """f: h_inf = 1/(1 + exp((V + 20)/7)); shifted by 4 mV and 1.3 times as wide about -20 mV."""
    values = {
        Change("shift", "f"): 4.0,
        Change("stretch", "f"): np.log(1.3),
        Change("tau", "f"): np.log(1.5),
    }
    f = gate(apply(CELL, values), "f")
    np.testing.assert_allclose(f.h_inf, 1.0 / (1.0 + np.exp((V_mV + 16.0) / 9.1)), atol=1e-12)
    tau_ms = (
        1125.0 * np.exp(-((V_mV + 27.0) ** 2) / 240.0)
        + 80.0
        + 165.0 / (1.0 + np.exp((25.0 - V_mV) / 10.0))
    )
    np.testing.assert_allclose(f.tau_ms, 1.5 * tau_ms, rtol=1e-12)


@pytest.mark.parametrize("kind", GATING)
def test_one_way_leaves_the_others_and_the_other_gates(kind):
    moved = apply(CELL, {Change(kind, "xs"): 0.4})
    for name in set(CELL.gate_names) - {"xs"}:
        for before, after in zip(gate(CELL, name), gate(moved, name), strict=True):
            np.testing.assert_array_equal(after, before)
    xs = gate(moved, "xs")
    width, half_mV = (14.0 * np.exp(0.4 * (kind == "stretch")), -5.0 + 0.4 * (kind == "shift"))
    expected = 1.0 / (1.0 + np.exp((half_mV - V_mV) / width))
    np.testing.assert_allclose(xs.h_inf, expected, atol=1e-12)
    slower = np.exp(0.4 * (kind == "tau"))
    np.testing.assert_allclose(xs.tau_ms, slower * gate(CELL, "xs").tau_ms, rtol=1e-12)


def test_changes_add_up():
    """A shift of 3 mV after one of 2 is one of 5, half of a half a quarter."""
    twice = CELL
    for shift, log_ratio in ((2.0, 0.1), (3.0, 0.2)):
        values = {Change("shift", "d"): shift, Change("amount", "I_to"): log_ratio}
        twice = apply(twice, values)
    once = apply(CELL, {Change("shift", "d"): 5.0, Change("amount", "I_to"): 0.3})
    np.testing.assert_allclose(gate(twice, "d").h_inf, gate(once, "d").h_inf, atol=1e-12)
    assert twice.parameter("g_to") == pytest.approx(once.parameter("g_to"), rel=1e-12)


# --- tables that the kernel keeps --------------------------------------------------------


def table_of(cell, name):
    """h_inf and tau of a gate as the kernel reads them."""
    k = cell.gate_names.index(name)
    return gate_tables.tabulate(cell)[0][:, [k, len(cell.gate_names) + k]].T


def test_kept_tables_never_mix_two_cells():
    """Every cell's own gates, twice over, so that the second round reads what was kept.

    A moved curve is read off the one before it. Two that differ least, by 0.1 and 0.101 mV, differ
    by 4e-5.
    """
    cells = [
        apply(cell, {Change(kind, name): value})
        for cell in (CELL, ENDO, CELL.perturbed(g_Kr=0.5))
        for kind in GATING
        for name in ("s", "f")
        for value in (0.1, -0.1, 0.101)
    ]
    cells += [apply(AXON, {Change("shift", "m"): x}) for x in (0.1, -0.1)]
    cells += [replace(CELL, kinetics={"s": Held(x)}) for x in (0.1, 0.2)]
    for cell in cells + cells[::-1]:
        expected = cell.gates(cell.at(V=gate_tables.V_GRID_mV))
        for name in {"s", "f", "m"} & set(cell.gate_names):
            np.testing.assert_allclose(
                table_of(cell, name), np.array(expected[name]), rtol=1e-6, atol=1e-7
            )


def test_what_is_done_to_a_table_does_not_reach_the_kept_one():
    cell = apply(CELL, {Change("shift", "f"): 3.3})
    before = gate_tables.tabulate(cell).copy()
    gate_tables.tabulate(cell)[:] = -1.0
    np.testing.assert_array_equal(gate_tables.tabulate(cell), before)


def test_cells_share_a_table_only_if_their_gates_agree():
    same = gate_tables.same_table
    shifted = [apply(CELL, {Change("shift", "f"): x}) for x in (1.0, 1.0, 1.001)]
    assert same(shifted[0]) == same(shifted[1]) != same(shifted[2])
    assert same(CELL) == same(CELL.perturbed(g_Kr=0.5)) != same(ENDO)
    both = [apply(c, {Change("shift", "s"): 2.0}) for c in (CELL, ENDO)]
    assert same(both[0]) != same(both[1])


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("amounts", "I_Kr"), 'unknown kind of change "amounts". Did you mean "amount"'),
        (Change("amount", "I_kr"), 'unknown current "I_kr". Did you mean "I_Kr"'),
        (Change("shift", "xr3"), 'unknown gate "xr3". Did you mean "xr2"'),
        (Change("start", "Na"), 'unknown state "Na". Did you mean "Na_i"'),
    ],
)
def test_unknown_names_raise_with_the_closest_match(change, said):
    with pytest.raises(UnknownName, match=said):
        apply(CELL, {change: 0.1})


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_not_finite_is_refused(kind):
    target = {"amount": "I_Kr", "start": "Na_i"}.get(kind, "f")
    for value in (np.nan, np.inf):
        with pytest.raises(BadValue, match=f"the {kind} of {target} must be finite, got .*0 is no"):
            apply(CELL, {Change(kind, target): value})
