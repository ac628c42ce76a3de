"""The one pattern of all widgets: controls, a picture, a line that says what it shows.

What is drawn is a pure function of the values of the controls, so it is tested without a browser.
The picture is an `Image` that is drawn by `ionlab.plot.live`: no output area is involved, so no
exception can be lost in one.
"""

import base64
import html
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import isclose

import ipywidgets as widgets
from IPython import get_ipython

from ionlab.errors import known
from ionlab.plot import BLUE, RED
from ionlab.plot.live import Live

CONTROL = {"width": "330px"}
NAMES = {"description_width": "135px"}


@dataclass(frozen=True)
class Slide:
    """A slider with a number beside it that can be typed: label, unit, range and first value."""

    label: str
    unit: str
    low: float
    high: float
    value: float
    step: float
    help: str
    log: bool = False  # the value is 10 ** position; low, high and step are of the position

    def widget(self):
        kind = widgets.FloatLogSlider if self.log else widgets.FloatSlider
        name = f"{self.label} ({self.unit})" if self.unit else self.label
        return kind(
            value=self.value,
            min=self.low,
            max=self.high,
            step=self.step,
            description=name,
            tooltip=self.help,
            readout_format=".4",
            continuous_update=True,
            layout=CONTROL,
            style=NAMES,
        )


@dataclass(frozen=True)
class Choose:
    """A list to choose one of: label, (what is read, value) pairs, the first value."""

    label: str
    options: tuple
    value: object
    help: str

    def widget(self):
        return widgets.Dropdown(
            options=self.options,
            value=self.value,
            description=self.label,
            tooltip=self.help,
            layout=CONTROL,
            style=NAMES,
        )


@dataclass(frozen=True)
class Tick:
    """A box to tick."""

    label: str
    value: bool
    help: str

    def widget(self):
        return widgets.Checkbox(
            value=self.value,
            description=self.label,
            tooltip=self.help,
            indent=False,
            layout=CONTROL,
        )


@dataclass(frozen=True)
class Picture:
    """What is drawn: curves by name (x, y), and a line that says it in words and numbers."""

    curves: dict
    readout: str


@dataclass(frozen=True)
class Training:
    """What takes longer than a move: a button starts it, shows its progress and can stop it.

    run : function of `watch` (of `ionlab.train` and `ionlab.retrain`) and of the controls' values
        by name; `draw` then gets what it returns as `trained`, which is None before.
    """

    label: str
    help: str
    run: Callable


