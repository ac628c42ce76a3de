"""Which current changed, in amount or in gating, how much, and how sure that is (section 4).

Control first (M to M_X), then treated against control (M_Y). The retrained gating layers propose
which gates moved; whole trajectories of the fast simulator decide, so that noise in V is never
differentiated. Every set of up to three changes competes, and few changes are preferred.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from ionlab import presets, store
from ionlab.cells import tentusscher2004
from ionlab.changes import GATING, Change, acts_on, amounts, candidates, starts
from ionlab.compare import LEVEL, Comparison, CurrentChange, POOR_FIT_mV, compare
from ionlab.descent import fit_control
from ionlab.errors import known, positive
from ionlab.evidence import LOG_ODDS, Evidence, per_change, small_matrices
from ionlab.search import Found, explain
from ionlab.trajectory import Trajectories

TIED = 4.0  # log evidence within which explanations cannot be told apart, 55 to 1
CALLED = 0.95  # probability at which a current is called changed
LISTED = 6.0  # and within which they are mentioned, 400 to 1
DOUBTED = np.log(9.0)  # "no change" is likelier than any one change by as much, or it is not said
PROPOSED = 2  # gates that the retrained networks propose
UNFIT = 0.12  # a model that misses the control by more of its range (RMS) is no base
TICKS = 30  # steps of the progress bar, about


@dataclass(frozen=True)
class ChangeFound:
    """One change in an explanation: a ratio, or a shift in mV, with its 90 % interval."""

    kind: str
    target: str
    current: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Explanation:
    """A set of changes that explains the treated recording; none if empty.

    probability : among the explanations that are listed. log_evidence : against the best.
    rmse_mV : of V, along the whole trajectories.
    """

    changes: tuple[ChangeFound, ...]
    probability: float
    log_evidence: float
    rmse_mV: float


@dataclass(frozen=True)
class Identification:
    """What `identify` found.

    Attributes
    ----------
    comparison : of the networks (`ionlab.compare.Comparison`), with eta and the gate curves.
    currents : ratio of conductance, treated over control, by evidence (`CurrentChange`).
    explanations : the best, then others that fit about as well.
    kind : "no change", "amount", "gating", "both", or "undecidable" where explanations of another
        kind, or of another gate or current, cannot be told apart from the best. Few changes are
        preferred, so what hardly shows is never far behind no change: that must be 90 % sure.
    sides : `Trajectories` of control and treated.
    predictions : (M,) of both: the fitted model along the recordings.
    misses : of both, observable -> (size over its range, duration in ms) of the model's misses.
    fits : whether the model fits the control at all.
    seconds : that it took.
    """

    comparison: Comparison
    currents: tuple[CurrentChange, ...]
    explanations: tuple[Explanation, ...]
    kind: str
    sides: tuple[Trajectories, Trajectories]
    predictions: tuple
    misses: tuple
    fits: bool
    warnings: tuple[str, ...]
    seconds: float

    @property
    def changed(self):
        """Names of the currents that changed, in amount or in gating: 95 % sure (`CALLED`)."""
        return tuple(c.name for c in self.currents if c.changed)

    @property
    def eta(self):
        """The `EtaChoice` of the networks."""
        return self.comparison.choice

    @property
    def v_rmse_mV(self):
        """(2,) RMS by which the fitted model misses V in control and treated."""
        pairs = zip(self.sides, self.predictions, strict=True)
        return np.array([side.rmse_mV(f) for side, f in pairs])


@small_matrices
def identify(
    control,
    treated,
    cell=tentusscher2004,
    preset="paper",
    eta=None,
    favour=None,
    pumps=False,
    seed=0,
    device="auto",
):
    """Say what changed from one recording to the other; return an `Identification`.

    control, treated : `Recording`s of one cell, before and after. cell : the model.
    preset, seed, device : of the first pass and of the retraining.
    eta : holds the retrained gates to the theory; chosen from the data if None (`EtaChoice`).
    favour : current or gate -> weight below 1 for one that is a likely target (section 4): 0.1
        makes its change ten times as likely beforehand, and is its weight in the eta term.
    pumps : offer pumps and exchangers, too.

    >>> from ionlab import from_traces, pace
    >>> ill = tentusscher2004.perturbed(g_Kr=0.5)
    >>> before, after = (from_traces(pace(c, [500.0]), "") for c in (tentusscher2004, ill))
    >>> identify(before, after).changed  # doctest: +SKIP
    ('I_Kr',)
    """
    began = time.perf_counter()
    favour = favour or {}
    changes = (*candidates(cell, pumps), *starts(cell))
    odds = prior_odds(cell, changes, favour)
    seen = compared(control, treated, cell, preset, eta, favour, seed, device)
    sides = tuple(Trajectories(own, changes) for own in seen.beats)
    with tqdm(total=TICKS, desc="trajectories", unit="step", leave=False) as bar:
        base = fit_control(sides[0], bar.update)
        proposals = _proposals(seen, changes)
        found = explain(sides[1], Evidence(base, odds), proposals, bar.update, sides[0])
    explanations = listed(cell, changes, sides[1], found)
    fits = sides[0].rmse_mV(base.prediction) <= UNFIT * sides[0].blocks[0].range
    result = Identification(
        comparison=seen,
        currents=ratios(cell, changes, found, explanations, trusted=fits),
        explanations=explanations,
        kind=kind_of(explanations) if fits else "undecidable",
        sides=sides,
        predictions=(base.prediction, found.hypotheses[0].shown),
        misses=(base.noise.misses, found.noise.misses),
        fits=bool(fits),
        warnings=(),
        seconds=time.perf_counter() - began,
    )
    return _with_warnings(result)


def compared(control, treated, cell, preset, eta, favour, seed, device):
    """Return the `Comparison` of the networks, by the settings of `identify`."""
    settings = presets.find(preset)
    fit = store.theory(cell, settings.clamp, seed, device)
    weights = {name: weight for name, weight in favour.items() if name in cell.gate_names}
    return compare(fit, control, treated, eta, settings.membrane, device, weights)


def prior_odds(cell, changes, favour):
    """Prior log odds (P,) of the changes; `favour` weighs currents and gates."""
    odds = per_change(LOG_ODDS, changes)
    names = [*cell.conductances, *cell.pumps, *cell.gate_names]
    for name, weight in favour.items():
        known("current or gate", name, names)
        positive(f"the weight of {name}", weight, "Try 0.1; 1 is no preference.")
        odds -= np.log(weight) * np.array([change.target == name for change in changes])
    return odds


def _proposals(seen, changes):
    """Sets of one change: the gates that the retrained networks moved most."""
    moved = sorted(seen.gates, key=lambda gate: -gate.difference)[:PROPOSED]
    return [(changes.index(Change(kind, g.name)),) for g in moved for kind in ("shift", "tau")]


def listed(cell, changes, side, found):
    """Return the best `Explanation` and those that fit about as well without being more of it.

    Where nothing changed, they are what could have changed unseen.
    """
    best = found.hypotheses[0]

    def more(h):
        return bool(best.changes) and set(h.changes) > set(best.changes)

    near = [
        h
        for h in found.hypotheses
        if h is best or (h.log_evidence > best.log_evidence - LISTED and not more(h))
    ]
    weights = np.exp([min(h.log_evidence - best.log_evidence, 0.0) for h in near])
    return tuple(
        Explanation(
            changes=tuple(_described(cell, changes, h)),
            probability=float(weight / weights.sum()),
            log_evidence=float(h.log_evidence - best.log_evidence),
            rmse_mV=side.rmse_mV(h.shown),
        )
        for h, weight in zip(near, weights, strict=True)
    )


def _described(cell, changes, hypothesis):
    """Yield the changes of a hypothesis in the units that a reader expects."""
    variances = np.diag(hypothesis.covariance)
    for k, value, variance in zip(hypothesis.changes, hypothesis.values, variances, strict=True):
        change = changes[k]
        numbers = interval(value, variance)
        if change.kind != "shift":
            numbers = np.exp(numbers)
        current = acts_on(cell, change)
        yield ChangeFound(change.kind, change.target, current, *map(float, numbers))


def interval(value, variance):
    """Return a value and the bounds of its 90 % interval, (3,)."""
    return value + LEVEL * np.sqrt(variance) * np.array([0.0, -1.0, 1.0])


def tied(explanations):
    """Return the best explanation and those that cannot be told apart from it."""
    best, *others = explanations
    return [best, *(e for e in others if e.log_evidence > -TIED)]


def probability_of(explanations, currents):
    """Return how probable it is that all of these currents changed, in amount or in gating."""
    changed = [{c.current for c in e.changes} for e in explanations]
    pairs = zip(explanations, changed, strict=True)
    return sum(e.probability for e, names in pairs if names >= set(currents))


def kind_of(explanations):
    """Name the kind of what was found; see `Identification`."""
    best = explanations[0].changes
    if not best:
        doubted = any(e.log_evidence > -DOUBTED for e in explanations[1:])
        return "undecidable" if doubted else "no change"
    said = [{(c.kind, c.target) for c in e.changes} for e in tied(explanations)]
    if any(each != said[0] for each in said):
        return "undecidable"
    kinds = {"gating" if c.kind in GATING else "amount" for c in best}
    return kinds.pop() if len(kinds) == 1 else "both"


def ratios(cell, changes, found: Found, explanations, trusted=True):
    """Return a `CurrentChange` for each current, by evidence.

    A current of the best explanation has the evidence by which that is likelier than what leaves
    the current alone, each fitted in full. Any other gets the ratio that it would have if it had
    changed besides, and the evidence of whatever of it, amount or gate, most likely changed
    besides. Where explanations are tied, the interval covers what each of them says. A current is
    called changed if those that change it have a probability of `CALLED`.

    trusted : whether the explanations may be read at all; else nothing is called changed.
    """
    evidence, best = found.evidence, found.hypotheses[0]
    own = {c.target: c for c in explanations[0].changes if c.kind == "amount"}
    named = {c.current for c in explanations[0].changes}
    acts = {j: acts_on(cell, changes[j]) for j in evidence.offered}

    def near(sets):
        return evidence.linear(found.A, found.z, found.theta, sets)

    rows = []
    for k in amounts(changes):
        name = changes[k].target
        if name in named:
            alone = [h for h in found.hypotheses if name not in {acts[j] for j in h.changes}]
            without = tuple(j for j in best.changes if acts[j] != name)
            less = [h.log_evidence - best.log_evidence for h in alone]
            weight = -max(less) if less else -np.diff(near([best.changes, without]))[0]
        else:
            with_it = [(*best.changes, j) for j in evidence.offered if acts[j] == name]
            less, *more = near([best.changes, *with_it])
            weight = max(more) - less
        if name in own:
            ratio, low, high = own[name].value, own[name].low, own[name].high
        else:
            wider = (*best.changes, k)
            besides = evidence.posterior(found.A, found.z, found.theta, wider)
            numbers = interval(besides.values[-1], besides.covariance[-1, -1])
            ratio, low, high = np.exp(numbers)
        for e in tied(explanations)[1:]:
            if name in named and name in {c.current for c in e.changes}:
                other = [c for c in e.changes if c.kind == "amount" and c.target == name]
                low = min([low, *(c.low for c in other)] if other else [low, 1.0])
                high = max([high, *(c.high for c in other)] if other else [high, 1.0])
        called = trusted and probability_of(explanations, [name]) >= CALLED
        rows.append(CurrentChange(name, *map(float, (ratio, low, high, weight)), bool(called)))
    return tuple(sorted(rows, key=lambda c: (-c.changed, -c.evidence)))


def _with_warnings(found):
    """Return the result with what a reader should know of it."""
    said = list(found.comparison.warnings)
    for which, error in zip(("control", "treated"), found.v_rmse_mV, strict=True):
        if error > POOR_FIT_mV:
            said.append(
                f"The fitted model misses the {which} by {error:.1f} mV (RMS) along whole "
                "trajectories; the intervals count misses of this size and duration."
            )
    if not found.fits:
        said.append(
            "The model cannot fit the control, whatever its conductances and gates: nothing that "
            "it says of the treatment can be trusted. Choose another --cell, or check the units "
            "and the stimuli of the recording."
        )
    return replace(found, warnings=tuple(said))
