"""The human ventricular cell of ten Tusscher, Noble, Noble and Panfilov (2004).

Source: Am J Physiol Heart Circ Physiol 286:H1573-H1589, doi:10.1152/ajpheart.00794.2003, with the
values of the authors' published code. Voltage in mV, time in ms, concentrations in mM, currents
in pA/pF. It has 17 states, 10 of them classic gates (section 3 of Iravanian 2020).
"""

from collections import namedtuple
from dataclasses import replace

from ionlab.cells.cell import Cell, Equations, Kinetics, Parameter, State, Stimulus
from ionlab.maths import exp, log, sqrt, where

CODE = "authors' published code, doi:10.1152/ajpheart.00794.2003"

STATES = (  # start values of Iravanian 2020, author's code
    State("V", "mV", -86.2),
    State("Ca_i", "mM", 0.0002, span=(0.0, 0.002)),
    State("Ca_SR", "mM", 0.2, span=(0.0, 5.0)),
    State("Na_i", "mM", 11.6, span=(0.0, 40.0)),
    State("K_i", "mM", 138.3, span=(100.0, 180.0)),
    State("fCa", "1", 1.0),
    State("g", "1", 1.0),
    State("m", "1", 0.0),
    State("h", "1", 0.75),
    State("j", "1", 0.75),
    State("d", "1", 0.0),
    State("f", "1", 1.0),
    State("xr1", "1", 0.0),
    State("xr2", "1", 1.0),
    State("xs", "1", 0.0),
    State("r", "1", 0.0),
    State("s", "1", 1.0),
)

PARAMETERS = tuple(
    Parameter(name, value, unit, CODE)
    for name, value, unit in (
        ("g_Na", 14.838, "nS/pF"),
        ("g_CaL", 0.000175, "cm^3/(uF s)"),
        ("g_Kr", 0.096, "nS/pF"),
        ("g_Ks", 0.062, "nS/pF"),  # M cell; epicardial and endocardial: 0.245
        ("g_K1", 5.405, "nS/pF"),
        ("g_to", 0.294, "nS/pF"),  # M cell and epicardial; endocardial: 0.073
        ("g_pK", 0.0146, "nS/pF"),
        ("g_bNa", 0.00029, "nS/pF"),
        ("g_bCa", 0.000592, "nS/pF"),
        ("g_pCa", 0.825, "pA/pF"),
        ("P_NaK", 1.362, "pA/pF"),
        ("K_NaCa", 1000.0, "pA/pF"),
        ("K_mK", 1.0, "mM"),
        ("K_mNa", 40.0, "mM"),
        ("Km_Nai", 87.5, "mM"),
        ("Km_Ca", 1.38, "mM"),
        ("K_sat", 0.1, "1"),
        ("gamma", 0.35, "1"),
        ("alpha", 2.5, "1"),
        ("K_pCa", 0.0005, "mM"),
        ("a_rel", 0.016464, "mM/ms"),
        ("b_rel", 0.25, "mM"),
        ("c_rel", 0.008232, "mM/ms"),
        ("tau_fCa", 2.0, "ms"),
        ("tau_g", 2.0, "ms"),
        ("Vmax_up", 0.000425, "mM/ms"),
        ("K_up", 0.00025, "mM"),
        ("V_leak", 0.00008, "1/ms"),
        ("Buf_c", 0.15, "mM"),
        ("K_buf_c", 0.001, "mM"),
        ("Buf_sr", 10.0, "mM"),
        ("K_buf_sr", 0.3, "mM"),
        ("Na_o", 140.0, "mM"),
        ("K_o", 5.4, "mM"),
        ("Ca_o", 2.0, "mM"),
        ("C_m", 0.185, "uF"),
        ("V_c", 0.016404, "nL"),
        ("V_sr", 0.001094, "nL"),
        ("P_kNa", 0.03, "1"),
        ("R", 8314.472, "mJ/(mol K)"),
        ("T", 310.0, "K"),
        ("F", 96485.3415, "C/mol"),
    )
)

Currents = namedtuple(
    "Currents", "I_Na I_CaL I_to I_Kr I_Ks I_K1 I_NaCa I_NaK I_pCa I_pK I_bNa I_bCa"
)
Derivatives = namedtuple("Derivatives", "V Ca_i Ca_SR Na_i K_i fCa g")


