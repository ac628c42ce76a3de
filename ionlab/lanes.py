"""Runs side by side: one vector instruction takes a step of the equations of several runs.

An array of lanes is (., WIDTH): element a of lane i is x[a, i]. A loop over lanes whose body is
arithmetic alone becomes vector instructions, of as many lanes as the processor has room for. The
equations see one lane as a named tuple, which costs nothing.
"""

from numba.core import types
from numba.extending import intrinsic

WIDTH = 16  # lanes; a multiple of what any processor takes at once


def reader(record):
    """Return a compiled function (x, i) -> lane i of x as this class of named tuples."""

    @intrinsic
    def read(typing, x, lane):
        fields = types.NamedUniTuple(types.float64, len(record._fields), record)

        def generate(context, builder, signature, arguments):
            x, lane = arguments
            data = context.make_array(signature.args[0])(context, builder, x).data
            values = [
                builder.load(_element(builder, data, lane, a)) for a in range(len(record._fields))
            ]
            return context.make_tuple(builder, fields, values)

        return fields(x, lane), generate

    return read


@intrinsic
def write(typing, x, lane, values):
    """Write the elements of a tuple of numbers into lane `lane` of x."""

    def generate(context, builder, signature, arguments):
        x, lane, values = arguments
        data = context.make_array(signature.args[0])(context, builder, x).data
        for a, kind in enumerate(signature.args[2]):
            value = builder.extract_value(values, a)
            value = context.cast(builder, value, kind, types.float64)
            builder.store(value, _element(builder, data, lane, a))
        return context.get_dummy_value()

    return types.none(x, lane, values), generate


def _element(builder, data, lane, a):
    """Pointer to element a of a lane."""
    return builder.gep(data, [builder.add(lane, lane.type(a * WIDTH))])
