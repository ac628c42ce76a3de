"""A simulated pair of recordings whose answer is known: what it is, and how it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ionlab import store
from ionlab.cells import Cell, tentusscher2004
from ionlab.errors import known
from ionlab.recordings import from_traces
from ionlab.simulate import Traces, pace

KINDS = {  # of a pair -> what it holds
    "one-current": "one conductance changed",
    "two-currents": "two conductances changed",
    "shift": "the steady state of one gate shifted",
    "tau": "the time constant of one gate changed",
    "imperfect-amounts": "one conductance changed; the cell differs from the model in several",
    "imperfect-kinetics": "one conductance changed; the cell differs from the model in its gates",
    "no-change": "nothing changed; the cell may differ from the model",
}
PACED_ms = 20_000.0  # from the start values to the end of the recording
METHOD, RTOL = "LSODA", 1e-8  # V within 1e-4 mV of rtol 1e-10, a sixth of its time; see `clean`
CA_NOISE = 0.01  # of the range of Ca_i


@dataclass(frozen=True)
class Imperfect:
    """How the recorded cell differs from the published model, in control and treated alike.

    factors : current -> conductance over that of the model.
    gates : gate -> (shift_mV, stretch, slower), as in `Cell.with_moved_gate`.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    gates: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A pair of recordings to be simulated, and its answer.

    Attributes
    ----------
    name : unique in its set.
    kind : one of `KINDS`.
    factors : current -> conductance treated over control.
    gates : gate -> (shift_mV, stretch, slower) of the treated cell against control.
    imperfect : what the control cell, and so the treated one, has other than the model.
    lengths_ms : pacing cycle lengths, a sweep each.
    record_ms : how much of the end of `PACED_ms` is recorded.
    observables : what is recorded: V and Ca_i, or V alone.
    noise_mV : standard deviation of white noise in V; that of Ca_i is `CA_NOISE` of its range,
        and zero where this is zero.
    seed : of the noise.
    """

    name: str
    kind: str
    factors: Mapping[str, float] = field(default_factory=dict)
    gates: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    imperfect: Imperfect = Imperfect()
    lengths_ms: tuple[float, ...] = (350.0, 500.0, 800.0)
    record_ms: float = 2000.0
    observables: tuple[str, ...] = ("V", "Ca_i")
    noise_mV: float = 0.5
    seed: int = 0

    def __post_init__(self):
        known("kind", self.kind, KINDS)

    def cells(self, model):
        """Return the control and the treated `Cell` of this pair.

        >>> from ionlab.cells import tentusscher2004
        >>> pair = Pair("x", "one-current", {"I_Kr": 0.5}, imperfect=Imperfect({"I_Kr": 2.0}))
        >>> [cell.parameter("g_Kr") for cell in pair.cells(tentusscher2004)]
        [0.192, 0.096]
        """
        control = changed(model, self.imperfect.factors, self.imperfect.gates)
        return control, changed(control, self.factors, self.gates)


def changed(cell, factors, gates):
    """Return a cell with conductances of currents multiplied and gates moved."""
    for current in factors:
        known("current", current, cell.conductances)
    cell = cell.perturbed(**{cell.conductances[name]: x for name, x in factors.items()})
    for gate, (shift_mV, stretch, slower) in gates.items():
        cell = cell.with_moved_gate(gate, shift_mV, stretch, slower)
    return cell


def clean(cell, lengths_ms, record_ms):
    """Return what a cell shows at the end of `PACED_ms`, without noise: observable -> (N, T).

    By the implicit solver at tight tolerance, never by the kernel that fits. Of SciPy's solvers
    LSODA is the fastest here: 7 s for three sweeps at rtol 1e-8, BDF 31 s, Radau 46 s. They agree
    within 1e-4 mV; the kernel is within 0.12 mV of them.
    """
    traces = pace(cell, lengths_ms, PACED_ms, record_ms, method=METHOD, rtol=RTOL).check()
    return {name: traces[name] for name in cell.observables}


def recordings(pair, model=tentusscher2004, folder=None):
    """Return the control and the treated `Recording` of a `Pair`, noise included.

    model : the published `Cell`. folder : where the clean traces are kept; None keeps none.
    """
    settings = [{"factors": dict(pair.imperfect.factors), "gates": dict(pair.imperfect.gates)}]
    both = []
    for k, (cell, name) in enumerate(zip(pair.cells(model), ("control", "treated"), strict=True)):
        if k:
            settings.append({"factors": dict(pair.factors), "gates": dict(pair.gates)})
        observed = _stored(cell, pair, settings, folder)
        rng = np.random.default_rng([pair.seed, k])
        recording = from_traces(
            _traces(cell, pair, observed), name, pair.noise_mV, rng, pair.observables
        )
        sweeps = tuple(_with_calcium_noise(sweep, pair, rng) for sweep in recording.sweeps)
        both.append(replace(recording, sweeps=sweeps))
    return tuple(both)


def _stored(cell, pair, changes, folder):
    """Return `clean` traces, from `folder` if they are there; equal cells share a file."""
    lengths = list(map(float, pair.lengths_ms))
    if folder is None:
        return clean(cell, lengths, pair.record_ms)
    settings = {
        "cell": cell.name,
        "changes": [step for step in changes if step["factors"] or step["gates"]],
        "lengths_ms": lengths,
        "paced_ms": PACED_ms,
        "record_ms": pair.record_ms,
        "method": METHOD,
        "rtol": RTOL,
    }
    return store.cached(folder, "trace", settings, lambda: clean(cell, lengths, pair.record_ms))


def _traces(cell: Cell, pair, observed):
    """Return observables as `Traces`; the states that cannot be observed are NaN."""
    N, T = observed[cell.observables[0]].shape
    values = np.full((N, len(cell.states), T), np.nan)
    for name, x in observed.items():
        values[:, cell.state_names.index(name)] = x
    lengths = np.array(pair.lengths_ms, float)
    onsets = cell.stimulus.start_ms + lengths[:, None] * np.arange(PACED_ms // lengths.min() + 1)
    t_ms = PACED_ms - pair.record_ms + np.arange(float(T))
    return Traces(
        cells=(cell,) * N,
        cycle_lengths_ms=lengths,
        t_ms=t_ms,
        values=values,
        fine=np.full((N, 2, T), np.nan),
        stimuli_ms=np.where(onsets > PACED_ms, np.inf, onsets),
        last_good_ms=np.full(N, t_ms[-1]),
    )


def _with_calcium_noise(sweep, pair, rng):
    if sweep.Ca_i_mM is None or pair.noise_mV == 0.0:
        return sweep
    sigma_mM = CA_NOISE * np.ptp(sweep.Ca_i_mM)
    noise_mM = rng.normal(0.0, sigma_mM, len(sweep.Ca_i_mM))
    return replace(sweep, Ca_i_mM=sweep.Ca_i_mM + noise_mM)
