"""What this machine does, beside the figures that the project asks for; never a test.

Each measurement is a function that returns its figures; one that fails hides no other.
"""

import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from ionlab.bench.figure import ROOT, Figure, process
from ionlab.bench.networks import attribution, first_pass, retrained
from ionlab.bench.solver import beats, capture, first_use, grid, imported, oracle
from ionlab.errors import known
from ionlab.files import replacing


def _command(name, asked, *args):
    """Return the wall time of a command of its own, started with nothing stored."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        seconds = process("-m", "ionlab", *args, "--out", out, IONLAB_CACHE=f"{folder}/cache")
    return [Figure(name, seconds, asked, "s")]


def report():
    """`ionlab report` on the recordings that ship: what `make report` does once installed."""
    folder = ROOT / "data" / "recordings"
    pair = folder / "control.csv", folder / "long_qt.csv"
    return _command("ionlab report", 90.0, "report", *pair)


def reproduce_fast():
    """`ionlab reproduce --preset fast` from nothing."""
    return _command("ionlab reproduce --preset fast", 40.0, "reproduce", "--preset", "fast")


def reproduce():
    """`ionlab reproduce --preset paper` from nothing; the author needed more than 12 hours."""
    return _command("ionlab reproduce --preset paper", 300.0, "reproduce", "--preset", "paper")


def memory():
    """The most memory that this process, or one that it started, has held so far."""
    import resource

    unit = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kB elsewhere
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    peaks = [resource.getrusage(w).ru_maxrss / unit for w in who]
    note = f"here {peaks[0]:.2f}, largest process started {peaks[1]:.2f}; of what was measured"
    return [Figure("peak memory", max(peaks), 4.0, "GB", note=note)]


MEASUREMENTS = {
    m.__name__: m
    for m in (
        *(oracle, capture, grid, first_use, imported, first_pass, retrained, attribution),
        *(beats, report, reproduce_fast, reproduce, memory),
    )
}
SLOW = ("beats", "report", "reproduce_fast", "reproduce")  # minutes: only when asked for


def chosen(only=(), everything=False):
    """Return the names to measure, in order; an unknown one raises with the closest match."""
    for name in only:
        known("measurement", name, MEASUREMENTS)
    return [n for n in MEASUREMENTS if (n in only if only else everything or n not in SLOW)]


def measure(names, say=lambda line: None):
    """Return [(measurement, Figure)]; a measurement that fails becomes a figure that says why."""
    rows = []
    for name in names:
        say(f"{name}: {MEASUREMENTS[name].__doc__.splitlines()[0]}")
        try:
            figures = MEASUREMENTS[name]()
        except Exception as error:  # whatever it is, the others are still to be measured
            figures = [Figure("failed", None, note=f"{type(error).__name__}: {error}")]
        rows += [(name, figure) for figure in figures]
    return rows


def table(rows):
    """Return the figures as aligned text."""
    cells = [("", "figure", "measured", "asked", "", "")]
    for name, f in rows:
        mark = {True: "ok", False: "NO", None: "-"}[f.ok]
        bound = "" if f.asked is None else f"{'>=' if f.at_least else '<='} {f.asked:g}"
        value = "-" if f.measured is None else f"{f.measured:.3g}"
        cells.append((mark, f"{name}: {f.name}", value, bound, f.unit, f.note))
    widths = [max(len(row[k]) for row in cells) for k in range(5)]
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(r, widths, strict=False)), r[5]]) for r in cells
    ]
    return "\n".join(
        line.rstrip() for line in [*lines, "", *(f"{k}: {v}" for k, v in machine().items())]
    )


def machine():
    """Return what the figures depend on: other work on the machine makes all of them slower."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"cores": os.cpu_count(), "load": load, "python": platform.python_version()}


def write(path, rows):
    """Write the figures as JSON."""
    figures = [{"measurement": name, **asdict(f), "ok": f.ok} for name, f in rows]
    with replacing(path) as aside:
        aside.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
