"""The networks that ship, by name."""

from dataclasses import dataclass, replace
from functools import lru_cache

from ionlab import cells, presets, store
from ionlab.cells import Cell
from ionlab.errors import BadValue, known
from ionlab.perturb import PAPER, Perturbation
from ionlab.readout.beats import along
from ionlab.readout.networks import pair
from ionlab.retrain import Refits
from ionlab.train import Fit

METHODS = {  # of the second pass -> title
    "membrane": "membrane equation",
    "published": "N2, as published",
    "no-upstroke": "N2, upstroke left out",
    "no-affine": "membrane equation, gates alone",
}
CASES = {p.name: p for p in PAPER}
PAPER_ETA = {"long_qt": 1.5e-3, "short_qt": 1.5e-3, "ito": 3e-4}  # of the paper's Figures 5 to 7
_OWN = {name: (next(iter(p.factors.values())),) for name, p in CASES.items()}  # the paper's factors
SHIPPED = {  # method -> perturbation -> factors of the conductance
    "membrane": {"long_qt": (0.25, 0.5, 0.75), "short_qt": (0.25, 0.5, 0.75), "ito": (2.0, 3.0)},
    "published": _OWN,
    "no-upstroke": _OWN,
    "no-affine": {"ito": _OWN["ito"]},
}


@dataclass(frozen=True)
class Case:
    """Shipped networks: one perturbation of one strength, retrained by one method.

    Attributes
    ----------
    cell, treated : the cell as published, and perturbed.
    perturbation : with the factor that was used.
    method : one of `METHODS`.
    fit : of the first pass.
    refits : of the second pass; rows (control, treated) are this case's data sets.
    file : name of the weights.
    """

    cell: Cell
    treated: Cell
    perturbation: Perturbation
    method: str
    fit: Fit
    refits: Refits
    rows: tuple[int, int]
    file: str

    @property
    def eta(self):
        """(K,) values of eta, rising."""
        return self.refits.eta

    @property
    def factor(self):
        """The strength: what the conductance was multiplied by."""
        return next(iter(self.perturbation.factors.values()))

    def pair(self, eta=None):
        """Return the `Pair` at the shipped eta that is nearest to this one; `Pair.eta` says which.

        None takes the eta of the paper's figures.
        """
        eta = PAPER_ETA[self.perturbation.name] if eta is None else eta
        return pair(self.refits, eta, along(self.cell), along(self.treated), self.rows)


def file_of(cell, perturbation, method="membrane", factor=None):
    """Return the name of a weights file; a factor that is the paper's does not show in it."""
    if method in ("published", "no-upstroke"):
        return f"{cell}-n2-{method}.safetensors"
    strength = "" if factor in (None, *_OWN[perturbation]) else f"-{factor:g}"
    return f"{cell}-{method}-{perturbation}{strength}.safetensors"


@lru_cache(maxsize=32)
def shipped(perturbation, method="membrane", factor=None):
    """Return the `Case` that ships under these names; what was loaded once is kept.

    perturbation : "long_qt" (g_Kr), "short_qt" (g_CaL) or "ito" (g_to).
    method : one of `METHODS`; `SHIPPED` says which perturbations and factors each has.
    factor : of the conductance; None takes the paper's.
    """
    base = CASES[known("perturbation", perturbation, CASES)]
    factors = SHIPPED[known("method", method, METHODS)].get(perturbation, ())
    factor = _OWN[perturbation][0] if factor is None else factor
    if factor not in factors:
        has = "; ".join(
            f"{name} {', '.join(f'{x:g}' for x in every)}"
            for name, every in SHIPPED[method].items()
        )
        raise BadValue(
            f"{perturbation} with factor {factor!r} does not ship by method {method}. "
            f"These do: {has}. Or retrain one: ionlab.retrain."
        )
    cell = cells.tentusscher2004
    chosen = replace(base, factors=dict.fromkeys(base.factors, float(factor)))
    file = file_of(cell.name, perturbation, method, factor)
    n2 = method in ("published", "no-upstroke")
    fit = _first_pass(n2)
    rows = (0, 1 + list(CASES).index(perturbation)) if n2 else (0, 1)
    refits = store.load_refits(store.WEIGHTS / file, fit)
    return Case(cell, chosen.apply(cell), chosen, method, fit, refits, rows, file)


@lru_cache(maxsize=2)
def _first_pass(n2):
    """The fit that the second passes started from: by the paper's recipe with N2, or not."""
    cell = cells.tentusscher2004
    file = f"{cell.name}-paper.safetensors" if n2 else store.theory_file(cell, presets.PAPER.clamp)
    return store.load_fit(store.WEIGHTS / file, cell)
