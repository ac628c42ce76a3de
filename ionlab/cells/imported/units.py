"""Whether the units in a model file agree, as far as it says what they are.

A number or a variable without a unit may be in any, and so may one that is called dimensionless:
many files, and all that were exported from files without units, say so of everything.
"""

import myokit as mk

from ionlab.cells.imported.algebra import is_fraction

BARE = (None, mk.units.dimensionless)
SUMS = (mk.Plus, mk.Minus, mk.Less, mk.More, mk.LessEqual, mk.MoreEqual)


def disagreements(model):
    """Yield (variable, how, whether it is of kind) where an equation mixes units that are known.

    Of kind is mV with mM; mV with V is a factor, which simulators leave to the file.
    """
    for var in model.variables(deep=True):
        for e in var.rhs().walk(SUMS):
            if all(map(_is_known, e)):
                left, right = (_unit(operand) for operand in e)
                if not _close(left, right):
                    yield var, f"{e.code()} mixes {left} and {right}", _differ(left, right)
        silent = var.is_state() and model.time_unit() in BARE  # of how fast it changes
        if var.unit() not in BARE and not silent and _is_known(var.rhs()):
            unit = _unit(var.rhs())
            if var.is_state() and unit is not None:
                unit *= model.time_unit()
            if not _close(unit, var.unit()):
                how = f"its equation gives {unit}, and it is in {var.unit()}"
                yield var, how, _differ(unit, var.unit())


def _is_known(e):
    """Whether all that an expression reads has a unit; a state from 0 to 1 needs none."""
    names = [name.var() for name in e.references()]
    numbers = [n for n in e.walk(mk.Number) if n.unit() in BARE]
    exponents = [n for power in e.walk(mk.Power) for n in power[1].walk(mk.Number)]
    return len(numbers) <= len(exponents) and all(
        v.unit() not in BARE or (v.is_state() and is_fraction(v)) for v in names
    )


def _unit(e):
    """Return the unit of an expression, None if it cannot be said."""
    try:
        return e.eval_unit(mk.UNIT_TOLERANT)
    except mk.IncompatibleUnitError:
        return None


def _differ(a, b):
    return not mk.Unit.can_convert(a, b)


def _close(a, b):
    return a is None or b is None or mk.Unit.close(a, b)