def gates(s, p):
    """Steady states and time constants of the ten classic gates; all depend on V alone."""
    V = s.V
    low = where(V < -40.0, V, -40.0)  # the rates of h and j change their form at -40 mV
    alpha_h = where(V < -40.0, 0.057 * exp(-(low + 80.0) / 6.8), 0.0)
    beta_h = where(
        V < -40.0,
        2.7 * exp(0.079 * low) + 3.1e5 * exp(0.3485 * low),
        0.77 / (0.13 * (1.0 + exp(-(V + 10.66) / 11.1))),
    )
    alpha_j = where(
        V < -40.0,
        (-2.5428e4 * exp(0.2444 * low) - 6.948e-6 * exp(-0.04391 * low))
        * (low + 37.78)
        / (1.0 + exp(0.311 * (low + 79.23))),
        0.0,
    )
    beta_j = where(
        V < -40.0,
        0.02424 * exp(-0.01052 * low) / (1.0 + exp(-0.1378 * (low + 40.14))),
        0.6 * exp(0.057 * V) / (1.0 + exp(-0.1 * (V + 32.0))),
    )
    h_inf = 1.0 / (1.0 + exp((V + 71.55) / 7.43)) ** 2
    return {
        "m": Kinetics(
            1.0 / (1.0 + exp((-56.86 - V) / 9.03)) ** 2,
            (0.1 / (1.0 + exp((V + 35.0) / 5.0)) + 0.1 / (1.0 + exp((V - 50.0) / 200.0)))
            / (1.0 + exp((-60.0 - V) / 5.0)),
        ),
        "h": Kinetics(h_inf, 1.0 / (alpha_h + beta_h)),
        "j": Kinetics(h_inf, 1.0 / (alpha_j + beta_j)),
        "d": Kinetics(
            1.0 / (1.0 + exp((-5.0 - V) / 7.5)),
            (1.4 / (1.0 + exp((-35.0 - V) / 13.0)) + 0.25) * 1.4 / (1.0 + exp((V + 5.0) / 5.0))
            + 1.0 / (1.0 + exp((50.0 - V) / 20.0)),
        ),
        "f": Kinetics(
            1.0 / (1.0 + exp((V + 20.0) / 7.0)),
            1125.0 * exp(-((V + 27.0) ** 2) / 240.0)
            + 80.0
            + 165.0 / (1.0 + exp((25.0 - V) / 10.0)),
        ),
        "xr1": Kinetics(
            1.0 / (1.0 + exp((-26.0 - V) / 7.0)),
            450.0 / (1.0 + exp((-45.0 - V) / 10.0)) * 6.0 / (1.0 + exp((V + 30.0) / 11.5)),
        ),
        "xr2": Kinetics(
            1.0 / (1.0 + exp((V + 88.0) / 24.0)),
            3.0 / (1.0 + exp((-60.0 - V) / 20.0)) * 1.12 / (1.0 + exp((V - 60.0) / 20.0)),
        ),
        "xs": Kinetics(
            1.0 / (1.0 + exp((-5.0 - V) / 14.0)),
            1100.0 / sqrt(1.0 + exp((-10.0 - V) / 6.0)) / (1.0 + exp((V - 60.0) / 20.0)),
        ),
        "r": Kinetics(
            1.0 / (1.0 + exp((20.0 - V) / 6.0)), 9.5 * exp(-((V + 40.0) ** 2) / 1800.0) + 0.8
        ),
        "s": Kinetics(
            1.0 / (1.0 + exp((V + 20.0) / 5.0)),
            85.0 * exp(-((V + 45.0) ** 2) / 320.0) + 5.0 / (1.0 + exp((V - 20.0) / 5.0)) + 3.0,
        ),
    }


def gates_endo(s, p):
    """As `gates`, with the slower s gate of endocardial cells."""
    slow = Kinetics(
        1.0 / (1.0 + exp((s.V + 28.0) / 5.0)), 1000.0 * exp(-((s.V + 67.0) ** 2) / 1000.0) + 8.0
    )
    return {**gates(s, p), "s": slow}


def currents(s, p):
    """The twelve membrane currents in pA/pF; outward is positive."""
    V = s.V
    RT_F = p.R * p.T / p.F
    E_Na = RT_F * log(p.Na_o / s.Na_i)
    E_K = RT_F * log(p.K_o / s.K_i)
    E_Ks = RT_F * log((p.K_o + p.P_kNa * p.Na_o) / (s.K_i + p.P_kNa * s.Na_i))
    E_Ca = 0.5 * RT_F * log(p.Ca_o / s.Ca_i)
    driving_K = V - E_K

    v = where(abs(V) < 1e-4, 1e-4, V)  # the constant-field equation is 0/0 at V = 0
    e2 = exp(2.0 * v / RT_F)
    field = 4.0 * v * p.F / RT_F * (e2 * s.Ca_i - 0.341 * p.Ca_o) / (e2 - 1.0)

    alpha_K1 = 0.1 / (1.0 + exp(0.06 * (driving_K - 200.0)))
    beta_K1 = (3.0 * exp(0.0002 * (driving_K + 100.0)) + exp(0.1 * (driving_K - 10.0))) / (
        1.0 + exp(-0.5 * driving_K)
    )
    K1_inf = alpha_K1 / (alpha_K1 + beta_K1)

    e_gamma = exp(p.gamma * V / RT_F)
    e_reverse = exp((p.gamma - 1.0) * V / RT_F)
    exchange = (
        (e_gamma * s.Na_i**3 * p.Ca_o - e_reverse * p.Na_o**3 * s.Ca_i * p.alpha)
        / (p.Km_Nai**3 + p.Na_o**3)
        / (p.Km_Ca + p.Ca_o)
        / (1.0 + p.K_sat * e_reverse)
    )
    pump = (
        p.K_o / (p.K_o + p.K_mK) * s.Na_i / (s.Na_i + p.K_mNa)
        / (1.0 + 0.1245 * exp(-0.1 * V / RT_F) + 0.0353 * exp(-V / RT_F))
    )  # fmt: skip

    return Currents(
        I_Na=p.g_Na * s.m**3 * s.h * s.j * (V - E_Na),
        I_CaL=p.g_CaL * s.d * s.f * s.fCa * field,
        I_to=p.g_to * s.r * s.s * driving_K,
        I_Kr=p.g_Kr * sqrt(p.K_o / 5.4) * s.xr1 * s.xr2 * driving_K,
        I_Ks=p.g_Ks * s.xs**2 * (V - E_Ks),
        I_K1=p.g_K1 * sqrt(p.K_o / 5.4) * K1_inf * driving_K,
        I_NaCa=p.K_NaCa * exchange,
        I_NaK=p.P_NaK * pump,
        I_pCa=p.g_pCa * s.Ca_i / (p.K_pCa + s.Ca_i),
        I_pK=p.g_pK * driving_K / (1.0 + exp((25.0 - V) / 5.98)),
        I_bNa=p.g_bNa * (V - E_Na),
        I_bCa=p.g_bCa * (V - E_Ca),
    )


