"""What a lesson lets its reader move: a module for each lesson, on the one pattern of `explorer`.

A lesson imports what it opens: `from ionlab.widgets.gating_layer import one_step`.
"""

from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick, Training

__all__ = ["Choose", "Explorer", "Picture", "Slide", "Tick", "Training"]
