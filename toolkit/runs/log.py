"""How far a run is: the seconds of its stages, and `log.txt`."""

from __future__ import annotations

import os
import time
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from toolkit.contracts import Event, Notify
from toolkit.errors import ToolkitError, cause
from toolkit.runs.folder import RunFolder
from toolkit.runs.machine import machine_fault
from toolkit.runs.supervised import mark


class Stages:
    """Seconds of each stage, and an event at the start of each."""

    def __init__(self, notify: Notify) -> None:
        self.notify, self.seconds = notify, {}
        self.stage, self.since = "plan", time.perf_counter()
        mark(stage=self.stage)

    seconds: dict[str, float]

    def enter(self, stage: str) -> None:
        self.leave()
        self.stage, self.since = stage, time.perf_counter()
        mark(stage=stage, fold=None, epoch=None)
        self.notify(Event("stage", stage))

    def leave(self) -> dict[str, float]:
        self.seconds[self.stage] = round(time.perf_counter() - self.since, 1)
        return self.seconds


def log_error(file: Path, error: BaseException) -> None:
    """A line in `log.txt` for what ended a run; a traceback where it is a fault of ours."""
    said: BaseException | None = error
    if not isinstance(error, ToolkitError | KeyboardInterrupt):
        said = machine_fault(error)
    if said is None:
        text = "".join(traceback.format_exception(error))
    elif isinstance(said, ToolkitError):
        text = f"{said}\n"
    else:
        text = f"{cause(said)}\n"
    now = datetime.now().isoformat(timespec="seconds")
    # Where the disk is full, or the folder gone, the error itself is shown all the same.
    with suppress(OSError), file.open("a", encoding="utf-8") as log:
        log.write(f"{now} [{os.getpid()}] error: {text}")


def logging_to(folder: RunFolder, notify: Notify) -> Notify:
    """`notify`, and a line in `log.txt` for every event worth keeping."""

    def tell(event: Event) -> None:
        notify(event)
        if event.stage not in ("message", "stage", "epoch"):
            return
        text = event.text or " ".join(f"{key}={value}" for key, value in event.data.items())
        now = datetime.now().isoformat(timespec="seconds")
        with folder.log.open("a", encoding="utf-8") as log:
            log.write(f"{now} [{os.getpid()}] {event.stage}: {text}\n")

    return tell
