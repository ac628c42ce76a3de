"""The explorers of lesson 3, at the corners of all controls, against runs and closed forms."""

import itertools

import numpy as np
import pytest

from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.errors import UnknownName
from ionlab.simulate import clamp, pace
from ionlab.widgets import gate_equation as one
from ionlab.widgets.explorer import Choose
from ionlab.widgets.ionic_models import Bench, cell_explorer, conductances_of

CELLS = ((tentusscher2004, 500.0), (hodgkin_huxley1952, 25.0))
NAMED = [cell.name for cell, _ in CELLS]


@pytest.fixture(scope="module", params=CELLS, ids=NAMED)
def opened(request):
    cell, cycle_length_ms = request.param
    return cell, cell_explorer(cell, cycle_length_ms)


@pytest.fixture(scope="module")
def heart():
    return cell_explorer(tentusscher2004)


@pytest.fixture(scope="module", params=CELLS, ids=NAMED)
def steps(request):
    cell, cycle_length_ms = request.param
    return cell, one.rush_larsen_against_euler(cell, cycle_length_ms)


def ends(spec):
    """The extreme values of a control."""
    if isinstance(spec, Choose):
        return [o[1] if isinstance(o, tuple) else o for o in spec.options]
    return [10**x if spec.log else x for x in (spec.low, spec.high)]


def corners(explorer):
    """The first values, with each control in turn at each of its ends."""
    for name, spec in explorer.specs.items():
        for value in ends(spec):
            yield {**explorer.values, name: value}


def check_pictures(explorer, some):
    for values in some:
        picture = explorer.draw(**values)
        assert picture.readout
        for name, (x, y) in picture.curves.items():
            assert name in explorer.live.lines
            assert np.shape(x) == np.shape(y)
            drawn = np.asarray(y, float)
            assert not np.isinf(drawn).any(), (name, values)
            if not name.startswith(
                ("tau", "alpha", "beta", "error")
            ):  # log axes, which end somewhere
                assert np.isfinite(drawn).all(), (name, values)


# --- the whole cell ----------------------------------------------------------------------


def test_every_control_of_the_cell_can_be_moved_to_its_ends(opened):
    _, explorer = opened
    check_pictures(explorer, corners(explorer))


def test_the_cell_survives_extremes_together(heart):
    g = conductances_of(tentusscher2004)
    for factor, state, stimulus, length in itertools.product(
        (0.0, 3.0), ("closed", "open"), (-104.0, 0.0), (250.0, 1500.0)
    ):
        moved = dict.fromkeys(g, factor) | dict.fromkeys(tentusscher2004.gate_names, state)
        values = {**heart.values, **moved, "stimulus": stimulus, "cycle_length_ms": length}
        check_pictures(heart, [values])


def test_names_come_from_the_cell(opened):
    cell, explorer = opened
    for gate in cell.gate_names:
        assert {gate, f"{gate}_at"} <= set(explorer.controls)
    assert set(conductances_of(cell)) <= set(explorer.controls)
    assert set(explorer.specs["current_1"].options) == set(cell.current_names)


def test_conductances_are_those_of_drugs_and_all_others():
    assert conductances_of(hodgkin_huxley1952) == ("g_Na", "g_K", "g_L")
    assert conductances_of(tentusscher2004) == (
        "g_Na", "g_CaL", "g_Kr", "g_Ks", "g_K1", "g_to", "g_pK", "g_bNa", "g_bCa", "g_pCa",
    )  # fmt: skip


def test_the_untouched_cell_is_the_published_one_in_its_steady_rhythm(heart):
    picture = heart.draw(**heart.values)
    for name in ("V", "Ca_i", "gate 1", "current 2"):
        np.testing.assert_array_equal(
            picture.curves[name][1], picture.curves[f"{name} published"][1]
        )
    # oracle: the same 45 beats in one run: 40 before, three after, two that are shown
    apd = pace(tentusscher2004, [500.0], 22_500.0, 1000.0).apd_ms()[0]
    told = float(picture.readout.split()[1])
    assert told == pytest.approx(apd, abs=0.15)
    V = picture.curves["V"][1]
    assert abs(V[0] - V[500]) < 0.05, "the second beat begins where the first did"


