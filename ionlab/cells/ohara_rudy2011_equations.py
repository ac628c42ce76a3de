"""Gates, currents and derivatives of `ohara_rudy2011`, where their source and units stand."""

from collections import namedtuple

from ionlab.cells.cell import Kinetics
from ionlab.maths import exp, helper, linoid, log, sqrt, where

Currents = namedtuple(
    "Currents",
    "I_Na I_NaL I_to I_CaL I_CaNa I_CaK I_Kr I_Ks I_K1 I_NaCa I_NaCa_ss I_NaK I_bNa I_bCa I_bK "
    "I_pCa",
)
Derivatives = namedtuple(
    "Derivatives", "V Na_i Na_ss K_i K_ss Ca_i Ca_ss Ca_nsr Ca_jsr nca CaMKt Jrelnp Jrelp"
)


def gates(s, p):
    """Steady states and time constants of the 28 classic gates; all depend on V alone."""
    V = s.V
    h_inf = 1.0 / (1.0 + exp((V + 82.9) / 6.086))
    tau_m = 1.0 / (6.765 * exp((V + 11.64) / 34.77) + 8.552 * exp(-(V + 77.42) / 5.955))
    tau_hs = 1.0 / (0.009794 * exp(-(V + 17.95) / 28.05) + 0.3343 * exp((V + 5.73) / 56.66))
    tau_j = 2.038 + 1.0 / (0.02136 * exp(-(V + 100.6) / 8.281) + 0.3052 * exp((V + 0.9941) / 38.45))

    tau_a = 1.0515 / (
        1.0 / (1.2089 * (1.0 + exp(-(V - 18.4099) / 29.3814)))
        + 3.5 / (1.0 + exp((V + 100.0) / 29.3814))
    )
    i_inf = 1.0 / (1.0 + exp((V + 43.94) / 5.711))
    tau_iF = 4.562 + 1.0 / (0.3933 * exp(-(V + 100.0) / 100.0) + 0.08004 * exp((V + 50.0) / 16.59))
    tau_iS = 23.62 + 1.0 / (
        0.001416 * exp(-(V + 96.52) / 59.05) + 1.78e-8 * exp((V + 114.1) / 8.079)
    )
    high = where(V > -40.0, V, -40.0)  # below, the next term is nothing but an overflow
    develop = 1.354 + 1e-4 / (exp((V - 167.4) / 15.89) + exp(-(high - 12.23) / 0.2154))
    slower_i = develop * (1.0 - 0.5 / (1.0 + exp((V + 70.0) / 20.0)))

    f_inf = 1.0 / (1.0 + exp((V + 19.58) / 3.696))
    tau_ff = 7.0 + 1.0 / (0.0045 * (exp(-(V + 20.0) / 10.0) + exp((V + 20.0) / 10.0)))
    tau_fs = 1000.0 + 1.0 / (3.5e-5 * (exp(-(V + 5.0) / 4.0) + exp((V + 5.0) / 6.0)))
    tau_fcaf = 7.0 + 1.0 / (0.04 * (exp(-(V - 4.0) / 7.0) + exp((V - 4.0) / 7.0)))
    tau_fcas = 100.0 + 1.0 / (0.00012 * (exp(-V / 3.0) + exp(V / 7.0)))

    xr_inf = 1.0 / (1.0 + exp(-(V + 8.337) / 6.789))
    xs_inf = 1.0 / (1.0 + exp(-(V + 11.6) / 8.932))
    return {
        "m": Kinetics(1.0 / (1.0 + exp(-(V + 39.57) / 9.871)), tau_m),
        "hf": Kinetics(
            h_inf,
            1.0 / (1.432e-5 * exp(-(V + 1.196) / 6.285) + 6.149 * exp((V + 0.5096) / 20.27)),
        ),
        "hs": Kinetics(h_inf, tau_hs),
        "hsp": Kinetics(1.0 / (1.0 + exp((V + 89.1) / 6.086)), 3.0 * tau_hs),
        "j": Kinetics(h_inf, tau_j),
        "jp": Kinetics(h_inf, 1.46 * tau_j),
        "mL": Kinetics(1.0 / (1.0 + exp(-(V + 42.85) / 5.264)), tau_m),
        "hL": Kinetics(1.0 / (1.0 + exp((V + 87.61) / 7.488)), 0.0 * V + 200.0),
        "hLp": Kinetics(1.0 / (1.0 + exp((V + 93.81) / 7.488)), 0.0 * V + 600.0),
        "a": Kinetics(1.0 / (1.0 + exp(-(V - 14.34) / 14.82)), tau_a),
        "ap": Kinetics(1.0 / (1.0 + exp(-(V - 24.34) / 14.82)), tau_a),
        "iF": Kinetics(i_inf, tau_iF),
        "iS": Kinetics(i_inf, tau_iS),
        "iFp": Kinetics(i_inf, slower_i * tau_iF),
        "iSp": Kinetics(i_inf, slower_i * tau_iS),
        "d": Kinetics(
            1.0 / (1.0 + exp(-(V + 3.94) / 4.23)),
            0.6 + 1.0 / (exp(-0.05 * (V + 6.0)) + exp(0.09 * (V + 14.0))),
        ),
        "ff": Kinetics(f_inf, tau_ff),
        "fs": Kinetics(f_inf, tau_fs),
        "ffp": Kinetics(f_inf, 2.5 * tau_ff),
        "fcaf": Kinetics(f_inf, tau_fcaf),
        "fcas": Kinetics(f_inf, tau_fcas),
        "fcafp": Kinetics(f_inf, 2.5 * tau_fcaf),
        "jca": Kinetics(f_inf, 0.0 * V + 75.0),
        "xrf": Kinetics(
            xr_inf,
            12.98
            + 1.0 / (0.3652 * exp((V - 31.66) / 3.869) + 4.123e-5 * exp(-(V - 47.78) / 20.38)),
        ),
        "xrs": Kinetics(
            xr_inf,
            1.865
            + 1.0 / (0.06629 * exp((V - 34.7) / 7.355) + 1.128e-5 * exp(-(V - 29.74) / 25.94)),
        ),
        "xs1": Kinetics(
            xs_inf,
            817.3
            + 1.0 / (2.326e-4 * exp((V + 48.28) / 17.8) + 0.001292 * exp(-(V + 210.0) / 230.0)),
        ),
        "xs2": Kinetics(
            xs_inf, 1.0 / (0.01 * exp((V - 50.0) / 20.0) + 0.0193 * exp(-(V + 66.54) / 31.0))
        ),
        "xk1": Kinetics(
            1.0 / (1.0 + exp(-(V + 2.5538 * p.K_o + 144.59) / (1.5692 * p.K_o + 3.8115))),
            122.2 / (exp(-(V + 127.2) / 20.36) + exp((V + 236.8) / 69.33)),
        ),
    }


