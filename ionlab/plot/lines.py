"""Curves in panels: what most pictures of the lessons are."""

from dataclasses import dataclass, field

from ionlab.plot.drawing import BLUE, GREEN, ORANGE, PURPLE, RED, Drawing, grid, styled

COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE)
DASHES = ("-", "--", "-.", ":", (0, (6, 1)))


@dataclass(frozen=True)
class Lines:
    """A panel: labels of the axes with units, and label -> (x, y).

    looks : label -> settings of matplotlib's `Line2D`, where the usual colour and dash of the
        place in the list do not serve. x, y : limits of the axes, or None.
    """

    xlabel: str
    ylabel: str
    curves: dict
    looks: dict = field(default_factory=dict)
    xscale: str = "linear"
    yscale: str = "linear"
    x: tuple | None = None
    y: tuple | None = None


@styled
def lines(panels, title, columns=2, width=8.0, height=2.3):
    """Draw panels, title of a panel -> `Lines`, in rows of `columns`; a legend in each.

    width of the figure and height of a panel are in inches.

    >>> figure = lines({"": Lines("V (mV)", "m_inf", {"m": ([-80, 0], [0, 1])})}, "Opening")
    >>> figure.alt
    'Opening: m_inf against V (mV) for m.'
    """
    rows, columns = grid(len(panels), columns)
    said = [
        f"{f'{name}: ' if name else ''}{p.ylabel} against {p.xlabel} for {', '.join(p.curves)}"
        for name, p in panels.items()
    ]
    figure = Drawing(
        figsize=(width, height * rows + 0.4),
        layout="constrained",
        alt=f"{title}: {'; '.join(said)}.",
    )
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax, (name, panel) in zip(axes, panels.items(), strict=False):
        for k, (label, (x, y)) in enumerate(panel.curves.items()):
            usual = {"color": COLOURS[k % len(COLOURS)], "ls": DASHES[k % len(DASHES)]}
            ax.plot(x, y, label=label, **(usual | panel.looks.get(label, {})))
        ax.set(
            title=name,
            xlabel=panel.xlabel,
            ylabel=panel.ylabel,
            xscale=panel.xscale,
            yscale=panel.yscale,
            xlim=panel.x,
            ylim=panel.y,
        )
        if len(panel.curves) > 1:
            ax.legend()
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left")
    return figure
