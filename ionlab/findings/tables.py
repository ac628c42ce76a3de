"""What was recorded, found and used, as tables."""

import platform
import time
from importlib.metadata import version

import pandas as pd

from ionlab.findings.words import explanation, percent
from ionlab.network import device_of


def recorded(control, treated):
    """Return a table of the sweeps."""
    rows = [
        {
            "recording": which,
            "sweep": s.name,
            "cycle length (ms)": f"{s.cycle_length_ms:.4g}",
            "recorded (s)": f"{len(s.V_mV) / 1000:.1f}",
            "beats": len(s.stimuli_ms),
            "V": "from fluorescence" if s.scaled else "measured",
            "Ca_i": "no" if s.Ca_i_mM is None else "yes",
            "stimuli": "placed at the upstrokes" if s.placed else "recorded",
            "answered": s.answer,
        }
        for which, recording in (("control", control), ("treated", treated))
        for s in recording.sweeps
    ]
    return pd.DataFrame(rows)


def explanation_table(found):
    """Return a table of the explanations, most probable first."""
    rows = []
    for e in found.explanations:
        said = explanation(e)
        rows.append(
            {
                "explanation": said[0].upper() + said[1:],
                "probability": percent(e.probability),
                "log evidence": f"{e.log_evidence + 0.0:.1f}",
                "RMS miss of V (mV)": f"{e.rmse_mV:.2f}",
            }
        )
    return pd.DataFrame(rows)


def gate_table(found):
    """Return a table of the gates of the networks: treated against control."""
    rows = [
        {
            "gate": g.name,
            "shift of h_inf (mV)": f"{round(g.shift_mV, 1) + 0.0:+.1f}",
            "ratio of tau": f"{g.tau_ratio:.2f}",
            "mean difference of h_inf": f"{g.difference:.3f}",
        }
        for g in found.comparison.gates
    ]
    return pd.DataFrame(rows)


def made_with(found, settings, started_s, ionlab_version):
    """Return a table of what was used; `started_s` is the clock (`time.monotonic`) at the start."""
    how = "given" if settings.eta else "from the data"
    rows = {
        "cell": settings.cell,
        "preset": settings.preset,
        "eta": f"{found.eta.value:g} ({how})",
        "favoured": settings.favour or "nothing",
        "seed": settings.seed,
        "device": str(device_of(settings.device)),
        "ionlab": ionlab_version,
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scipy", "numba")},
        "run time (s)": f"{time.monotonic() - started_s:.0f}",
    }
    return pd.DataFrame({"setting": rows.keys(), "value": rows.values()})
