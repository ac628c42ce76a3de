"""Beeler-Reuter, Luo-Rudy and O'Hara-Rudy. Oracles: Myokit's CVODE on transcriptions that are not
ours (see data/README.md), the published equations by hand."""

from pathlib import Path

import numpy as np
import pytest

from ionlab import cells
from ionlab.cells import beeler_reuter1977, luo_rudy1991, ohara_rudy2011
from ionlab.simulate import clamp, pace

ORACLE = np.load(Path(__file__).parent / "data" / "shipped_cells.npz")
CASES = sorted({tuple(key.split("|")[:2]) for key in ORACLE})  # cell, cycle length in ms
FAST = [case for case in CASES if case[1] != "1000"]
BEATS, KEPT = 20, 2
CLASSIC = {  # gates, of states
    "hodgkin_huxley1952": (3, 4),
    "beeler_reuter1977": (6, 8),
    "luo_rudy1991": (6, 8),
    "tentusscher2004": (10, 17),
    "ohara_rudy2011": (28, 41),
    "ohara_rudy2011_epi": (28, 41),
    "ohara_rudy2011_m": (28, 41),
}


@pytest.mark.parametrize("name", CLASSIC)
def test_the_number_of_classic_gates(name):
    cell = cells.find(name)
    assert (len(cell.gate_names), len(cell.states)) == CLASSIC[name]


def test_what_is_no_classic_gate_of_ohara_rudy():
    plain = "V Na_i Na_ss K_i K_ss Ca_i Ca_ss Ca_nsr Ca_jsr nca CaMKt Jrelnp Jrelp"
    assert ohara_rudy2011.other_names == tuple(plain.split())


# --- CVODE -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "length", "method", "limits"),
    [(*case, "rush-larsen", (0.2, 0.2, 0.01, 0.02)) for case in CASES]
    + [(*case, "LSODA", (0.02, 0.01, 1e-3, 1e-3)) for case in FAST],
)
def test_paced_cells_are_those_of_cvode(name, length, method, limits):
    """APD90 (ms), V (mV) off the upstroke, Ca_i and every state relative to its range."""
    ms, mV, calcium, state = limits
    cell, key, length = cells.find(name), f"{name}|{length}", float(length)
    traces = pace(cell, [length], BEATS * length, KEPT * length, method=method)
    assert traces.apd_ms()[0] == pytest.approx(ORACLE[f"{key}|apd90"], abs=ms)
    phase = (traces.t_ms - cell.stimulus.start_ms) % length
    far = (phase > 5.0) & (phase < length - 5.0)
    assert abs(traces["V"][0] - ORACLE[f"{key}|V"])[far].max() < mV
    Ca_i = ORACLE[f"{key}|Ca_i"]
    assert abs(traces["Ca_i"][0] - Ca_i).max() < calcium * np.ptp(Ca_i)
    found = traces.values[0, :, -1]
    moved = [
        max(np.ptp(x), abs(x[-1] - s.start))
        for x, s in zip(traces.values[0], cell.states, strict=True)
    ]
    assert (abs(found - ORACLE[f"{key}|last"]) < state * np.array(moved) + 1e-12).all()


# --- by hand, and what the papers say ----------------------------------------------------


def currents_at(cell, **states):
    return cell.equations.currents(cell.at(**states), cell.p)


