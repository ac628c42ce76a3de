"""Myokit's expressions as Python over `ionlab.maths`, elementwise: where states decide, no `if`."""

import myokit as mk
from myokit.formats.python import PythonExpressionWriter

from ionlab.cells.imported.algebra import states_in

OPPOSITE = {
    mk.Equal: mk.NotEqual,
    mk.NotEqual: mk.Equal,
    mk.More: mk.LessEqual,
    mk.LessEqual: mk.More,
    mk.Less: mk.MoreEqual,
    mk.MoreEqual: mk.Less,
}


class Writer(PythonExpressionWriter):
    """Writes expressions; names come from `name_of`, a function of the variable."""

    def __init__(self, name_of):
        super().__init__()
        self._function_prefix = ""
        self.set_lhs_function(lambda e: name_of(e.var()))

    def _ex_derivative(self, e):
        raise NotImplementedError(f"a derivative among the terms: {e.code()}")

    def _ex_number(self, e):
        return repr(float(e.eval()))

    def _ex_power(self, e):
        base = self.ex(e[0]) if isinstance(e[0], (mk.Name, mk.Function)) else f"({self.ex(e[0])})"
        if e[1].is_literal():
            x = float(e[1].eval())
            return f"{base} ** {int(x) if x.is_integer() else x!r}"
        return f"{base} ** ({self.ex(e[1])})"

    def _ex_log(self, e):
        log = f"log({self.ex(e[0])})"
        return log if len(e) == 1 else f"({log} / log({self.ex(e[1])}))"

    def _ex_log10(self, e):
        return f"(log({self.ex(e[0])}) / log(10.0))"

    def _ex_ceil(self, e):
        return f"(-floor(-({self.ex(e[0])})))"

    def _ex_quotient(self, e):
        return f"floor(({self.ex(e[0])}) / ({self.ex(e[1])}))"

    def _ex_remainder(self, e):
        top, below = (f"({self.ex(operand)})" for operand in e)
        return f"({top} - {below} * floor({top} / {below}))"

    def _ex_tan(self, e):
        return f"(sin({self.ex(e[0])}) / cos({self.ex(e[0])}))"

    def _ex_and(self, e):
        return f"({self.ex(e[0])} & {self.ex(e[1])})"

    def _ex_or(self, e):
        return f"({self.ex(e[0])} | {self.ex(e[1])})"

    def _ex_not(self, e):
        return self.ex(_opposite(e[0]))

    def _ex_if(self, e):
        return self._ex_piecewise(e.piecewise())

    def _ex_piecewise(self, e):
        conditions, values = list(e.conditions()), list(e.pieces())
        text = self.ex(values[-1])
        if e.is_constant():  # a branch that is not taken may divide by zero
            for condition, value in zip(reversed(conditions), reversed(values[:-1]), strict=True):
                text = f"({self.ex(value)} if {self.ex(condition)} else {text})"
            return text
        flat = not any(states_in(value) for value in values)
        moving = sorted(states_in(mk.Piecewise(*e)), key=lambda v: v.qname()) if flat else []
        if moving:  # numbers in all branches: of the kind and precision of the states
            text = f"{text} + 0.0 * {self.ex(mk.Name(moving[0]))}"
        for condition, value in zip(reversed(conditions), reversed(values[:-1]), strict=True):
            text = f"where({self.ex(condition)}, {self.ex(value)}, {text})"
        return text


def _opposite(e):
    """Return the condition that holds where e does not."""
    if isinstance(e, mk.Not):
        return e[0]
    if isinstance(e, (mk.And, mk.Or)):
        other = mk.Or if isinstance(e, mk.And) else mk.And
        return other(_opposite(e[0]), _opposite(e[1]))
    return OPPOSITE[type(e)](e[0], e[1])
