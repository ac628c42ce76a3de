"""Measurements of the simulator: against its oracle, against the clock, against SciPy."""

import csv
import tempfile

import numpy as np
from scipy.integrate import solve_ivp

from ionlab import cells, kernel, perturb, presets
from ionlab.bench.figure import REPEATS, ROOT, Figure, process, timed
from ionlab.cells import tentusscher2004 as CELL
from ionlab.integrate import Problem
from ionlab.lanes import WIDTH
from ionlab.simulate import pace

ORACLE = ROOT / "tests" / "data"
OHARA = ORACLE / "ohara_rudy2011.mmt"
CONDITIONS = {
    "baseline": CELL,
    **{
        name: perturbation.apply(CELL)
        for name, perturbation in zip(
            ("gKr_x0.5", "gCaL_x0.5", "gto_x3"), perturb.PAPER, strict=True
        )
    },
}
EDGE_ms = 10.0  # so near to the 2:1 block, what the cell does depends on the solver's error


def oracle():
    """The fast kernel against the stored traces of CVODE: 4 conditions at 350, 445, 800 ms."""
    lengths = (350, 445, 800)
    rows, traces = durations(), pace(CONDITIONS.values(), lengths)
    stored = np.load(ORACLE / "tentusscher2004.npz")
    apd, dV = [], []
    for k, (V, duration) in enumerate(zip(traces["V"], traces.apd_ms(), strict=True)):
        name, length = list(CONDITIONS)[k // 3], lengths[k % 3]
        phase = (traces.t_ms - CELL.stimulus.start_ms) % length
        far = (phase > 5.0) & (phase < length - 5.0)
        apd.append(abs(duration - rows[name, length]))
        dV.append(abs(V - stored[f"{name}|{length}|V"])[far].max())
    return [
        Figure("APD90 against CVODE, largest difference", max(apd), 0.5, "ms"),
        Figure("V against CVODE, 5 ms from upstrokes, largest", max(dV), 1.0, "mV"),
    ]


def capture():
    """How each of 101 cycle lengths is answered, against the stored map of CVODE."""
    with (ORACLE / "capture_map_tentusscher2004.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    wrong, at_edge = [], []
    for name, cell in CONDITIONS.items():
        stored = {float(r["CL_ms"]): r["pattern"] for r in rows if r["cond"] == name}
        edge = max((x for x, pattern in stored.items() if pattern != "1:1"), default=0.0)
        found = pace(cell, list(stored), duration_ms=19_000.0).capture()
        for (length, pattern), answer in zip(stored.items(), found, strict=True):
            if answer != pattern.partition("(")[0]:  # mixed(0.94)
                (wrong if abs(length - edge) > EDGE_ms else at_edge).append(f"{name} {length:g}")
    what = f"capture unlike CVODE, more than {EDGE_ms:g} ms from the edge"
    note = f"of 404; at the edge: {', '.join(at_edge) or 'none'}"
    return [Figure(what, len(wrong), 0, "runs", note=", ".join([*wrong, note]))]


def durations():
    """Return (condition, cycle length) -> APD90 of CVODE (ms)."""
    with (ORACLE / "tentusscher2004_table.csv").open(newline="") as file:
        rows = csv.DictReader(file)
        return {(r["cond"], float(r["CL_ms"])): float(r["APD90_last_ms"]) for r in rows}


def solve_ivp_run(length, **settings):
    """Return the states after 20 s, run as a user of SciPy would.

    That is solve_ivp from one edge of the stimuli to the next. The right-hand side is the compiled
    one of `pace`; the Jacobian is SciPy's own.
    """
    problem, loops = Problem.of((CELL,)), kernel.compiled(CELL)
    amplitude, duration = problem.stimulus[0]
    x = np.empty(len(CELL.states))
    known = (x.view(problem.dtype), problem.parameters, problem.tables[0])
    I_stim = 0.0

    def slope(t, y):
        x[:] = y
        out = np.empty_like(x)
        loops.slope(x, *known, problem.grid, problem.layout, I_stim, out)
        return out

    on = np.arange(CELL.stimulus.start_ms, 20_000.0, length)
    edges = np.unique(np.clip([0.0, *on, *(on + duration), 20_000.0], 0.0, 20_000.0))
    y = np.array([state.start for state in CELL.states])
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        I_stim = amplitude if np.isin(a, on) else 0.0
        at = np.append(np.arange(np.ceil(a), b), b)
        y = solve_ivp(slope, (a, b), y, method="LSODA", t_eval=at, **settings).y[:, -1]
    return y


def grid():
    """The paper's 101 cycle lengths x 20 s in the fast kernel, and in SciPy's LSODA.

    LSODA runs at 350 and 800 ms; a + b * (stimuli) through these two gives its time for all 101.
    """
    lengths = np.array(presets.PAPER.cycle_lengths_ms)
    pace(CELL, [500.0], 1000.0, 500.0)  # compiles
    fast, _ = timed(lambda: pace(CELL, lengths), REPEATS)
    ends = (350.0, 800.0)
    true = np.array([durations()["baseline", length] for length in ends])
    off = abs(pace(CELL, ends).apd_ms() - true).max()

    def ratio(run):
        """101 runs over those of the kernel, and what each of the two runs returned."""
        runs = [timed(lambda x=x: run(x), REPEATS) for x in ends]
        slope, base = np.polyfit(1.0 / np.array(ends), [s for s, _ in runs], 1)
        return float((base + slope / lengths).sum()) / fast, [result for _, result in runs]

    said = "101 runs from 2; LSODA on one core, the kernel on all"
    figures = [
        Figure(
            "101 cycle lengths x 20 s, fast kernel", fast, 5.0, "s", note=f"{lengths.size} runs"
        ),
        Figure(
            "times as fast as solve_ivp, LSODA, its defaults",
            *(ratio(solve_ivp_run)[0], 20.0, "x"),
            at_least=True,
            note=said,
        ),
    ]
    for rtol in (1e-3, 1e-4, 1e-5, 1e-6):
        times, runs = ratio(lambda x, rtol=rtol: pace(CELL, [x], method="LSODA", rtol=rtol))
        missed = abs(np.array([traces.apd_ms()[0] for traces in runs]) - true).max()
        near = missed <= 1.1 * off  # as near to CVODE as the kernel: the loosest such tolerance
        if rtol == 1e-3 or near:
            figures.append(
                Figure(
                    f"times as fast as pace, LSODA, rtol {rtol:g}",
                    *(times, None, "x"),
                    note=f"{said}; Jacobian compiled, too; APD90 {missed:.2f} ms from CVODE, "
                    f"the kernel {off:.2f}",
                )
            )
        if near:
            break
    return figures


PACE = "from ionlab.simulate import pace; pace(cell, [500.0], 1000.0, 500.0)"
FIRST = f"from ionlab.cells import tentusscher2004 as cell; {PACE}"
IMPORT = f"import sys; from ionlab.cells import from_file; cell = from_file(sys.argv[1]); {PACE}"


def first_use():
    """A new process, from its start to its first simulated second: compiled before, and never."""
    process("-c", FIRST)
    cached = min(process("-c", FIRST) for _ in range(REPEATS))
    with tempfile.TemporaryDirectory() as empty:
        ever = process("-c", FIRST, NUMBA_CACHE_DIR=empty)
    return [
        Figure("first use in a process, compiled before", cached, 2.0, "s", note="with imports"),
        Figure("first use ever", ever, 20.0, "s", note="with imports"),
    ]


def imported():
    """A new process, from a model file of 41 states to its first second: never read, and read."""
    with tempfile.TemporaryDirectory() as empty:
        caches = dict(IONLAB_CACHE=empty, NUMBA_CACHE_DIR=f"{empty}/numba")
        ever, *again = [process("-c", IMPORT, OHARA, **caches) for _ in range(1 + REPEATS)]
    return [
        Figure("import of 41 states, first time", ever, 20.0, "s", note="with imports"),
        Figure("import of 41 states, from the cache", min(again), 2.0, "s", note="with imports"),
    ]


def beats():
    """O'Hara-Rudy, 1,000 beats at 1 Hz, against CVODE (Myokit's, which needs a C compiler)."""
    import myokit

    cell, length, whole = cells.find("ohara_rudy2011"), 1e3, 1e6
    on = cell.stimulus
    protocol = myokit.pacing.blocktrain(length, on.duration_ms, offset=on.start_ms)
    simulation = myokit.Simulation(myokit.load_model(OHARA), protocol)
    cvode, _ = timed(lambda: simulation.run(whole, log=myokit.LOG_NONE))
    pace(cell, [length], length, 0.5 * length)  # compiles
    alone, _ = timed(lambda: pace(cell, [length], whole, length))
    many, _ = timed(lambda: pace([cell] * WIDTH, [length], whole, length))
    why = "1,500 steps of second order a beat, where CVODE takes 550 of up to fifth order"
    return [
        Figure("O'Hara-Rudy, 1,000 beats, one run", alone, unit="s", note=f"CVODE {cvode:.1f} s"),
        Figure("times as fast as CVODE, one run", cvode / alone, 10.0, "x", True, why),
        Figure(f"times as fast as CVODE, each of {WIDTH}", cvode / (many / WIDTH), unit="x"),
    ]
