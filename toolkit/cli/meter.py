"""How fast a run trains, and how long it will."""

from __future__ import annotations

import time
from dataclasses import dataclass

from toolkit.contracts import Event

_SHORT = 0.05
"""Seconds that tell no rate."""


@dataclass
class _Pace:
    """How far a fold is, and how fast it goes."""

    at: float
    epoch: int
    done: int
    share: float
    rate: float = 0.0


class Meter:
    """Images a second of all folds together, and the time left if none stops early."""

    def __init__(self) -> None:
        self.folds: dict[int, _Pace] = {}
        self.first: tuple[float, float] | None = None
        self.rate = 0.0
        self.left = ""

    def add(self, event: Event) -> None:
        now, data = time.perf_counter(), event.data
        if event.stage != "train":
            if "fold" in data and data["fold"] in self.folds:
                self.folds[data["fold"]].rate = 0.0  # no images of it are trained on meanwhile
            return
        share = (data["epoch"] + event.done / event.total) / data["epochs"]
        pace = self.folds.setdefault(data["fold"], _Pace(now, data["epoch"], event.done, share))
        pace.share, passed = share, now - pace.at
        # Of a fold elsewhere not every step is told, and some are told at once: the next look
        # counts them, too.
        steps = event.done - pace.done if data["epoch"] == pace.epoch else 0
        if steps > 0 and 0 < passed < _SHORT:
            return
        if steps > 0 and passed > 0:  # a coarse clock may not have moved
            rate = steps * data["images"] / passed
            pace.rate = rate if pace.rate == 0 else pace.rate + (rate - pace.rate) * min(1, passed)
        pace.at, pace.epoch, pace.done = now, data["epoch"], event.done
        self.rate = sum(known.rate for known in self.folds.values()) or self.rate
        self._time(now, data["folds"])

    def _time(self, now: float, folds: int) -> None:
        # Those before the first that was heard of were done already.
        share = (min(self.folds) + sum(known.share for known in self.folds.values())) / folds
        if self.first is None:
            self.first = (now, share)
        elif share > self.first[1]:
            seconds = (now - self.first[0]) / (share - self.first[1]) * max(0.0, 1 - share)
            self.left = f"{seconds // 60:.0f}:{seconds % 60:02.0f} left"

    @property
    def figures(self) -> str:
        return f"{self.rate:.0f} images/s  {self.left}" if self.rate else ""
