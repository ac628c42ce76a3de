"""Ionic currents along any trace, with the gates of any network put into the equations."""

from types import SimpleNamespace

import numpy as np


def currents(cell, states):
    """Return current -> values of a cell along states: state -> array of any one shape.

    `states` may be a simulation (`Traces`), or the states along a recording with the gates of a
    network in their places; the unit is the cell's.

    >>> from ionlab.cells import tentusscher2004 as cell
    >>> from ionlab.simulate import pace
    >>> traces = pace(cell, [500.0], duration_ms=500.0, record_last_ms=500.0)
    >>> currents(cell, traces)["I_Kr"].shape
    (1, 500)
    """
    s = SimpleNamespace(**{name: states[name] for name in cell.state_names})
    return cell.equations.currents(s, cell.p)._asdict()


def area(t_ms, current):
    """Return the integral of abs(current) (..., T) over t (T,): charge moved, pA ms/pF."""
    return np.trapezoid(np.abs(current), t_ms)
