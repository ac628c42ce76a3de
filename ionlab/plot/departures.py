"""Where retrained gates left the theory: bars for each gate."""

import numpy as np

from ionlab.plot.drawing import Drawing, legend, styled
from ionlab.plot.lines import COLOURS


@styled
def departures(gates, rows, title):
    """Draw the departure of each gate from the theory, one bar a network.

    gates : names (G,); rows : label of a network -> (G,) mean departures.

    >>> departures(("m", "h"), {"eta 0.01": np.array([0.1, 0.0])}, "Drift").alt
    'Drift: mean departure from the theory, largest for eta 0.01: m 0.1.'
    """
    largest = "; ".join(f"{k}: {gates[int(np.argmax(y))]} {np.max(y):.2g}" for k, y in rows.items())
    figure = Drawing(
        figsize=(8.0, 2.7),
        layout="constrained",
        alt=f"{title}: mean departure from the theory, largest for {largest}.",
    )
    ax = figure.subplots()
    width = 0.8 / len(rows)
    at = np.arange(len(gates)) - 0.4 + 0.5 * width
    bars = [
        ax.bar(at + k * width, y, width, label=name, color=COLOURS[k % len(COLOURS)])
        for k, (name, y) in enumerate(rows.items())
    ]
    ax.set_xticks(np.arange(len(gates)), gates)
    ax.set_ylabel("mean departure (1)")
    figure.suptitle(title, x=0.01, ha="left")
    legend(figure, bars)
    return figure
