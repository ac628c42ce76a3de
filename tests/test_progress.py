"""Oracles: the same training without a watch, and weights that are known at every step."""

import numpy as np
import pytest
import torch

from ionlab.cells import hodgkin_huxley1952
from ionlab.dataset import Sequences
from ionlab.observed import Beats
from ionlab.progress import EVERY, Progress
from ionlab.recordings import from_traces
from ionlab.retrain import DecoderRecipe, MembraneRecipe, retrain
from ionlab.simulate import pace
from ionlab.train import ClampRecipe, PaperRecipe, train

AXON = hodgkin_huxley1952
LENGTH_ms = 20.0


def count(watch, losses, comparable=True):
    """Train a counter: before step k its weight is k. Return the progress and the weight."""
    w = torch.zeros(1)
    with Progress(len(losses), "test", [w], watch, comparable) as progress:
        for loss in losses:
            progress.step(loss)
            w += 1.0
    return progress, w.item()


class Watch:
    """Notes what it is told; ends the training, or interrupts it, at a step."""

    def __init__(self, end=None, error=None):
        self.end, self.error, self.told = end, error, []

    def __call__(self, step, steps, loss):
        self.told.append((step, steps, loss))
        if self.end is not None and step >= self.end:
            if self.error:
                raise self.error
            return True
        return None


# --- the helper --------------------------------------------------------------------------


def test_a_watch_is_told_every_few_steps_and_at_the_end():
    watch = Watch()
    progress, w = count(watch, [float(k) for k in range(25)])
    assert EVERY == 10 and watch.told == [(10, 25, 9.0), (20, 25, 19.0), (25, 25, 24.0)]
    assert progress.stopped is None and w == 25.0  # the last weights, though not the best


@pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
def test_stopping_puts_back_the_best_weights(error):
    losses = [9.0, 5.0, 7.0, float("nan"), *[8.0] * 40]
    progress, w = count(Watch(20, error), losses)
    assert progress.stopped == 20 and w == 1.0  # the weight whose loss was 5
    progress, w = count(Watch(20, error), losses, comparable=False)
    assert progress.stopped == 20 and w == 19.0  # the latest


def test_an_interrupt_that_nobody_watches_and_an_error_are_what_they_are():
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error), Progress(5, "test", []):
            raise error
    with pytest.raises(ValueError, match="in the watch"):
        count(Watch(10, ValueError("in the watch")), [1.0] * 20)


# --- the four loops ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sequences():
    return Sequences.from_traces(pace(AXON, [15.0, LENGTH_ms], 200.0, 60.0))


@pytest.fixture(scope="module")
def beats():
    traces = pace(AXON, [LENGTH_ms], 400.0, 200.0)
    return [Beats.of(AXON, from_traces(traces, "test").sweeps)]


@pytest.fixture(scope="module")
def loops(sequences, beats):
    """Name -> (train with a watch, steps in all)."""
    clamp = ClampRecipe(points=101, adam_steps=30, lbfgs_steps=30)
    fit = train(AXON, recipe=clamp, device="cpu")
    paper = train(AXON, sequences, PaperRecipe(epochs=1), device="cpu")
    x = [sequences.columns(AXON.observables)]
    n2 = dict(decoder="n2", recipe=DecoderRecipe(epochs=2), device="cpu")
    membrane = dict(recipe=MembraneRecipe(steps=40), device="cpu")
    return {
        "clamp": (lambda w: train(AXON, recipe=clamp, device="cpu", watch=w), 60),
        "paper": (lambda w: train(AXON, sequences, PaperRecipe(2), device="cpu", watch=w), 118),
        "membrane": (lambda w: retrain(fit, beats, [1e-3], watch=w, **membrane), 40),
        "n2": (lambda w: retrain(paper, x, [1e-3], watch=w, **n2), 118),
    }


def weights(result):
    return torch.cat([w.detach().flatten() for w in result.n1.parameters()])


@pytest.mark.parametrize("name", ["clamp", "paper", "membrane", "n2"])
def test_watching_changes_nothing_and_stopping_keeps_what_was_learned(loops, name):
    run, steps = loops[name]
    alone, watch = run(None), Watch()
    watched = run(watch)
    assert torch.equal(weights(alone), weights(watched)) and watched.stopped is None
    told = [step for step, of, _ in watch.told]
    assert told[:2] == [10, 20] and told[-1] == steps and {of for _, of, _ in watch.told} == {steps}
    assert np.isfinite([loss for *_, loss in watch.told]).all()
    stops = [run(Watch(20)), run(Watch(20, KeyboardInterrupt()))]
    for stopped in stops:
        assert stopped.stopped == 20
        assert torch.isfinite(weights(stopped)).all()
        assert not torch.equal(weights(stopped), weights(alone))
    assert torch.equal(weights(stops[0]), weights(stops[1]))


def test_a_stopped_fit_is_as_good_as_its_lowest_loss(loops):
    """The clamp recipe's losses are of all voltages: the weights kept are those of the lowest."""
    run, _ = loops["clamp"]
    losses = []
    fit = run(lambda step, steps, loss: step >= 50)
    assert len(fit.losses) == fit.stopped == 50
    later = run(lambda step, steps, loss: losses.append(loss) or step >= 60)
    assert min(later.losses) <= min(fit.losses) < 0.9 * fit.losses[0]
    assert max(later.validation.values()) <= 1.2 * max(fit.validation.values())


def test_a_stopped_second_pass_measures_the_weights_it_kept(loops):
    run, _ = loops["membrane"]
    early, end = run(Watch(10)), run(None)
    assert early.misfit_mV[0, 0] > end.misfit_mV[0, 0] > 0.0
    run, _ = loops["n2"]
    assert np.isfinite(run(Watch(10)).misfit_mV).all() and run(Watch(10)).drift.min() > 0.0
