"""Pictures that follow a slider: axes are drawn once, curves are laid over them (blitting)."""

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from matplotlib.ticker import NullLocator

from ionlab.plot.drawing import PIXELS, Drawing, styled

DPI = 100  # of the picture on the screen, where it is drawn anew at every move
ROOM = 9.0  # pixels left and right of axes and their labels: a longer label does not move them
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
        self.figure.get_layout_engine().set(w_pad=ROOM / DPI)
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
        self.background, self.limits, self.rooms = None, None, []

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
        return _png(np.asarray(canvas.buffer_rgba())[..., :3])

    def sharp(self):
        """Return the picture as it is as PNG, for a page that is printed."""
        layout = self.figure.get_layout_engine()
        self.figure.set_layout_engine("none")  # where things are, they stay
        for line in self.lines.values():
            line.set_animated(False)
        try:
            png = io.BytesIO()
            self.figure.savefig(png, format="png", dpi=PIXELS)
            return png.getvalue()
        finally:
            for line in self.lines.values():
                line.set_animated(True)
            self.figure.set_layout_engine(layout)

    @styled
    def _redraw(self, limits):
        """Draw the axes whose limits are new; lay all out anew if one has outgrown its room."""
        canvas, old = self.figure.canvas, self.limits or [None] * len(limits)
        changed = [k for k, pair in enumerate(zip(old, limits, strict=True)) if pair[0] != pair[1]]
        for k in changed:
            self.axes[k].set(xlim=limits[k][0], ylim=limits[k][1])
        if not self.rooms or not all(map(self._fits, changed)):
            for draw in (self.figure.draw_without_rendering,) * 2 + (canvas.draw,):
                draw()  # the layout settles at the third
            tight = [ax.get_tightbbox() for ax in self.axes[: len(limits)]]
            self.rooms = [box.padded(ROOM - 1.0, 3.0) for box in tight]
        else:
            canvas.restore_region(self.background)
            for k in changed:
                self._blank(self.rooms[k])
                self.axes[k].draw(canvas.get_renderer())
        self.background, self.limits = canvas.copy_from_bbox(self.figure.bbox), limits

    def _fits(self, k):
        tight, room = self.axes[k].get_tightbbox(), self.rooms[k]
        return room.x0 <= tight.x0 and room.y0 <= tight.y0 and tight.x1 <= room.x1

    def _blank(self, room):
        pixels = np.asarray(self.figure.canvas.buffer_rgba())
        rows, left = len(pixels), max(0, int(room.x0))
        pixels[max(0, rows - int(room.y1)) : rows - int(room.y0), left : int(room.x1)] = 255

    def _limits(self, panel, curves):
        data = [curves[c.name] for c in panel.curves if c.name in curves]
        return tuple(
            _grown(first, scale, [np.asarray(pair[k], float) for pair in data])
            for k, (first, scale) in enumerate(((panel.x, panel.xscale), (panel.y, panel.yscale)))
        )


def _png(pixels):
    """Return pixels (rows, columns, 3) as PNG in a third of Pillow's time.

    Every row is stored as its difference from the row above (filter 2 of the PNG standard,
    doi:10.17487/RFC2083), which for lines on white is mostly zeros; no other filter is tried.
    """
    rows, columns, channels = pixels.shape
    flat = pixels.reshape(rows, columns * channels)
    filtered = np.empty((rows, 1 + columns * channels), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)  # 8 bits, RGB
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
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
