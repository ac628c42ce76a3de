"""The main job: two recordings in; an executed notebook, a page and a file of results out.

`notebooks/report.ipynb` does the work and its parameters cell is the contract. `run` executes it
to the side and moves the results into place once all of them are there.
"""

import ast
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ionlab import cells, lei2017, notebook, perturb, presets
from ionlab.compare import usable
from ionlab.errors import BadValue, IonlabError, known, positive
from ionlab.groups import identify_wells
from ionlab.identify import identify
from ionlab.network import device_of
from ionlab.recordings import from_traces, read_recording
from ionlab.retrain import ETA_ADVICE
from ionlab.simulate import pace

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "report.ipynb"
RESULTS = ("report.ipynb", "report.html", "results.json")
DATASETS = {"lei2017": lei2017.load}
NOISE_mV = 0.5  # standard deviation, on simulated recordings
RECORDED_ms = 5000.0  # of each simulated sweep, like the recordings that ship


@dataclass(frozen=True)
class Settings:
    """The parameters of the notebook, checked; what each means stands in its parameters cell."""

    control: str
    treated: str
    dataset: str
    drug: str
    concentration: float
    perturbation: str
    out: str
    cell: str
    eta: float
    favour: str
    preset: str
    seed: int
    device: str

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = (int, float) if field.type is float else field.type
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise BadValue(
                    f"the notebook parameter {field.name} must be of type {field.type.__name__}, "
                    f"got {value!r}. papermill --help-notebook report.ipynb lists them."
                )
        cells.find(self.cell)
        presets.find(self.preset)
        if self.eta != 0:
            positive("eta", self.eta, f"{ETA_ADVICE} 0 chooses it from the data.")
        self.weights()
        device_of(self.device)
        if self.seed < 0:
            raise BadValue(f"the seed must be zero or more, got {self.seed}. Try 0.")
        if self.dataset:
            known("dataset", self.dataset, DATASETS)
            positive("the concentration (uM)", self.concentration, "Try 0.1 with dofetilide.")
            if self.perturbation:
                raise BadValue(
                    f"a perturbation is simulated, a dataset was measured; got {self.perturbation} "
                    f"and {self.dataset}. Leave one of the two out."
                )
        if self.perturbation:
            perturb.find(self.perturbation).apply(cells.find(self.cell))

    def weights(self):
        """Return current or gate -> weight, as `favour` names them; {} if it is empty.

        "I_Kr=0.1,xr1=0.5" favours I_Kr ten times, xr1 twice.
        """
        cell, weights = cells.find(self.cell), {}
        for part in filter(None, (part.strip() for part in self.favour.split(","))):
            name, _, weight = (word.strip() for word in part.partition("="))
            known("current or gate", name, [*cell.conductances, *cell.gate_names])
            try:
                number = float(weight)
            except ValueError:
                number = float("nan")
            if not 0 < number <= 1:
                raise BadValue(
                    f'favour takes NAME=WEIGHT with a weight above 0, at most 1, got "{part}". '
                    f"Try {name}=0.1; 1 is no preference."
                )
            weights[name] = number
        return weights

    def identify(self, control, treated):
        """Return what changed: an `Identification`, of groups of wells if they are a data set's."""
        how = identify_wells if self.dataset else identify
        return how(
            control,
            treated,
            cells.find(self.cell),
            preset=self.preset,
            eta=self.eta or None,
            favour=self.weights(),
            seed=self.seed,
            device=self.device,
        )

    def recordings(self):
        """Return control and treated: the two files, those of the data set, or simulated ones."""
        cell = cells.find(self.cell)
        if self.perturbation:
            return self._simulated(cell)
        if self.dataset:
            return DATASETS[self.dataset](self.drug, self.concentration, cell)
        return tuple(read_recording(located(path), cell) for path in (self.control, self.treated))

    def _simulated(self, cell):
        """Return the cell and the perturbed cell, paced like the preset's beats, with noise."""
        rng = np.random.default_rng(self.seed)
        lengths = presets.find(self.preset).beats_ms
        sides = {
            "simulated control": cell,
            f"simulated {self.perturbation}": perturb.find(self.perturbation).apply(cell),
        }
        return tuple(
            from_traces(pace(side, lengths, record_last_ms=RECORDED_ms), name, NOISE_mV, rng)
            for name, side in sides.items()
        )


def located(path):
    """Return a path as it is given, or within the project if it is there and not here."""
    here, there = Path(path), ROOT / path
    return there if path and not here.exists() and there.exists() else here


def contract():
    """Return the parameters of the notebook and their defaults."""
    from papermill import inspect_notebook

    parameters = inspect_notebook(str(NOTEBOOK))
    return {name: ast.literal_eval(p["default"]) for name, p in parameters.items()}


def run(out, **parameters):
    """Compare two recordings; write report.ipynb, report.html and results.json; return the folder.

    parameters : of the notebook, by name; None or left out is its default. The recordings are
        read and checked before the notebook starts. What fails, or is interrupted, leaves `out`
        as it was.
    """
    import papermill

    defaults = contract()
    for name in parameters:
        known("notebook parameter", name, defaults)
    given = {name: value for name, value in parameters.items() if value is not None}
    if not given.get("dataset"):
        for name in given.keys() & {"control", "treated"}:
            if isinstance(given[name], str):  # the notebook runs elsewhere
                given[name] = str(located(given[name]).absolute())
    for recording in Settings(**{**defaults, **given}).recordings():
        usable(recording)
    given.pop("out", None)  # results.json is written beside the notebook
    with notebook.aside(out) as folder:
        with notebook.this_python():
            try:
                papermill.execute_notebook(
                    NOTEBOOK,
                    folder / "report.ipynb",
                    parameters=given,
                    kernel_name="python3",
                    cwd=str(folder),
                    progress_bar=sys.stderr.isatty(),
                )
            except papermill.PapermillExecutionError as error:
                if error.ename in {kind.__name__ for kind in _family(IonlabError)}:
                    raise IonlabError(error.evalue) from error
                raise
        notebook.html(folder / "report.ipynb", folder / "report.html")
    return Path(out)


def _family(kind):
    """A class and all that derive from it."""
    return {kind}.union(*(_family(below) for below in kind.__subclasses__()))
