"""The mammalian ventricular fibre of Beeler and Reuter (1977).

Source: J Physiol 268:177-210, doi:10.1113/jphysiol.1977.sp011853. Voltage in mV, time in ms,
currents in uA/cm^2; calcium in mM (in the paper: M). The steady part of the paper's sodium current
is the current I_NaC here, so that g_Na scales the fast one alone. Of 8 states 6 are classic gates:
all but V and Ca_i.
"""

from collections import namedtuple

from ionlab.cells.cell import Cell, Equations, Parameter, State, Stimulus
from ionlab.cells.rates import from_rates
from ionlab.maths import exp, linoid, log

PAPER = "Beeler and Reuter 1977, doi:10.1113/jphysiol.1977.sp011853"

Currents = namedtuple("Currents", "I_Na I_NaC I_s I_x1 I_K1")
Derivatives = namedtuple("Derivatives", "V Ca_i")


def gates(s, p):
    """The six gates, from the rates alpha and beta of the paper's table 1."""
    V = s.V
    alpha = {
        "m": 10.0 * linoid(-0.1 * (V + 47.0)),
        "h": 0.126 * exp(-0.25 * (V + 77.0)),
        "j": 0.055 * exp(-0.25 * (V + 78.0)) / (exp(-0.2 * (V + 78.0)) + 1.0),
        "d": 0.095 * exp(-0.01 * (V - 5.0)) / (exp(-0.072 * (V - 5.0)) + 1.0),
        "f": 0.012 * exp(-0.008 * (V + 28.0)) / (exp(0.15 * (V + 28.0)) + 1.0),
        "x1": 0.0005 * exp(0.083 * (V + 50.0)) / (exp(0.057 * (V + 50.0)) + 1.0),
    }
    beta = {
        "m": 40.0 * exp(-0.056 * (V + 72.0)),
        "h": 1.7 / (exp(-0.082 * (V + 22.5)) + 1.0),
        "j": 0.3 / (exp(-0.1 * (V + 32.0)) + 1.0),
        "d": 0.07 * exp(-0.017 * (V + 44.0)) / (exp(0.05 * (V + 44.0)) + 1.0),
        "f": 0.0065 * exp(-0.02 * (V + 30.0)) / (exp(-0.2 * (V + 30.0)) + 1.0),
        "x1": 0.0013 * exp(-0.06 * (V + 20.0)) / (exp(-0.04 * (V + 20.0)) + 1.0),
    }
    return from_rates(alpha, beta)


def currents(s, p):
    """The currents in uA/cm^2; outward is positive."""
    V = s.V
    E_s = -82.3 - 13.0287 * log(0.001 * s.Ca_i)
    inward = 4.0 * (exp(0.04 * (V + 85.0)) - 1.0) / (
        exp(0.08 * (V + 53.0)) + exp(0.04 * (V + 53.0))
    ) + 5.0 * linoid(-0.04 * (V + 23.0))
    return Currents(
        I_Na=p.g_Na * s.m**3 * s.h * s.j * (V - p.E_Na),
        I_NaC=p.g_NaC * (V - p.E_Na),
        I_s=p.g_s * s.d * s.f * (V - E_s),
        I_x1=p.I_x1 * s.x1 * (exp(0.04 * (V + 77.0)) - 1.0) / exp(0.04 * (V + 35.0)),
        I_K1=p.I_K1 * inward,
    )


def derivatives(s, p, I, I_stim):  # noqa: E741 (I is the field's letter for currents)
    """Derivatives (per ms) of the voltage and of calcium."""
    return Derivatives(
        V=-(I.I_Na + I.I_NaC + I.I_s + I.I_x1 + I.I_K1 + I_stim) / p.C_m,
        Ca_i=-1e-4 * I.I_s + p.k_Ca * (p.Ca_rest - s.Ca_i),
    )


FIBRE = Cell(
    name="beeler_reuter1977",
    title="Beeler-Reuter 1977, mammalian ventricle",
    source="doi:10.1113/jphysiol.1977.sp011853",
    states=(  # start values: the cell at rest, from these equations
        State("V", "mV", -84.57),
        State("Ca_i", "mM", 0.00018, span=(0.0, 0.02)),
        State("m", "1", 0.011),
        State("h", "1", 0.988),
        State("j", "1", 0.975),
        State("d", "1", 0.003),
        State("f", "1", 1.0),
        State("x1", "1", 0.0056),
    ),
    parameters=(
        Parameter("g_Na", 4.0, "mS/cm^2", PAPER),
        Parameter("g_NaC", 0.003, "mS/cm^2", PAPER),
        Parameter("g_s", 0.09, "mS/cm^2", PAPER),
        Parameter("I_x1", 0.8, "uA/cm^2", PAPER),
        Parameter("I_K1", 0.35, "uA/cm^2", PAPER),
        Parameter("E_Na", 50.0, "mV", PAPER),
        Parameter("k_Ca", 0.07, "1/ms", PAPER),
        Parameter("Ca_rest", 1e-4, "mM", PAPER),
        Parameter("C_m", 1.0, "uF/cm^2", PAPER),
    ),
    equations=Equations(gates, currents, derivatives),
    conductances={"I_Na": "g_Na", "I_s": "g_s", "I_x1": "I_x1", "I_K1": "I_K1"},
    stimulus=Stimulus(amplitude=-25.0, duration_ms=2.0, start_ms=10.0),
    current_unit="uA/cm^2",
    observables=("V", "Ca_i"),
)
