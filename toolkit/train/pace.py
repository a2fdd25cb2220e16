"""Notices that training has become much slower than it was, and says once what to do."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping

import torch

from toolkit.contracts import Event, Notify
from toolkit.train.waiting import CHOSEN_BY_USER, cores, load_of_others

_WINDOW_SECONDS, _WINDOW_STEPS = 5.0, 5
_WINDOWS = 3
"""So many in a row are slow: no hiccup."""
_COLLAPSED = 0.5
"""Of the best pace. One busy process leaves spinning threads 0.1 to 0.25 of it, passive ones 0.4
and more on two cores."""
_BUSY = 0.5
_LOOK_AGAIN = 24
"""Windows until the cores are looked at again, where nobody else was found on them."""


def watching_pace(notify: Notify) -> Notify:
    """`notify`, and a message where others slow this training down on a CPU."""
    if torch.accelerator.is_available() or torch.get_num_threads() < 2:
        return notify
    mine = cores()
    return Pace(notify, os.environ, time.perf_counter, lambda: load_of_others(mine), len(mine))


class Pace:
    """Images a second of the training steps, against their own best."""

    def __init__(
        self,
        notify: Notify,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        load: Callable[[], float],
        cores: int,
    ) -> None:
        self.notify, self.environ, self.clock, self.load = notify, environ, clock, load
        self.cores = cores
        self.last: float | None = None
        self.seconds = self.images = self.best = 0.0
        self.steps = self.pause = 0
        self.recent: deque[float] = deque(maxlen=_WINDOWS)
        self.said = False

    def __call__(self, event: Event) -> None:
        self.notify(event)
        if self.said:
            return
        if event.stage != "train":
            self.last = None  # what is between two steps is no step
            return
        now = self.clock()
        if self.last is not None and event.done > 1:
            self.seconds += now - self.last
            self.images += event.data["images"]
            self.steps += 1
            if self.seconds >= _WINDOW_SECONDS and self.steps >= _WINDOW_STEPS:
                self._window(self.images / self.seconds)
        self.last = self.clock()

    def _window(self, rate: float) -> None:
        self.seconds = self.images = 0.0
        self.steps = 0
        self.best = max(self.best, rate)
        self.recent.append(rate)
        self.pause = max(0, self.pause - 1)
        slow = len(self.recent) == _WINDOWS and max(self.recent) < _COLLAPSED * self.best
        if not slow or self.pause:
            return
        used = self.load()
        if used < _BUSY:
            self.pause = _LOOK_AGAIN
            return
        self.said = True
        self.notify(Event("message", self._text(rate, used)))

    def _text(self, rate: float, used: float) -> str:
        text = (
            f"training has slowed to {rate:.1f} images/s from {self.best:.1f}, and other processes "
            f"use {used:.1f} of {self.cores} cores: stop them"
        )
        if any(name in self.environ for name in CHOSEN_BY_USER):
            return text
        return (
            f"{text}, or interrupt (Ctrl-C) and give the same command again: it goes on behind the "
            "last finished epoch, and its threads wait passively beside a load"
        )
