"""Write the recordings that ship: a simulated M cell, and the same cell with half its I_Kr.

The traces come from SciPy's LSODA, not from the kernel that fits them. Run this from the top of
the checkout (`python data/make_recordings.py`); it takes about ten seconds.
"""

from pathlib import Path

import numpy as np

from ionlab.cells import tentusscher2004
from ionlab.perturb import LONG_QT
from ionlab.simulate import pace
from ionlab.tables import write_recording

CYCLE_LENGTHS_ms = (350.0, 500.0, 800.0)
KEPT_ms = 5000.0
V_NOISE_mV = 0.5
CA_NOISE = 0.01  # of the range of Ca_i
FORMATS = {"time_ms": ".0f", "V_mV": ".4f", "Ca_i_mM": ".4g"}


def noisy_columns(traces, rng):
    """Return the columns of a recording, name -> values, all sweeps one after the other."""
    t = traces.t_ms
    sweeps = []
    for k, length in enumerate(traces.cycle_lengths_ms):
        V, Ca_i = traces["V"][k], traces["Ca_i"][k]
        stimulus = traces.cells[k].stimulus
        on = (t - stimulus.start_ms) % length < stimulus.duration_ms
        sweeps.append(
            {
                "time_ms": t - t[0],
                "V_mV": V + rng.normal(0.0, V_NOISE_mV, len(t)),
                "Ca_i_mM": Ca_i + rng.normal(0.0, CA_NOISE * np.ptp(Ca_i), len(t)),
                "sweep": np.full(len(t), k + 1),
                "cycle_length_ms": np.full(len(t), length),
                "stim_pA_pF": np.where(on, stimulus.amplitude, 0.0),
            }
        )
    return {name: np.concatenate([sweep[name] for sweep in sweeps]) for name in sweeps[0]}


def main(folder=Path(__file__).parent / "recordings"):
    """Write control.csv and long_qt.csv; the noise of each has its own seed."""
    cells = {"control": tentusscher2004, "long_qt": LONG_QT.apply(tentusscher2004)}
    for seed, (name, cell) in enumerate(cells.items()):
        traces = pace(cell, CYCLE_LENGTHS_ms, record_last_ms=KEPT_ms, method="LSODA")
        columns = noisy_columns(traces, np.random.default_rng(seed))
        write_recording(folder / f"{name}.csv", columns, FORMATS)


if __name__ == "__main__":
    main()
