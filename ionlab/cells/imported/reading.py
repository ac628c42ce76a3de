"""A model file in, a checked Myokit model out: its voltage, calcium, time, and their units."""

import re
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import myokit as mk
import myokit.formats  # noqa: F401 (its importers)

from ionlab.cells.imported.algebra import chosen, drives, evaluate, reach
from ionlab.cells.imported.units import BARE, disagreements
from ionlab.errors import BadModel, known

MV, MS, MM = (mk.parse_unit(unit) for unit in ("mV", "ms", "mM"))
NOT_A_NUMBER = (ArithmeticError, mk.NumericalError)  # a division by zero, a logarithm of -1
VOLTAGES = {"v", "vm", "v_m", "em", "e_m", "voltage", "membrane_potential", "membrane_voltage"}
CALCIUMS = (  # the likelier first; in some files Ca_c is of the cleft
    {"cai", "ca_i", "ca_in", "ca_cyt", "cacyt", "ca_myo", "ca_intracellular"},
    {"ca", "ca_c"},
)
OXMETA = {"voltage": "membrane_voltage", "calcium": "cytosolic_calcium_concentration"}
LABELS = {"voltage": "membrane_potential", "calcium": "cytosolic_calcium_concentration"}


@dataclass(frozen=True)
class Reading:
    """A model file as Myokit read it.

    Attributes
    ----------
    path, text : the file; text is what stands in it.
    model : the Myokit model, without references to derivatives.
    protocol : its pacing protocol, or None.
    voltage, calcium : variables of the model; calcium may be None.
    ms : how many of the model's units of time one ms is.
    slips : what to say of units that disagree by a factor, and of divisions by zero.
    """

    path: Path
    text: str
    model: mk.Model
    protocol: mk.Protocol | None
    voltage: mk.Variable
    calcium: mk.Variable | None
    ms: float
    slips: tuple[str, ...] = ()

    @property
    def mV(self):
        """How many of the model's units of voltage one mV is."""
        return in_units(self.voltage, MV) or 1.0

    def place(self, var):
        """Return the name of a variable with its line in the file, for messages."""
        line = var._token[2] if var._token is not None else self._cellml_line(var)
        return f"{var.qname()} (line {line})" if line else var.qname()

    def _cellml_line(self, var):
        component, name = var.parent(mk.Component).name(), var.name()
        tags = rf'<component\b[^>]*?\bname="{component}".*?<variable\b[^>]*?\bname="{name}"'
        match = re.search(tags, self.text, re.DOTALL)
        return match and self.text.count("\n", 0, match.end()) + 1


def read(path, text, voltage=None, calcium=None, check_units=True):
    """Return the `Reading` of a .mmt or .cellml file; raise `BadModel` if it is no sound model.

    text : what stands in the file.
    voltage, calcium : names of variables, where the file does not say which they are.
    check_units : refuse a file whose units disagree in kind; otherwise take its numbers as written.
    """
    model, protocol = _parsed(path, text)
    model.remove_derivative_references()
    _drop_protocols(model)
    model.create_unique_names()
    V = _voltage(path, model, voltage)
    Ca = _calcium(path, model, calcium)
    time = model.time()
    ms = 1.0 if time is None else in_units(time, MS)
    if ms is None:
        raise BadModel(
            f"{path}: time must be in a unit of time, got {time.unit()} for {time.qname()}. "
            "Give it the unit [ms] or [s]."
        )
    reading = Reading(path, text, model, protocol, V, Ca, ms)
    slips = [
        f"{reading.place(var)} divides by zero and is kept at {x:g}."
        for var, x in _keep_limits(reading).items()
    ]
    for var, how, of_kind in disagreements(model) if check_units else ():
        if of_kind:
            raise BadModel(
                f"{path}: units must agree; of {reading.place(var)}, {how}. Mend the file, or take "
                "its numbers as written: cells.from_file(path, check_units=False), or at the "
                f"command line ionlab import {path.name} --any-units."
            )
        slips.append(f"of {reading.place(var)}, {how}; its numbers are taken as written.")
    return replace(reading, slips=tuple(slips))


def _parsed(path, text):
    """Return the validated model and the protocol of a file."""
    try:
        if path.suffix == ".mmt":
            model, protocol, _ = mk.parse(text.splitlines())
        else:
            # the clone knows of derivatives that an equation reads before they are declared
            model, protocol = mk.formats.importer("cellml").model(str(path)).clone(), None
        if model is None:
            raise BadModel(f"{path}: holds no model. A Myokit model starts with [[model]].")
        if not model.is_valid():
            model.validate()
    except mk.ParseError as error:
        raise BadModel(
            f"{path}, line {error.line}: {error.name}: {_sentence(error.desc)} Mend that line."
        ) from error
    except mk.MyokitError as error:
        token = error.token() if hasattr(error, "token") else None
        where = f"{path}, line {token[2]}" if token else str(path)
        raise BadModel(f"{where}: {_sentence(str(error))} Mend the model.") from error
    if not model.count_states():
        raise BadModel(f"{path}: a cell needs states with derivatives, and this model has none.")
    return model, protocol


def _drop_protocols(model):
    """Drop the branches that depend on time and that constants switch off, as a voltage clamp."""
    for var in model.variables(deep=True):
        off = {
            e: chosen(e)
            for e in var.rhs().walk((mk.If, mk.Piecewise))
            if any(map(drives, reach(e)))
            and chosen(e) is not None
            and not any(map(drives, reach(chosen(e))))
        }
        if off:
            var.set_rhs(var.rhs().clone(subst=off))


