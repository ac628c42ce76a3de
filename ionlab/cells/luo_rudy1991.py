"""The guinea-pig ventricular cell of Luo and Rudy (1991).

Source: Circ Res 68:1501-1526, doi:10.1161/01.RES.68.6.1501. Voltage in mV, time in ms, currents
in uA/cm^2, concentrations in mM. Reversal potentials follow from the paper's concentrations at
37 degrees C, so that K_o acts on all that depends on it. Of 8 states 6 are classic gates: all but V
and Ca_i.
"""

from collections import namedtuple

from ionlab.cells.cell import Cell, Equations, Parameter, State, Stimulus
from ionlab.cells.rates import from_rates
from ionlab.maths import exp, linoid, log, sqrt, where

PAPER = "Luo and Rudy 1991, doi:10.1161/01.RES.68.6.1501"

Currents = namedtuple("Currents", "I_Na I_si I_K I_K1 I_Kp I_b")
Derivatives = namedtuple("Derivatives", "V Ca_i")


def gates(s, p):
    """The six gates, from their rates alpha and beta; those of h and j change form at -40 mV."""
    V = s.V
    low = where(V < -40.0, V, -40.0)
    alpha = {
        "m": 3.2 * linoid(-0.1 * (V + 47.13)),
        "h": where(V < -40.0, 0.135 * exp(-(low + 80.0) / 6.8), 0.0),
        "j": where(
            V < -40.0,
            (-1.2714e5 * exp(0.2444 * low) - 3.474e-5 * exp(-0.04391 * low))
            * (low + 37.78)
            / (1.0 + exp(0.311 * (low + 79.23))),
            0.0,
        ),
        "d": 0.095 * exp(-0.01 * (V - 5.0)) / (1.0 + exp(-0.072 * (V - 5.0))),
        "f": 0.012 * exp(-0.008 * (V + 28.0)) / (1.0 + exp(0.15 * (V + 28.0))),
        "X": 0.0005 * exp(0.083 * (V + 50.0)) / (1.0 + exp(0.057 * (V + 50.0))),
    }
    beta = {
        "m": 0.08 * exp(-V / 11.0),
        "h": where(
            V < -40.0,
            3.56 * exp(0.079 * low) + 3.1e5 * exp(0.35 * low),
            1.0 / (0.13 * (1.0 + exp(-(V + 10.66) / 11.1))),
        ),
        "j": where(
            V < -40.0,
            0.1212 * exp(-0.01052 * low) / (1.0 + exp(-0.1378 * (low + 40.14))),
            0.3 * exp(-2.535e-7 * V) / (1.0 + exp(-0.1 * (V + 32.0))),
        ),
        "d": 0.07 * exp(-0.017 * (V + 44.0)) / (1.0 + exp(0.05 * (V + 44.0))),
        "f": 0.0065 * exp(-0.02 * (V + 30.0)) / (1.0 + exp(-0.2 * (V + 30.0))),
        "X": 0.0013 * exp(-0.06 * (V + 20.0)) / (1.0 + exp(-0.04 * (V + 20.0))),
    }
    return from_rates(alpha, beta)


