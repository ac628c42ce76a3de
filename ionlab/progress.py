"""Training that shows how far it is and can be stopped: one helper for every loop."""

import torch
from tqdm import tqdm

EVERY = 10  # steps between two calls of a watch


class _Enough(Exception):
    """The watch has seen enough."""


class Progress:
    """A bar over the steps of a training and, where somebody watches, a way to stop it.

    watch : None, or a callable `watch(step, steps, loss)`, called every 10 steps and at the end.
        The training ends when it returns True, and also on a KeyboardInterrupt; the weights are
        then put back to the best so far. Without a watch an interrupt is an interrupt.
    weights : the tensors that are trained.
    comparable : whether the losses of two steps can be compared. Where each step sees another
        moment of the data they cannot, and the latest weights count as the best.

    After the block, `stopped` is the number of steps after which it ended early, or None.

    >>> w = torch.zeros(1)
    >>> with Progress(100, "counting", [w], watch=lambda step, steps, loss: step >= 20) as progress:
    ...     for k in range(100):
    ...         progress.step(loss=(w - 7.0) ** 2)
    ...         w += 1.0
    >>> progress.stopped, w
    (20, tensor([7.]))
    """

    def __init__(self, steps, desc, weights, watch=None, comparable=True):
        self.steps, self.desc, self.weights = steps, desc, list(weights)
        self.watch, self.comparable = watch, comparable
        self.done, self.told, self.stopped = 0, 0, None
        self.lowest, self.loss = float("inf"), float("nan")

    def __enter__(self):
        self.bar = tqdm(total=self.steps, desc=self.desc, unit="step", delay=1.0)
        self._keep()
        return self

    def step(self, loss):
        """Count a step; `loss` is that of the weights as they are, before they change."""
        self.done += 1
        self.bar.update()
        if self.watch is None:
            return
        self.loss = float(loss)
        if self.comparable and self.loss < self.lowest:
            self.lowest = self.loss
            self._keep()
        if self.done % EVERY == 0:
            if not self.comparable:
                self._keep()
            self._tell(min(self.done, self.steps))

    def __exit__(self, kind, error, trace):
        self.bar.close()
        if self.watch is None:
            return False
        if kind is None and self.told < self.steps:
            self.watch(self.steps, self.steps, self.loss)
        if kind is None or not issubclass(kind, (_Enough, KeyboardInterrupt)):
            return False
        self.stopped = self.done
        with torch.no_grad():
            for w, best in zip(self.weights, self.best, strict=True):
                w.copy_(best)
        return True

    def _keep(self):
        self.best = [w.detach().clone() for w in self.weights]

    def _tell(self, step):
        self.told = step
        if self.watch(step, self.steps, self.loss):
            raise _Enough