def gates_epi(s, p):
    """As `gates`, with the faster inactivation of I_to of epicardial cells."""
    all_gates = gates(s, p)
    faster = 1.0 - 0.95 / (1.0 + exp((s.V + 70.0) / 5.0))
    of_I_to = {g: all_gates[g] for g in ("iF", "iS", "iFp", "iSp")}
    return {**all_gates, **{g: Kinetics(k.h_inf, faster * k.tau_ms) for g, k in of_I_to.items()}}


@helper
def CaMK_bound(s, p):
    """Share of CaMKII that calmodulin binds."""
    return p.CaMK_o * (1.0 - s.CaMKt) / (1.0 + p.K_mCaM / s.Ca_ss)


@helper
def phosphorylated(s, p):
    """Share of each channel and flux that CaMKII has phosphorylated."""
    return 1.0 / (1.0 + p.K_mCaMK / (CaMK_bound(s, p) + s.CaMKt))


@helper
def exchange(Na, Ca, v, p):
    """Charge that the sodium-calcium exchanger carries, of four states, at v = V F / RT."""
    h_Ca, h_Na = exp(p.q_Ca * v), exp(p.q_Na * v)
    h1 = 1.0 + Na / p.k_Na3 * (1.0 + h_Na)
    h2 = Na * h_Na / (p.k_Na3 * h1)
    h4 = 1.0 + Na / p.k_Na1 * (1.0 + Na / p.k_Na2)
    h7 = 1.0 + p.Na_o / p.k_Na3 * (1.0 + 1.0 / h_Na)
    h8 = p.Na_o / (p.k_Na3 * h_Na * h7)
    h10 = p.k_asymm + 1.0 + p.Na_o / p.k_Na1 * (1.0 + p.Na_o / p.k_Na2)

    k1 = p.Ca_o * p.k_Ca_on / h10
    k2 = k5 = p.k_Ca_off
    k3_Na = h8 * p.w_NaCa
    k3 = p.w_Ca / h7 + k3_Na
    k4_Na = h2 * p.w_NaCa
    k4 = p.w_Ca / (h1 * h_Ca) + k4_Na
    k6 = Ca * p.k_Ca_on / h4
    k7 = Na**2 / (h4 * p.k_Na1 * p.k_Na2) * h2 * p.w_Na
    k8 = h8 * p.Na_o**2 / (h10 * p.k_Na1 * p.k_Na2) * p.w_Na

    x1 = k2 * k4 * (k7 + k6) + k5 * k7 * (k2 + k3)
    x2 = k1 * k7 * (k4 + k5) + k4 * k6 * (k1 + k8)
    x3 = k1 * k3 * (k7 + k6) + k8 * k6 * (k2 + k3)
    x4 = k2 * k8 * (k4 + k5) + k3 * k5 * (k1 + k8)
    Na_flux = 3.0 * (x4 * k7 - x1 * k8) + x3 * k4_Na - x2 * k3_Na
    Ca_flux = x2 * k2 - x1 * k1
    active = 1.0 / (1.0 + (p.K_mCa_act / Ca) ** 2)
    return active * (Na_flux + 2.0 * Ca_flux) / (x1 + x2 + x3 + x4)


