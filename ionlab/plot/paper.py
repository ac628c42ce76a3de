"""Figures 2 to 4 of the paper, and what eta trades."""

import numpy as np

from ionlab.plot.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Drawing,
    label,
    legend,
    styled,
)


@styled
def observables(panels, units, title="What is observed, at three cycle lengths"):
    """Draw V (left axis) and Ca_i (right axis): Fig. 2 of the paper.

    panels : title of a panel -> {"t_ms": (T,), "V": (T,), "Ca_i": (T,)}.
    """
    figure = Drawing(
        figsize=(8.0, 1.9 * len(panels) + 0.5),
        layout="constrained",
        alt=f"{title}: V and Ca_i against time; {', '.join(panels)}.",
    )
    axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    for ax, (name, traces) in zip(axes, panels.items(), strict=True):
        (V,) = ax.plot(traces["t_ms"], traces["V"], color=BLUE, label="V (left)")
        right = ax.twinx()
        right.spines["right"].set_visible(True)
        (Ca,) = right.plot(
            traces["t_ms"], traces["Ca_i"], color=ORANGE, ls=(0, (6, 1)), label="Ca_i (right)"
        )
        ax.set_title(name)
        ax.set_ylabel(label("V", units))
        right.set_ylabel(label("Ca_i", units))
        right.set_ylim(bottom=0.0)
    axes[-1].set_xlabel("time (ms)")
    figure.suptitle(title, x=0.01, ha="left")
    legend(figure, [V, Ca])
    return figure


@styled
def scenarios(t_ms, panels, units, title):
    """Draw V in every scenario: Figs. 3 and 4 of the paper.

    panels : title of a panel -> {"baseline": (T,), "perturbed": (T,)} and, for Fig. 4,
        "neural ODE": (T,).
    """
    looks = {
        "baseline": {"color": BLUE},
        "perturbed": {"color": RED},
        "neural ODE": {"color": GREEN, "ls": "--", "lw": 1.8},
    }
    figure = Drawing(
        figsize=(8.0, 1.9 * len(panels) + 0.5),
        layout="constrained",
        alt=f"{title}: V against time; {', '.join(panels)}.",
    )
    axes = figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0]
    for ax, (name, traces) in zip(axes, panels.items(), strict=True):
        lines = [ax.plot(t_ms, V, label=kind, **looks[kind])[0] for kind, V in traces.items()]
        ax.set_title(name)
        ax.set_ylabel(label("V", units))
    axes[-1].set_xlabel("time (ms)")
    figure.suptitle(title, x=0.01, ha="left")
    legend(figure, lines)
    return figure


@styled
def eta_tradeoff(eta, misfit_mV, drift, chosen, labels=("control", "treated")):
    """Draw what eta trades: misfit of the observables against departure from the theory.

    eta : (K,); misfit_mV, drift : (K,), or (D, K) for D data sets; chosen : the eta in use.
    """
    figure = Drawing(
        figsize=(8.0, 3.0),
        layout="constrained",
        alt=f"Misfit and departure of the gates from the theory against eta; {chosen:g} was used.",
    )
    misfit_mV, drift = np.atleast_2d(misfit_mV), np.atleast_2d(drift)
    names = labels if len(misfit_mV) > 1 else [""] * len(misfit_mV)
    for ax, rows, what in zip(
        figure.subplots(1, 2),
        (misfit_mV, drift),
        ("misfit of V(t + 1 ms) - V(t) (mV, RMS)", "mean departure of the gates (1)"),
        strict=True,
    ):
        for row, name, colour, mark in zip(
            rows, names, (BLUE, RED, GREEN, PURPLE), "osD^", strict=False
        ):
            ax.plot(eta, row, color=colour, marker=mark, ms=4, label=name)
        ax.axvline(chosen, color=GREY, ls=":", label=f"eta in use, {chosen:g}")
        ax.set_xscale("log")
        ax.set_xlabel("eta")
        ax.set_ylabel(what)
        ax.set_ylim(bottom=0.0)
    handles = [h for h in ax.get_legend_handles_labels()[0] if h.get_label()]
    figure.suptitle("A larger eta keeps the gates nearer to the theory", x=0.01, ha="left")
    legend(figure, handles)
    return figure
