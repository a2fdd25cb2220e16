"""How OpenMP's threads wait for one another: spinning, unless others need the cores.

At the end of each parallel loop a thread waits for its partners, by default spinning: alone, that
is the fastest. Beside a busy process a partner is descheduled now and then, and the others burn
their time slices until it is back. Images a second on 2 cores, spinning and passive: alone 10.0
and 8.5 (resnet18), 100-120 and 72-83 (mobilenetv3_small_100); beside one busy process 2.1 and 8.4,
8 and 32.

The policy is read once, when torch is imported, so it is chosen before that. It changes no number,
as the number of threads would.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, MutableMapping, Sequence
from functools import cache

POLICY = "OMP_WAIT_POLICY"
CHOSEN_BY_USER = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")

_SAMPLES, _SECONDS = 4, 0.1
_A_BUSY_PROCESS = 0.5
"""Cores. Below it, spinning still pays."""


@cache
def waiting() -> str | None:
    """Choose, at the first call in a process, and say what was chosen and why.

    None where nothing was: the cores are free, the user chose, there is one thread, or torch is
    imported already.
    """
    return choose(os.environ, sys.modules, cores(), load_of_others)


def choose(
    environ: MutableMapping[str, str],
    modules: Container[str],
    cores: Sequence[int],
    load: Callable[[Sequence[int]], float],
) -> str | None:
    """Set the policy in `environ` where others use cores that the threads of training need.

    Args:
        modules: what is imported.
        cores: those that this process may use.
        load: how many of the cores others use.
    """
    threads = _threads(environ, len(cores))
    if "torch" in modules or threads < 2 or any(name in environ for name in CHOSEN_BY_USER):
        return None
    used = load(cores)
    if used < len(cores) - threads + _A_BUSY_PROCESS:
        return None
    environ[POLICY] = "PASSIVE"
    return (
        f"other processes use {used:.1f} of {len(cores)} cores: training's threads wait passively "
        f"({POLICY}=PASSIVE), which is faster beside them and slower alone; set {POLICY} to choose"
    )


def cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def load_of_others(cores: Sequence[int]) -> float:
    """How many of the cores are busy while this process sleeps, for less than half a second.

    The least of a few samples: what comes and goes is no load.
    """
    import psutil

    samples: list[float] = []
    for _ in range(_SAMPLES):
        percent = psutil.cpu_percent(_SECONDS, percpu=True)
        samples.append(sum(percent[core] for core in cores if core < len(percent)) / 100)
    return min(samples)


def _threads(environ: MutableMapping[str, str], cores: int) -> int:
    """How many threads OpenMP will use: one a core, unless it is told."""
    told = environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(told) if told.isdigit() and int(told) else cores