@helper
def pump(Na, K, v, p):
    """Charge that the sodium-potassium pump carries, of four states, at v = V F / RT."""
    Na_i = Na / (p.K_Nai * exp(p.delta * v / 3.0))
    Na_o = p.Na_o / (p.K_Nao * exp((1.0 - p.delta) * v / 3.0))
    K_i, K_o = K / p.K_Ki, p.K_o / p.K_Ko
    ATP = p.MgATP / p.K_MgATP
    P = p.P_total / (1.0 + p.H / p.K_HP + Na / p.K_NaP + K / p.K_KP)
    inside = (1.0 + Na_i) ** 3 + (1.0 + K_i) ** 2 - 1.0
    outside = (1.0 + Na_o) ** 3 + (1.0 + K_o) ** 2 - 1.0

    a1, b1 = p.k1_on * Na_i**3 / inside, p.k1_off * p.MgADP
    a2, b2 = p.k2_on, p.k2_off * Na_o**3 / outside
    a3, b3 = p.k3_on * K_o**2 / outside, p.k3_off * P * p.H / (1.0 + ATP)
    a4, b4 = p.k4_on * ATP / (1.0 + ATP), p.k4_off * K_i**2 / inside

    x1 = a4 * a1 * a2 + b2 * b4 * b3 + a2 * b4 * b3 + b3 * a1 * a2
    x2 = b2 * b1 * b4 + a1 * a2 * a3 + a3 * b1 * b4 + a2 * a3 * b4
    x3 = a2 * a3 * a4 + b3 * b2 * b1 + b2 * b1 * a4 + a3 * a4 * b1
    x4 = b4 * b3 * b2 + a3 * a4 * a1 + b2 * a4 * a1 + b3 * b2 * a1
    Na_flux = 3.0 * (x1 * a3 - x2 * b3)
    K_flux = 2.0 * (x4 * b1 - x3 * a1)
    return (Na_flux + K_flux) / (x1 + x2 + x3 + x4)


