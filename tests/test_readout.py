"""Oracles: the simulated cells' own currents and gates, and the factors behind the weights."""

import time

import numpy as np
import pytest

from ionlab import presets, readout, store
from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.currents import area, currents
from ionlab.errors import BadValue, UnknownName
from ionlab.perturb import PAPER
from ionlab.simulate import pace

CELL = tentusscher2004
LENGTHS = (350.0, 500.0, 800.0)


@pytest.fixture(scope="module")
def case():
    return readout.shipped("long_qt")


def true_areas(cell):
    """Area of each current over one beat of each cycle length, from the simulation at 0.1 ms."""
    total = dict.fromkeys(CELL.conductances, 0.0)
    for length in LENGTHS:
        beats = round(20_000.0 / length)
        traces = pace(cell, [length], beats * length, length, sample_ms=0.1)
        I = currents(cell, traces)
        for name in total:
            total[name] += area(traces.t_ms, I[name])[0]
    return total


# --- along a recording -------------------------------------------------------------------


def test_the_theory_along_its_own_recording_has_the_cells_gates_and_currents(case):
    theory = readout.Network(case.fit.n1, np.ones(len(CELL.conductances)))
    along = readout.along(CELL)
    found, truth = readout.areas(theory, along), true_areas(CELL)
    for name in CELL.conductances:
        limit = {"I_to": 0.08, "I_K1": 0.05}.get(name, 0.03)  # these two feel the first 3 ms
        assert found[name] == pytest.approx(truth[name], rel=limit), name
    gates = readout.gates(theory, along)
    for name in CELL.gate_names:
        miss = (gates[name] - along.state(name))[along.inside]
        assert np.sqrt(np.mean(miss**2)) < 0.01, name
    assert along.weight_ms.sum(1) == pytest.approx(LENGTHS, rel=1e-6)
    assert along.t_ms.shape == along.inside.shape[1:] == gates["m"].shape[1:]


def test_curves_are_those_of_the_cell_where_it_was_taught(case):
    V = np.linspace(-90.0, 40.0, 27)
    theory = readout.Network(case.fit.n1, np.ones(len(CELL.conductances)))
    for gate, kinetics in CELL.gates(CELL.at(V=V)).items():
        np.testing.assert_allclose(
            readout.curves(theory, V)[gate].h_inf, kinetics.h_inf, atol=0.01, err_msg=gate
        )


def test_a_recording_holds_what_is_captured_and_is_made_once():
    cell = CELL.perturbed(g_Kr=0.25)  # answers every other stimulus at 350 ms
    along = readout.along(cell)
    assert along.beats.names == ("500", "800")
    assert along.beats.cell.parameter("g_Kr") == CELL.parameter("g_Kr")
    assert readout.along(CELL.perturbed(g_Kr=0.25)) is along
    assert readout.along(cell, (500.0,)).beats.names == ("500",)
    assert readout.along(CELL) is not along


def test_gains_scale_their_current_alone(case):
    network, along = case.pair(1e-3).control, readout.along(CELL)
    double = network._replace(gains=network.gains * np.array([1, 1, 2, 1, 1, 1]))
    before, after = (readout.currents(n, along) for n in (network, double))
    for name in before:
        np.testing.assert_allclose(after[name], before[name] * (2 if name == "I_Kr" else 1), 1e-4)
    assert readout.ode(double).parameter("g_Kr") == pytest.approx(
        2 * readout.ode(network).parameter("g_Kr")
    )


# --- pairs and ratios --------------------------------------------------------------------


@pytest.mark.parametrize("perturbation", PAPER, ids=lambda p: p.name)
def test_ratios_find_the_factor_and_flows_are_the_simulations(perturbation):
    case = readout.shipped(perturbation.name)
    pair = case.pair(1e-3)
    ratio = readout.ratios(pair)
    assert max(ratio, key=lambda name: abs(np.log(ratio[name]))) == perturbation.current
    assert abs(np.log(ratio[perturbation.current] / case.factor)) < np.log(1.2)
    truth = [true_areas(cell) for cell in (case.treated, case.cell)]
    flow = readout.ratios(pair, same=False)[perturbation.current]
    assert flow == pytest.approx(
        truth[0][perturbation.current] / truth[1][perturbation.current], rel=0.15
    )


def test_a_pair_of_equal_networks_has_ratios_of_one(case):
    pair = readout.pair(case.refits, 1e-3, readout.along(CELL), readout.along(CELL), rows=(1, 1))
    assert set(readout.ratios(pair).values()) == {1.0}


@pytest.mark.parametrize("length", [350.0, 800.0])
def test_flows_are_those_of_the_simulation(case, length):
    t_ms, traces = readout.flows(case.pair(), length)
    assert list(traces) == [*CELL.conductances, "V"] and t_ms[-1] > length - 2.0
    for k, cell in enumerate((case.cell, case.treated)):
        beats = round(20_000.0 / length)
        true = pace(cell, [length], beats * length, length, sample_ms=0.1)
        I_Kr = currents(cell, true)["I_Kr"]
        found = area(t_ms, traces["I_Kr"][k][None])[0]
        assert found == pytest.approx(area(true.t_ms, I_Kr)[0], rel=0.05)
        assert traces["V"][k].max() == pytest.approx(true["V"].max(), abs=2.0)


