"""One figure of the bench, and how times are taken."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 3


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, beside what is asked for."""

    name: str
    measured: float | None
    asked: float | None = None  # None: no figure is asked for
    unit: str = ""
    at_least: bool = False  # the figure asked for is a lower bound
    note: str = ""

    @property
    def ok(self):
        """Whether the figure is reached; None if none is asked for."""
        if self.asked is None and self.measured is not None:
            return None
        if self.measured is None or not np.isfinite(self.measured):
            return False
        return bool(self.measured >= self.asked if self.at_least else self.measured <= self.asked)


def timed(run, repeats=1):
    """Return the wall time of a call (s), the shortest of its repeats, and what it returned last.

    The shortest is the one that other work on the machine disturbed least.
    """
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return min(times), result


def process(*args, **environment):
    """Run `python ARGS` in a process of its own; return its wall time (s)."""
    command = [sys.executable, *map(str, args)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, **environment}

    def run():
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])

    return timed(run)[0]
