"""Gates that are published as the rates at which they open and close."""

from ionlab.cells.cell import Kinetics


def from_rates(alpha, beta):
    """Return gate -> `Kinetics` from gate -> opening and closing rate, 1/ms (Eqs. 2.2.3-2.2.4).

    >>> from_rates({"m": 1.0}, {"m": 3.0})
    {'m': Kinetics(h_inf=0.25, tau_ms=0.25)}
    """
    total = {gate: alpha[gate] + beta[gate] for gate in alpha}
    return {gate: Kinetics(alpha[gate] / total[gate], 1.0 / total[gate]) for gate in alpha}
