"""Workers of a study, carried out by an executor: each does trials until enough are done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toolkit.contracts import Event, Notify
from toolkit.contracts.execute import Executor, Job, Outcome
from toolkit.errors import MachineError, ToolkitError, UserError
from toolkit.execute.child import INTERRUPTED
from toolkit.execute.processes import processes
from toolkit.recipe.plan import Plan
from toolkit.runs.address import redacted
from toolkit.runs.process import place

_EARLY_DEATHS = 1
"""So often in a row a worker may die before it came to a trial: a node may die at any time."""

WORKER = "worker"
"""Stage of the event by which a worker says which process it is."""


@dataclass(frozen=True)
class Orders:
    """What a worker needs to know; it travels, pickled."""

    recipe: str
    overrides: Mapping[str, Any]
    directory: str
    """The working directory: paths in a recipe are relative to it."""
    folder: Path
    """Of the study, absolute."""
    name: str
    storage: str | None = field(repr=False)
    """It may hold a password: neither shown nor written."""
    trials: int | None
    deadline: float | None
    rescore: bool
    skip_bad: bool
    since: int
    threads: int = 1


def executor_of(plan: Plan, workers: int) -> Executor | None:
    """What carries workers out; None where the process that asks does the trials itself."""
    executor: Executor = plan.choice("execute").build()
    if not executor.here:
        return executor
    return processes() if workers > 1 else None


def work_through(
    executor: Executor,
    plan: Plan,
    orders: Orders,
    count: int,
    notify: Notify,
    poll: Callable[[], None],
    killed: Callable[[str, int, str], None],
) -> None:
    """Run workers until all have ended.

    Args:
        count: workers.
        poll: called whenever one of them tells something; the study is its to look at.
        killed: told of a worker that was killed: its machine, its process ID and the signal.

    Raises what a worker raised; a worker that was killed is replaced, unless it dies twice in a row
    before it came to a trial.
    """
    crew = _Crew(orders, notify, poll, killed)
    try:
        asked = replace(plan.execute.resources(count), workers=count)
        threads = executor.open(asked, crew.told)
        for number in range(count):
            executor.submit(crew.job(f"worker {number}", threads))
        left = count
        while left:
            left -= crew.ended(executor.wait(), executor)
    finally:
        executor.close()
        poll()
    if crew.failure is not None:
        raise crew.failure


class _Crew:
    """The workers, and what they told of themselves."""

    def __init__(
        self,
        orders: Orders,
        notify: Notify,
        poll: Callable[[], None],
        killed: Callable[[str, int, str], None],
    ) -> None:
        self.orders, self.notify, self.poll, self.killed = orders, notify, poll, killed
        self.known: dict[str, Mapping[str, Any]] = {}
        """By the worker's name, which process it is."""
        self.at_work: set[str] = set()
        self.early = Counter[str]()
        """By the worker's name, how often in a row it died before it came to a trial."""
        self.failure: Exception | None = None

    def job(self, name: str, threads: int) -> Job:
        facts = replace(self.orders, threads=threads)
        return Job(name, f"{__name__}:work_on", facts, writes=str(self.orders.folder))

    def told(self, job: Job, event: Event) -> None:
        if event.stage == WORKER:
            self.known[job.name] = event.data
            return
        if event.stage == "message":
            self.notify(event)
        elif begins_a_trial(event):
            self.at_work.add(job.name)
        self.poll()

    def ended(self, outcome: Outcome, executor: Executor) -> bool:
        """Whether a worker came to its end; one that died is replaced. How often a trial may kill
        one is the study's to count."""
        job = outcome.job
        self.poll()
        if outcome.error is not None:
            self.failure = self.failure or without_secrets(outcome.error, self.orders.storage)
            return True
        if not outcome.died:
            return True
        who = self.known.pop(job.name, None)
        if who is not None and outcome.died != INTERRUPTED:
            self.killed(who["place"], who["pid"], outcome.died)
        text = f"{job.name} was killed by {outcome.died}"
        self.early[job.name] = 0 if job.name in self.at_work else self.early[job.name] + 1
        if self.early[job.name] > _EARLY_DEATHS:
            self.failure = MachineError(
                f"{text} before it came to a trial; the same command goes on; with fewer "
                "--workers each has more memory"
            )
            return True
        self.at_work.discard(job.name)
        self.notify(Event("message", f"{text}; another takes over"))
        executor.submit(job)
        return False


def begins_a_trial(event: Event) -> bool:
    """Whether an event says that a trial is under way."""
    return event.stage == "trial" and event.data["state"] == "running"


def without_secrets(error: Exception, storage: str | None) -> Exception:
    """An error without those of the storage's address, which a traceback may quote."""
    if isinstance(error, UserError):
        return UserError(*(redacted(line, storage) for line in error.lines))
    return ToolkitError(redacted(str(error), storage))


def work_on(orders: Orders, moved: Mapping[str, str], notify: Notify) -> None:
    """What a worker does.

    Raises `UserError` where its machine does not see the study's folder.
    """
    import torch

    from toolkit.plugin.host import load_host
    from toolkit.train.memory import keep_freed_memory
    from toolkit.tune.asked import Question
    from toolkit.tune.bench import Bench
    from toolkit.tune.folder import StudyFolder
    from toolkit.tune.loop import Goal, do_trials, goal_of
    from toolkit.tune.storage import close_storage, out_of_reach, storage_errors
    from toolkit.tune.study import open_study

    if moved or not orders.folder.is_dir():
        raise UserError(
            f"{orders.folder}: not seen by a machine of the cluster; a study's folder, recipe and "
            "data have to lie on a file system that all machines share"
        )
    os.chdir(orders.directory)
    keep_freed_memory()  # the process is ours alone
    torch.set_num_threads(orders.threads)
    host = load_host()
    question = Question(orders.recipe, orders.overrides)
    bench = Bench(question, host, _trials_and_messages(notify), orders.skip_bad)
    plan = question.plan(host)
    bench.prepare(plan)
    folder = StudyFolder(orders.folder)

    def alive() -> None:
        """To tell anything ends a worker for which nobody waits any more."""
        notify(Event(WORKER, data={"place": place(), "pid": os.getpid()}))

    alive()
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
