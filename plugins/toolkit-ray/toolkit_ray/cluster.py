"""A cluster from outside: whether it answers, what it has, and whose signals are whose."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.errors import UserError, cause

_ANSWER_SECONDS = 10.0


def require_answer(address: str) -> None:
    """Raises `UserError` where nobody listens at a host and port."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
        except OSError as error:
            raise no_answer(address, error) from error


def no_answer(address: str, error: Exception) -> UserError:
    return UserError(
        f"--address {address}: no Ray cluster answers there ({cause(error)}); start one with "
        "`ray start --head`, or leave the address out: Ray then runs on this machine alone"
    )


def gpus_of(nodes: list[dict[str, float]]) -> float:
    """One where the cluster has any."""
    return 1.0 if any(node.get("GPU", 0) >= 1 for node in nodes) else 0.0


def threads_of(nodes: list[dict[str, float]], at_once: int) -> int:
    """The CPUs of all nodes, shared evenly, where each has as many."""
    counts = [int(node.get("CPU", 0)) for node in nodes if node.get("CPU", 0) >= 1]
    return max(1, min([sum(counts) // at_once, *counts]))


@contextmanager
def own_signals() -> Iterator[None]:
    """Ray takes the signals of a process for itself; here they interrupt, as everywhere."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