def _keep_limits(reading):
    """Give constants that divide by zero the value that they have in C; return variable -> value.

    So is 1 / (1 + K / dose), without a dose: zero.
    """
    kept = {}

    def keep(var):
        for name in var.rhs().references():
            keep(name.var())
        try:
            var.eval()
        except NOT_A_NUMBER:
            kept[var], code = float(evaluate(var.rhs(), {})), var.rhs().code()
            if not isfinite(kept[var]):
                raise BadModel(
                    f"{reading.path}: a constant must be a number, and {reading.place(var)} = "
                    f"{code} divides by zero. Change the constants that it reads."
                ) from None
            var.set_rhs(kept[var])

    for var in list(reading.model.variables(const=True, deep=True)):
        keep(var)
    return kept


def _sentence(text):
    """Return the first line of what Myokit says, with a full stop."""
    text = text.strip().splitlines()[0]
    return text if text.endswith(("?", ".")) else f"{text}."


def in_units(var, unit):
    """Return how many of a variable's unit one `unit` is; 1 without a unit, None if unlike."""
    if var.unit() in BARE:
        return 1.0
    try:
        return mk.Unit.convert(1.0, unit, var.unit())
    except mk.IncompatibleUnitError:
        return None


def is_voltage(var):
    return var.unit() not in BARE and in_units(var, MV) is not None


def is_concentration(var):
    return var.unit() not in BARE and in_units(var, MM) is not None


def unit_of(var):
    """Return the unit of a variable as text; "1" where it has none."""
    text = "1" if var.unit() is None else str(var.unit()).strip("[]")
    return {"A/F": "pA/pF"}.get(text, text)


def asked(path, model, kind, name, states_only=False):
    """Return the variable that was asked for as `component.name`, or as `name` if unambiguous."""
    variables = list(model.states() if states_only else model.variables(deep=True))
    by_name = {var.qname(): var for var in variables}
    for var in variables:
        alone = sum(other.name() == var.name() for other in variables) == 1
        by_name.update({var.name(): var} if alone else {})
    if states_only and name not in by_name and name in {v.qname() for v in model.variables()}:
        raise BadModel(
            f"{path}: the {kind} must be a state, and {name} follows from others. Ask for one of "
            f"{', '.join(var.qname() for var in variables)}."
        )
    known(f"{'state' if states_only else 'variable'} of {path.name} for the {kind}", name, by_name)
    return by_name[name]


def saying(path, kind, name="NAME"):
    """Return how to say which variable is the voltage, the calcium or the stimulus."""
    return (
        f'say so with cells.from_file(path, {kind}="{name}"), or at the command line with ionlab '
        f"import {path.name} --{kind} {name}"
    )


def _marked(model, kind):
    """Return the variable that the file marks, by Myokit's label or CellML's metadata."""
    tagged = [v for v in model.states() if v.meta.get("oxmeta") == OXMETA[kind]]
    labelled = [v for v in model.states() if v.label() == LABELS[kind]]
    return next(iter([*labelled, *tagged]), None)


def _voltage(path, model, name):
    """Return the state that is the membrane voltage."""
    if name is not None:
        V = asked(path, model, "voltage", name, states_only=True)
        if in_units(V, MV) is None:
            raise BadModel(
                f"{path}: the voltage must be in mV or V, got {V.unit()} for {V.qname()}. "
                "Ask for another state."
            )
        return V
    V = _marked(model, "voltage")
    if V is not None:
        return V
    states = list(model.states())
    named = [v for v in states if v.name().lower() in VOLTAGES and v.unit() in BARE]
    found = [v for v in states if is_voltage(v)] or named
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(v.qname() for v in found)
        raise BadModel(
            f"{path}: a cell has one membrane voltage, and {names} may be it. Label it "
            f"membrane_potential in the file, or {saying(path, 'voltage', found[0].qname())}."
        )
    names = ", ".join(v.qname() for v in states)
    raise BadModel(
        f"{path}: no state is in mV, labelled membrane_potential or named V. If one of these is "
        f"the voltage, {saying(path, 'voltage')}: {names}."
    )


def _calcium(path, model, name):
    """Return the state that is the calcium of the cytosol, or None."""
    if name is not None:
        Ca = asked(path, model, "calcium", name, states_only=True)
        if in_units(Ca, MM) is None:
            raise BadModel(
                f"{path}: calcium must be a concentration, got {Ca.unit()} for {Ca.qname()}. "
                "Ask for another state."
            )
        return Ca
    Ca = _marked(model, "calcium")
    if Ca is not None:
        return Ca
    able = [v for v in model.states() if in_units(v, MM) is not None]
    for names in CALCIUMS:
        found = [v for v in able if v.name().lower() in names]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def unnamed_calcium(reading):
    """Yield a note where no state was taken for the calcium of the cytosol, but some may be it."""
    able = [
        v.qname()
        for v in reading.model.states()
        if is_concentration(v) and "ca" in v.name().lower()
    ]
    if able and reading.calcium is None:
        yield (
            "no state is known as the calcium of the cytosol. If one of these is it, "
            f"{saying(reading.path, 'calcium')}: {', '.join(able)}."
        )
