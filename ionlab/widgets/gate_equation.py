"""Lesson 3: one gate by itself, its curves (Eqs. 2.2.2-2.2.4) and the steps that integrate it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ionlab.errors import known
from ionlab.kernel import njit
from ionlab.plot import BLUE, GREEN, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.simulate import pace
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide

V_mV = np.linspace(-110.0, 55.0, 331)
LEAST = 1e-5  # of rates (1/ms) and errors that are drawn: below it a logarithmic axis ends
FINE_ms = 0.005  # of the command along which gates are integrated; the shortest step takes four
AFTER_ms = np.logspace(-2, 3.5, 200)  # since the step of a voltage clamp
DTS_ms = FINE_ms * 4.0 * np.unique(np.round(2.0 ** np.arange(0.0, 8.01, 0.5)))  # 0.02 to 5.12 ms
DT_AXIS_ms = (0.015, 6.5)
RULES = ("Euler", "Rush-Larsen", "midpoint")
STEP, BEAT = "step", "beat"


@dataclass(frozen=True)
class Curves:
    """A gate over the voltage: steady state, time constant (ms), rates alpha and beta (1/ms)."""

    h_inf: np.ndarray
    tau_ms: np.ndarray

    @property
    def alpha(self):
        return self.h_inf / self.tau_ms

    @property
    def beta(self):
        return (1.0 - self.h_inf) / self.tau_ms


def curves_of(cell, gate, V, shift_mV=0.0, stretch=1.0, slower=1.0):
    """Return the `Curves` of a gate at the voltages V, its steady state shifted and stretched.

    The curve of h_inf moves by `shift_mV` and becomes `stretch` times as wide about the voltage
    at which it is 1/2 (to 1 mV); tau is multiplied by `slower`.
    """
    V = np.asarray(V, float)
    moved = cell.with_moved_gate(gate, shift_mV, stretch, slower)
    k = moved.gates(moved.at(V=V))[gate]
    return Curves(np.broadcast_to(k.h_inf, V.shape), np.broadcast_to(k.tau_ms, V.shape))


def gate_curves_explorer(cell):
    """Open the curves of a cell's gates: shift and stretch h_inf, scale tau, step the voltage."""
    published = {gate: curves_of(cell, gate, V_mV) for gate in cell.gate_names}
    tau_axis = _decades([c.tau_ms for c in published.values()])
    rate_axis = _decades([r for c in published.values() for r in (c.alpha, c.beta)])

    def draw(gate, shift_mV, stretch, slower, from_mV, to_mV):
        base = published[gate]
        changed = (shift_mV, stretch, slower)
        now = curves_of(cell, gate, V_mV, *changed)
        curves = {"to": ([to_mV, to_mV], [0.0, 1.0])}
        for part, c in ((" published", base), ("", now)):
            curves |= {
                f"h_inf{part}": (V_mV, c.h_inf),
                f"tau{part}": (V_mV, _above(tau_axis[0], c.tau_ms)),
                f"alpha{part}": (V_mV, _above(rate_axis[0], c.alpha)),
                f"beta{part}": (V_mV, _above(rate_axis[0], c.beta)),
            }
        ends = np.array([from_mV, to_mV])
        for part, c in (
            (" published", curves_of(cell, gate, ends)),
            ("", curves_of(cell, gate, ends, *changed)),
        ):
            (start, end), tau = c.h_inf, c.tau_ms[1]
            curves[f"step{part}"] = AFTER_ms, end + (start - end) * np.exp(-AFTER_ms / tau)
        return Picture(
            curves,
            f"{gate} at {to_mV:g} mV: h_inf = {end:.4f}, tau = {tau:.4g} ms, so alpha = "
            f"{end / tau:.4g} and beta = {(1 - end) / tau:.4g} per ms. After the step from "
            f"{from_mV:g} mV, where h_inf = {start:.4f}, 63 % of the way is done in {tau:.4g} ms.",
        )

    controls = {
        "gate": Choose("gate", cell.gate_names, cell.gate_names[0], "A classic gate of the cell"),
        "shift_mV": Slide("shift of h_inf", "mV", -40.0, 40.0, 0.0, 1.0, "To the right if > 0"),
        "stretch": Slide(
            "stretch of h_inf", "", 0.25, 3.0, 1.0, 0.125, "1 = published, 2 = flatter"
        ),
        "slower": Slide("factor of tau", "", 0.125, 5.0, 1.0, 0.125, "1 = published, 2 = slower"),
        "from_mV": Slide("clamp: from", "mV", -120.0, 60.0, -85.0, 1.0, "Voltage before the step"),
        "to_mV": Slide("clamp: to", "mV", -120.0, 60.0, -20.0, 1.0, "Voltage after the step"),
    }
    x, wide = (float(V_mV[0]), float(V_mV[-1])), {"color": GREY, "lw": 2.4}
    dashed = {"color": RED, "ls": "--"}

    def pair(name, label=""):
        return Curve(f"{name} published", label and "published", wide), Curve(
            name, label, {"color": BLUE}
        )

    panels = (
        Panel(
            (*pair("h_inf", "this gate"), Curve("to", "", {"color": RED, "ls": ":"})),
            "V (mV)", "steady state h_inf", x, (-0.05, 1.05),
        ),
        Panel(pair("tau"), "V (mV)", "time constant tau (ms)", x, tau_axis, yscale="log"),
        Panel(
            (
                Curve("alpha published", "", wide),
                Curve("beta published", "", {**wide, "ls": "--"}),
                Curve("alpha", "alpha, opens", {"color": BLUE}),
                Curve("beta", "beta, closes", dashed),
            ),
            "V (mV)", "rate (1/ms)", x, rate_axis, yscale="log",
        ),
        Panel(
            pair("step"), "time after the step of the voltage (ms)", "gate",
            (float(AFTER_ms[0]), float(AFTER_ms[-1])), (-0.05, 1.05), xscale="log",
        ),
    )  # fmt: skip
    return Explorer(controls, panels, draw, f"Gates of {cell.title}", (820, 480), 2)


