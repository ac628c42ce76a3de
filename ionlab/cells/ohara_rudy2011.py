"""The human ventricular cell of O'Hara, Virag, Varro and Rudy (2011): endo, epi and M.

Source: PLoS Comput Biol 7:e1002061, doi:10.1371/journal.pcbi.1002061, and its supplement, with the
published I_Na. Voltage in mV, time in ms, concentrations in mM, currents in pA/pF (printed as
uA/uF, the same).

Of 41 states 28 are classic gates, linear in themselves with h_inf and tau that the voltage alone
decides: 6 of I_Na, 3 of I_NaL, 6 of I_to, 8 of I_CaL, 2 each of I_Kr and I_Ks, 1 of I_K1. Not
among them: V, the 8 concentrations; nca, whose rates are calcium and the gate jca; CaMKt, whose
trapping is quadratic in it; and the releases Jrelnp and Jrelp, which follow the current I_CaL.
"""

from dataclasses import replace

from ionlab.cells.cell import Cell, Equations, Parameter, State, Stimulus
from ionlab.cells.ohara_rudy2011_equations import currents, derivatives, gates, gates_epi

PAPER = "O'Hara et al. 2011, supplement, doi:10.1371/journal.pcbi.1002061"

STATES = (  # start values of the authors' published code
    State("V", "mV", -87.0),
    State("Na_i", "mM", 7.0, span=(0.0, 40.0)),
    State("Na_ss", "mM", 7.0, span=(0.0, 40.0)),
    State("K_i", "mM", 145.0, span=(100.0, 180.0)),
    State("K_ss", "mM", 145.0, span=(100.0, 180.0)),
    State("Ca_i", "mM", 0.0001, span=(0.0, 0.002)),
    State("Ca_ss", "mM", 0.0001, span=(0.0, 0.1)),
    State("Ca_nsr", "mM", 1.2, span=(0.0, 5.0)),
    State("Ca_jsr", "mM", 1.2, span=(0.0, 5.0)),
    *(
        State(gate, "1", start)
        for gates_of, start in (
            ("m mL a ap d xrf xrs xs1 xs2", 0.0),
            ("hf hs hsp j jp hL hLp iF iS iFp iSp", 1.0),
            ("ff fs ffp fcaf fcas fcafp jca xk1", 1.0),
        )
        for gate in gates_of.split()
    ),
    State("nca", "1", 0.0),  # share of L-type channels in the mode that calcium inactivates
    State("CaMKt", "1", 0.0),  # trapped share of CaMKII
    State("Jrelnp", "mM/ms", 0.0, span=(0.0, 0.1)),
    State("Jrelp", "mM/ms", 0.0, span=(0.0, 0.1)),
)

V_CELL_uL = 1000.0 * 3.14 * 0.0011**2 * 0.01  # a cylinder of radius 11 um and length 100 um
A_CAP_cm2 = 2.0 * (2.0 * 3.14 * 0.0011**2 + 2.0 * 3.14 * 0.0011 * 0.01)  # twice its surface

