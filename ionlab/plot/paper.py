"""Figures 2 to 4 of the paper."""

from ionlab.plot.drawing import BLUE, GREEN, ORANGE, RED, Drawing, label, legend, styled


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
