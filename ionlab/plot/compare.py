"""Figures of control against treated: fits, ratios, currents, gates, the choice of eta."""

import numpy as np
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from ionlab.plot.drawing import BLUE, GREEN, GREY, RED, Drawing, grid, label, legend, styled

SPIKE = 0.08  # a current that lives for less of the beat is drawn magnified
RATIOS = (0.04, 25.0)  # the widest axis of ratios; intervals that leave it end in arrows


@styled
def fits(title, sweeps, units, columns=3):
    """Draw the mean beat of every sweep, the fitted model laid over, and what is left between them.

    sweeps : name -> {observable: (recorded (T,), model (T,))}, samples 1 ms apart.
    units : state -> unit, of the cell.
    """
    observables = list(next(iter(sweeps.values())))
    bands, columns = grid(len(sweeps), columns)
    heights = [height for _ in observables for height in (3, 1.3)] * bands
    figure = Drawing(
        figsize=(max(3.1 * columns + 0.6, 6.5), 0.62 * sum(heights) + 0.8),  # title and legend
        layout="constrained",
        alt=f"{title}: recorded beats, fitted model and residuals of {len(sweeps)} sweeps.",
    )
    axes = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights)
    last = len(sweeps) - columns  # from here on, no sweep stands below
    per_band = 2 * len(observables)
    spread = {o: _spread([a - b for s in sweeps.values() for a, b in [s[o]]]) for o in observables}
    for k in range(bands * columns):
        column = axes[per_band * (k // columns) : per_band * (k // columns + 1), k % columns]
        if k >= len(sweeps):
            for ax in column:
                ax.set_axis_off()
            continue
        name, traces = list(sweeps.items())[k]
        column[0].set_title(name)
        for ax, first in zip(column, axes[:per_band, 0], strict=True):
            if ax is not first:
                ax.sharey(first)
        for row, (observable, (recorded, model)) in enumerate(traces.items()):
            above, below = column[2 * row : 2 * row + 2]
            (seen,) = above.plot(recorded, color=BLUE, lw=2.2, alpha=0.75, label="recording")
            (made,) = above.plot(model, color=RED, ls="--", lw=1.1, label="fitted model")
            below.axhline(0.0, color=GREY, lw=0.8)
            below.plot(recorded - model, color="0.2", lw=0.9)
            below.set_ylim(-spread[observable], spread[observable])
            below.yaxis.set_major_locator(MaxNLocator(3))
            below.sharex(above)
            above.tick_params(labelbottom=False)
            if k % columns == 0:
                above.set_ylabel(label(observable, units))
                below.set_ylabel(f"residual\n({units[observable]})")
        if k >= last:
            column[-1].set_xlabel("time in the beat (ms)")
    figure.suptitle(title, x=0.01, ha="left")
    legend(figure, [seen, made])
    return figure


def _spread(residuals):
    """Half the height of a residual's axis: all but the few samples in the upstroke."""
    size = np.abs(np.concatenate(residuals))
    size = size[np.isfinite(size)]
    return max(1.2 * float(np.percentile(size, 99.7)), 1e-12) if len(size) else 1.0


@styled
def ratios(changes, title, undecided=()):
    """Draw the ratio of each current, treated over control, with its 90 % interval.

    changes : objects with name, ratio, low, high and changed, in the order to draw.
    undecided : names of those that the recordings hardly show.

    An interval that leaves the axis ends in an arrow.
    """
    changes = list(changes)
    texts = [
        f"{c.ratio:.2f} ({c.low:.2f} to {c.high:.2f})"
        if np.isfinite([c.low, c.ratio, c.high]).all() and c.name not in undecided
        else "cannot be decided"
        for c in changes
    ]
    figure = Drawing(
        figsize=(8.0, 0.4 * len(changes) + 1.2),
        layout="constrained",
        alt="Ratio of each current, treated over control, with its 90 % interval: "
        + "; ".join(f"{c.name} {text}" for c, text in zip(changes, texts, strict=True)),
    )
    ax = figure.subplots()
    ends = [x for c in changes for x in (c.low, c.ratio, c.high) if np.isfinite(x) and x > 0]
    low = np.clip(min([*ends, 0.5]) / 1.25, RATIOS[0], 0.4)
    high = np.clip(max([*ends, 2.0]) * 1.25, 2.5, RATIOS[1])
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.axvline(1.0, color=GREY, lw=1.0)
    for y, (c, text) in enumerate(zip(changes, texts, strict=True)):
        colour, width = (RED, 2.6) if c.changed else ("0.35", 1.4)
        if np.isfinite([c.low, c.ratio, c.high]).all():
            ax.plot(np.clip([c.low, c.high], low, high), [y, y], color=colour, lw=width)
            for edge, mark, out in ((low, "<", c.low < low), (high, ">", c.high > high)):
                if out:
                    ax.plot(edge, y, mark, color=colour, ms=7, clip_on=False)
            fill = "white" if c.name in undecided else colour
            at = np.clip(c.ratio, low, high)
            ax.plot(at, y, "o", color=colour, mfc=fill, ms=7 if c.changed else 5)
        weight = "bold" if c.changed else "normal"
        place = {"xycoords": ("axes fraction", "data"), "va": "center", "weight": weight}
        ax.annotate(text, (1.03, y), **place)
    ax.set_yticks(range(len(changes)), [c.name for c in changes])
    for tick, c in zip(ax.get_yticklabels(), changes, strict=True):
        tick.set_weight("bold" if c.changed else "normal")
    ax.set_ylim(len(changes) - 0.5, -0.5)
    marks = [x for x in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20) if low < x < high]
    ax.xaxis.set_major_locator(FixedLocator(marks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("treated over control, with 90 % interval (log scale; 1: no change)")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


@styled
def before_after(t_ms, pairs, units, title, labels=("control", "treated"), columns=3):
    """Draw currents, or any traces, of control (blue) and treated (red) along the beat.

    t_ms : (T,), or one for control and one for treated.
    pairs : name -> (control (T,), treated (T,)); units : name -> unit.

    A current that is over within a few ms is drawn against that stretch of time.
    """
    times = t_ms if isinstance(t_ms, tuple) else (t_ms, t_ms)
    rows, columns = grid(len(pairs), columns)
    figure = Drawing(
        figsize=(3.1 * columns, 1.9 * rows + 0.7),
        layout="constrained",
        alt=f"{title}: {', '.join(pairs)} along the beat, {labels[0]} against {labels[1]}.",
    )
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax, (name, pair) in zip(axes, pairs.items(), strict=False):
        lines = [
            ax.plot(t, trace, color=colour, ls=dash, label=label)[0]
            for t, trace, colour, dash, label in zip(
                times, pair, (BLUE, RED), ("-", "--"), labels, strict=True
            )
        ]
        stretch = _stretch(times, pair) if name != "V" else None
        ax.set_title(name if stretch is None else f"{name}, magnified in time")
        ax.set_xlim(stretch)
        ax.set_ylabel(label(name, units))
        ax.set_xlabel("time (ms)")
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    for ax in axes[len(pairs) :]:
        ax.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left")
    legend(figure, lines)
    return figure


def _stretch(times, pair):
    """Where a short-lived trace is at work, with a margin; None for one that is not short."""
    first, last, end = np.inf, -np.inf, max(t[-1] for t in times)
    for t, trace in zip(times, pair, strict=True):
        size = np.abs(trace)
        if np.isfinite(size).any() and np.nanmax(size) > 0:
            at = t[size > 0.02 * np.nanmax(size)]
            first, last = min(first, at[0]), max(last, at[-1])
    if not 0 <= last - first < SPIKE * end:
        return None
    return max(0.0, first - 2.0), last + 2.0


@styled
def gate_curves(V_mV, gates, seen_mV, title, columns=5):
    """Draw h_inf(V) and tau(V) of every gate: theory dotted, control blue, treated red.

    A gate with curves "identified" too is one of those that were found to have changed: bold.

    V_mV : (T,) voltages.
    gates : gate -> {"theory": (h_inf, tau_ms), "control": ..., "treated": ...}, each (T,).
    seen_mV : lowest and highest voltage of the recordings: elsewhere the curves are a guess.
    """
    looks = {
        "theory": {"color": "0.1", "ls": ":", "lw": 1.6, "zorder": 3},
        "control": {"color": BLUE, "ls": "-"},
        "treated": {"color": RED, "ls": "--"},
        "identified": {"color": GREEN, "ls": "-.", "lw": 2.2, "zorder": 4},
    }
    bands, columns = grid(len(gates), columns)
    figure = Drawing(
        figsize=(1.95 * columns + 0.5, 3.1 * bands + 0.7),
        layout="constrained",
        alt=f"{title}: steady state and time constant against voltage of {', '.join(gates)}.",
    )
    axes = figure.subplots(2 * bands, columns, squeeze=False, sharex=True)
    lines = {}
    for k in range(bands * columns):
        pair = axes[2 * (k // columns) : 2 * (k // columns) + 2, k % columns]
        if k >= len(gates):
            for ax in pair:
                ax.set_axis_off()
            continue
        gate, curves = list(gates.items())[k]
        for which, ax in enumerate(pair):
            ax.axvspan(*seen_mV, color=GREY, alpha=0.18, lw=0)
            for kind, values in curves.items():
                (lines[kind],) = ax.plot(V_mV, values[which], label=kind, **looks[kind])
        pair[0].set_title(gate, weight="bold" if "identified" in curves else "normal")
        pair[0].set_ylim(-0.05, 1.05)
        pair[1].set_yscale("log")
        lowest, highest = pair[1].get_ylim()
        subs = (1.0, 2.0, 5.0) if highest < 30.0 * lowest else (1.0,)
        pair[1].yaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
        pair[1].yaxis.set_minor_locator(NullLocator())
        pair[1].yaxis.set_major_formatter("{x:g}")
        pair[1].tick_params(labelbottom=k + columns >= len(gates))
        if k + columns >= len(gates):
            pair[1].set_xlabel("V (mV)")
        if k % columns == 0:
            pair[0].set_ylabel("h_inf")
            pair[1].set_ylabel("tau (ms)")
    figure.suptitle(title, x=0.01, ha="left")
    legend(figure, lines.values())
    return figure


@styled
def eta_choice(eta, misfit_mV, limit_mV, chosen):
    """Draw the misfit of control (blue) and treated (red) against eta, and which was chosen.

    eta : (K,). misfit_mV : (2, K). limit_mV : (2,), the largest that is accepted. chosen : index.
    """
    figure = Drawing(
        figsize=(7.0, 3.2),
        layout="constrained",
        alt=f"Misfit of the networks of control and treated at {len(eta)} values of eta from "
        f"{min(eta):g} to {max(eta):g}; chosen: {eta[chosen]:g}.",
    )
    ax = figure.subplots()
    ax.axvline(eta[chosen], color=GREY, lw=7.0, alpha=0.5, label=f"chosen: {eta[chosen]:g}")
    for name, colour, mark, misfit, limit in zip(
        ("control", "treated"), (BLUE, RED), "os", misfit_mV, limit_mV, strict=True
    ):
        ax.plot(eta, misfit, color=colour, marker=mark, label=f"misfit of the {name}")
        ax.axhline(limit, color=colour, ls="--", lw=1.2, label=f"accepted for the {name}")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(eta))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_ylim(0.0, 1.15 * max(np.max(misfit_mV), np.max(limit_mV)))
    ax.set_xlabel("eta (1): larger holds the gates closer to the theory")
    ax.set_ylabel("misfit (mV per ms)")
    figure.suptitle("The choice of eta", x=0.01, ha="left")
    figure.legend(loc="outside right upper")
    return figure
