"""Executors: each breaks the check of its name, and that one alone."""

from __future__ import annotations

from dataclasses import replace

from toolkit.execute.processes import Processes


class Twice(Processes):
    """Does a job once more where it was done."""

    def wait(self):
        outcome = super().wait()
        if not outcome.error and not outcome.died and outcome.job.name == "job 1":
            self.submit(outcome.job)
            return super().wait()
        return outcome


class Backwards(Processes):
    """Tells a job's events at its end, the last one first."""

    def open(self, resources, tell, /):
        self.kept = []
        self.loud = tell
        return super().open(resources, lambda job, event: self.kept.append((job, event)))

    def wait(self):
        outcome = super().wait()
        while self.kept:
            self.loud(*self.kept.pop())
        return outcome


class AllThreads(Processes):
    """Has its own mind of the threads."""

    def open(self, resources, tell, /):
        return super().open(replace(resources, cpus=None), tell) + 1


class Joined(Processes):
    """Makes one line of a mistake."""

    def wait(self):
        outcome = super().wait()
        if outcome.error is None:
            return outcome
        return replace(outcome, error=RuntimeError(str(outcome.error)))


class Optimist(Processes):
    """What ended is done."""

    def wait(self):
        return replace(super().wait(), died="")


class OneByOne(Processes):
    """One worker, whatever is asked for."""

    def open(self, resources, tell, /):
        threads = super().open(resources, tell)
        self.one = resources.jobs == 2 and resources.workers == 2
        return threads

    def submit(self, job, /):
        if self.one and job.name in ("one", "two"):
            self.workers = 1
        super().submit(job)


class Impatient(Processes):
    """Kills where it should interrupt."""

    def close(self):
        for _, child in self.working.values():
            child.process.kill()
            child.process.join()
        self.working.clear()
        self.waiting.clear()


def every_job_is_done():
    """Does one job twice."""
    return Twice()


def events_are_told():
    """Tells events in the wrong order."""
    return Backwards()


def threads_hold():
    """Returns a thread too many."""
    return AllThreads()


def mistakes_are_told():
    """Loses the lines of a mistake."""
    return Joined()


def deaths_are_told():
    """Says nothing of a death."""
    return Optimist()


def at_most_workers():
    """Does one after the other."""
    return OneByOne()


def closing_ends_them():
    """Kills its jobs."""
    return Impatient()
