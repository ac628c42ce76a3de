"""A model as the source of a module of ionlab: the same file that a person would write by hand."""

from textwrap import indent

import myokit as mk

from ionlab.cells.cell import Parameter, State
from ionlab.cells.imported.algebra import drives, is_one, times
from ionlab.cells.imported.currents import (
    OTHER,
    currents_of,
    is_added,
    scales_of,
    upstroke_of,
)
from ionlab.cells.imported.gaps import mend
from ionlab.cells.imported.gates import gates_of
from ionlab.cells.imported.names import Naming
from ionlab.cells.imported.reading import saying, unit_of, unnamed_calcium
from ionlab.cells.imported.stimulus import stimulus_of, unsaid_pulse
from ionlab.cells.imported.units import BARE
from ionlab.cells.imported.writer import Writer
from ionlab.errors import BadModel

UNSEEN, LEAST = 0.1, 1e-9  # the span of a concentration that starts at zero, which is below LEAST
WIDE = 1e4  # of a concentration that gates read: calcium of a subspace rises that far
MODULE = '''"""{heading}

{notes}
"""

from collections import namedtuple

from ionlab.cells.cell import Cell, Equations, Kinetics, Parameter, State, Stimulus
from ionlab.maths import acos, asin, atan, cos, exp, floor, log, sin, sqrt, where

NOTES = {notes_listed}

Currents = namedtuple("Currents", {currents})
Derivatives = namedtuple("Derivatives", {others})


def gates(s, p):
    """Steady states and time constants of the classic gates."""
{gates_body}


def currents(s, p):
    """The membrane currents per capacitance; outward is positive."""
{currents_body}


def derivatives(s, p, I, I_stim):
    """Derivatives (per ms) of all states that are not classic gates."""
{derivatives_body}


CELL = Cell(
    name={name!r},
    title={title!r},
    source={file!r},
    states=(
{states}
    ),
    parameters=(
{parameters}
    ),
    equations=Equations(gates, currents, derivatives, inputs={inputs!r}),
    conductances={conductances!r},
    stimulus={stimulus!r},
    current_unit={current_unit!r},
    upstroke_current={upstroke!r},
    observables={observables!r},
    pumps={pumps!r},
)
'''


class Body:
    """The body of one function: every variable that it needs gets a line, in order."""

    def __init__(self, naming, known=()):
        self.naming, self.known, self.lines = naming, dict(known), []
        self.writer = Writer(self._name)

    def use(self, e):
        """Return the text of an expression; what it depends on is written before it."""
        for ref in sorted(e.references(), key=lambda ref: ref.var().qname()):
            self._define(ref.var())
        return self.writer.ex(e)

    def _define(self, var):
        if var in self.known or var.is_state() or self.naming.is_parameter(var):
            return
        if drives(var):
            reading = self.naming.reading
            raise BadModel(
                f"{reading.path}: only the stimulus may depend on time, and {reading.place(var)} "
                "is read elsewhere, too. If a current that reads it is the stimulus, "
                f"{saying(reading.path, 'stimulus')}."
            )
        text = self.use(var.rhs())
        self.known[var] = self.naming.local(var)
        self.lines.append(f"{self.known[var]} = {text}")

    def _name(self, var):
        return self.known.get(var) or self.naming.text(var)

    def ending(self, last):
        """Return the lines of the function, indented, `last` at their end."""
        return indent("\n".join([*self.lines, last]), "    ")


