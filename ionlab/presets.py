"""Settings by name: `fast` for a look, `paper` for the paper's own scale."""

from dataclasses import dataclass

from ionlab.errors import known
from ionlab.retrain import DecoderRecipe, MembraneRecipe
from ionlab.train import ClampRecipe, PaperRecipe


@dataclass(frozen=True)
class Preset:
    """Everything that `reproduce` and `report` need to know beyond the cell and the seed."""

    name: str
    cycle_lengths_ms: tuple[float, ...]  # of the simulated data
    n_validation: int  # of these runs, never trained on
    clamp: ClampRecipe
    membrane: MembraneRecipe
    beats_ms: tuple[float, ...]  # cycle lengths of the recordings of the second pass
    eta: tuple[float, ...]  # values tried in the second pass
    paper: PaperRecipe
    paper_samples: int  # ms of each sequence that the paper's recipe trains on
    decoder: DecoderRecipe
    decoder_samples: int  # ms of each sequence that the second pass with N2 trains on


PAPER = Preset(
    name="paper",
    cycle_lengths_ms=tuple(float(x) for x in range(300, 801, 5)),
    n_validation=25,
    clamp=ClampRecipe(),
    membrane=MembraneRecipe(),
    beats_ms=(350.0, 500.0, 800.0),
    eta=tuple(round(1e-4 * k, 7) for k in range(1, 21)),
    paper=PaperRecipe(),
    paper_samples=10_000,
    decoder=DecoderRecipe(),
    decoder_samples=4_000,
)
FAST = Preset(
    name="fast",
    cycle_lengths_ms=tuple(float(x) for x in range(320, 801, 40)),
    n_validation=3,
    clamp=ClampRecipe(adam_steps=1000, lbfgs_steps=1000),
    membrane=MembraneRecipe(steps=60, learning_rate=6e-3),
    beats_ms=(350.0, 500.0, 800.0),
    eta=(3e-4, 1e-3, 2e-3),
    paper=PaperRecipe(epochs=1, learning_rate=1e-3),
    paper_samples=1_500,
    decoder=DecoderRecipe(epochs=1),
    decoder_samples=800,
)
PRESETS = {preset.name: preset for preset in (FAST, PAPER)}


def find(name):
    """Return the preset of this name; an unknown name raises with the closest match."""
    return PRESETS[known("preset", name, PRESETS)]
