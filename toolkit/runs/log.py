"""How far a run is: the seconds of its stages, and `log.txt`."""

from __future__ import annotations

import os
import time
from datetime import datetime

from toolkit.contracts import Event, Notify
from toolkit.runs.folder import RunFolder
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