def currents(s, p):
    """The sixteen membrane currents in pA/pF; outward is positive."""
    V = s.V
    RT_F = p.R * p.T / p.F
    v = V / RT_F
    E_Na = RT_F * log(p.Na_o / s.Na_i)
    E_K = RT_F * log(p.K_o / s.K_i)
    E_Ks = RT_F * log((p.K_o + p.P_RNaK * p.Na_o) / (s.K_i + p.P_RNaK * s.Na_i))
    P = phosphorylated(s, p)

    open_Na = (1.0 - P) * (0.99 * s.hf + 0.01 * s.hs) * s.j
    open_Na = open_Na + P * (0.99 * s.hf + 0.01 * s.hsp) * s.jp

    share_iF = 1.0 / (1.0 + exp((V - 213.6) / 151.2))
    open_to = (1.0 - P) * s.a * (share_iF * s.iF + (1.0 - share_iF) * s.iS)
    open_to = open_to + P * s.ap * (share_iF * s.iFp + (1.0 - share_iF) * s.iSp)

    share_fcaf = 0.3 + 0.6 / (1.0 + exp((V - 10.0) / 10.0))
    f = 0.6 * s.ff + 0.4 * s.fs
    fp = 0.6 * s.ffp + 0.4 * s.fs
    fca = share_fcaf * s.fcaf + (1.0 - share_fcaf) * s.fcas
    fcap = share_fcaf * s.fcafp + (1.0 - share_fcaf) * s.fcas
    open_CaL = (1.0 - P) * (f * (1.0 - s.nca) + s.jca * fca * s.nca)
    open_CaL = open_CaL + 1.1 * P * (fp * (1.0 - s.nca) + s.jca * fcap * s.nca)
    through_CaL = p.P_Ca * s.d * open_CaL

    e = exp(v)
    one, two = p.F * linoid(v), 2.0 * p.F * linoid(2.0 * v)  # constant field, charges 1 and 2
    xr_share = 1.0 / (1.0 + exp((V + 54.81) / 38.21))
    xr = xr_share * s.xrf + (1.0 - xr_share) * s.xrs
    rkr = 1.0 / (1.0 + exp((V + 55.0) / 75.0)) / (1.0 + exp((V - 10.0) / 30.0))
    rk1 = 1.0 / (1.0 + exp((V + 105.8 - 2.6 * p.K_o) / 9.493))

    return Currents(
        I_Na=p.g_Na * s.m**3 * open_Na * (V - E_Na),
        I_NaL=p.g_NaL * s.mL * ((1.0 - P) * s.hL + P * s.hLp) * (V - E_Na),
        I_to=p.g_to * open_to * (V - E_K),
        I_CaL=through_CaL * two * (s.Ca_ss * e**2 - 0.341 * p.Ca_o),
        I_CaNa=p.share_Na * through_CaL * one * 0.75 * (s.Na_ss * e - p.Na_o),
        I_CaK=p.share_K * through_CaL * one * 0.75 * (s.K_ss * e - p.K_o),
        I_Kr=p.g_Kr * sqrt(p.K_o / 5.4) * xr * rkr * (V - E_K),
        I_Ks=p.g_Ks * (1.0 + 0.6 / (1.0 + (3.8e-5 / s.Ca_i) ** 1.4)) * s.xs1 * s.xs2 * (V - E_Ks),
        I_K1=p.g_K1 * sqrt(p.K_o) * rk1 * s.xk1 * (V - E_K),
        I_NaCa=0.8 * p.g_NaCa * exchange(s.Na_i, s.Ca_i, v, p),
        I_NaCa_ss=0.2 * p.g_NaCa * exchange(s.Na_ss, s.Ca_ss, v, p),
        I_NaK=p.P_NaK * pump(s.Na_i, s.K_i, v, p),
        I_bNa=p.P_bNa * one * (s.Na_i * e - p.Na_o),
        I_bCa=p.P_bCa * two * (s.Ca_i * e**2 - 0.341 * p.Ca_o),
        I_bK=p.g_bK / (1.0 + exp(-(V - 14.48) / 18.34)) * (V - E_K),
        I_pCa=p.g_pCa * s.Ca_i / (p.K_pCa + s.Ca_i),
    )