@pytest.mark.parametrize(
    ("cell", "current", "at", "wanted"),
    [
        # Es = -82.3 - 13.0287 ln(2e-7 M) = 118.65 mV
        (beeler_reuter1977, "I_s", dict(V=0.0, Ca_i=2e-4, d=0.5, f=0.5), 0.0225 * -118.66),
        (beeler_reuter1977, "I_NaC", dict(V=-50.0), -0.3),
        (beeler_reuter1977, "I_x1", dict(V=-35.0, x1=1.0), 0.8 * (np.exp(1.68) - 1.0)),
        (beeler_reuter1977, "I_K1", dict(V=-85.0), 0.35 * 12.4 / (np.exp(2.48) - 1.0)),
        # RT/F = 26.7128 mV
        (luo_rudy1991, "I_Na", dict(V=0.0, m=1.0, h=0.5, j=0.5), 5.75 * -54.7949),
        (luo_rudy1991, "I_si", dict(V=0.0, d=1.0, f=0.5, Ca_i=1e-3), 0.045 * -97.699),
        (luo_rudy1991, "I_b", dict(V=-59.87), 0.0),
        # E_K = 26.7128 ln(5.4 / 145) = -87.8933 mV
        (ohara_rudy2011, "I_bK", dict(V=14.48), 0.0015 * (14.48 + 87.8933)),
        (ohara_rudy2011, "I_pCa", dict(Ca_i=0.0005), 0.00025),
    ],
)
def test_currents_by_hand(cell, current, at, wanted):
    found = getattr(currents_at(cell, **at), current)
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize(
    ("cell", "V", "current"),
    [
        (beeler_reuter1977, -23.0, "I_K1"),
        (luo_rudy1991, -77.0, "I_K"),
        (ohara_rudy2011, 0.0, "I_CaL"),
        (ohara_rudy2011, 0.0, "I_CaNa"),
        (ohara_rudy2011, 0.0, "I_bNa"),
        (ohara_rudy2011, 0.0, "I_bCa"),
    ],
)
def test_currents_pass_the_gaps_of_their_formulas(cell, V, current):
    """0/0 in print; the value there is the mean of its neighbours."""
    gates = dict.fromkeys(cell.gate_names, 0.5)
    I = [getattr(currents_at(cell, V=V + dV, **gates), current) for dV in (-0.01, 0.0, 0.01)]
    assert abs(I[1]) > 0.0
    assert I[1] == pytest.approx((I[0] + I[2]) / 2, rel=1e-5)


@pytest.mark.parametrize(("cell", "V"), [(beeler_reuter1977, -47.0), (luo_rudy1991, -47.13)])
def test_gates_pass_the_gap_of_alpha_m(cell, V):
    h_inf, tau = cell.gates(cell.at(V=V))["m"]
    alpha = 10.0 if cell is beeler_reuter1977 else 3.2  # (V - V0) / (1 - exp(-(V - V0)/10)), limits
    assert h_inf / tau == pytest.approx(alpha, rel=1e-9)


def test_the_cells_of_ohara_rudy_differ_as_in_the_paper():
    """At 1 Hz the action potential is longest in M and shortest in epicardial cells."""
    epi, endo, m = (ORACLE[f"ohara_rudy2011{kind}|1000|apd90"] for kind in ("_epi", "", "_m"))
    assert epi < endo < m
    factors = {
        "ohara_rudy2011_epi": dict(g_NaL=0.6, g_to=4, P_Ca=1.2, g_Kr=1.3, g_Ks=1.4, g_K1=1.2)
        | dict(g_NaCa=1.1, P_NaK=0.9, g_bK=0.6, J_up=1.3, CMDN=1.3),
        "ohara_rudy2011_m": dict(g_to=4, P_Ca=2.5, g_Kr=0.8, g_K1=1.3, g_NaCa=1.4, P_NaK=0.7)
        | dict(a_rel=1.7),
    }
    for name, changed in factors.items():
        for p in ohara_rudy2011.parameters:
            wanted = p.value * changed.get(p.name, 1.0)
            assert cells.find(name).parameter(p.name) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("cell", [beeler_reuter1977, luo_rudy1991], ids=lambda cell: cell.name)
def test_the_start_is_at_rest(cell):
    V = pace(cell, [2000.0], 10.0, 10.0)["V"][0]
    assert np.ptp(V) < 0.1 and -85.0 < V[0] < -84.0


@pytest.mark.parametrize("name", ["ohara_rudy2011", "ohara_rudy2011_epi", "ohara_rudy2011_m"])
def test_pumps_scale_with_their_parameters(name):
    cell = cells.find(name)
    for current, parameter in cell.pumps.items():
        whole = getattr(currents_at(cell), current)
        half = getattr(currents_at(cell.perturbed(**{parameter: 0.5})), current)
        assert half == pytest.approx(whole / 2, rel=1e-12)


def test_a_clamped_ohara_rudy_follows_a_step():
    """At 0 mV the L-type channel opens within d's 0.6 ms and closes again by ff and calcium."""
    V = np.where(np.arange(201) < 20, -90.0, 0.0)[None]
    traces = clamp(ohara_rudy2011, {"V": V})
    I_CaL = currents_at(ohara_rudy2011, **{n: traces[n][0] for n in traces.cells[0].state_names})
    peak = np.argmin(I_CaL.I_CaL)
    assert 20 < peak < 30
    assert abs(I_CaL.I_CaL[-1]) < 0.2 * abs(I_CaL.I_CaL[peak])