def _decades(curves):
    """Whole decades around all but the extreme values of curves, for a logarithmic axis."""
    values = np.concatenate(curves)
    low, high = np.percentile(values[values > LEAST], [1, 99])
    return 10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high))


def _above(least, values):
    """The values that a logarithmic axis from `least` on can show; NaN for the others."""
    return np.where(values >= least, values, np.nan)


@njit(cache=True)
def _chain(kept, gained, start):
    """h(k + 1) = kept(k) h(k) + gained(k), for all k."""
    h = np.empty(len(kept) + 1)
    h[0] = start
    for k in range(len(kept)):
        h[k + 1] = kept[k] * h[k] + gained[k]
    return h


def stepped(h_inf, tau_ms, fine_ms, dt_ms, start, rule):
    """Integrate one gate equation, Eq. 2.2.2, with steps of dt; return its values, (T,).

    h_inf, tau_ms : along the command, sampled every `fine_ms`; dt must be an even multiple of it.
    rule : "Euler"; "Rush-Larsen" (Eq. 2.2.8), both with the rates at the start of a step; or
        "midpoint", the Rush-Larsen step with the rates halfway through it.

    At a constant voltage one step of Rush-Larsen, however long, is exact:

    >>> still = np.ones(401)
    >>> h = stepped(0.8 * still, 2.0 * still, 0.005, 2.0, 0.0, "Rush-Larsen")
    >>> abs(h[1] - 0.8 * (1 - np.exp(-1.0))) < 1e-15
    np.True_
    """
    known("rule", rule, RULES)
    n = round(dt_ms / fine_ms)
    first = n // 2 if rule == "midpoint" else 0
    steps = (len(h_inf) - 1) // n
    h_inf, tau_ms = (rates[first::n][:steps] for rates in (h_inf, tau_ms))
    kept = 1.0 - dt_ms / tau_ms if rule == "Euler" else np.exp(-dt_ms / tau_ms)
    return _chain(kept, (1.0 - kept) * h_inf, start)


