"""Checks of the exercises by name, as `check.steady_state(my_answer)`; a module for each lesson.

Each returns a `Verdict` ("not attempted yet", "not yet" with the reason, or "correct") and never
raises, so that a lesson with an unsolved exercise still runs from top to bottom.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ionlab.errors import UnknownName


@cache
def checks():
    """Return name -> check, of all lessons."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {name: vars(m)[name] for m in modules for name in getattr(m, "__all__", ())}


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    if name not in checks():
        raise AttributeError(UnknownName("check", name, checks()).args[0])
    return checks()[name]


def __dir__():
    return sorted(checks())
