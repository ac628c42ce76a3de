"""Checks of lesson 4: what no memory costs, a recurrent map, and which network gets which state."""

import numpy as np

from ionlab.check.verdict import Untried, ask, exercise

__all__ = ["best_without_memory", "roll_out", "states_of_n1"]

NOT_GATES = {
    "fCa": "fCa may fall but not rise while V is above -60 mV, so it has no two curves "
    "h_inf(V) and tau(V)",
    "g": "g may fall but not rise while V is above -60 mV, so it has no two curves "
    "h_inf(V) and tau(V)",
    "K1": "K1 is a function of V and E_K, not a state: there is nothing to step forward",
    "V": "V is the membrane voltage, not a gate",
}


def _same(got, wanted):
    got = np.asarray(got, float)
    return got.shape == np.shape(wanted) and np.allclose(got, wanted, rtol=1e-6, atol=1e-9)


@exercise()
def best_without_memory(floor):
    """The mean in each bin is the best constant there: no function of V alone does better."""
    rng = np.random.default_rng(4)
    V = np.concatenate([rng.uniform(-90.0, -80.0, 400), rng.uniform(-80.0, 40.0, 100)])
    h = 0.3 + 0.2 * (V > -80.0) * rng.normal(size=V.size) + 0.02 * rng.normal(size=V.size)
    edges = np.arange(-100.0, 61.0, 10.0)
    got = ask(floor, V, h, edges)
    bins = np.digitize(V, edges)
    parts = [h[bins == k] for k in np.unique(bins)]
    within = [((p - p.mean()) ** 2).sum() for p in parts]
    wanted = np.sqrt(np.sum(within) / V.size)
    if np.ndim(got) != 0:
        return f"one number is asked for, the RMSE over all samples; got the shape {np.shape(got)}."
    if _same(got, wanted):
        return None
    if _same(got, wanted**2):
        return "that is the mean square: take its root, so that it can be compared with a gate."
    if _same(got, h.std()):
        return (
            "that is the spread of h about one mean for all voltages. A function of V may give "
            "another value in every bin: take the mean within each."
        )
    if _same(got, np.mean([p.std() for p in parts])) or _same(
        got, np.sqrt(np.mean([p.var() for p in parts]))
    ):
        return (
            "every bin counts the same in yours, but some hold many more samples. Put the best "
            "value of its bin beside every sample, and take the RMSE over the samples."
        )
    return f"for the test data it should give {wanted:.4f}, got {got}."


@exercise()
def roll_out(roll):
    """The state that comes out of a step goes into the next: this is Eq. 2.3.5 in a loop."""

    def step(v, h):
        return 0.5 * h + v

    v, h = [1.0, 0.0, 2.0, -1.0], 4.0
    wanted = [3.0, 1.5, 2.75, 0.375]
    got = ask(roll, step, v, h)
    if np.ndim(got) == 0:
        return "return the state after every sample, a list as long as v; got a single number."
    got = list(got)
    if _same(got, wanted):
        return None
    if _same(got, [h, *wanted]):
        return "the first entry must be the state after the first sample; yours is the start."
    if _same(got, [h, *wanted[:-1]]):
        return "every state stands one place late: store h after the step, not before it."
    if _same(got, [0.5 * h + x for x in v]):
        return (
            "every step starts from the same h in yours: the network forgets. Give the state that "
            "came out of one step to the next one."
        )
    return f"with h(t + dt) = h/2 + v, v = {v} and h = 4 it should give {wanted}, got {got}."


@exercise()
def states_of_n1(names):
    """These ten have two curves, h_inf(V) and tau(V); all other states go to N2."""
    from ionlab.cells import tentusscher2004 as cell

    if isinstance(names, str) or not np.iterable(names):
        return f'a list of names is asked for, as in ["m", "h"], got {names!r}.'
    names = list(names)
    if ... in names:
        raise Untried
    known = {*cell.state_names, "K1"}
    for name in names:
        if name not in known:
            return f'there is no state "{name}"; the cell has {", ".join(cell.state_names)}.'
    for name in names:
        if name not in cell.gate_names:
            why = NOT_GATES.get(name, f"{name} is a concentration, not a gate")
            return f"{name} does not belong there: {why}."
    missing = [gate for gate in cell.gate_names if gate not in names]
    if missing:
        return (
            f"{len(missing)} classic gates are missing. Look for the states that follow "
            f"h' = (h_inf(V) - h) / tau(V); one of those you miss belongs to "
            f"{_current_of(missing[0])}."
        )
    if len(set(names)) < len(names):
        return "a name stands twice."
    return None


def _current_of(gate):
    currents = {"I_Na": "mhj", "I_CaL": "df", "I_Kr": ("xr1", "xr2"), "I_Ks": ("xs",)}
    return next((name for name, gates in currents.items() if gate in gates), "I_to")
