"""The networks of control and treated, read side by side (section 2.1); `identify` goes on."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ionlab.errors import BadRecording
from ionlab.neural_ode import learned
from ionlab.observed import Beats
from ionlab.retrain import Refits, retrain
from ionlab.settle import scaled
from ionlab.simulate import pace

LEVEL = 1.645  # standard errors to each side of a 90 % interval
CALLED = 2.4  # standard errors a change needs to be called one: 1 in 60 by chance, six currents
LEAST = np.log(1.1)  # a smaller change is not called one
FLOOR = 0.02  # standard error of a log ratio that better recordings would not remove
UNSEEN = np.log(100.0) / LEVEL  # and of one that the recordings do not show at all
ETAS = (1e-4, 3e-4, 1e-3, 3e-3)  # of which one is chosen from the data
MARGIN = 1.1  # a misfit that much above the least is as good
POOR_FIT_mV = 5.0  # a neural ODE further from its recording than this is no sound base


@dataclass(frozen=True)
class CurrentChange:
    """The conductance of a current, treated over control: ratio and 90 % interval.

    evidence is the change in standard errors.
    """

    name: str
    ratio: float
    low: float
    high: float
    evidence: float
    changed: bool


@dataclass(frozen=True)
class GateChange:
    """A gate, treated against control: shift of h_inf (mV), ratio of tau, mean difference."""

    name: str
    shift_mV: float
    tau_ratio: float
    difference: float


@dataclass(frozen=True)
class EtaChoice:
    """The eta at which the networks were read, and why (the discrepancy principle).

    The largest eta is taken whose networks fit as well as any, or as well as the noise allows:
    held closer to the theory they would miss the recordings, let go they would fit noise.

    Attributes
    ----------
    eta : (K,) values that were tried. misfit_mV : (2, K) of control and treated.
    limit_mV : (2,) the largest misfit that is accepted. chosen : index of the eta.
    """

    eta: np.ndarray
    misfit_mV: np.ndarray
    limit_mV: np.ndarray
    chosen: int

    @property
    def value(self):
        """The eta that was chosen."""
        return float(self.eta[self.chosen])


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    beats : of control and treated.
    refits : the two retrained networks.
    odes : the two neural ODEs, gains included.
    simulated_mV : for each, the neural ODE along the recording's beats, (N, T).
    v_rmse_mV : (2,) neural ODE against recording.
    currents : in order of evidence.
    gates : in the cell's order.
    choice : of eta.
    """

    beats: tuple[Beats, Beats]
    refits: Refits
    odes: tuple
    simulated_mV: tuple
    v_rmse_mV: np.ndarray
    currents: tuple[CurrentChange, ...]
    gates: tuple[GateChange, ...]
    warnings: tuple[str, ...]
    choice: EtaChoice

    @property
    def changed(self):
        """Names of the currents whose change is supported."""
        return tuple(c.name for c in self.currents if c.changed)


def usable(recording):
    """Return the sweeps of a `Recording` that are captured 1:1, and warnings on those left out."""
    sweeps = [sweep for sweep in recording.sweeps if sweep.answer == "1:1"]
    if not sweeps:
        answers = ", ".join(f"{s.name}: {s.answer}" for s in recording.sweeps)
        raise BadRecording(
            f"{recording.file}: no sweep follows its stimuli 1:1 ({answers}). Pace more slowly."
        )
    left_out = [
        f"{recording.file}: sweep {s.name} is {s.answer}, not 1:1, and was left out."
        for s in recording.sweeps
        if s.answer != "1:1"
    ]
    return sweeps, left_out