def rush_larsen_against_euler(cell, cycle_length_ms=500.0):
    """Open one gate equation, integrated by three rules with a step that you choose.

    The command is a step of the voltage or one paced beat of the cell, recorded at `FINE_ms`.
    """
    rest_mV = cell.start["V"]
    from_ms = cell.stimulus.start_ms
    run = pace(cell, [cycle_length_ms], cycle_length_ms, cycle_length_ms - from_ms, FINE_ms)
    beat_mV = run["V"][0]
    t = FINE_ms * np.arange(len(beat_mV))

    along_beat = cell.gates(cell.at(V=beat_mV))
    starts = {gate: float(curves_of(cell, gate, [rest_mV]).h_inf[0]) for gate in cell.gate_names}

    @lru_cache(maxsize=len(cell.gate_names))
    def solved(gate, command, to_mV):
        """The rates of a gate along the command, the exact gate, and the errors for each rule."""
        k = along_beat[gate] if command == BEAT else curves_of(cell, gate, [to_mV])
        h_inf, tau = (np.broadcast_to(x, t.shape) for x in (k.h_inf, k.tau_ms))
        if command == STEP:
            exact = h_inf + (starts[gate] - h_inf) * np.exp(-t / tau)
        else:  # rates halfway between two samples: the error is that of a midpoint of 0.005 ms
            h_half, tau_half = (0.5 * (x[1:] + x[:-1]) for x in (h_inf, tau))
            kept = np.exp(-FINE_ms / tau_half)
            exact = _chain(kept, (1.0 - kept) * h_half, starts[gate])
        errors = {
            rule: [
                error(exact, stepped(h_inf, tau, FINE_ms, dt, starts[gate], rule), dt)
                for dt in DTS_ms
            ]
            for rule in RULES
        }
        return h_inf, tau, exact, errors

    def draw(gate, command, to_mV, dt_ms):
        to_mV = to_mV if command == STEP else 0.0  # one entry of the caches for every beat
        h_inf, tau, exact, errors = solved(gate, command, to_mV)
        dt = 2.0 * FINE_ms * max(2, round(dt_ms / (2.0 * FINE_ms)))
        limit = 2.0 * float(tau.min())
        few = np.unique(np.searchsorted(t, np.geomspace(0.02, t[-1], 400)))
        curves = {
            "exact": (t[few], exact[few]),
            "limit": (np.clip([limit, limit], *DT_AXIS_ms), [LEAST, 10.0]),
            "dt": ([dt, dt], [LEAST, 10.0]),
        }
        now = {}
        for rule in RULES:
            h = stepped(h_inf, tau, FINE_ms, dt, starts[gate], rule)
            now[rule] = error(exact, h, dt)
            at = dt * np.arange(len(h))
            few = np.unique(np.searchsorted(at, np.geomspace(dt, at[-1], 300)))
            gone = np.cumsum(np.abs(h[few] - 0.5) > 0.75) > 1  # after the first value off the axis
            curves[rule] = at[few][~gone], np.clip(h[few][~gone], -0.25, 1.25)
            drawn = np.clip(errors[rule], 0.0, 10.0)
            curves[f"error {rule}"] = DTS_ms, np.where(drawn > LEAST, drawn, np.nan)
        told = ", ".join(f"{rule} {_said(value)}" for rule, value in now.items())
        side = "above" if dt > limit else "below"
        return Picture(
            curves,
            f"{gate}, dt = {dt:.4g} ms, largest error: {told}. dt is {side} 2 tau = {limit:.4g} ms "
            f"(the shortest tau of the command), where Euler's step begins to overshoot and grow.",
        )

    controls = {
        "gate": Choose("gate", cell.gate_names, cell.gate_names[0], "A classic gate of the cell"),
        "command": Choose(
            "voltage", (("a step", STEP), ("a paced beat", BEAT)), STEP, "What V does meanwhile"
        ),
        "to_mV": Slide(
            "step to", "mV", -120.0, 60.0, -20.0, 1.0,
            f"From {rest_mV:g} mV; of no effect in a paced beat",
        ),
        "dt_ms": Slide(
            "dt", "ms", -1.7, 0.7, 0.1, 0.02, "Step of all three", log=True
        ),
    }  # fmt: skip
    looks = dict(
        zip(
            RULES,
            (
                {"color": RED, "marker": "o", "ms": 3.5, "lw": 0.8},
                {"color": BLUE, "marker": "s", "ms": 3.5, "lw": 0.8},
                {"color": GREEN, "marker": "^", "ms": 3.5, "lw": 0.8, "ls": "--"},
            ),
            strict=True,
        )
    )
    panels = (
        Panel(
            (
                Curve("exact", "exact", {"color": GREY, "lw": 2.4}),
                *(Curve(rule, rule, looks[rule]) for rule in RULES),
            ),
            "time since the voltage began to move (ms)", "gate",
            (0.02, float(t[-1])), (-0.3, 1.3), xscale="log",
        ),
        Panel(
            (
                *(Curve(f"error {rule}", "", looks[rule]) for rule in RULES),
                Curve("dt", "dt", {"color": "k", "lw": 1.0}),
                Curve("limit", "2 tau", {"color": RED, "ls": ":"}),
            ),
            "dt (ms)", "largest error", DT_AXIS_ms, (LEAST, 10.0), xscale="log", yscale="log",
        ),
    )  # fmt: skip
    return Explorer(controls, panels, draw, f"Steps of a gate, {cell.title}", (820, 340), 2)


def error(exact, h, dt_ms):
    """The largest distance of steps of dt from the exact gate, sampled at `FINE_ms`."""
    n = round(dt_ms / FINE_ms)
    return float(np.abs(h - exact[::n][: len(h)]).max())


def _said(value):
    return "0 (rounding)" if value < 1e-12 else f"{value:.1e}" if value < 10 else "over 10"
