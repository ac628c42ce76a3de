"""The numbers of the paper (its text and its author's code) against `PAPER`."""

import numpy as np
import pytest

from ionlab.cells import tentusscher2004
from ionlab.errors import UnknownName
from ionlab.presets import FAST, PAPER, PRESETS, find


def test_the_paper_preset_has_the_settings_of_the_paper():
    np.testing.assert_array_equal(PAPER.cycle_lengths_ms, np.arange(300.0, 801.0, 5.0))
    assert len(PAPER.cycle_lengths_ms) - PAPER.n_validation == 76
    np.testing.assert_allclose(PAPER.eta, np.linspace(1e-4, 2e-3, 20), rtol=1e-12)
    assert (PAPER.paper.epochs, PAPER.paper.learning_rate, PAPER.paper.lam) == (3, 1e-4, 1e-4)
    decoder = PAPER.decoder
    assert (decoder.epochs, decoder.learning_rate, decoder.lam) == (3, 1e-4, 1e-5)
    assert PAPER.paper_samples == 10_000 and decoder.upstroke


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_sound(preset):
    assert find(preset.name) is preset
    assert 0 < preset.n_validation < len(preset.cycle_lengths_ms)
    assert min(preset.eta) > 0 and list(preset.eta) == sorted(preset.eta)
    assert min(preset.beats_ms) >= 350.0  # 1:1 for all of the paper's perturbations
    assert min(preset.cycle_lengths_ms) > tentusscher2004.stimulus.duration_ms


def test_fast_is_less_work_than_paper():
    assert FAST.clamp.adam_steps <= PAPER.clamp.adam_steps / 2
    assert FAST.clamp.lbfgs_steps <= PAPER.clamp.lbfgs_steps / 2
    assert FAST.membrane.steps * len(FAST.eta) < PAPER.membrane.steps * len(PAPER.eta) / 10
    for work in ("paper_samples", "decoder_samples"):
        assert getattr(FAST, work) < getattr(PAPER, work)
    with pytest.raises(UnknownName, match='unknown preset "papr". Did you mean "paper"'):
        find("papr")
