"""Which process it is: its machine, and its start. It tells a live process from a dead one."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

import psutil

_PROC = Path("/proc")


def place() -> str:
    """This machine since it was started, and the part of its processes that this one can see.

    Two machines may have one host name (containers, cloned disks); none shares another's boot.
    """
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()}/{_boot()}/{namespace}"


@cache
def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # The time of the boot moves with the clock. Where it moves across ten minutes, the
        # processes of before are watched by their pulse, like those of another machine.
        return str(round(psutil.boot_time() / 600))


def started(pid: int) -> float | None:
    """When a process began; None where there is none.

    On Linux in ticks since the boot, which no step of the clock changes; elsewhere the system
    itself keeps the second of the start.
    """
    if _PROC.joinpath("self/stat").exists():
        return _ticks(pid)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def same_start(one: float, other: float) -> bool:
    """Whether two starts of one process ID are one process. Seconds are rounded by some systems."""
    return one == other or (not _PROC.joinpath("self/stat").exists() and abs(one - other) <= 2)


def _ticks(pid: int) -> float | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in brackets may hold spaces and brackets; the state is the first field behind it,
    # the start the twentieth (proc_pid_stat(5), fields 3 and 22).
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else float(fields[19])
