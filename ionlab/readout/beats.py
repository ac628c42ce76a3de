"""Mean beats of a cell, and the membrane equation along them."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from ionlab import cells, presets
from ionlab.compare import usable
from ionlab.errors import known
from ionlab.membrane import Membrane
from ionlab.observed import Beats, hidden_states
from ionlab.recordings import from_traces
from ionlab.retrain import MembraneRecipe
from ionlab.simulate import pace

BEATS_ms = presets.PAPER.beats_ms  # cycle lengths of the recordings of the second pass


@dataclass(frozen=True)
class Along:
    """The membrane equation along the mean beats of a recording.

    Attributes
    ----------
    beats : the mean beats, N sweeps of T samples.
    membrane : the decoder along them; all states but V and Ca_i are those of the theory.
    """

    beats: Beats
    membrane: Membrane

    @classmethod
    def of(cls, beats):
        """Clamp the theory to mean beats."""
        decoder = Membrane([beats], MembraneRecipe(), torch.device("cpu"), [hidden_states(beats)])
        return cls(beats, decoder)

    @property
    def t_ms(self):
        """(T,) times since the start of a cycle; 0.1 ms apart around the upstroke, else 1 ms."""
        return self.membrane.t_ms

    @property
    def inside(self):
        """(N, T) where there are data, not padding."""
        return self.membrane.inside[0, 0].numpy()

    @property
    def weight_ms(self):
        """(N, T) the time that each sample stands for; zero in padding."""
        return (self.membrane.dt_ms * self.membrane.inside)[0, 0].numpy()

    def row(self, cycle_length_ms):
        """The number of the sweep with this cycle length."""
        lengths = self.beats.lengths.astype(float).tolist()
        return lengths.index(known("cycle length", float(cycle_length_ms), lengths))

    def state(self, name):
        """(N, T) a state along the beats, gates those of the theory."""
        known("state", name, self.membrane.states)
        return self.membrane.states[name][0, 0].numpy()


def recorded(cell, cycle_lengths_ms=BEATS_ms):
    """Return the mean `Beats` of a cell, perturbed or not, as the second pass sees them.

    Cycle lengths that the cell does not follow 1:1 are left out. The beats know the published cell
    of that name, not the perturbed one: that is what is to be found out.
    """
    recording = from_traces(pace(cell, cycle_lengths_ms), cell.name)
    return Beats.of(cells.find(cell.name), usable(recording)[0])


def along(cell, cycle_lengths_ms=BEATS_ms):
    """Return `Along` the mean beats of a cell; the last 16 that were asked for are kept.

    >>> from ionlab.cells import tentusscher2004 as cell
    >>> along(cell.perturbed(g_Kr=0.25)).beats.names  # at 350 ms it answers every other stimulus
    ('500', '800')
    """
    lengths = tuple(float(x) for x in cycle_lengths_ms)
    kinetics = tuple(cell.kinetics.items())
    return _along(cell.name, cell.states, cell.parameters, cell.stimulus, kinetics, lengths)


@lru_cache(maxsize=16)
def _along(name, states, parameters, stimulus, kinetics, cycle_lengths_ms):
    changed = dict(states=states, parameters=parameters, stimulus=stimulus, kinetics=dict(kinetics))
    return Along.of(recorded(replace(cells.find(name), **changed), cycle_lengths_ms))
