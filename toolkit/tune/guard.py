"""Does a study in a process of its own, so that no trial can take the command with it.

A trial that crashes in native code kills the process that trains it. Another one takes over, and
the study itself gives up a trial that kills its process again and again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolkit.contracts import Event, Notify
from toolkit.errors import ToolkitError, UserError
from toolkit.execute.child import Child, dismiss, wait_for
from toolkit.train.waiting import waiting
from toolkit.tune.asked import Asked
from toolkit.tune.workers import begins_a_trial, without_secrets


def guarded_tune(
    recipe: str, overrides: Mapping[str, Any], asked: Asked, runs: Path, notify: Notify
) -> Path:
    """`toolkit.tune.search.tune` behind a wall. Returns the study's folder."""
    chosen = waiting()
    if chosen is not None:  # the process inherits it, and cannot tell it from a user's choice
        notify(Event("message", chosen))
    return _Guard(recipe, overrides, asked, runs, notify).watch()


class _Guard:
    def __init__(
        self,
        recipe: str,
        overrides: Mapping[str, Any],
        asked: Asked,
        runs: Path,
        notify: Notify,
    ) -> None:
        self.recipe, self.overrides, self.asked, self.runs = recipe, dict(overrides), asked, runs
        self.notify = notify
        self.began = time.monotonic()
        self.since: int | None = None
        self.killed: dict[int, str] = {}
        self.folder: Path | None = None

    def watch(self) -> Path:
        while True:
            child = Child("the study's process", tune_on, self._arguments(), {}, begins_a_trial)
            try:
                while not child.done:
                    wait_for([child])
                    for event in child.listen():
                        self._told(event)
            finally:
                dismiss([child])
            if child.error is not None:
                raise without_secrets(child.error, self.asked.storage)
            if child.died is None:
                break
            self._mourn(child, child.died)
        if self.folder is None:
            raise ToolkitError("the study's process ended without a study")
        return self.folder

    def _arguments(self) -> tuple[Any, ...]:
        asked = self.asked
        if asked.seconds is not None:
            left = asked.seconds - (time.monotonic() - self.began)
            asked = replace(asked, seconds=max(left, 0.0))
        return (self.recipe, self.overrides, asked, self.runs, self.since, self.killed)

    def _told(self, event: Event) -> None:
        if event.stage == "study":
            self.folder = Path(event.data["folder"])
            self.since = event.data["since"]
        self.notify(event)

    def _mourn(self, child: Child, name: str) -> None:
        if not child.at_work:
            raise UserError(
                f"the process of the study was killed by {name} before it came to a trial"
                + (f"; see {self.folder}" if self.folder else "")
                + "; the same command goes on"
            )
        self.killed[child.pid] = name
        text = f"the process of a trial was killed by {name}; another takes over"
        self.notify(Event("message", text))


def tune_on(
    recipe: str,
    overrides: Mapping[str, Any],
    asked: Asked,
    runs: Path,
    since: int | None,
    killed: Mapping[int, str],
    alive: Callable[[], None],
    notify: Notify,
) -> None:
    """What the process does."""
    from toolkit.plugin.host import load_host
    from toolkit.train.memory import keep_freed_memory
    from toolkit.tune.asked import Question
    from toolkit.tune.search import tune

    keep_freed_memory()  # the process is ours alone
    host, question = load_host(), Question(recipe, overrides)
    plan = question.plan(host)
    tune(question, plan, host, asked=asked, runs=runs, notify=notify, since=since, killed=killed)
