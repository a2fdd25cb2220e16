"""What a task does on its node: it starts a process for the job, and says what that tells.

The process is like any other worker's: a fresh one, which dies with the task, as the task dies with
its node and with the command that asked for it.
"""

from __future__ import annotations

import pickle
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.contracts import Event, Notify
from toolkit.errors import UserError
from toolkit.execute.child import INTERRUPTED, Child, dismiss, wait_for
from toolkit.plugin.registry import load_target

from toolkit_ray import packs

_LISTEN_SECONDS = 0.2

Said = tuple[str, Any]


@dataclass(frozen=True)
class Order:
    """A job on its way to a node."""

    name: str
    target: str
    facts: bytes
    """Pickled: the task itself imports nothing of what they need."""
    reads: Mapping[str, str]
    """Folders, and the digest of each."""
    writes: str
    seen: str | None
    """A file in the folder that is written: who sees it sees the folder."""
    threads: int
    gpus: float
    sent: bool
    """Whether nothing counts as seen."""


def work(order: Order, travels: Mapping[str, list[Any]]) -> Iterator[Said]:
    """Carry out a job, saying `("events", ...)`, and at last `("end", (died, lines, fault))`.

    Args:
        travels: references to what came through the object store, by its folder; each in a list,
            so that it is fetched by those nodes alone that need it.
    """
    # Ray interrupts a task by Python's SIGINT, which a worker ignores where Ray was started by a
    # background job.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield "events", []  # it waits for no room any more
    moved = _found(order, travels)
    if missing := [home for home in order.reads if home not in moved and not _sees(order, home)]:
        yield "needs", missing
        return
    folder = _folder(order)
    if folder is not None:
        moved[order.writes] = str(folder)
    environment = {"OMP_NUM_THREADS": str(order.threads)}
    if not order.gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    child = Child(order.name, _do, (order.target, order.facts, moved), environment)
    try:
        while not child.done:
            wait_for([child], _LISTEN_SECONDS)
            if events := _latest(child.listen()):
                yield "events", events
        if folder is not None and child.error is None and not child.died:
            yield from _files(folder)
        yield "end", _ended(child)
    finally:
        dismiss([child])
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _found(order: Order, travels: Mapping[str, list[Any]]) -> dict[str, str]:
    """Where folders lie that are not seen at their own place."""
    import ray

    node, found = ray.get_runtime_context().get_node_id(), {}
    for home, expected in order.reads.items():
        place = packs.place(home, node, sent=order.sent)
        if _sees(order, home):
            continue
        if packs.digest(place) != expected:
            if home not in travels:
                continue
            packs.write(place, ray.get(travels[home][0]), expected)
        found[home] = str(place)
    return found


def _sees(order: Order, home: str) -> bool:
    return not order.sent and packs.digest(Path(home)) == order.reads[home]


def _folder(order: Order) -> Path | None:
    """A folder to write to where the job's own is not seen."""
    if order.seen is None or (not order.sent and (Path(order.writes) / order.seen).is_file()):
        return None
    return Path(tempfile.mkdtemp(prefix="toolkit-ray-job-"))


def _files(folder: Path) -> Iterator[Said]:
    """What was written, the mark that it is done last."""
    files = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")]
    for file in sorted(files, key=lambda p: (p.name == "done", p)):
        yield "file", (file.relative_to(folder).as_posix(), file.read_bytes())


def _latest(events: Iterable[Event]) -> list[Event]:
    """Events of a moment; of progress only the last of each stage: a step is no news by itself."""
    kept: list[Event] = []
    for event in events:
        if event.total and kept and kept[-1].stage == event.stage and event.stage != "epoch":
            kept.pop()
        kept.append(event)
    return kept


def _ended(child: Child) -> tuple[str, tuple[str, ...], str]:
    if isinstance(child.error, UserError):
        return "", tuple(child.error.lines), ""
    if child.error is not None:
        return "", (), str(child.error)
    return child.died or (INTERRUPTED if child.interrupted else ""), (), ""


def _do(
    target: str,
    facts: bytes,
    moved: Mapping[str, str],
    alive: Callable[[], None],
    notify: Notify,
) -> None:
    """What the process does."""

    def tell(event: Event) -> None:
        alive()
        notify(event)

    load_target(target, "a job", "function")(pickle.loads(facts), moved, tell)
