"""Trackers are told what happens, and a misspelt hook is an error, not silence."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from toolkit.contracts import RunInfo
from toolkit.errors import PluginError
from toolkit.plugin.hooks import TrackerSpec, hookimpl
from toolkit.plugin.observers import observers

RUN = RunInfo("b4", "runs/b4", "1f3a", {})
EPOCH = {"fold": 1, "epoch": 3, "metrics": {"clean_f1": 0.5}}


class Recorder:
    """Takes fewer arguments than the hooks offer."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    @hookimpl
    def toolkit_epoch_end(self, epoch: int, metrics: dict[str, float]) -> None:
        self.told.append(("epoch", epoch, metrics))

    @hookimpl
    def toolkit_fold_end(self) -> None:
        self.told.append(("fold",))


def test_a_hook_may_take_some_of_its_arguments() -> None:
    tracker = Recorder()
    hook = observers({"acme.recorder": tracker})
    hook.toolkit_epoch_end(run=RUN, **EPOCH)
    hook.toolkit_fold_end(run=RUN, fold=1, scores={})
    hook.toolkit_run_end(run=RUN, report={})  # nobody listens
    assert tracker.told == [("epoch", 3, {"clean_f1": 0.5}), ("fold",)]


def test_every_tracker_is_told() -> None:
    first, second = Recorder(), Recorder()
    observers({"a.one": first, "b.two": second}).toolkit_epoch_end(run=RUN, **EPOCH)
    assert first.told == second.told == [("epoch", 3, {"clean_f1": 0.5})]


def test_without_trackers_every_hook_can_still_be_called() -> None:
    hook = observers({})
    names = [name for name in vars(TrackerSpec) if name.startswith("toolkit_")]
    assert "toolkit_run_error" in names
    for name in names:
        given = inspect.signature(getattr(TrackerSpec, name)).parameters.keys() - {"self"}
        getattr(hook, name)(**dict.fromkeys(given))


def test_a_misspelt_hook_is_quoted_with_its_trackers_name() -> None:
    class Misspelt:
        @hookimpl
        def toolkit_epoch_ends(self, epoch: int) -> None: ...

    with pytest.raises(PluginError, match=r"tracker acme\.log: .*'toolkit_epoch_ends'"):
        observers({"acme.log": Misspelt()})


def test_an_argument_that_the_hook_does_not_have_is_quoted() -> None:
    class Misspelt:
        @hookimpl
        def toolkit_epoch_end(self, epoch: int, metric: dict[str, float]) -> None: ...

    with pytest.raises(PluginError, match=r"(?s)tracker acme\.log: .*\{'metric'\}"):
        observers({"acme.log": Misspelt()})


def test_one_misspelt_tracker_among_good_ones_is_the_one_that_is_named() -> None:
    class Misspelt:
        @hookimpl
        def toolkit_run_begin(self) -> None: ...

    with pytest.raises(PluginError, match=r"^tracker acme\.bad: "):
        observers({"acme.good": Recorder(), "acme.bad": Misspelt()})


def test_a_tracker_that_marks_no_hook_would_be_told_nothing_and_is_an_error() -> None:
    class Unmarked:
        def toolkit_run_end(self) -> None: ...

    with pytest.raises(PluginError, match=r"^tracker acme\.log: implements no hook; mark its"):
        observers({"acme.log": Unmarked()})
