"""Oracles: the papers' numbers and formulas, written out here again, and NumPy against torch."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ionlab import perturb
from ionlab.cells import (
    CELLS,
    Kinetics,
    find,
    hodgkin_huxley1952,
    tentusscher2004,
    tentusscher2004_endo,
    tentusscher2004_epi,
)
from ionlab.errors import BadValue, UnknownName

every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
MODELS = {cell.equations.gates: cell for cell in CELLS.values()}  # variants differ in factors
every_model = pytest.mark.parametrize("cell", MODELS.values(), ids=lambda cell: cell.name)

# ten Tusscher 2004, the authors' published code (M cell)
PUBLISHED = {
    **dict(g_Na=14.838, g_K1=5.405, g_Kr=0.096, g_Ks=0.062, g_to=0.294, g_pK=0.0146),
    **dict(g_bNa=0.00029, g_bCa=0.000592, g_CaL=0.000175, g_pCa=0.825),
    **dict(P_NaK=1.362, K_NaCa=1000, K_mK=1, K_mNa=40, Km_Nai=87.5, Km_Ca=1.38, K_sat=0.1),
    **dict(gamma=0.35, alpha=2.5, K_pCa=0.0005, a_rel=0.016464, b_rel=0.25, c_rel=0.008232),
    **dict(tau_g=2, tau_fCa=2, Vmax_up=0.000425, K_up=0.00025, V_leak=8e-5, Buf_c=0.15),
    **dict(K_buf_c=0.001, Buf_sr=10, K_buf_sr=0.3, Na_o=140, K_o=5.4, Ca_o=2, C_m=0.185),
    **dict(V_c=0.016404, V_sr=0.001094, P_kNa=0.03, R=8314.472, T=310, F=96485.3415),
}
START = {
    **dict(Ca_i=0.0002, Ca_SR=0.2, Na_i=11.6, K_i=138.3, V=-86.2, m=0, h=0.75, j=0.75, d=0, f=1),
    **dict(fCa=1, r=0, s=1, xs=0, xr1=0, xr2=1, g=1),
}


def values(cell):
    return {p.name: p.value for p in cell.parameters}


def some_states(cell, n, seed=1):
    """(S, n) states within their ranges, away from where an equation changes its form."""
    rng = np.random.default_rng(seed)
    states = {}
    for state in cell.states:
        if state.unit == "mV":
            states[state.name] = rng.permutation(np.linspace(-85.0, 35.0, n)) + 0.37
        elif state.unit == "1":
            states[state.name] = rng.uniform(0.05, 0.95, n)
        else:
            states[state.name] = (state.start or 1e-3) * rng.uniform(0.5, 1.4, n)
    return states


# --- published numbers -------------------------------------------------------------------


def test_tentusscher_has_the_published_constants_and_start():
    assert values(tentusscher2004) == PUBLISHED
    assert tentusscher2004.start == START
    stimulus = tentusscher2004.stimulus
    assert (stimulus.amplitude, stimulus.duration_ms, stimulus.start_ms) == (-52.0, 1.0, 10.0)
    assert set(tentusscher2004.gate_names) == set("m h j d f xr1 xr2 xs r s".split())
    assert set(tentusscher2004.other_names) == set("V Ca_i Ca_SR Na_i K_i fCa g".split())


def test_the_variants_differ_in_what_the_paper_says():
    epi = {**PUBLISHED, "g_Ks": 0.245}
    assert values(tentusscher2004_epi) == pytest.approx(epi, rel=1e-12)
    assert values(tentusscher2004_endo) == pytest.approx({**epi, "g_to": 0.073}, rel=1e-12)
    s = tentusscher2004.at(V=-30.0)
    slow = tentusscher2004_endo.gates(s)["s"]
    assert slow.h_inf == pytest.approx(1 / (1 + np.exp(-2 / 5)), rel=1e-12)
    assert slow.tau_ms == pytest.approx(1000 * np.exp(-(37.0**2) / 1000) + 8, rel=1e-12)
    fast = tentusscher2004_epi.gates(s)["s"]
    tau = 85 * np.exp(-(15.0**2) / 320) + 5 / (1 + np.exp(-50 / 5)) + 3
    assert fast.tau_ms == pytest.approx(tau, rel=1e-12)


@pytest.mark.parametrize("V", [-85.0, -62.0, -41.0, -20.0, 5.0, 40.0])
def test_time_constants_that_the_voltage_hardly_shows(V):
    """The appendix of the paper again: 5 % of these change V by less than 1 mV."""
    exp = np.exp
    below = 1 / (0.057 * exp(-(80 + V) / 6.8) + 2.7 * exp(0.079 * V) + 3.1e5 * exp(0.3485 * V))
    above = 0.13 * (1 + exp(-(V + 10.66) / 11.1)) / 0.77
    alpha_d = 1.4 / (1 + exp((-35 - V) / 13)) + 0.25
    wanted = {
        "h": below if V < -40 else above,
        "d": alpha_d * 1.4 / (1 + exp((V + 5) / 5)) + 1 / (1 + exp((50 - V) / 20)),
        "xr1": 450 / (1 + exp((-45 - V) / 10)) * 6 / (1 + exp((V + 30) / 11.5)),
        "xr2": 3 / (1 + exp((-60 - V) / 20)) * 1.12 / (1 + exp((V - 60) / 20)),
        "r": 9.5 * exp(-((V + 40) ** 2) / 1800) + 0.8,
    }
    gates = tentusscher2004.gates(tentusscher2004.at(V=V))
    assert {g: float(gates[g].tau_ms) for g in wanted} == pytest.approx(wanted, rel=1e-9)


# E_K, E_Na of the Nernst equation at the start values, by hand: RT/F = 26.71376 mV
@pytest.mark.parametrize(
    ("current", "at", "wanted"),
    [
        ("I_Na", dict(V=-20.0, m=0.5, h=0.5, j=0.5), 14.838 / 32 * (-20.0 - 66.5280)),
        ("I_to", dict(V=20.0, r=0.5, s=0.5), 0.294 / 4 * (20.0 + 86.6317)),
        ("I_Kr", dict(V=0.5, xr1=0.5, xr2=0.5), 0.096 / 4 * (0.5 + 86.6317)),
        ("I_bNa", dict(V=-50.0), 0.00029 * (-50.0 - 66.5280)),
        ("I_pK", dict(V=25.0), 0.0146 / 2 * (25.0 + 86.6317)),
        ("I_pCa", dict(Ca_i=0.0005), 0.825 / 2),
    ],
)
def test_currents_by_hand(current, at, wanted):
    cell = tentusscher2004
    found = getattr(cell.equations.currents(cell.at(**at), cell.p), current)
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("V", [-90.0, -65.0, -50.5, -40.2, 0.0, 35.0])
def test_hodgkin_huxley_has_the_rates_of_1952(V):
    """Table 3 and Eqs. 12-25 of the paper, in its convention: v is minus the depolarisation."""
    v = -(V + 65.0)
    alpha = {
        "n": 0.01 * (v + 10) / (np.exp((v + 10) / 10) - 1),
        "m": 0.1 * (v + 25) / (np.exp((v + 25) / 10) - 1),
        "h": 0.07 * np.exp(v / 20),
    }
    beta = {
        "n": 0.125 * np.exp(v / 80),
        "m": 4 * np.exp(v / 18),
        "h": 1 / (np.exp((v + 30) / 10) + 1),
    }
    gates = hodgkin_huxley1952.gates(hodgkin_huxley1952.at(V=V))
    for gate, (h_inf, tau) in gates.items():
        assert h_inf / tau == pytest.approx(alpha[gate], rel=1e-12)
        assert (1 - h_inf) / tau == pytest.approx(beta[gate], rel=1e-12)


@pytest.mark.parametrize(("gate", "V", "alpha"), [("n", -55.0, 0.1), ("m", -40.0, 1.0)])
def test_hodgkin_huxley_passes_the_gaps_of_its_rates(gate, V, alpha):
    """x / (exp(x) - 1) at x = 0 is 1, by its limit."""
    h_inf, tau = hodgkin_huxley1952.gates(hodgkin_huxley1952.at(V=V))[gate]
    assert h_inf / tau == pytest.approx(alpha, rel=1e-12)


def test_the_calcium_current_passes_the_gap_at_0_mV():
    cell = tentusscher2004
    open_cell = dict(d=1.0, f=1.0)
    I_CaL = [
        cell.equations.currents(cell.at(V=V, **open_cell), cell.p).I_CaL for V in (-0.01, 0, 0.01)
    ]
    # the limit of the constant-field equation at V = 0: 2 F (Ca_i - 0.341 Ca_o)
    wanted = 0.000175 * 2 * 96485.3415 * (0.0002 - 0.341 * 2.0)
    assert I_CaL[1] == pytest.approx(wanted, rel=1e-4)
    assert (I_CaL[0] + I_CaL[2]) / 2 == pytest.approx(I_CaL[1], rel=1e-4)


def test_fCa_and_g_may_not_rise_while_depolarised():
    low = dict(Ca_i=0.0001, fCa=0.5, g=0.5)
    for V, rises in ((-61.0, True), (-59.0, False)):
        d = tentusscher2004.derivatives(tentusscher2004.at(V=V, **low))
        assert (d["fCa"] > 0) == (d["g"] > 0) == rises
    d = tentusscher2004.derivatives(tentusscher2004.at(V=0.0, Ca_i=0.001))
    assert d["fCa"] < 0 and d["g"] < 0


# --- the contract ------------------------------------------------------------------------


@every_cell
def test_every_state_has_one_derivative(cell):
    assert sorted(cell.gate_names + cell.other_names) == sorted(cell.state_names)
    assert cell.state_names[0] == cell.other_names[0] == cell.observables[0] == "V"
    assert set(cell.observables) <= set(cell.state_names)
    for current, conductance in cell.conductances.items():
        assert current in cell.current_names
        s = cell.at(V=-20.0, **{g: 0.5 for g in cell.gate_names})
        whole = getattr(cell.equations.currents(s, cell.p), current)
        half = cell.perturbed(**{conductance: 0.5})
        assert getattr(half.equations.currents(s, half.p), current) == pytest.approx(whole / 2)


@every_cell
def test_the_table_of_a_state_covers_its_start(cell):
    for state in cell.states:
        if state.unit != "mV":
            assert state.span[0] <= state.start <= state.span[1]


@every_cell
def test_charge_is_conserved(cell):
    """C dV/dt is minus the sum of all currents and of the stimulus."""
    s = SimpleNamespace(**{name: x[0] for name, x in some_states(cell, 4).items()})
    I = cell.equations.currents(s, cell.p)  # the sum is per capacitance in both models
    assert cell.derivatives(s, -20.0)["V"] == pytest.approx(20.0 - sum(I), rel=1e-12)


@every_cell
def test_numpy_and_torch_agree_on_batches(cell):
    states = {name: x.reshape(3, 4) for name, x in some_states(cell, 12).items()}
    tensors = {name: torch.from_numpy(x) for name, x in states.items()}
    wanted = cell.derivatives(SimpleNamespace(**states), -3.0)
    found = cell.derivatives(SimpleNamespace(**tensors), -3.0)
    assert set(wanted) == set(cell.state_names)
    for name in cell.state_names:
        assert found[name].shape == (3, 4)
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-10, atol=1e-14, err_msg=name)
    one = cell.derivatives(SimpleNamespace(**{name: x[1, 2] for name, x in states.items()}), -3.0)
    assert one == pytest.approx({name: x[1, 2] for name, x in wanted.items()}, rel=1e-12)


@every_model
def test_gradients_through_torch(cell):
    """gradcheck of gates, currents and derivatives; every state in units of its start."""
    scale = [abs(s.start) or 1e-3 if s.unit != "1" else 1.0 for s in cell.states]
    scale = torch.tensor(scale, dtype=torch.float64)[:, None]
    x = np.array(list(some_states(cell, 5).values()))
    x = (torch.from_numpy(x) / scale).requires_grad_()

    def outputs(x):
        s = SimpleNamespace(**dict(zip(cell.state_names, x * scale, strict=True)))
        kinetics = [z for k in cell.gates(s).values() for z in (k.h_inf, torch.log(k.tau_ms))]
        currents = list(cell.equations.currents(s, cell.p))
        slopes = [d / c for d, c in zip(ordered(cell.derivatives(s)), scale, strict=True)]
        return tuple(torch.broadcast_to(z, s.V.shape) for z in (*kinetics, *currents, *slopes))

    def ordered(slopes):
        return [slopes[name] for name in cell.state_names]

    assert torch.autograd.gradcheck(outputs, x, eps=1e-7, atol=1e-4, rtol=1e-4)


# --- changes give new cells --------------------------------------------------------------


def test_perturbed():
    before = values(tentusscher2004)
    cell = tentusscher2004.perturbed(g_Kr=0.5).perturbed(g_Kr=0.5, g_to=3.0, g_pK=0.0)
    changed = {"g_Kr": 0.024, "g_to": 0.882, "g_pK": 0.0}
    assert values(cell) == pytest.approx({**before, **changed})
    assert values(tentusscher2004) == before


@pytest.mark.parametrize("factor", [-0.5, float("nan"), float("inf"), "half", None])
def test_a_factor_that_is_no_positive_number_is_refused(factor):
    with pytest.raises(BadValue, match="factor of g_Kr must be positive"):
        tentusscher2004.perturbed(g_Kr=factor)


def test_with_start_and_with_gate_and_with_kinetics():
    cell = tentusscher2004.with_start(V=-80.0).with_gate("h", 0.4)
    assert (cell.start["V"], cell.start["h"]) == (-80.0, 0.4)
    assert tuple(cell.gates(cell.at(V=12.0))["h"]) == (0.4, 1.0)
    assert cell.derivatives(cell.at())["h"] == 0.0

    def slow(s):
        return Kinetics(0.5 + 0.0 * s.V, 100.0 + s.V)

    other = cell.with_kinetics({"m": slow})
    assert tuple(other.gates(other.at(V=12.0))["m"]) == (0.5, 112.0)
    assert other.gates(other.at())["h"].h_inf == 0.4  # what was changed before stays
    assert tentusscher2004.start == START and not tentusscher2004.kinetics
    with pytest.raises(FrozenInstanceError):
        cell.name = "mine"


@pytest.mark.parametrize("start", [{"Ca_i": 0.0}, {"K_i": -1.0}, {"V": float("nan")}])
def test_a_start_that_means_nothing_is_refused(start):
    with pytest.raises(BadValue, match="must be (positive|finite)"):
        tentusscher2004.with_start(**start)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_gate_outside_0_to_1_is_refused(value):
    with pytest.raises(BadValue, match="gate lies between 0 and 1"):
        tentusscher2004.with_gate("h", value)


@pytest.mark.parametrize(
    ("call", "kind", "close"),
    [
        (lambda: find("tentuscher2004"), "cell", "tentusscher2004"),
        (lambda: tentusscher2004.perturbed(gKr=0.5), "parameter", "g_Kr"),
        (lambda: tentusscher2004.parameter("G_na"), "parameter", "g_Na"),
        (lambda: tentusscher2004.with_gate("Xr_1", 1.0), "gate", "xr1"),
        (lambda: tentusscher2004.with_gate("fca", 1.0), "gate", "f"),
        (lambda: tentusscher2004.with_kinetics({"xs1": None}), "gate", "xs"),
        (lambda: tentusscher2004.with_start(Cai=1e-4), "state", "Ca_i"),
        (lambda: tentusscher2004.at(v=0.0), "state", "V"),
        (lambda: perturb.find("longqt"), "perturbation", "long_qt"),
    ],
)
def test_an_unknown_name_suggests_the_closest(call, kind, close):
    with pytest.raises(UnknownName, match=f'unknown {kind} .* Did you mean "{close}"'):
        call()


def test_perturbations_of_the_paper():
    factors = {p.name: dict(p.factors) for p in perturb.PAPER}
    assert factors == {"long_qt": {"g_Kr": 0.5}, "short_qt": {"g_CaL": 0.5}, "ito": {"g_to": 3.0}}
    for p in perturb.PERTURBATIONS.values():
        (parameter,) = p.factors
        assert tentusscher2004.conductances[p.current] == parameter
        wanted = p.factors[parameter] * tentusscher2004.parameter(parameter)
        assert p.apply(tentusscher2004).parameter(parameter) == pytest.approx(wanted)


# --- gates that are moved ----------------------------------------------------------------


def test_a_moved_gate_follows_its_closed_form():
    """Oracle: xr1_inf = 1 / (1 + exp((-26 - V) / 7)) of the published cell, by hand."""
    moved = tentusscher2004.with_moved_gate("xr1", shift_mV=6.0, stretch=1.5, slower=2.0)
    V = np.linspace(-90.0, 40.0, 14)
    ours, published = (c.gates(c.at(V=V))["xr1"] for c in (moved, tentusscher2004))
    assert np.allclose(ours.h_inf, 1 / (1 + np.exp((-20.0 - V) / 10.5)), atol=1e-12)
    assert np.allclose(ours.tau_ms, 2.0 * published.tau_ms)
    assert moved.gates(moved.at(V=V))["xs"] is not None


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"stretch": 0.0}, "stretch"),
        ({"slower": -1.0}, "time constant"),
        ({"shift_mV": float("nan")}, "number of mV"),
    ],
)
def test_a_gate_is_moved_by_numbers_that_mean_something(how, word):
    with pytest.raises(BadValue, match=word):
        tentusscher2004.with_moved_gate("xr1", **how)
