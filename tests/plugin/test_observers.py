"""Trackers observe: a misspelt hook stops a run before it starts, a late fault only the tracker."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from toolkit.contracts import RunInfo, TrialInfo
from toolkit.errors import PluginError, UserError
from toolkit.plugin.hooks import TrackerSpec, hookimpl
from toolkit.plugin.observers import Dropped, Trackers, tracker_hooks

RUN = RunInfo("b4", "runs/b4", "1f3a", {"loss": {"gamma": 2.0}})
EPOCH: dict[str, Any] = {"run": RUN, "fold": 1, "epoch": 3, "metrics": {"clean_f1": 0.5}}
HOOKS = [name for name in vars(TrackerSpec) if name.startswith("toolkit_")]


class Recorder:
    """Takes fewer arguments than the hooks offer."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    @hookimpl
    def toolkit_run_start(self) -> None:
        self.told.append("start")

    @hookimpl
    def toolkit_epoch_end(self, epoch: int, metrics: dict[str, float]) -> None:
        self.told.append(("epoch", epoch, metrics))

    @hookimpl
    def toolkit_fold_end(self) -> None:
        self.told.append("fold")

    @hookimpl
    def toolkit_run_error(self, error: BaseException) -> None:
        self.told.append(error)


class Failing(Recorder):
    """Raises `error` at the end of an epoch."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    @hookimpl
    def toolkit_epoch_end(self) -> None:
        self.told.append("epoch")
        raise self.error


def refuse(dropped: Dropped) -> None:
    raise AssertionError(f"nothing was to be dropped: {dropped}")


def trackers(on_drop: Callable[[Dropped], None] = refuse, /, **given: object) -> Trackers:
    """Trackers called `acme.<keyword>`."""
    makers = {f"acme.{name}": (lambda made=made: made) for name, made in given.items()}
    return Trackers(makers, on_drop)


def test_a_hook_may_take_some_of_its_arguments() -> None:
    recorder = Recorder()
    told = trackers(recorder=recorder)
    told.toolkit_epoch_end(**EPOCH)
    told.toolkit_fold_end(RUN, 1, {})
    told.toolkit_run_end(RUN, {})  # nobody listens
    assert recorder.told == [("epoch", 3, {"clean_f1": 0.5}), "fold"]


def test_every_tracker_is_told() -> None:
    first, second = Recorder(), Recorder()
    trackers(one=first, two=second).toolkit_epoch_end(**EPOCH)
    assert first.told == second.told == [("epoch", 3, {"clean_f1": 0.5})]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_of_the_specification_reaches_a_tracker_whole(name: str) -> None:
    offered = [p for p in inspect.signature(getattr(TrackerSpec, name)).parameters if p != "self"]
    told: list[dict[str, Any]] = []
    # A tracker whose one hook takes everything that the specification offers.
    source = f"def {name}(self, {', '.join(offered)}):\n    told.append(dict(locals()))\n"
    space: dict[str, Any] = {"told": told}
    exec(source, space)
    tracker = type("Listener", (), {name: hookimpl(space[name])})()
    values = {
        "run": RUN,
        "study": RUN,
        "fold": 1,
        "epoch": 3,
        "metrics": {"clean_f1": 0.5},
        "scores": {"clean_f1": 0.5},
        "report": {"name": "b4"},
        "error": ValueError("boom"),
        "trial": TrialInfo(0, "complete", {"optimizer.lr": 1e-3}, 0.5, {1: 0.4}),
    }
    given = {key: values[key] for key in offered}
    getattr(trackers(listener=tracker), name)(**given)
    (heard,) = told
    del heard["self"]
    assert heard == given


def test_without_trackers_every_hook_can_still_be_called() -> None:
    told = trackers()
    for name in HOOKS:
        offered = inspect.signature(getattr(told, name)).parameters
        getattr(told, name)(**dict.fromkeys(offered))


@pytest.mark.parametrize("error", [ValueError("disk\nfull"), SystemExit(3)], ids=repr)
def test_a_tracker_that_fails_is_dropped_once_and_the_others_go_on(error: BaseException) -> None:
    failing, recorder, dropped = Failing(error), Recorder(), list[Dropped]()
    told = trackers(dropped.append, failing=failing, recorder=recorder)
    told.toolkit_run_start(RUN)
    for _ in range(3):
        told.toolkit_epoch_end(**EPOCH)
    told.toolkit_fold_end(RUN, 1, {})
    reason = "ValueError: disk full" if isinstance(error, ValueError) else "SystemExit: 3"
    assert dropped == [Dropped("acme.failing", "toolkit_epoch_end", reason)]
    assert str(dropped[0]) == (
        f"tracker acme.failing is dropped: toolkit_epoch_end failed with {reason}"
    )
    assert failing.told == ["start", "epoch"]
    assert recorder.told == ["start", *[("epoch", 3, {"clean_f1": 0.5})] * 3, "fold"]


def test_an_interruption_inside_a_tracker_is_an_interruption_of_the_run() -> None:
    told = trackers(failing=Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        told.toolkit_epoch_end(**EPOCH)


def test_a_tracker_that_fails_at_the_start_stops_the_run_and_is_named() -> None:
    class NoServer:
        @hookimpl
        def toolkit_run_start(self) -> None:
            raise ConnectionError("no server\nat port 80")

    first, last = Recorder(), Recorder()
    told = trackers(first=first, second=NoServer(), last=last)
    with pytest.raises(PluginError) as caught:
        told.toolkit_run_start(RUN)
    assert str(caught.value) == (
        "tracker acme.second: toolkit_run_start failed, and the run was not started: "
        "ConnectionError: no server at port 80"
    )
    told.toolkit_run_error(RUN, caught.value)
    assert first.told == ["start", caught.value]  # whoever heard of the start hears of the end
    assert last.told == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ImportError("No module named 'wandb'"), "ImportError: No module named 'wandb'"),
        (UserError("set WANDB_MODE"), "set WANDB_MODE"),
        (SystemExit(1), "SystemExit: 1"),
    ],
    ids=repr,
)
def test_a_tracker_that_cannot_be_built_is_named(error: BaseException, says: str) -> None:
    def make() -> object:
        raise error

    with pytest.raises(PluginError) as caught:
        Trackers({"acme.wandb": make}, refuse)
    assert str(caught.value) == f"tracker acme.wandb: it cannot be built: {says}"


def test_what_a_tracker_does_to_what_it_is_told_stays_its_own() -> None:
    class Scribbler:
        @hookimpl
        def toolkit_epoch_end(self, run: RunInfo, metrics: dict[str, float]) -> None:
            metrics["clean_f1"] = 1.0
            run.recipe["loss"]["gamma"] = 0.0

    recorder = Recorder()
    metrics = {"clean_f1": 0.5}
    told = trackers(scribbler=Scribbler(), recorder=recorder)
    told.toolkit_epoch_end(RUN, 1, 3, metrics)
    assert metrics == {"clean_f1": 0.5}
    assert recorder.told == [("epoch", 3, {"clean_f1": 0.5})]
    assert RUN.recipe == {"loss": {"gamma": 2.0}}


def test_every_call_of_a_tracker_is_guarded_also_when_it_fails() -> None:
    @contextmanager
    def same_numbers() -> Iterator[None]:
        state = random.getstate()
        try:
            yield
        finally:
            random.setstate(state)

    class Draws:
        @hookimpl
        def toolkit_run_start(self) -> None:
            random.random()

        @hookimpl
        def toolkit_epoch_end(self) -> None:
            raise ValueError(random.random())

    def make() -> Draws:
        random.random()
        return Draws()

    before = random.getstate()
    told = Trackers({"acme.draws": make}, lambda dropped: None, guard=same_numbers)
    told.toolkit_run_start(RUN)
    told.toolkit_epoch_end(**EPOCH)
    assert random.getstate() == before


def error_of(tracker: object) -> str:
    with pytest.raises(PluginError) as caught:
        tracker_hooks("acme.log", tracker)
    return str(caught.value)


def test_a_misspelt_hook_is_quoted_with_its_trackers_name() -> None:
    class Misspelt:
        @hookimpl
        def toolkit_epoch_ned(self, epoch: int) -> None: ...

    assert error_of(Misspelt()) == (
        "tracker acme.log: unknown hook 'toolkit_epoch_ned'. Did you mean \"toolkit_epoch_end\"?"
    )


def test_a_hook_that_nobody_knows_is_quoted_without_a_guess() -> None:
    class Unknown:
        @hookimpl
        def toolkit_zzz(self) -> None: ...

    assert error_of(Unknown()) == "tracker acme.log: unknown hook 'toolkit_zzz'."


def test_a_hook_under_another_name_is_checked_too() -> None:
    class Renamed:
        @hookimpl(specname="toolkit_run_edn")
        def finish(self) -> None: ...

    assert "unknown hook 'toolkit_run_edn'" in error_of(Renamed())


def test_an_argument_that_the_hook_does_not_have_is_quoted() -> None:
    class Misspelt:
        @hookimpl
        def toolkit_epoch_end(self, epoch: int, metric: dict[str, float]) -> None: ...

    assert error_of(Misspelt()) == (
        "tracker acme.log: toolkit_epoch_end has no argument 'metric'; it has run, fold, epoch, "
        'metrics. Did you mean "metrics"?'
    )


def test_an_argument_with_a_default_would_never_be_filled_and_is_an_error() -> None:
    class Hidden:
        @hookimpl
        def toolkit_epoch_end(self, metrics: Any = None) -> None: ...

    assert "'metrics' has a default, which would hide what the host passes" in error_of(Hidden())


def test_a_hook_that_is_not_marked_beside_one_that_is_would_be_silent_and_is_an_error() -> None:
    class Half:
        @hookimpl
        def toolkit_run_start(self) -> None: ...

        def toolkit_run_end(self) -> None: ...

    assert "toolkit_run_end is not marked with @toolkit.hookimpl" in error_of(Half())


def test_a_tracker_without_a_hook_would_be_told_nothing_and_is_an_error() -> None:
    assert error_of(object()) == (
        "tracker acme.log: it implements no hook; mark its functions with @toolkit.hookimpl"
    )


def test_the_misspelt_tracker_among_good_ones_is_the_one_that_is_named() -> None:
    class Misspelt:
        @hookimpl
        def toolkit_run_begin(self) -> None: ...

    with pytest.raises(PluginError, match=r"^tracker acme\.bad: "):
        trackers(good=Recorder(), bad=Misspelt())
