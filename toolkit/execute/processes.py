"""Worker processes of this machine: a GPU each where there are some, the threads shared evenly."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping

from toolkit.contracts import Event, Notify
from toolkit.contracts.execute import Job, Outcome, Resources, Tell
from toolkit.execute.child import INTERRUPTED, Child, dismiss, wait_for
from toolkit.plugin.registry import load_target

_WITHOUT_GPUS = 2
"""Jobs at once where nothing says how many."""


class Processes:
    """A fresh process for each job, at most so many at once."""

    here = False

    def __init__(self) -> None:
        self.waiting: deque[Job] = deque()
        self.working: dict[int, tuple[Job, Child]] = {}
        """By the number of the worker, which says whose GPU it has."""
        self.workers = self.threads = 1
        self.devices: list[str] | None = None
        self.tell: Tell = lambda job, event: None

    def open(self, resources: Resources, tell: Tell, /) -> int:
        self.tell, self.devices = tell, devices_of(resources.gpus)
        self.workers = resources.workers or self._workers(resources)
        self.threads = resources.cpus or share(self.workers)
        return self.threads

    def _workers(self, resources: Resources) -> int:
        if self.devices:
            asked = len(self.devices) / (resources.gpus or 1)
        else:
            asked = share(1) / resources.cpus if resources.cpus else _WITHOUT_GPUS
        return max(1, min(int(asked), resources.jobs))

    def submit(self, job: Job, /) -> None:
        self.waiting.append(job)

    def wait(self) -> Outcome:
        while True:
            for number in range(self.workers):
                if self.waiting and number not in self.working:
                    job = self.waiting.popleft()
                    self.working[number] = (job, self._start(job, number))
            wait_for([child for _, child in self.working.values()])
            for number, (job, child) in self.working.items():
                for event in child.listen():
                    self.tell(job, event)
                if child.done:
                    del self.working[number]
                    return ended(job, child)

    def _start(self, job: Job, number: int) -> Child:
        environment = {"OMP_NUM_THREADS": str(self.threads)}
        if self.devices is not None:
            environment["CUDA_VISIBLE_DEVICES"] = (
                self.devices[number % len(self.devices)] if self.devices else ""
            )
        return Child(job.name, do, (job.target, job.facts, {}), environment)

    def close(self) -> None:
        self.waiting.clear()
        children = [child for _, child in self.working.values()]
        self.working.clear()
        dismiss(children)


def processes() -> Processes:
    """Worker processes of this machine: a GPU each where there are some, the threads shared
    evenly. Each job has a process of its own, whose death costs that job alone."""
    return Processes()


def do(
    target: str,
    facts: object,
    moved: Mapping[str, str],
    alive: Callable[[], None],
    notify: Notify,
) -> None:
    """What a process does: a job.

    Args:
        alive: raises where the process that waits is gone.
    """

    def tell(event: Event) -> None:
        alive()
        notify(event)

    load_target(target, "a job", "function")(facts, moved, tell)


def ended(job: Job, child: Child) -> Outcome:
    """How a job's process ended."""
    if child.error is not None:
        return Outcome(job, error=child.error)
    if child.died is None and child.interrupted:
        return Outcome(job, died=INTERRUPTED)
    return Outcome(job, died=child.died or "")


def devices_of(gpus: float | None) -> list[str] | None:
    """The GPUs that this process may share out; none at all where jobs shall have none, and None
    where there are none to choose from."""
    import torch

    if gpus == 0:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return visible.split(",")
    return [str(number) for number in range(torch.cuda.device_count())] or None


def share(workers: int) -> int:
    """Threads of each, where so many share those that a training step of this process uses."""
    import torch

    return max(1, torch.get_num_threads() // workers)