def compare(
    fit, control, treated, eta=None, recipe=None, device="auto", gate_weights=None, watch=None
):
    """Retrain on two recordings and read which currents changed; return a `Comparison`.

    fit : the network of the first pass, for the cell of the recordings.
    control, treated : `ionlab.recordings.Recording`.
    eta : one value; chosen among `ETAS` from the data if None, see `EtaChoice`.
    recipe, device, gate_weights, watch : see `ionlab.retrain.retrain`.

    The ratio of a current is that of its gains, so what it would carry at equal voltage; its
    interval comes from the residuals of both fits. What the gates did is read off their curves.
    """
    (x_sweeps, x_left), (y_sweeps, y_left) = usable(control), usable(treated)
    beats = (Beats.of(fit.cell, x_sweeps), Beats.of(fit.cell, y_sweeps))
    refits = retrain(
        fit,
        beats,
        ETAS if eta is None else [eta],
        recipe=recipe,
        device=device,
        gate_weights=gate_weights,
        watch=watch,
    )
    choice = _choose(refits)
    odes, simulated, rmse, warnings = [], [], [], [*x_left, *y_left]
    for d, (recording, own) in enumerate(zip((control, treated), beats, strict=True)):
        ode = scaled(own.cell, refits.gains[d, choice.chosen]).with_kinetics(
            learned(refits.network(d, choice.chosen), own.cell)
        )
        V_mV, last_good_ms = along(ode, own)
        if last_good_ms is not None:
            warnings.append(
                f"{recording.file}: the neural ODE diverged; last good time {last_good_ms:g} ms."
            )
        error = float(np.sqrt(np.mean((V_mV - own.V_mV)[own.seen] ** 2)))
        if not error <= POOR_FIT_mV:
            warnings.append(
                f"{recording.file}: the model misses the recording by {error:.1f} mV (RMS). The "
                "intervals hold for errors of this kind only in part; read them with doubt."
            )
        odes.append(ode)
        simulated.append(V_mV)
        rmse.append(error)
    return Comparison(
        beats=beats,
        refits=refits,
        odes=tuple(odes),
        simulated_mV=tuple(simulated),
        v_rmse_mV=np.array(rmse),
        currents=current_changes(refits.settled),
        gates=_gate_changes(refits, beats, choice.chosen),
        warnings=tuple(warnings),
        choice=choice,
    )


def _choose(refits):
    """Return the `EtaChoice` of networks: see there."""
    membrane = refits.settled.membrane
    sigma = membrane.sigma_mV.square().mean(1).sqrt().cpu().numpy()
    noise = np.sqrt(2.0) * sigma / membrane.recipe.window_ms
    limit = MARGIN * np.maximum(refits.misfit_mV.min(1), noise)
    good = (refits.misfit_mV <= limit[:, None]).all(0)
    largest = np.where(good, refits.eta, -np.inf)
    chosen = int(largest.argmax() if good.any() else refits.misfit_mV.sum(0).argmin())
    return EtaChoice(refits.eta, refits.misfit_mV, limit, chosen)


def along(cell, beats):
    """Return V (N, T) of the paced cell along mean beats, and the last good time or None."""
    V = np.full(beats.V_mV.shape, np.nan)
    for k, length in enumerate(beats.lengths):
        whole = length * max(2, round(20_000 / length))
        traces = pace(cell, [float(length)], whole, length)
        if traces.diverged[0]:
            return V, float(traces.last_good_ms[0])
        V[k, :length] = traces["V"][0]
        V[k, length:] = V[k, length - 1]
    return V, None


def current_changes(settled):
    """Return the `CurrentChange`s from data set 0 to data set 1 of a `Settled`, by evidence.

    Gains are read where the gates are still those of the theory: there they are the solution of a
    linear problem, with standard errors. Training goes on to fit noise, too.
    """
    gains = settled.gains[:, 0].cpu().double().numpy()
    relative = settled.errors / gains  # (2, C)
    changes = []
    for c, name in enumerate(settled.membrane.cell.conductances):
        log_ratio = np.log(gains[1, c] / gains[0, c])
        error = min(np.sqrt((relative[:, c] ** 2).sum() + FLOOR**2), UNSEEN)
        low, ratio, high = np.exp(log_ratio + LEVEL * error * np.array([-1.0, 0.0, 1.0]))
        evidence = float(abs(log_ratio) / error)
        changed = bool(evidence > CALLED and abs(log_ratio) > LEAST)
        changes.append(CurrentChange(name, *map(float, (ratio, low, high)), evidence, changed))
    return tuple(sorted(changes, key=lambda change: -change.evidence))


def _gate_changes(refits, beats, k):
    """Compare h_inf and tau of the two networks where the recordings have been."""
    V = np.concatenate([own.V_mV[own.seen] for own in beats])
    grid = np.linspace(*np.percentile(V, [0.5, 99.5]), 201)
    cell = beats[0].cell
    x, y = (
        cell.with_kinetics(learned(refits.network(d, k), cell)).gates(cell.at(V=grid))
        for d in (0, 1)
    )
    changes = []
    for gate in cell.gate_names:
        before, after = x[gate], y[gate]

        def miss(shift, before=before.h_inf, after=after.h_inf):
            return np.mean((np.interp(grid - shift, grid, before) - after) ** 2)

        shift = minimize_scalar(miss, bounds=(-40.0, 40.0), method="bounded").x
        tau_ratio = np.exp(np.mean(np.log(after.tau_ms / before.tau_ms)))
        difference = np.mean(np.abs(after.h_inf - before.h_inf))
        changes.append(GateChange(gate, float(shift), float(tau_ratio), float(difference)))
    return tuple(changes)