def derivatives(s, p, I, I_stim):  # noqa: E741 (I is the field's letter for currents)
    """Derivatives (per ms) of voltage, concentrations, CaMKII and calcium release."""
    out_K = I.I_to + I.I_Kr + I.I_Ks + I.I_K1 + I.I_bK + I_stim
    in_Na = I.I_Na + I.I_NaL + I.I_bNa
    ss = I.I_CaL + I.I_CaNa + I.I_CaK + I.I_NaCa_ss
    I_total = out_K + in_Na + ss + I.I_NaCa + I.I_NaK + I.I_bCa + I.I_pCa
    P = phosphorylated(s, p)
    bound = CaMK_bound(s, p)

    steady = -p.a_rel * p.b_tau * I.I_CaL / (1.0 + (p.K_rel / s.Ca_jsr) ** 8)
    filled = 1.0 + 0.0123 / s.Ca_jsr
    tau = where(p.b_tau / filled < 0.001, 0.001, p.b_tau / filled)
    tau_p = where(1.25 * p.b_tau / filled < 0.001, 0.001, 1.25 * p.b_tau / filled)
    release = (1.0 - P) * s.Jrelnp + P * s.Jrelp
    faster = 2.75 / (s.Ca_i + p.K_up - 0.00017)
    uptake = p.J_up * s.Ca_i * ((1.0 - P) / (s.Ca_i + p.K_up) + P * faster) - p.k_leak * s.Ca_nsr
    transfer = (s.Ca_nsr - s.Ca_jsr) / p.tau_tr
    Na_diff = (s.Na_ss - s.Na_i) / p.tau_Na
    K_diff = (s.K_ss - s.K_i) / p.tau_K
    Ca_diff = (s.Ca_ss - s.Ca_i) / p.tau_Ca

    per_charge_i = p.C_m / (p.F * p.V_myo)
    per_charge_ss = p.C_m / (p.F * p.V_ss)
    ss_of_myo = p.V_ss / p.V_myo
    free_i = 1.0 / (
        1.0
        + p.CMDN * p.K_CMDN / (p.K_CMDN + s.Ca_i) ** 2
        + p.TRPN * p.K_TRPN / (p.K_TRPN + s.Ca_i) ** 2
    )
    free_ss = 1.0 / (
        1.0
        + p.BSR * p.K_BSR / (p.K_BSR + s.Ca_ss) ** 2
        + p.BSL * p.K_BSL / (p.K_BSL + s.Ca_ss) ** 2
    )
    free_jsr = 1.0 / (1.0 + p.CSQN * p.K_CSQN / (p.K_CSQN + s.Ca_jsr) ** 2)
    in_Ca = -0.5 * per_charge_i * (I.I_pCa + I.I_bCa - 2.0 * I.I_NaCa)
    in_Ca_ss = -0.5 * per_charge_ss * (I.I_CaL - 2.0 * I.I_NaCa_ss)

    return Derivatives(
        V=-I_total,
        Na_i=-per_charge_i * (in_Na + 3.0 * I.I_NaCa + 3.0 * I.I_NaK) + Na_diff * ss_of_myo,
        Na_ss=-per_charge_ss * (I.I_CaNa + 3.0 * I.I_NaCa_ss) - Na_diff,
        K_i=-per_charge_i * (out_K - 2.0 * I.I_NaK) + K_diff * ss_of_myo,
        K_ss=-per_charge_ss * I.I_CaK - K_diff,
        Ca_i=free_i * (in_Ca - uptake * p.V_nsr / p.V_myo + Ca_diff * ss_of_myo),
        Ca_ss=free_ss * (in_Ca_ss + release * p.V_jsr / p.V_ss - Ca_diff),
        Ca_nsr=uptake - transfer * p.V_jsr / p.V_nsr,
        Ca_jsr=free_jsr * (transfer - release),
        nca=p.k_2n * s.jca / (p.k_2n + s.jca * (1.0 + p.K_mn / s.Ca_ss) ** 4) - s.nca * s.jca,
        CaMKt=p.a_CaMK * bound * (bound + s.CaMKt) - p.b_CaMK * s.CaMKt,
        Jrelnp=(steady - s.Jrelnp) / tau,
        Jrelp=(1.25 * steady - s.Jrelp) / tau_p,
    )