def test_the_readout_is_that_of_a_run_made_by_hand(heart):
    values = {**heart.values, "xr1": "held", "xr1_at": 0.2, "g_CaL": 1.5, "cycle_length_ms": 600}
    picture = heart.draw(**values)
    cell = tentusscher2004.with_start(**Bench(tentusscher2004, 500.0).paced)
    cell = cell.perturbed(g_CaL=1.5).with_gate("xr1", 0.2)
    run = pace(cell, [600.0], 3 * 600.0 + 1000.0, 1000.0)
    assert f"APD90 {run.apd_ms()[0]:.4g} ms" in picture.readout
    assert "Not free: xr1 = 0.2." in picture.readout
    assert "Beat 4 after the change" in picture.readout
    np.testing.assert_allclose(picture.curves["V"][1], run["V"][0])


def test_a_gate_that_is_held_stays_and_closing_xr1_is_removing_its_current(heart):
    closed = heart.draw(**{**heart.values, "xr1": "closed", "gate_1": "xr1"})
    without = heart.draw(**{**heart.values, "g_Kr": 0.0})
    assert (closed.curves["gate 1"][1] == 0.0).all()
    assert (closed.curves["current 2"][1] == 0.0).all()
    np.testing.assert_allclose(closed.curves["V"][1], without.curves["V"][1], atol=1e-6)


def test_short_cycles_give_block_and_no_stimulus_gives_nothing(heart):
    assert "capture 2:1" in heart.draw(**{**heart.values, "cycle_length_ms": 300.0}).readout
    silent = heart.draw(**{**heart.values, "stimulus": 0.0})
    assert "APD90 none complete" in silent.readout
    assert "capture none" in silent.readout
    assert np.ptp(silent.curves["stimulus"][1]) == 0.0


def test_the_stimulus_is_drawn_where_it_is(heart):
    x, y = heart.draw(**heart.values).curves["stimulus"]
    on = x[y > y.min()]
    np.testing.assert_allclose(on, [10.0, 11.0, 510.0, 511.0])


def test_the_explorer_opens_moves_resets_and_leaves_a_picture(opened):
    cell, explorer = opened
    before, gate = explorer.image.value, cell.gate_names[0]
    explorer[gate].value = "closed"
    assert explorer.image.value != before
    assert f"Not free: {gate} = 0" in explorer.readout.value
    assert f"{gate} is (was free)" in explorer.changed_line.value
    explorer.reset()
    assert "Not free" not in explorer.readout.value
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"]
    assert "APD90" in data["text/plain"]


def test_a_first_value_that_the_front_end_rounds_does_not_count_as_changed(heart):
    heart["g_Kr"].value = 1.0 - 1e-9
    assert "at first values" in heart.changed_line.value
    heart["g_Kr"].value = 1.05
    assert "g_Kr (was 1)" in heart.changed_line.value
    heart.reset()


def test_what_goes_wrong_is_shown_and_raised(heart):
    with pytest.raises(UnknownName):
        heart["xr3"]
    drawn = heart.draw
    heart.draw = lambda **values: 1 / 0
    try:
        with pytest.raises(ZeroDivisionError):
            heart["g_Kr"].value = 0.5
        assert "ZeroDivisionError" in heart.readout.value
    finally:
        heart.draw = drawn
        heart.reset()


# --- the curves of a gate ----------------------------------------------------------------


@pytest.mark.parametrize("cell", [cell for cell, _ in CELLS], ids=NAMED)
def test_every_control_of_the_curves_can_be_moved_to_its_ends(cell):
    explorer = one.gate_curves_explorer(cell)
    check_pictures(explorer, corners(explorer))
    explorer["shift_mV"].value = 10.0
    assert "shift of h_inf (was 0)" in explorer.changed_line.value
    explorer.reset()
    assert explorer._repr_mimebundle_()[0]["image/png"]


def test_curves_are_those_of_the_cell_moved_and_stretched():
    V = np.array([-60.0, -26.0, 10.0])
    c = one.curves_of(tentusscher2004, "xr1", V, shift_mV=5.0, stretch=2.0, slower=3.0)
    # closed form, ten Tusscher 2004: 1 / (1 + exp((-26 - V) / 7)), half at -26 mV
    np.testing.assert_allclose(c.h_inf, 1 / (1 + np.exp((-26.0 + 5.0 - V) / 14.0)), rtol=1e-9)
    np.testing.assert_allclose(
        c.tau_ms, 3.0 * tentusscher2004.gates(tentusscher2004.at(V=V))["xr1"].tau_ms
    )
    np.testing.assert_allclose(c.alpha / (c.alpha + c.beta), c.h_inf)
    np.testing.assert_allclose(1.0 / (c.alpha + c.beta), c.tau_ms)


