"""Which current differs between two groups of wells, how much, and how sure that is.

The question of `identify` where control and treated are not the same cells: see `wells`.
"""

import time
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from ionlab.cells import tentusscher2004
from ionlab.changes import acts_on, amounts, candidates, starts
from ionlab.compare import LEVEL
from ionlab.evidence import Evidence, small_matrices
from ionlab.identify import (
    TIED,
    UNFIT,
    Identification,
    compared,
    kind_of,
    listed,
    prior_odds,
    ratios,
)
from ionlab.search import explain
from ionlab.wells import (
    RESAMPLES,
    UPSTROKE_ms,
    by_chance,
    carried,
    fit_far,
    pool,
    resample,
    trajectories,
)

SUPPORT = 0.8  # of the resamples in which a current must have changed to be called so
LOWEST = 0.01  # end of an interval: nothing is left, as far as anyone could see


@dataclass(frozen=True)
class WellsIdentification(Identification):
    """An `Identification` of groups of wells; the intervals hold the scatter of wells, too.

    comparison is None if the networks were not asked.

    Attributes
    ----------
    wells : (2,) their numbers.
    support : current -> share of resampled groups whose best explanation changes it.
    unchanged : share of resampled groups that need no change.
    theory_mV : RMS by which the theory, nothing fitted, misses the control.
    """

    wells: tuple = ()
    support: dict | None = None
    unchanged: float = 0.0
    theory_mV: float = 0.0


@small_matrices
def identify_wells(
    control,
    treated,
    cell=tentusscher2004,
    preset="paper",
    eta=None,
    favour=None,
    pumps=False,
    seed=0,
    device="auto",
    networks=True,
):
    """Say what differs between two groups of wells; return a `WellsIdentification`.

    control, treated : `Recording`s whose sweeps are cells of their own, before and after a drug.
    networks : also retrain the networks on the typical beats, for the report.
    The other arguments are those of `ionlab.identify.identify`.

    >>> from ionlab import lei2017
    >>> groups = lei2017.load("paracetamol", 3.0, tentusscher2004)  # doctest: +SKIP
    >>> identify_wells(*groups, networks=False).kind  # doctest: +SKIP
    'no change'
    """
    began = time.perf_counter()
    changes = (*candidates(cell, pumps), *starts(cell))
    favour = favour or {}
    odds = prior_odds(cell, changes, favour)
    pooled, seen = pool(control, treated, cell), None
    if networks:
        seen = compared(*pooled.recordings, cell, preset, eta, favour, seed, device)
    sides = trajectories(pooled, cell, changes)
    with tqdm(desc="wells", unit="step", leave=False) as bar:
        base = fit_far(sides[0], bar.update)
        miss = carried(sides[0].seen - base.prediction, *sides)
        relieved = copy(sides[1])
        relieved.seen = sides[1].seen - miss
        chance = np.diag(by_chance(pooled, base))
        home = replace(base, covariance=base.covariance + chance)
        found = explain(relieved, Evidence(home, odds, same_cell=False), tick=bar.update)
    drawn = resample(pooled, base, found, (sides[0], relieved), seed=seed)
    wide = [_widened(h, drawn.values[h.changes]) if h.changes else h for h in found.hypotheses]
    found = replace(found, hypotheses=_fewest_first(wide))
    unsure = np.sqrt(np.diag(base.covariance))
    unsure = {changes[k].target: unsure[k] for k in amounts(changes)}
    said = listed(cell, changes, relieved, found)
    explanations = tuple(
        replace(e, changes=tuple(_loosened(c, unsure) for c in e.changes)) for e in said
    )
    support = _support(cell, changes, drawn)
    stands = _stands(explanations[0], support)
    fits = sides[0].rmse_mV(base.prediction) <= UNFIT * sides[0].blocks[0].range
    rows = ratios(cell, changes, found, said, trusted=fits and stands)
    result = WellsIdentification(
        comparison=seen,
        currents=tuple(_loosened(c, unsure) for c in rows),
        explanations=explanations,
        kind=_kind_of(explanations, stands) if fits else "undecidable",
        sides=sides,
        predictions=(base.prediction, found.hypotheses[0].shown + miss),
        misses=(base.noise.misses, found.noise.misses),
        fits=bool(fits),
        warnings=(),
        seconds=time.perf_counter() - began,
        wells=tuple(len(V) for V in pooled.wells_mV),
        support=support,
        unchanged=float(np.mean([not S for S in drawn.best])),
        theory_mV=sides[0].rmse_mV(sides[0].predict([np.zeros(len(changes))])[0]),
    )
    return _with_warnings(result)


