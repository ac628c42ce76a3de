"""What the networks alone say of two recordings (`ionlab.compare.Comparison`)."""

from dataclasses import replace

import numpy as np

from ionlab import plot
from ionlab.compare import POOR_FIT_mV
from ionlab.findings.words import WORDS, amount, listed, ratio, undecided

LOST = 0.8  # a model that misses by this much of what a recording varies does not follow it


def decidable(comparison):
    """Return whether both neural ODEs follow their recordings at all: else nothing is called."""
    varies = np.array([own.V_mV[own.seen].std() for own in comparison.beats])
    return bool((comparison.v_rmse_mV <= LOST * varies).all())  # False for NaN


def sentence(comparison):
    """Return the answer in one sentence or two."""
    changed = [c for c in comparison.currents if c.changed]
    misses = " and ".join(
        f"{error:.1f} mV" if np.isfinite(error) else "an unknown amount"
        for error in comparison.v_rmse_mV
    )
    if not decidable(comparison):
        text = f"Not decidable: the model misses the recordings by {misses} (RMS)."
        hints = listed([f"{c.name} {ratio(c.ratio, c.low, c.high)}" for c in changed])
        return f"{text} What stands out, {hints}, is a hint at most." if changed else text
    open_ = undecided(comparison)
    parts = [amount(c.name, c.ratio, c.low, c.high) for c in changed]
    parts = parts or ["No change of a current is supported"]
    if open_:
        parts.append(f"{listed(open_)} cannot be decided")
    count = len(comparison.currents)
    if changed and len(changed) + len(open_) < count:
        parts.append(f"no other of the {WORDS[count]} currents changed")
    said = "; ".join(parts) + "."
    if (comparison.v_rmse_mV > POOR_FIT_mV).any():
        said += f" The model misses the recordings by {misses} (RMS): read this with doubt."
    return said


def ratio_figure(comparison):
    """Return the ratios of all currents with their intervals."""
    changes = comparison.currents
    changed = [c.name for c in changes if c.changed]
    title = f"Changed: {listed(changed)}" if changed else "No change is supported"
    if not decidable(comparison):
        title = "Not decidable: the model misses the recordings"
        changes = [replace(c, changed=False) for c in changes]
    return plot.ratios(changes, title, undecided(comparison))