class Explorer(widgets.VBox):
    """Controls, a picture that follows them, a readout, a button that resets them.

    Parameters
    ----------
    controls : name -> `Slide`, `Choose` or `Tick`; or title of a tab -> such a dict.
    panels : of the picture (`ionlab.plot.live.Panel`).
    draw : function of the controls' values by name -> `Picture`. What it raises is shown in red
        beside the picture, and raised unless a person moved the control.
    title : what the picture shows, the first words of its alternative text.
    training : a `Training`, if there is something to train here.

    `explorer["g_Kr"].value = 0.5` moves a control from code, `explorer.train()` trains and waits.
    """

    def __init__(self, controls, panels, draw, title, size=(800, 440), columns=1, training=None):
        tabs = controls if any(isinstance(c, dict) for c in controls.values()) else {"": controls}
        self.specs = {name: spec for tab in tabs.values() for name, spec in tab.items()}
        self.controls = {name: spec.widget() for name, spec in self.specs.items()}
        self.draw, self.title, self.live = draw, title, Live(panels, size, columns)
        self.image = widgets.Image(format="png", width=size[0], height=size[1])
        self.readout = widgets.HTML()
        self.resetting = False
        reset = widgets.Button(
            description="Reset all",
            tooltip="Set every control back to its first value",
            layout={"width": "100px"},
        )
        reset.on_click(lambda _: self.reset())
        self.changed_line = widgets.HTML()
        for control in self.controls.values():
            control.observe(self._moved, "value")
        self.training, self.trained, self.stopping = training, None, False
        rows = [self._laid_out(tabs), widgets.HBox([reset, self.changed_line])]
        if training:
            rows.append(self._training_row())
        super().__init__([*rows, self.image, self.readout])
        self.show()

    def __getitem__(self, name):
        return self.controls[known("control", name, self.controls)]

    @property
    def values(self):
        """The value of every control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def reset(self):
        """Set every control back to its first value and forget what was trained."""
        self.resetting, self.trained = True, None
        try:
            for name, control in self.controls.items():
                control.value = self.specs[name].value
        finally:
            self.resetting = False
        self.show()

    def show(self):
        """Draw the picture for the values of the controls."""
        try:
            trained = {"trained": self.trained} if self.training else {}
            picture = self.draw(**self.values, **trained)
            self.image.value = self.live.draw(picture.curves)
        except Exception as error:
            message = html.escape(f"{type(error).__name__}: {error}")
            self.readout.value = f'<p role="alert" style="color:{RED}"><b>{message}</b></p>'
            if not _moved_by_a_person():
                raise
        else:
            self.words = picture.readout
            self.readout.value = f'<p role="status">{html.escape(picture.readout)}</p>'
        self._mark_changes()

    def train(self):
        """Train for the values of the controls, wait, and draw what came of it."""
        self.stopping, self.stop.disabled, self.start.disabled = False, False, True
        drawn = [0.0]

        def watch(step, steps, loss):
            if time.monotonic() - drawn[0] > 0.2:  # the front end needs no more
                drawn[0] = time.monotonic()
                self.progress.value = step / steps
                self.progress_text.value = f"step {step} of {steps}, loss {loss:.3g}"
            return self.stopping

        try:
            self.trained = self.training.run(watch, **self.values)
            self.progress.value = 1.0
            self.progress_text.value = (
                "stopped: the best so far is shown" if self.stopping else "done"
            )
        except Exception as error:
            self.progress_text.value = html.escape(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.stop.disabled, self.start.disabled = True, False
        self.show()

    def _training_row(self):
        self.start = widgets.Button(
            description=self.training.label, tooltip=self.training.help, layout={"width": "200px"}
        )
        self.stop = widgets.Button(
            description="Stop", tooltip="Stop and keep the best so far", disabled=True
        )
        self.progress = widgets.FloatProgress(
            min=0.0, max=1.0, tooltip="Progress of the training", layout={"width": "200px"}
        )
        self.progress_text = widgets.HTML("Not trained here yet.")
        self.start.on_click(lambda _: threading.Thread(target=self.train, daemon=True).start())
        self.stop.on_click(lambda _: setattr(self, "stopping", True))
        return widgets.HBox([self.start, self.stop, self.progress, self.progress_text])

    def _moved(self, change):
        if not self.resetting:
            self.show()

    def _mark_changes(self):
        changed = []
        for name, control in self.controls.items():
            first = self.specs[name].value
            differs = control.value != first
            if isinstance(self.specs[name], Slide):  # the front end rounds to its own steps
                differs = not isclose(control.value, first, rel_tol=1e-6, abs_tol=1e-9)
                control.style.handle_color = RED if differs else BLUE
            if differs:
                changed.append(f"{self.specs[name].label} (was {_said(self.specs[name], first)})")
        text = f"Changed: {', '.join(changed)}" if changed else "All controls are at first values."
        self.changed_line.value = f"<span>{html.escape(text)}</span>"

    def _laid_out(self, tabs):
        boxes = [
            widgets.Box([self.controls[name] for name in tab], layout={"flex_flow": "row wrap"})
            for tab in tabs.values()
        ]
        if list(tabs) == [""]:
            return boxes[0]
        return widgets.Tab(boxes, titles=tuple(tabs))

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and beside it the picture for pages on which no kernel runs."""
        data = super()._repr_mimebundle_(**kwargs)
        alt = f"{self.title}. {self.words}"
        data["image/png"] = base64.b64encode(self.live.sharp()).decode()
        data["text/plain"] = alt
        return data, {"image/png": {"width": self.image.width, "alt": alt}}


def _said(spec, value):
    """A value as the control shows it."""
    if isinstance(spec, Choose):
        return next(
            (str(o[0]) for o in spec.options if isinstance(o, tuple) and o[1] == value), value
        )
    return ("on" if value else "off") if isinstance(spec, Tick) else f"{value:g}"


def _moved_by_a_person():
    """Whether the front end, not code in a cell or a script, asked for this."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return False
    return shell.kernel.get_parent().get("header", {}).get("msg_type") == "comm_msg"