def currents(s, p):
    """The six currents in uA/cm^2; outward is positive."""
    V = s.V
    RT_F = p.R * p.T / p.F
    E_Na = RT_F * log(p.Na_o / p.Na_i)
    E_si = 7.7 - 13.0287 * log(s.Ca_i)
    E_K = RT_F * log((p.K_o + p.P_NaK * p.Na_o) / (p.K_i + p.P_NaK * p.Na_i))
    E_K1 = RT_F * log(p.K_o / p.K_i)

    # the paper's 2.837 (exp(0.04 (V + 77)) - 1) / ((V + 77) exp(0.04 (V + 35)))
    high = where(V > -100.0, V, -100.0)
    rectified = 2.837 * 0.04 / linoid(0.04 * (high + 77.0)) / exp(0.04 * (high + 35.0))
    X_i = where(V > -100.0, rectified, 1.0)

    driving_K1 = V - E_K1
    alpha_K1 = 1.02 / (1.0 + exp(0.2385 * (driving_K1 - 59.215)))
    beta_K1 = (
        0.49124 * exp(0.08032 * (driving_K1 + 5.476)) + exp(0.06175 * (driving_K1 - 594.31))
    ) / (1.0 + exp(-0.5143 * (driving_K1 + 4.753)))

    return Currents(
        I_Na=p.g_Na * s.m**3 * s.h * s.j * (V - E_Na),
        I_si=p.g_si * s.d * s.f * (V - E_si),
        I_K=p.g_K * sqrt(p.K_o / 5.4) * s.X * X_i * (V - E_K),
        I_K1=p.g_K1 * sqrt(p.K_o / 5.4) * alpha_K1 / (alpha_K1 + beta_K1) * driving_K1,
        I_Kp=p.g_Kp * driving_K1 / (1.0 + exp((7.488 - V) / 5.98)),
        I_b=p.g_b * (V - p.E_b),
    )


def derivatives(s, p, I, I_stim):  # noqa: E741 (I is the field's letter for currents)
    """Derivatives (per ms) of the voltage and of calcium."""
    return Derivatives(
        V=-(I.I_Na + I.I_si + I.I_K + I.I_K1 + I.I_Kp + I.I_b + I_stim) / p.C_m,
        Ca_i=-1e-4 * I.I_si + p.k_Ca * (p.Ca_rest - s.Ca_i),
    )


CELL = Cell(
    name="luo_rudy1991",
    title="Luo-Rudy 1991, guinea-pig ventricle",
    source="doi:10.1161/01.RES.68.6.1501",
    states=(  # start values: the cell at rest, from these equations
        State("V", "mV", -84.5),
        State("Ca_i", "mM", 0.00018, span=(0.0, 0.02)),
        State("m", "1", 0.0017),
        State("h", "1", 0.983),
        State("j", "1", 0.989),
        State("d", "1", 0.003),
        State("f", "1", 1.0),
        State("X", "1", 0.0056),
    ),
    parameters=(
        Parameter("g_Na", 23.0, "mS/cm^2", PAPER),
        Parameter("g_si", 0.09, "mS/cm^2", PAPER),
        Parameter("g_K", 0.282, "mS/cm^2", PAPER),
        Parameter("g_K1", 0.6047, "mS/cm^2", PAPER),
        Parameter("g_Kp", 0.0183, "mS/cm^2", PAPER),
        Parameter("g_b", 0.03921, "mS/cm^2", PAPER),
        Parameter("E_b", -59.87, "mV", PAPER),
        Parameter("P_NaK", 0.01833, "1", PAPER),
        Parameter("k_Ca", 0.07, "1/ms", PAPER),
        Parameter("Ca_rest", 1e-4, "mM", PAPER),
        Parameter("Na_i", 18.0, "mM", PAPER),
        Parameter("Na_o", 140.0, "mM", PAPER),
        Parameter("K_i", 145.0, "mM", PAPER),
        Parameter("K_o", 5.4, "mM", PAPER),
        Parameter("C_m", 1.0, "uF/cm^2", PAPER),
        Parameter("R", 8314.0, "mJ/(mol K)", PAPER),
        Parameter("T", 310.0, "K", PAPER),
        Parameter("F", 96485.0, "C/mol", PAPER),
    ),
    equations=Equations(gates, currents, derivatives),
    conductances={
        "I_Na": "g_Na",
        "I_si": "g_si",
        "I_K": "g_K",
        "I_K1": "g_K1",
        "I_Kp": "g_Kp",
    },
    stimulus=Stimulus(amplitude=-40.0, duration_ms=1.0, start_ms=10.0),
    current_unit="uA/cm^2",
    observables=("V", "Ca_i"),
)