def test_rates_are_those_of_hodgkin_and_huxley():
    c = one.curves_of(hodgkin_huxley1952, "h", [-65.0, -40.0])
    u = np.array([0.0, 25.0])  # their depolarisation; their equations 23 and 24
    np.testing.assert_allclose(c.alpha, 0.07 * np.exp(-u / 20.0))
    np.testing.assert_allclose(c.beta, 1.0 / (1.0 + np.exp((30.0 - u) / 10.0)))


def test_the_clamp_is_an_exponential():
    explorer = one.gate_curves_explorer(hodgkin_huxley1952)
    t, h = explorer.draw(**{**explorer.values, "gate": "n", "from_mV": -65, "to_mV": 0}).curves[
        "step"
    ]
    # oracle: the simulator under the same clamp
    run = clamp(
        hodgkin_huxley1952.with_start(n=one.curves_of(hodgkin_huxley1952, "n", [-65.0]).h_inf[0]),
        {"V": np.zeros((1, 201))},
        sample_ms=0.1,
    )
    np.testing.assert_allclose(np.interp(run.t_ms[1:], t, h), run["n"][0, 1:], atol=2e-3)


# --- the steps ---------------------------------------------------------------------------


def test_every_control_of_the_steps_can_be_moved_to_its_ends(steps):
    _, explorer = steps
    check_pictures(explorer, corners(explorer))
    check_pictures(explorer, ({**v, "command": "beat"} for v in corners(explorer)))


def test_the_explorer_of_steps_moves_and_resets(steps):
    _, explorer = steps
    before = explorer.image.value
    explorer["dt_ms"].value = 1.0
    assert explorer.image.value != before
    assert "dt = 1 ms" in explorer.readout.value
    explorer.reset()
    assert explorer.image.value == before
    assert explorer._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize("dt_ms", [0.1, 0.5, 1.9, 3.0])
def test_steps_at_a_constant_voltage_are_their_closed_forms(dt_ms):
    still = np.ones(2001)
    k = np.arange(int(20.0 / dt_ms) + 1)
    for rule, kept in (("Euler", 1 - dt_ms), ("Rush-Larsen", np.exp(-dt_ms))):
        h = one.stepped(0.8 * still, still, 0.01, dt_ms, 0.1, rule)
        np.testing.assert_allclose(h, 0.8 - 0.7 * kept ** k[: len(h)], rtol=1e-9)


def test_the_error_of_the_readout_is_that_of_a_loop(steps):
    cell, explorer = steps
    values = {**explorer.values, "gate": "h", "dt_ms": 0.2, "to_mV": -30.0}
    text = explorer.draw(**values).readout
    (k,) = (cell.gates(cell.at(V=x))["h"] for x in (-30.0,))
    start = h = float(cell.gates(cell.at(V=cell.start["V"]))["h"].h_inf)
    worst = 0.0
    for step in range(1, 50):
        h += 0.2 * (k.h_inf - h) / k.tau_ms
        worst = max(worst, abs(h - k.h_inf - (start - k.h_inf) * np.exp(-0.2 * step / k.tau_ms)))
    assert f"Euler {worst:.1e}, Rush-Larsen 0 (rounding), midpoint 0 (rounding)" in text
    assert f"2 tau = {2 * k.tau_ms:.4g} ms" in text


def test_along_a_beat_the_midpoint_is_of_second_order(steps):
    cell, explorer = steps
    gate = "xr2" if "xr2" in cell.gate_names else "n"
    curves = explorer.draw(**{**explorer.values, "gate": gate, "command": "beat"}).curves
    for rule, order in (("Euler", 1), ("Rush-Larsen", 1), ("midpoint", 2)):
        dt, error = (np.asarray(x) for x in curves[f"error {rule}"])
        seen = np.isfinite(error) & (dt < 0.4)
        slope = np.polyfit(np.log(dt[seen]), np.log(error[seen]), 1)[0]
        assert abs(slope - order) < 0.25, (rule, slope)
