"""The names and units by which the variables of a model file are known in ionlab."""

import keyword

from ionlab.cells.imported.currents import OTHER
from ionlab.cells.imported.reading import MM, in_units, is_concentration, unit_of

RESERVED = {"V", "Ca_i", "I_stim", OTHER, *keyword.kwlist}


class Naming:
    """The names by which states, parameters and currents are known, each unambiguous."""

    def __init__(self, reading, currents):
        self.reading, self.parameters = reading, {}
        literals = [v for v in reading.model.variables(deep=True) if v.is_literal()]
        public = [*reading.model.states(), *currents, *literals]
        count = {}
        for var in public:
            count[var.name()] = count.get(var.name(), 0) + 1
        self.names = {reading.voltage: "V"}
        if reading.calcium is not None:
            self.names[reading.calcium] = "Ca_i"
        for var in public:
            if var not in self.names:
                alone = count[var.name()] == 1 and var.name() not in RESERVED
                self.names[var] = self._free(var.name() if alone else _joined(var))
        self.locals = {}

    def _free(self, name):
        while name in self.names.values():
            name += "_"
        return name

    def is_parameter(self, var):
        """Whether a variable is a constant of the model; those that are used are kept."""
        if var.is_state() or var.is_bound() or not var.is_literal():
            return False
        self.parameters[var] = self.names.setdefault(var, self._free(_joined(var)))
        return True

    def text(self, var):
        """Return a state or parameter as the functions read it, in the units of the model."""
        if not var.is_state():
            return f"p.{self.names[var]}"
        factor = self.per_unit(var)
        return f"s.{self.names[var]}" if factor == 1 else f"({factor!r} * s.{self.names[var]})"

    def local(self, var):
        """Return a name for a variable within a function, the same in each."""
        name = _joined(var)
        while self.locals.get(name, var) is not var or name in RESERVED:
            name += "_"
        self.locals[name] = var
        return name

    def per_unit(self, state):
        """Return how many of the model's units one mV, mM or unit of a state is."""
        if state is self.reading.voltage:
            return self.reading.mV
        if is_concentration(state) or state is self.reading.calcium:
            return in_units(state, MM)
        return 1.0

    def unit(self, state):
        """Return the unit of a state in ionlab."""
        if state is self.reading.voltage:
            return "mV"
        concentration = is_concentration(state) or state is self.reading.calcium
        return "mM" if concentration else unit_of(state)


def _joined(var):
    return var.qname().replace(".", "_")