def test_flows_need_the_cycle_length_in_both(case):
    with pytest.raises(UnknownName, match="Known: 350.0, 500.0, 800.0"):
        readout.flows(case.pair(), 400.0)


def test_a_table_has_a_line_for_each_label():
    rows = {"truth": {"I_Kr": 0.5, "I_to": 1.0}, "found": {"I_Kr": 0.512, "I_to": 0.996}}
    lines = [line.split() for line in readout.table(rows).splitlines()]
    assert lines == [["I_Kr", "I_to"], ["truth", "0.50", "1.00"], ["found", "0.51", "1.00"]]


def test_the_nearest_eta_is_taken_and_named(case):
    assert case.eta.tolist() == pytest.approx([1e-4 * k for k in range(1, 21)])
    assert case.pair(1.04e-3).eta == pytest.approx(1e-3)
    assert case.pair().eta == pytest.approx(1.5e-3)
    assert readout.nearest([1e-4, 1e-3], 4e-4) == 1  # on a log scale
    with pytest.raises(BadValue, match="eta must be positive, got -1"):
        case.pair(-1)


def test_agreement_is_zero_with_itself_and_sees_a_change():
    rows = readout.agreement(CELL, CELL)
    assert list(rows) == ["350", "500", "800"]
    for row in rows.values():
        assert row["v_rmse_mV"] == 0.0 and row["apd90_ms"] == row["apd90_of_cell_ms"]
        assert row["capture"] == "1:1"
    assert rows["350"]["apd90_ms"] == pytest.approx(276.86, abs=0.2)  # CVODE
    changed = readout.agreement(CELL, CELL.perturbed(g_Ks=0.9), (800.0,))["800"]
    assert changed["apd90_ms"] > changed["apd90_of_cell_ms"] and changed["v_rmse_mV"] > 0.5


def test_a_neural_ode_that_diverges_says_so(case):
    gains = np.where(np.arange(6) == 1, 1e7, 1.0)
    row = readout.agreement(CELL, readout.ode(readout.Network(case.fit.n1, gains)), (500.0,))["500"]
    assert row == {**row, "capture": "diverged", "apd90_ms": None, "v_rmse_mV": None}


# --- what ships --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "name", "factor"),
    [
        (method, name, factor)
        for method, every in readout.SHIPPED.items()
        for name, factors in every.items()
        for factor in factors
    ],
)
def test_every_case_loads_and_knows_what_it_is(method, name, factor):
    case = readout.shipped(name, method, factor)
    parameter = {"long_qt": "g_Kr", "short_qt": "g_CaL", "ito": "g_to"}[name]
    assert case.factor == factor and case.method == method and case.perturbation.name == name
    assert case.treated.parameter(parameter) == pytest.approx(factor * CELL.parameter(parameter))
    assert len(case.eta) >= 5 and case.fit.n1.gates == CELL.gate_names
    assert len(case.refits.gains) == (4 if case.fit.n2 is not None else 2)
    assert (store.WEIGHTS / case.file).exists()
    assert readout.shipped(name, method, factor) is case


def test_rows_of_n2_are_control_and_the_case():
    rows = [readout.shipped(p.name, "published").rows for p in PAPER]
    assert rows == [(0, 1), (0, 2), (0, 3)]


def test_what_does_not_ship_is_refused():
    with pytest.raises(UnknownName, match='Did you mean "long_qt"'):
        readout.shipped("longqt")
    with pytest.raises(UnknownName, match='unknown method "membran"'):
        readout.shipped("long_qt", "membran")
    with pytest.raises(BadValue, match="factor 0.6 does not ship .* long_qt 0.25, 0.5, 0.75; "):
        readout.shipped("long_qt", factor=0.6)
    with pytest.raises(BadValue, match="These do: ito 3. Or retrain"):
        readout.shipped("long_qt", "no-affine")


def test_a_slider_can_call_it(case):
    """Pair, ratios, curves and currents on what is kept: 12 ms alone on a core; slack for CI."""
    V = np.linspace(-100.0, 50.0, 151)

    def read():
        pair = case.pair(1e-3)
        readout.ratios(pair)
        readout.currents(pair.treated, pair.along_treated)
        for network in (pair.control, pair.treated):
            readout.curves(network, V)

    read()
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        read()
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.1


def test_beats_are_those_of_the_paper_and_other_cells_work():
    assert readout.BEATS_ms == presets.PAPER.beats_ms == LENGTHS
    beats = readout.recorded(hodgkin_huxley1952, (20.0,))
    assert beats.cell.name == "hodgkin_huxley1952" and beats.V_mV.shape == (1, 20)
