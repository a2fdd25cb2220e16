"""Local worker processes: one device each where there are some, the threads shared evenly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.contracts import Event, Notify
from toolkit.errors import MachineError
from toolkit.tune.child import Child, dismiss, wait_for


@dataclass(frozen=True)
class Orders:
    """What a worker process needs to know; it travels by a pipe, pickled."""

    recipe: str
    overrides: Mapping[str, Any]
    folder: Path
    name: str
    storage: str | None = field(repr=False)
    """It may hold a password: neither shown nor written."""
    trials: int | None
    deadline: float | None
    rescore: bool
    skip_bad: bool
    threads: int
    since: int


def work_in_processes(
    orders: Orders,
    count: int,
    notify: Notify,
    poll: Callable[[], None],
    killed: Callable[[int, str], None],
) -> None:
    """Run workers until all have ended.

    Args:
        poll: called about once a second; the study is its to look at.
        killed: told of a worker that was killed: its process ID and the signal.

    Raises what a worker raised; a worker that was killed is replaced, unless it dies before it
    came to a trial.
    """
    devices = _devices()
    crew = [_Worker(orders, number, devices) for number in range(count)]
    try:
        while any(not worker.done for worker in crew):
            wait_for(crew)
            for worker in crew:
                for event in worker.listen():
                    if event.stage == "message":
                        notify(event)
                if worker.died is not None:
                    killed(worker.pid, worker.died)
                    worker.replace(notify)
            poll()
            time.sleep(0.05)
    finally:
        dismiss(crew)
        poll()
    for failure in (worker.failure(orders.storage) for worker in crew):
        if failure is not None:
            raise failure


class _Worker(Child):
    """A worker, its device, and who takes its place."""

    def __init__(self, orders: Orders, number: int, devices: list[str]) -> None:
        self.orders, self.number = orders, number
        environment = {"OMP_NUM_THREADS": str(orders.threads)}
        if devices:
            environment["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
        super().__init__(f"worker {number}", work_on, (orders,), environment)

    def replace(self, notify: Notify) -> None:
        """Start another in the place of one that died; how often a trial may kill one is the
        study's to count."""
        assert self.died is not None
        text = f"worker {self.number} was killed by {self.died}"
        if self.at_work:
            notify(Event("message", f"{text}; another takes over"))
            self.start()
        else:
            self.error = MachineError(
                f"{text} before it came to a trial; the same command goes on; with fewer "
                "--workers each has more memory"
            )
            self.died = None


def work_on(orders: Orders, alive: Callable[[], None], notify: Notify) -> None:
    """What a worker process does."""
    import torch

    from toolkit.plugin.host import load_host
    from toolkit.tune.asked import Question
    from toolkit.tune.bench import Bench
    from toolkit.tune.folder import StudyFolder
    from toolkit.tune.loop import Goal, do_trials, goal_of
    from toolkit.tune.storage import close_storage, out_of_reach, storage_errors
    from toolkit.tune.study import open_study

    torch.set_num_threads(orders.threads)
    host = load_host()
    question = Question(orders.recipe, orders.overrides)
    bench = Bench(question, host, _trials_and_messages(notify), orders.skip_bad)
    plan = question.plan(host)
    bench.prepare(plan)
    folder = StudyFolder(orders.folder)
    study = open_study(plan, bench, folder, orders.name, orders.storage, alive, orders.since)
    goal: Goal = goal_of(study, orders.trials, orders.deadline, rescore=orders.rescore)
    try:
        do_trials(study, goal, notify, lambda trial: None, rescore=orders.rescore)
    except storage_errors() as error:
        raise out_of_reach(orders.storage, error) from None  # it may quote the password
    finally:
        close_storage(study.storage)


def _trials_and_messages(notify: Notify) -> Notify:
    """Without the events of every step, which nobody looks at."""

    def tell(event: Event) -> None:
        if event.stage in ("trial", "message"):
            notify(event)

    return tell


def _devices() -> list[str]:
    """The GPUs that this process may use."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return visible.split(",")
    return [str(number) for number in range(torch.cuda.device_count())]
