"""Pictures that follow a slider: axes are drawn once, curves are laid over them (blitting)."""

import io
from dataclasses import dataclass, field

import numpy as np
from matplotlib.ticker import NullLocator
from PIL import Image

from ionlab.plot.drawing import PIXELS, Drawing, styled

DPI = 100  # of the picture on the screen, where it is drawn anew at every move
STEPS = 8  # axes grow by parts of their span, so that a small move seldom redraws them


@dataclass(frozen=True)
class Curve:
    """A line of a panel: its name, its label in the legend ("" for none) and its look.

    look : of matplotlib's `Line2D`: color, ls, lw, marker, drawstyle, ...
    """

    name: str
    label: str = ""
    look: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """Axes with named curves.

    x, y : the limits while the data are within; beyond, the axes grow with the data.
    xticks, yticks : place -> text, where numbers would not do, such as names along an axis.
    """

    curves: tuple[Curve, ...]
    xlabel: str
    ylabel: str
    x: tuple[float, float]
    y: tuple[float, float]
    title: str = ""
    xscale: str = "linear"
    yscale: str = "linear"
    xticks: dict | None = None
    yticks: dict | None = None


class Live:
    """A figure whose curves are set by name and that gives its picture as PNG, quickly.

    Parameters
    ----------
    panels : in rows of `columns`.
    size : width and height in pixels.

    >>> line = Curve("V", "baseline", {"color": "k"})
    >>> live = Live([Panel((line,), "time (ms)", "V (mV)", x=(0, 1), y=(-90, 50))], (400, 300))
    >>> live.draw({"V": ([0, 1], [-80, 20])})[:4]
    b'\\x89PNG'
    """

    @styled
    def __init__(self, panels, size=(800, 440), columns=1):
        self.panels = tuple(panels)
        width, height = (pixels / DPI for pixels in size)
        self.figure = Drawing(figsize=(width, height), dpi=DPI, layout="constrained")
        columns = min(columns, len(self.panels))
        grid = self.figure.subplots(-(-len(self.panels) // columns), columns, squeeze=False)
        self.lines, self.axes = {}, list(grid.flat)
        for ax in self.axes[len(self.panels) :]:
            ax.set_axis_off()
        for ax, panel in zip(self.axes, self.panels, strict=False):
            ax.set(
                xlabel=panel.xlabel,
                ylabel=panel.ylabel,
                xscale=panel.xscale,
                yscale=panel.yscale,
            )
            for axis, ticks in ((ax.xaxis, panel.xticks), (ax.yaxis, panel.yticks)):
                if ticks:
                    axis.set_ticks(list(ticks), list(ticks.values()))
                    axis.set_minor_locator(NullLocator())
            for curve in panel.curves:
                (line,) = ax.plot([], [], label=curve.label, **curve.look)
                line.set_animated(True)
                self.lines[curve.name] = line
            if any(curve.label for curve in panel.curves):
                shown = [self.lines[c.name] for c in panel.curves if c.label]
                above = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.99), "ncols": 4}
                ax.legend(handles=shown, columnspacing=1.2, borderaxespad=0.1, **above)
        self.background = self.limits = None

    def draw(self, curves):
        """Set curves, name -> (x, y), hide those left out, and return the picture as PNG."""
        for name, line in self.lines.items():
            line.set_data(*curves.get(name, ([], [])))
        limits = [self._limits(panel, curves) for panel in self.panels]
        if limits != self.limits:
            self._redraw(limits)
        canvas = self.figure.canvas
        canvas.restore_region(self.background)
        for line in self.lines.values():
            line.axes.draw_artist(line)
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        png = io.BytesIO()
        picture.save(png, format="png", compress_level=1)
        return png.getvalue()

    def sharp(self):
        """Return the picture as it is as PNG, for a page that is printed."""
        for line in self.lines.values():
            line.set_animated(False)
        try:
            png = io.BytesIO()
            self.figure.savefig(png, format="png", dpi=PIXELS)
            return png.getvalue()
        finally:
            for line in self.lines.values():
                line.set_animated(True)
            self.background = self.limits = None

    @styled
    def _redraw(self, limits):
        for ax, (x, y) in zip(self.axes, limits, strict=False):
            ax.set(xlim=x, ylim=y)
        canvas = self.figure.canvas
        if self.background is None:
            canvas.draw()  # the layout settles at the second drawing
        canvas.draw()
        self.background, self.limits = canvas.copy_from_bbox(self.figure.bbox), limits

    def _limits(self, panel, curves):
        data = [curves[c.name] for c in panel.curves if c.name in curves]
        return tuple(
            _grown(first, scale, [np.asarray(pair[k], float) for pair in data])
            for k, (first, scale) in enumerate(((panel.x, panel.xscale), (panel.y, panel.yscale)))
        )


def _grown(first, scale, data):
    """Return the limits `first`, grown in steps until all finite data are within."""
    forward, back = (np.log10, lambda x: 10.0**x) if scale == "log" else (float, float)
    low, high = map(forward, first)
    step = (high - low) / STEPS
    seen = [v[np.isfinite(v) & ((v > 0) | (scale != "log"))] for v in data]
    seen = np.concatenate(seen) if seen else np.empty(0)
    if len(seen):
        below = (low - forward(seen.min())) / step
        above = (forward(seen.max()) - high) / step
        low -= step * max(0.0, np.ceil(below - 1e-9))
        high += step * max(0.0, np.ceil(above - 1e-9))
    return float(back(low)), float(back(high))