def _stands(explanation, support):
    """Whether resampled wells support the whole of an explanation; a part of it is no answer."""
    return all(support.get(c.current, 0.0) >= SUPPORT for c in explanation.changes)


def _kind_of(explanations, stands):
    """Name the kind of what was found; no change if that is about as likely as the best."""
    if not explanations[0].changes:
        return "no change"
    return kind_of(explanations) if stands else "undecidable"


def _fewest_first(hypotheses):
    """Return them with no change in the first place if that is about as likely as the best."""
    best = hypotheses[0].log_evidence
    none = [h for h in hypotheses if not h.changes and h.log_evidence > best - TIED]
    return (*none, *(h for h in hypotheses if h.changes)) if none else tuple(hypotheses)


def _loosened(change, unsure):
    """Return a change whose interval counts how unsure its amount is in the control.

    What a recording shows is the conductance that came or went. It is a larger part of the control
    if there was less of it there. unsure : current -> standard error of its log conductance there.
    """
    name = getattr(change, "target", None) or change.name
    if name not in unsure or getattr(change, "kind", "amount") != "amount":
        return change
    factor = np.exp(LEVEL * unsure[name])
    low, high = change.low - 1.0, change.high - 1.0
    low = low * factor if low < 0 else low / factor
    high = high / factor if high < 0 else high * factor
    return replace(change, low=float(max(1.0 + low, LOWEST)), high=float(1.0 + high))


def _support(cell, changes, drawn):
    """Return current -> share of resamples whose best explanation changes it, most first."""
    names = [{acts_on(cell, changes[k]) for k in S} for S in drawn.best]
    share = {c: sum(c in each for each in names) / len(names) for c in sorted(set().union(*names))}
    return dict(sorted(share.items(), key=lambda item: -item[1]))


def _with_warnings(found):
    """Return the result with what a reader should know of it."""
    (before, after), (x, y) = found.v_rmse_mV, found.wells
    range_mV = found.sides[0].blocks[0].range
    said = list(found.comparison.warnings) if found.comparison else []
    said.append(
        f"Groups of {x} and {y} wells, not the same cells: each is one typical beat, and the "
        f"scatter of the wells is counted as noise. In {found.unchanged:.0%} of {RESAMPLES} draws "
        "of other wells from these, no change is needed."
    )
    said.append(
        f"The theory misses the control by {found.theory_mV:.1f} mV (RMS), "
        f"{found.theory_mV / range_mV:.0%} of "
        f"its range; with all conductances and gates fitted {before:.1f} mV are left, and "
        f"{after:.1f} mV of the treated. Fitted parameters of a cell so far away mean little by "
        "themselves; only what differs between the groups is read."
    )
    said.append(
        f"The first {UPSTROKE_ms:.0f} ms from the upstroke are left out: dye and camera blur them, "
        "so nothing is learned of I_Na. Rest and peak were scaled, so a change of theirs is hidden."
    )
    best = found.explanations[0]
    if not _stands(best, found.support):
        named = {c.current: found.support.get(c.current, 0.0) for c in best.changes}
        shares = ", ".join(f"{name} in {share:.0%}" for name, share in named.items())
        said.append(
            "The groups differ, but not decidably by this or that current: with other wells from "
            f"them, what the best explanation changes is called changed less often ({shares} of "
            f"the draws, of which {SUPPORT:.0%} are needed). The model is too far from these cells."
        )
    if not found.fits:
        said.append(
            "The model cannot fit the control, whatever its conductances and gates: nothing that "
            "it says of the treatment can be trusted. Choose another --cell."
        )
    return replace(found, warnings=tuple(said))


def _widened(hypothesis, drawn):
    """Return a `Hypothesis` whose variances are at least those of resampled wells (R, s)."""
    own = np.diag(hypothesis.covariance)
    scale = np.sqrt(np.maximum(drawn.var(0), own) / own)
    return replace(hypothesis, covariance=hypothesis.covariance * np.outer(scale, scale))