def module(reading, name, stimulus=None):
    """Return the source of the module of a model; `CELL` in it is the `Cell` of that name."""
    V, ms = reading.voltage, reading.ms
    mend(reading.model, V, reading.mV)
    found, other, driven = currents_of(reading, stimulus)
    gates, second, plain = gates_of(reading)
    scales = scales_of(reading, found)
    naming = Naming(reading, [current.var for current in found])
    labels = {current: naming.names[current.var] for current in found}
    if other is not None:
        labels[other] = OTHER
    scale = mk.Number(ms / reading.mV)  # from the model's dV/dt to mV/ms

    def per_capacitance(current):
        if current.var is None:
            return times(scale, current.factor)
        whole = times(times(scale, current.factor), mk.Name(current.var))
        by = {**scales[0], **scales[1]}[current.var]
        return mk.Multiply(mk.Name(by), whole) if is_added(by) else whole

    body = Body(naming)
    rows = []
    for x, gate in gates.items():
        h_inf = body.use(gate.h_inf)
        tau_ms = body.use(times(gate.tau, mk.Number(1.0 / ms)))
        rows += [f'    "{naming.names[x]}": Kinetics(', f"        {h_inf},", f"        {tau_ms},"]
        rows.append("    ),")
    gates_body = body.ending("\n".join(["return {", *rows, "}"]))

    body = Body(naming)
    rows = [
        f"    {label}={body.use(per_capacitance(current))}," for current, label in labels.items()
    ]
    currents_body = body.ending("\n".join(["return Currents(", *rows, ")"]))

    body = Body(naming)
    for current, label in labels.items():
        if current.var is not None:
            factor = times(scale, current.factor)
            body.known[current.var] = _over(f"I.{label}", factor, body)
    if driven is not None:
        drive, factor = driven[0], times(scale, driven[1])
        if isinstance(drive, mk.Name):
            body.known[drive.var()] = _over("I_stim", factor, body)
    rows = [f"    V=-({' + '.join(f'I.{label}' for label in labels.values())} + I_stim),"]
    others = [x for x in reading.model.states() if x is not V and x not in gates]
    for x in others:
        per_ms = times(mk.Number(ms / naming.per_unit(x)), x.rhs())
        rows.append(f"    {naming.names[x]}={body.use(per_ms)},")
    derivatives_body = body.ending("\n".join(["return Derivatives(", *rows, ")"]))

    conductances, pumps = (
        {naming.names[var]: naming.names[p] for var, p in kind.items()} for kind in scales
    )
    states = [V, *(x for x in reading.model.states() if x is not V)]
    seconds = [naming.names[second]] if second is not None else []
    notes = [f"{reading.place(x)} is no classic gate: it {why}." for x, why in plain.items()]
    notes = [f"{len(gates)} of {len(states)} states are classic gates.", *notes, *reading.slips]
    notes += [*unnamed_calcium(reading), *unsaid_pulse(reading, driven)]
    title = reading.model.name() or reading.path.stem
    heading = f"{title}, written by ionlab from {reading.path.name}."
    return MODULE.format(
        heading=heading.replace("\\", "/").replace('"', "'"),  # within a docstring
        title=title,
        name=name,
        file=reading.path.name,
        notes="\n".join(notes),
        notes_listed=f"({', '.join(map(repr, notes))},)",
        currents=repr(" ".join(labels.values())),
        others=repr(" ".join(["V", *(naming.names[x] for x in others)])),
        gates_body=gates_body,
        currents_body=currents_body,
        derivatives_body=derivatives_body,
        states="\n".join(
            f"        {_state(x, naming, x in gates or x in plain, x is second)!r}," for x in states
        ),
        parameters="\n".join(
            f"        {_parameter(v, label, reading)!r},"
            for v, label in sorted(naming.parameters.items(), key=lambda item: item[0].qname())
        ),
        inputs=("V", *seconds),
        conductances=conductances,
        pumps=pumps,
        stimulus=stimulus_of(reading, driven and driven[0], driven and times(scale, driven[1])),
        current_unit=_current_unit(found[0]),
        upstroke=upstroke_of(reading, gates, labels, conductances),
        observables=("V",) if reading.calcium is None else ("V", "Ca_i"),
    )


def _over(label, factor, body):
    """Return the variable behind a current per capacitance: its label over the factor."""
    if isinstance(factor, mk.Divide) and is_one(factor[0]):
        return f"({label} * {body.use(factor[1])})"
    return label if is_one(factor) else f"({label} / ({body.use(factor)}))"


def _current_unit(current):
    """Return the unit of the currents: the file's, unless a capacitance was divided out."""
    as_written = is_one(current.factor) and current.var.unit() not in BARE
    return unit_of(current.var) if as_written else "pA/pF"


def _state(x, naming, is_fraction, is_second):
    """Return a `State`; the span of a concentration is a multiple of its start."""
    start = x.initial_value(as_float=True) / naming.per_unit(x)
    if is_fraction or naming.unit(x) == "mV":
        return State(naming.names[x], naming.unit(x), start)
    most = start * ((WIDE if is_second else 10.0) if abs(start) < 1.0 else 2.0)
    most = most if abs(start) > LEAST else UNSEEN
    return State(naming.names[x], naming.unit(x), start, (min(most, 0.0), max(most, 0.0)))


def _parameter(var, label, reading):
    """Return a `Parameter` with its place in the file."""
    source = f"{reading.path.name}, {reading.place(var)}"
    return Parameter(label, float(var.rhs().eval()), unit_of(var), source)
