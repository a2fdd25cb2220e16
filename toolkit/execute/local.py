"""The executor that a recipe has by itself: one job after the other, in this process."""

from __future__ import annotations

from collections import deque

from toolkit.contracts.execute import Job, Outcome, Resources, Tell
from toolkit.errors import UserError


class Local:
    """Carries jobs out in this process, in their order."""

    here = True

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()
        self.threads: int | None = None
        """Of this process before a recipe asked for others."""

    def open(self, resources: Resources, tell: Tell, /) -> int:
        import torch

        if (resources.workers or 1) > 1:
            raise UserError(
                f"execute.workers = {resources.workers}: local does one job after the other; "
                'several at once need [execute] use = "processes", or --workers on the command line'
            )
        if resources.gpus == 0 and torch.cuda.is_available():
            raise UserError(
                "execute.gpus = 0: local trains in this process, which has a GPU; hide it with "
                "CUDA_VISIBLE_DEVICES="
            )
        self.threads = torch.get_num_threads()
        if resources.cpus is not None:
            torch.set_num_threads(resources.cpus)
        return torch.get_num_threads()

    def submit(self, job: Job, /) -> None:
        self.jobs.append(job)

    def wait(self) -> Outcome:
        job = self.jobs.popleft()
        if job.here is None:
            raise UserError(f"{job.name} cannot be carried out in this process")
        job.here()
        return Outcome(job)

    def close(self) -> None:
        import torch

        self.jobs.clear()
        if self.threads is not None:
            torch.set_num_threads(self.threads)


def local() -> Local:
    """One job after the other, in this process: nothing is started, nothing travels."""
    return Local()
