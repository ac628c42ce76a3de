"""The squid giant axon of Hodgkin and Huxley (1952), in today's sign and voltage convention.

Source: J Physiol 117:500-544, doi:10.1113/jphysiol.1952.sp004764, at 6.3 degrees C, with the rest
moved to -65 mV. Voltage in mV, time in ms, currents in uA/cm^2.
"""

from collections import namedtuple

from ionlab.cells.cell import Cell, Equations, Parameter, State, Stimulus
from ionlab.cells.rates import from_rates
from ionlab.maths import exp, linoid

PAPER = "Hodgkin and Huxley 1952, table 3, doi:10.1113/jphysiol.1952.sp004764"

Currents = namedtuple("Currents", "I_Na I_K I_L")
Derivatives = namedtuple("Derivatives", "V")


def gates(s, p):
    """The gates m, h and n, from the rates alpha and beta (Eqs. 2.2.3-2.2.4)."""
    u = s.V + 65.0  # depolarisation from rest
    alpha = {
        "m": linoid((25.0 - u) / 10.0),
        "h": 0.07 * exp(-u / 20.0),
        "n": 0.1 * linoid((10.0 - u) / 10.0),
    }
    beta = {
        "m": 4.0 * exp(-u / 18.0),
        "h": 1.0 / (1.0 + exp((30.0 - u) / 10.0)),
        "n": 0.125 * exp(-u / 80.0),
    }
    return from_rates(alpha, beta)


def currents(s, p):
    """The sodium, potassium and leak currents in uA/cm^2; outward is positive."""
    return Currents(
        I_Na=p.g_Na * s.m**3 * s.h * (s.V - p.E_Na),
        I_K=p.g_K * s.n**4 * (s.V - p.E_K),
        I_L=p.g_L * (s.V - p.E_L),
    )


def derivatives(s, p, I, I_stim):  # noqa: E741 (I is the field's letter for currents)
    """Derivative (mV/ms) of the voltage."""
    return Derivatives(V=-(I.I_Na + I.I_K + I.I_L + I_stim) / p.C_m)


AXON = Cell(
    name="hodgkin_huxley1952",
    title="Hodgkin-Huxley 1952, squid giant axon",
    source="doi:10.1113/jphysiol.1952.sp004764",
    states=(
        State("V", "mV", -65.0),
        State("m", "1", 0.0529),
        State("h", "1", 0.5961),
        State("n", "1", 0.3177),
    ),
    parameters=(
        Parameter("g_Na", 120.0, "mS/cm^2", PAPER),
        Parameter("g_K", 36.0, "mS/cm^2", PAPER),
        Parameter("g_L", 0.3, "mS/cm^2", PAPER),
        Parameter("E_Na", 50.0, "mV", PAPER),
        Parameter("E_K", -77.0, "mV", PAPER),
        Parameter("E_L", -54.387, "mV", PAPER),
        Parameter("C_m", 1.0, "uF/cm^2", PAPER),
    ),
    equations=Equations(gates, currents, derivatives),
    conductances={"I_Na": "g_Na", "I_K": "g_K", "I_L": "g_L"},
    stimulus=Stimulus(amplitude=-20.0, duration_ms=1.0, start_ms=10.0),
    current_unit="uA/cm^2",
)
