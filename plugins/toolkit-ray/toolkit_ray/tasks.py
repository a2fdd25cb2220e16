"""The executor: jobs become tasks of a Ray cluster, and what they tell comes back."""

from __future__ import annotations

import os
import pickle
import secrets
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from toolkit.contracts import Event
from toolkit.contracts.execute import Job, Outcome, Resources, Tell
from toolkit.errors import ToolkitError, UserError
from toolkit.runs.atomic import writing

from toolkit_ray import packs
from toolkit_ray.cluster import gpus_of, no_answer, own_signals, require_answer, threads_of
from toolkit_ray.node import Order, work

_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
"""Without a word from a task for so long, it is said what it waits for."""
_ENDING_SECONDS = 60.0
_SEEN = ".seen-by-ray-"


@dataclass
class _Task:
    """A job that is a task of the cluster."""

    job: Job
    said: Any
    """The generator of what it says."""
    since: float = field(default_factory=time.monotonic)
    heard: bool = False
    """Whether it said anything, or was said to wait."""


class Tasks:
    """Jobs as Ray tasks. Whoever opens it starts Ray, or joins the cluster at an address."""

    here = False

    def __init__(self, address: str, files: Literal["auto", "sent"]) -> None:
        self.address, self.files = address, files
        self.waiting: deque[Job] = deque()
        self.working: list[_Task] = []
        self.packs: dict[str, Any] = {}
        """What travels through the object store, once for all jobs, by its folder."""
        self.digests: dict[str, str] = {}
        self.token = secrets.token_hex(8)
        self.seen: set[Path] = set()
        """Files by which a node knows that it sees a folder."""
        self.tell: Tell = lambda job, event: None
        self.workers = self.threads = 1
        self.gpus = 0.0
        self.started = False

    def open(self, resources: Resources, tell: Tell, /) -> int:
        import ray

        self.tell = tell
        self._join()
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self.workers = resources.workers or max(1, resources.jobs)
        self.gpus = gpus_of(nodes) if resources.gpus is None else resources.gpus
        self.threads = resources.cpus or threads_of(
            nodes, min(self.workers, max(1, resources.jobs))
        )
        fits = [
            n for n in nodes if n.get("CPU", 0) >= self.threads and n.get("GPU", 0) >= self.gpus
        ]
        if not fits:
            found = ", ".join(f"{n.get('CPU', 0):g} CPUs, {n.get('GPU', 0):g} GPUs" for n in nodes)
            raise UserError(
                f"execute.cpus = {self.threads}, gpus = {self.gpus:g}: no node of the cluster has "
                f"as many (their nodes have {found or 'nothing'}); ask for fewer"
            )
        return self.threads

    def _fits(self, node: dict[str, float]) -> bool:
        return node.get("CPU", 0) >= self.threads and node.get("GPU", 0) >= self.gpus

    def _join(self) -> None:
        import ray

        if ray.is_initialized():
            return
        require_answer(self.address)  # Ray itself goes on asking for minutes
        with own_signals():
            try:
                ray.init(
                    address=self.address,
                    include_dashboard=None if self.address != "local" else False,
                    log_to_driver=False,
                    logging_level="error",
                )
            except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
                raise no_answer(self.address, error) from error
        self.started = True

    def submit(self, job: Job, /) -> None:
        self.waiting.append(job)

    def wait(self) -> Outcome:
        import ray

        while True:
            while self.waiting and len(self.working) < self.workers:
                self.working.append(self._start(self.waiting.popleft()))
            generators = [task.said for task in self.working]
            ready, _ = ray.wait(generators, num_returns=1, timeout=_LOOK_SECONDS)
            for task in self.working:
                if task.said in ready:
                    outcome = self._hear(task)
                    if outcome is not None:
                        return outcome
                elif not task.heard and time.monotonic() - task.since > _PATIENCE_SECONDS:
                    self._tell_patience(task)

    def _start(self, job: Job) -> _Task:
        import ray

        seen = Path(job.writes) / f"{_SEEN}{self.token}" if job.writes else None
        if seen is not None and seen not in self.seen:
            seen.touch()
            self.seen.add(seen)
        order = Order(
            job.name,
            job.target,
            pickle.dumps(job.facts),
            {home: self._digest(home) for home in job.reads},
            job.writes,
            None if seen is None else seen.name,
            self.threads,
            self.gpus,
            sent=self.files == "sent",
        )
        remote = ray.remote(work).options(
            name=f"toolkit {job.name}",
            num_cpus=self.threads,
            num_gpus=self.gpus,
            num_returns="streaming",
            max_retries=0,  # what is tried again is the host's to decide
        )
        travels = {home: [ref] for home, ref in self.packs.items() if home in job.reads}
        return _Task(job, remote.remote(order, travels))

    def _digest(self, home: str) -> str:
        if home not in self.digests:
            self.digests[home] = packs.digest(Path(home))
        return self.digests[home]

    def _hear(self, task: _Task) -> Outcome | None:
        """Take in one thing that a task says. Returns how its job ended, where it has."""
        import ray

        try:
            kind, said = ray.get(next(task.said))
        except StopIteration:
            self.working.remove(task)
            return Outcome(task.job, error=ToolkitError(f"{task.job.name}: its task ended early"))
        except ray.exceptions.RayError as error:
            self.working.remove(task)
            return _fallen(task.job, error)
        task.heard = True
        if kind == "events":
            for event in said:
                self.tell(task.job, event)
        elif kind == "file":
            self._keep(task.job, *said)
        elif kind == "needs":
            for home in said:
                if home not in self.packs:
                    text = f"{home}: not seen by a node: its images travel"
                    self.tell(task.job, Event("message", text))
                    self.packs[home] = ray.put(packs.read(Path(home)))
            self.working[self.working.index(task)] = self._start(task.job)
        else:
            self.working.remove(task)
            died, lines, fault = said
            if lines:
                return Outcome(task.job, error=UserError(*lines))
            return Outcome(task.job, ToolkitError(fault) if fault else None, died)
        return None

    def _keep(self, job: Job, name: str, content: bytes) -> None:
        """A file of a job that worked on a machine which does not see the folder."""
        file = Path(job.writes) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with writing(file) as half_made:
            half_made.write_bytes(content)

    def _tell_patience(self, task: _Task) -> None:
        task.heard = True
        gpus = f" and {self.gpus:g} GPUs" if self.gpus else ""
        text = f"{task.job.name} waits for {self.threads} free CPUs{gpus} in the cluster"
        self.tell(task.job, Event("message", text))

    def close(self) -> None:
        self.waiting.clear()
        tasks, self.working = self.working, []
        if tasks or self.started:
            import ray

            _end([task.said for task in tasks])
            for file in self.seen:
                with suppress(OSError):  # the folder may be gone
                    file.unlink(missing_ok=True)
            if self.started:
                with own_signals():
                    ray.shutdown()
                self.started = False