PARAMETERS = tuple(
    Parameter(name, value, unit, PAPER)
    for name, value, unit in (
        ("g_Na", 75.0, "nS/pF"),
        ("g_NaL", 0.0075, "nS/pF"),
        ("g_to", 0.02, "nS/pF"),
        ("P_Ca", 1e-4, "cm/s"),
        ("g_Kr", 0.046, "nS/pF"),
        ("g_Ks", 0.0034, "nS/pF"),
        ("g_K1", 0.1908, "nS/(pF mM^0.5)"),
        ("g_NaCa", 0.0008, "pA ms/(pF mM)"),
        ("P_NaK", 30.0, "pA ms/(pF mM)"),
        ("P_bNa", 3.75e-10, "cm/s"),
        ("P_bCa", 2.5e-8, "cm/s"),
        ("g_bK", 0.003, "nS/pF"),
        ("g_pCa", 0.0005, "pA/pF"),
        ("K_pCa", 0.0005, "mM"),
        ("P_RNaK", 0.01833, "1"),
        ("share_Na", 0.00125, "1"),  # permeability of the L-type channel to sodium, of P_Ca
        ("share_K", 3.574e-4, "1"),  # and to potassium
        ("K_mn", 0.002, "mM"),
        ("k_2n", 1000.0, "1/ms"),
        ("CaMK_o", 0.05, "1"),
        ("K_mCaM", 0.0015, "mM"),
        ("K_mCaMK", 0.15, "1"),
        ("a_CaMK", 0.05, "1/ms"),
        ("b_CaMK", 0.00068, "1/ms"),
        ("k_Na1", 15.0, "mM"),  # exchanger
        ("k_Na2", 5.0, "mM"),
        ("k_Na3", 88.12, "mM"),
        ("k_asymm", 12.5, "1"),
        ("w_Na", 6e4, "Hz"),
        ("w_Ca", 6e4, "Hz"),
        ("w_NaCa", 5e3, "Hz"),
        ("k_Ca_on", 1.5e6, "mM/ms"),
        ("k_Ca_off", 5e3, "Hz"),
        ("q_Na", 0.5224, "1"),
        ("q_Ca", 0.167, "1"),
        ("K_mCa_act", 0.00015, "mM"),
        ("k1_on", 949.5, "Hz"),  # pump
        ("k1_off", 182.4, "1/mM"),
        ("k2_on", 687.2, "Hz"),
        ("k2_off", 39.4, "Hz"),
        ("k3_on", 1899.0, "Hz"),
        ("k3_off", 79300.0, "Hz/mM^2"),
        ("k4_on", 639.0, "Hz"),
        ("k4_off", 40.0, "Hz"),
        ("K_Nai", 9.073, "mM"),
        ("K_Nao", 27.78, "mM"),
        ("delta", -0.155, "1"),
        ("K_Ki", 0.5, "mM"),
        ("K_Ko", 0.3582, "mM"),
        ("MgADP", 0.05, "mM"),
        ("MgATP", 9.8, "mM"),
        ("K_MgATP", 1.698e-7, "mM"),
        ("H", 1e-7, "mM"),
        ("P_total", 4.2, "mM"),
        ("K_HP", 1.698e-7, "mM"),
        ("K_NaP", 224.0, "mM"),
        ("K_KP", 292.0, "mM"),
        ("a_rel", 0.5, "1"),  # release
        ("b_tau", 4.75, "ms"),
        ("K_rel", 1.5, "mM"),
        ("J_up", 0.004375, "mM/ms"),
        ("K_up", 0.00092, "mM"),
        ("k_leak", 0.0039375 / 15.0, "1/ms"),
        ("tau_tr", 100.0, "ms"),
        ("tau_Na", 2.0, "ms"),
        ("tau_K", 2.0, "ms"),
        ("tau_Ca", 0.2, "ms"),
        ("CMDN", 0.05, "mM"),  # buffers
        ("K_CMDN", 0.00238, "mM"),
        ("TRPN", 0.07, "mM"),
        ("K_TRPN", 0.0005, "mM"),
        ("BSR", 0.047, "mM"),
        ("K_BSR", 0.00087, "mM"),
        ("BSL", 1.124, "mM"),
        ("K_BSL", 0.0087, "mM"),
        ("CSQN", 10.0, "mM"),
        ("K_CSQN", 0.8, "mM"),
        ("V_myo", 0.68 * V_CELL_uL, "uL"),
        ("V_nsr", 0.0552 * V_CELL_uL, "uL"),
        ("V_jsr", 0.0048 * V_CELL_uL, "uL"),
        ("V_ss", 0.02 * V_CELL_uL, "uL"),
        ("C_m", A_CAP_cm2, "uF"),  # 1 uF/cm^2
        ("Na_o", 140.0, "mM"),
        ("K_o", 5.4, "mM"),
        ("Ca_o", 1.8, "mM"),
        ("R", 8314.0, "mJ/(mol K)"),
        ("T", 310.0, "K"),
        ("F", 96485.0, "C/mol"),
    )
)

ENDO = Cell(
    name="ohara_rudy2011",
    title="O'Hara-Rudy 2011, human ventricle, endocardial cell",
    source="doi:10.1371/journal.pcbi.1002061",
    states=STATES,
    parameters=PARAMETERS,
    equations=Equations(gates, currents, derivatives),
    conductances={
        "I_Na": "g_Na",
        "I_NaL": "g_NaL",
        "I_CaL": "P_Ca",
        "I_Kr": "g_Kr",
        "I_Ks": "g_Ks",
        "I_K1": "g_K1",
        "I_to": "g_to",
    },
    stimulus=Stimulus(amplitude=-80.0, duration_ms=0.5, start_ms=10.0),
    current_unit="pA/pF",
    observables=("V", "Ca_i"),
    pumps={"I_NaK": "P_NaK", "I_NaCa": "g_NaCa", "I_pCa": "g_pCa"},
)
EPI = replace(
    ENDO.perturbed(
        g_NaL=0.6,
        g_to=4.0,
        P_Ca=1.2,
        g_Kr=1.3,
        g_Ks=1.4,
        g_K1=1.2,
        g_NaCa=1.1,
        P_NaK=0.9,
        g_bK=0.6,
        J_up=1.3,
        CMDN=1.3,
    ),
    name="ohara_rudy2011_epi",
    title="O'Hara-Rudy 2011, human ventricle, epicardial cell",
    equations=Equations(gates_epi, currents, derivatives),
)
M = replace(
    ENDO.perturbed(
        g_to=4.0,
        P_Ca=2.5,
        g_Kr=0.8,
        g_K1=1.3,
        g_NaCa=1.4,
        P_NaK=0.7,
        a_rel=1.7,
    ),
    name="ohara_rudy2011_m",
    title="O'Hara-Rudy 2011, human ventricle, M cell",
)
