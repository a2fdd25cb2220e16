"""Executors: they carry folds out somewhere, and tell how each ended."""

from __future__ import annotations

import time
from collections import deque
from typing import Annotated

from pydantic import Field
from toolkit.contracts.execute import Job, Outcome, Resources, Tell


class Cooled:
    """One job after the other, in this process, and a pause behind each."""

    here = True

    def __init__(self, pause: float) -> None:
        self.pause, self.jobs = pause, deque[Job]()

    def open(self, resources: Resources, tell: Tell, /) -> int:
        import torch  # not at the top: listing components imports nothing heavy

        torch.set_num_threads(resources.cpus or torch.get_num_threads())
        return torch.get_num_threads()

    def submit(self, job: Job, /) -> None:
        self.jobs.append(job)

    def wait(self) -> Outcome:
        job = self.jobs.popleft()
        if job.here is not None:  # always, where the class says `here`
            job.here()
        time.sleep(self.pause)
        return Outcome(job)

    def close(self) -> None:
        self.jobs.clear()


def cooled(
    *, pause: Annotated[float, Field(ge=0, description="seconds behind each fold")] = 0.0
) -> Cooled:
    """One fold after the other, with a pause behind each, for a laptop that gets hot."""
    return Cooled(pause)