def _end(generators: list[Any]) -> None:
    """Interrupt tasks, and wait until they have done their bookkeeping."""
    import ray

    for generator in generators:
        with suppress(ray.exceptions.RayError):
            ray.cancel(generator)
    end = time.monotonic() + _ENDING_SECONDS
    for generator in generators:
        while time.monotonic() < end:
            try:
                ray.get(next(generator))
            except (StopIteration, ray.exceptions.RayError):
                break


def _fallen(job: Job, error: Exception) -> Outcome:
    """A task of which Ray says that it is no more."""
    import ray

    gone = {
        ray.exceptions.OutOfMemoryError: "Ray, as the memory of its node ran out",
        ray.exceptions.NodeDiedError: "the death of its node",
        ray.exceptions.WorkerCrashedError: "the death of Ray's worker",
        ray.exceptions.ObjectLostError: "the loss of what it said with its node",
        ray.exceptions.OwnerDiedError: "the loss of what it said with its node",
        ray.exceptions.TaskCancelledError: "an interruption",
    }
    for kind, died in gone.items():
        if isinstance(error, kind):
            return Outcome(job, died=died)
    return Outcome(job, error=ToolkitError(f"{job.name}: {error}"))


def tasks(
    *,
    address: Annotated[
        str, Field(description="of a cluster; auto: one that runs here; local: Ray starts here")
    ] = "local",
    files: Annotated[
        Literal["auto", "sent"],
        Field(description="auto: what a node sees is used there; sent: everything travels"),
    ] = "auto",
) -> Tasks:
    """Folds, and workers of a study, as tasks of a Ray cluster (Moritz et al. 2018,
    arXiv:1712.05889): on this machine, or on all nodes behind an address."""
    if find_spec("ray") is None:
        raise UserError(
            'Ray is not installed: pip install "toolkit-ray[cluster]", or pip install ray'
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray prints pages of its own about a node that dies; what it means for a fold is told here.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    return Tasks(address, files)
