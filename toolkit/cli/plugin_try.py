"""Builds a component with its default options, as a run would, and looks at what comes out."""

from __future__ import annotations

import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass

from pydantic import BaseModel

from toolkit.errors import PluginError, UserError
from toolkit.plugin.observers import tracker_hooks
from toolkit.plugin.registry import Entry

_METHODS = {"source": ("read",), "augmentation": ("__call__",), "ensembler": ("fit", "combine")}


@dataclass(frozen=True)
class Tried:
    """How the building of a component went."""

    problem: str | None = None
    untried: str | None = None
    """What could not be tried without data or options, and why."""


def try_component(entry: Entry, model: type[BaseModel]) -> Tried:
    """Build a component whose defaults are in order.

    A backbone is built without pretrained weights, so that nothing is fetched. A tracker gets a
    folder that is thrown away.
    """
    where = f"{entry.kind} {entry.name}"
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    if required:
        options = f"{'option' if len(required) == 1 else 'options'} {', '.join(required)}"
        return Tried(untried=f"{where} (its {options} must be given)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            problem = _built(entry, model, folder)
        except PluginError as error:
            return Tried(str(error))
        except UserError as error:  # what the component itself says to a user is no fault of it
            return Tried(untried=f"{where} ({' '.join(str(error).split())})")
    if problem is not None:
        return Tried(f"{where} ({entry.target}): {problem}")
    return Tried(untried=f"{where} (what it reads)" if entry.kind == "source" else None)


def _built(entry: Entry, model: type[BaseModel], folder: str) -> str | None:
    """What is wrong with what the factory gives."""
    from toolkit.recipe.plan import Choice
    from toolkit.testing.subject import Subject, host_arguments

    subject = Subject(entry, entry.name, {})
    choice = Choice(entry.name, entry, subject.options())
    with redirect_stdout(sys.stderr):  # what a component prints is no part of our output
        built = choice.build(*host_arguments(subject, folder))
    if built is None:
        return "its factory returns None; return what it builds"
    if entry.kind == "tracker":
        tracker_hooks(entry.name, built)
    if entry.kind == "metric":
        from toolkit.score.measures import metric_fault

        return metric_fault(built)
    for method in _METHODS.get(entry.kind, ()):
        if not callable(getattr(built, method, None)):
            return f"its factory gives a {type(built).__name__} without {method}"
    if entry.kind in ("backbone", "loss"):
        from torch import nn

        if not isinstance(built, nn.Module):
            return f"its factory gives a {type(built).__name__}, expected an nn.Module"
    return None