def derivatives(s, p, I, I_stim):  # noqa: E741 (I is the field's letter for currents)
    """Derivatives (per ms) of voltage, concentrations and the two one-sided calcium gates."""
    out = I.I_to + I.I_Kr + I.I_Ks + I.I_K1 + I.I_pK + I_stim
    I_total = out + I.I_Na + I.I_CaL + I.I_NaCa + I.I_NaK + I.I_pCa + I.I_bNa + I.I_bCa

    release = s.d * s.g * (p.a_rel * s.Ca_SR**2 / (p.b_rel**2 + s.Ca_SR**2) + p.c_rel)
    uptake = p.Vmax_up / (1.0 + (p.K_up / s.Ca_i) ** 2)
    leak = p.V_leak * (s.Ca_SR - s.Ca_i)
    per_charge = p.C_m / (p.V_c * p.F)
    inflow = -0.5 * per_charge * (I.I_CaL + I.I_bCa + I.I_pCa - 2.0 * I.I_NaCa)
    free_c = 1.0 / (1.0 + p.Buf_c * p.K_buf_c / (s.Ca_i + p.K_buf_c) ** 2)
    free_sr = 1.0 / (1.0 + p.Buf_sr * p.K_buf_sr / (s.Ca_SR + p.K_buf_sr) ** 2)

    fCa_inf = (
        1.0 / (1.0 + (s.Ca_i / 0.000325) ** 8)
        + 0.1 / (1.0 + exp((s.Ca_i - 0.0005) / 0.0001))
        + 0.2 / (1.0 + exp((s.Ca_i - 0.00075) / 0.0008))
        + 0.23
    ) / 1.46
    ratio6 = (s.Ca_i / 0.00035) ** 6
    ratio16 = (s.Ca_i / 0.00035) ** 16
    g_inf = where(s.Ca_i < 0.00035, 1.0 / (1.0 + ratio6), 1.0 / (1.0 + ratio16))
    dfCa = (fCa_inf - s.fCa) / p.tau_fCa
    dg = (g_inf - s.g) / p.tau_g

    return Derivatives(
        V=-I_total,
        Ca_i=free_c * (inflow - uptake + leak + release),
        Ca_SR=free_sr * p.V_c / p.V_sr * (uptake - release - leak),
        Na_i=-per_charge * (I.I_Na + I.I_bNa + 3.0 * I.I_NaK + 3.0 * I.I_NaCa),
        K_i=-per_charge * (out - 2.0 * I.I_NaK),
        fCa=where((dfCa > 0.0) & (s.V > -60.0), 0.0, dfCa),  # may fall, not rise, when depolarised
        g=where((dg > 0.0) & (s.V > -60.0), 0.0, dg),
    )


M = Cell(
    name="tentusscher2004",
    title="ten Tusscher 2004, human ventricle, M cell",
    source="doi:10.1152/ajpheart.00794.2003",
    states=STATES,
    parameters=PARAMETERS,
    equations=Equations(gates, currents, derivatives),
    conductances={
        "I_Na": "g_Na",
        "I_CaL": "g_CaL",
        "I_Kr": "g_Kr",
        "I_Ks": "g_Ks",
        "I_K1": "g_K1",
        "I_to": "g_to",
    },
    stimulus=Stimulus(amplitude=-52.0, duration_ms=1.0, start_ms=10.0),
    current_unit="pA/pF",
    observables=("V", "Ca_i"),
    pumps={"I_NaK": "P_NaK", "I_NaCa": "K_NaCa", "I_pCa": "g_pCa"},
)
EPI = replace(
    M.perturbed(g_Ks=0.245 / 0.062),
    name="tentusscher2004_epi",
    title="ten Tusscher 2004, human ventricle, epicardial cell",
)
ENDO = replace(
    M.perturbed(g_Ks=0.245 / 0.062, g_to=0.073 / 0.294),
    name="tentusscher2004_endo",
    title="ten Tusscher 2004, human ventricle, endocardial cell",
    equations=Equations(gates_endo, currents, derivatives),
)
