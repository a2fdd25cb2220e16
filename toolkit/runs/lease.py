"""Who trains a fold: a lease with a fencing token, in a file of the fold's folder.

Several processes, on several machines, may share a run folder: an array of jobs, the tasks of a
cluster, and what is left of a command that was killed there. The file says who holds the fold and
with which token. A token is given once; whoever takes a fold over writes a new one, and from then
on whatever the former holder writes is refused, however much of it still lives: each file is
renamed into its place under the file's lock, and only by whom the file names.

That a holder is dead is known at once on the same machine, where its process is looked up. For
another machine's its pulse is watched, on the observer's own clock.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from toolkit.contracts import Event, Notify
from toolkit.errors import RunError
from toolkit.runs.process import place, same_start, started

BEAT_SECONDS = 15.0
DEAD_SECONDS = 90.0
"""Without a pulse for so long, a holder of another machine is taken for dead."""
_LOOK_SECONDS = 1.0
_JOIN_SECONDS = 10.0

_FILE, _SIZE = ".lease", 1 << 12


class Fenced(RunError):
    """Another process took the fold over; this one may not write there any more."""


@dataclass(frozen=True)
class _Holder:
    """What the file says."""

    token: str
    place: str
    pid: int
    started: float | None
    beat: int = 0
    hosted: bool = False
    """Whether the token is a host's, who held the run; without the host it is worth nothing."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.place.partition('/')[0]}"


_held: dict[Path, Lease] = {}
"""The leases of this process, by their folder: what it writes there is checked against them."""


def new_token() -> str:
    """A token that nobody had before."""
    return secrets.token_hex(8)


@contextmanager
def leased(folder: Path, notify: Notify, *, token: str | None = None) -> Iterator[None]:
    """Hold a fold's folder; everything that this process writes there is fenced.

    Args:
        notify: told where the holder of another machine has to be watched.
        token: given by a host that knows that no other holder has a right to the fold (it holds
            the run): the fold is taken over at once.

    Raises `RunError` where a live process holds the fold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lease = Lease(folder, token or new_token(), hosted=token is not None)
    lease.take(None if token is not None else (require_free(folder, notify),))
    for leftover in folder.glob(".*.tmp"):  # of whoever held it before
        leftover.unlink(missing_ok=True)
    _held[folder] = lease
    stop = threading.Event()
    thread = threading.Thread(target=lease.pulse, args=(stop,), daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        del _held[folder]
        stop.set()
        thread.join(_JOIN_SECONDS)
        lease.give_back()


@contextmanager
def fenced(file: Path) -> Iterator[None]:
    """Around the renaming of a file into its place. Raises `Fenced` where this process held the
    lease of the file's folder, and somebody else has it now."""
    lease = _held.get(file.parent)
    if lease is None:
        yield
        return
    with lease.mine():
        yield


def suffix(file: Path) -> str:
    """Sets the half-made files of one holder apart from those of another: `.1f3a`."""
    lease = _held.get(file.parent)
    return "" if lease is None else f".{lease.token}"


def require_free(
    folder: Path,
    notify: Notify,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    *,
    host: bool = False,
) -> str:
    """Whose token a dead process left; empty where nobody's. The pulse of a holder on another
    machine is watched until it beats, or has stood still for `DEAD_SECONDS`.

    Args:
        host: whether this process holds the run: what an earlier host has left has no right to it.

    Raises `RunError` where a live process holds the folder.
    """
    first = holder = _read(folder)
    since, said = clock(), False
    while holder is not None and not _gone(holder) and not (host and holder.hosted):
        if holder.place == place() or holder != first:
            raise RunError(
                f"{folder}: this fold is under way ({holder}); wait for it, or stop it first"
            )
        if clock() - since > DEAD_SECONDS:
            notify(Event("message", f"{folder}: {holder} has had no pulse: it is taken over"))
            break
        if not said:
            text = f"{folder}: was held by {holder}; taken over unless its pulse beats within"
            notify(Event("message", f"{text} {DEAD_SECONDS:.0f} s"))
            said = True
        sleep(_LOOK_SECONDS)
        holder = _read(folder)
    return "" if holder is None else holder.token


def _gone(holder: _Holder) -> bool:
    """Whether a holder of this machine lives no more; False for one elsewhere."""
    if holder.place != place():
        return False
    began = started(holder.pid)
    return began is None or holder.started is None or not same_start(began, holder.started)


def _read(folder: Path) -> _Holder | None:
    try:
        file = os.open(folder / _FILE, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    try:
        _lock(file)  # a beat that is half written is no empty file
        return _parsed(os.read(file, _SIZE))
    finally:
        os.close(file)


def _parsed(text: bytes) -> _Holder | None:
    """None where nobody holds it: the file is empty, or cut by a power failure."""
    with suppress(ValueError, TypeError):
        return _Holder(**json.loads(text))
    return None


class Lease:
    """What this process holds of a folder."""

    def __init__(self, folder: Path, token: str, *, hosted: bool = False) -> None:
        self.folder, self.token = folder, token
        self.me = _Holder(token, place(), os.getpid(), started(os.getpid()), hosted=hosted)

    def take(self, free: tuple[str] | None) -> None:
        """Write the token.

        Args:
            free: the token that may be taken over, of a dead holder, or ""; None for any.

        Raises `RunError` where somebody was faster.
        """
        with self._locked() as file:
            holder = _parsed(os.read(file, _SIZE))
            if free is not None and holder is not None and holder.token not in free:
                raise RunError(f"{self.folder}: this fold is under way ({holder}); wait for it")
            _overwrite(file, self.me)

    @contextmanager
    def mine(self) -> Iterator[int]:
        """The file, locked, while it names this holder."""
        with self._locked() as file:
            holder = _parsed(os.read(file, _SIZE))
            if holder is None or holder.token != self.token:
                who = "another process" if holder is None else str(holder)
                raise Fenced(
                    f"{self.folder}: {who} has taken this fold over; this process stops, and "
                    "writes nothing more there"
                )
            yield file

    def pulse(self, stop: threading.Event) -> None:
        """Beat until told to stop."""
        beat = 0
        while not stop.wait(BEAT_SECONDS):
            beat += 1
            # Out of reach for a moment, or taken over: the next file that is written tells.
            with suppress(OSError, Fenced), self.mine() as file:
                _overwrite(file, _Holder(**{**asdict(self.me), "beat": beat}))

    def give_back(self) -> None:
        with suppress(OSError, Fenced), self.mine() as file:
            os.ftruncate(file, 0)  # where the system removes no open file, it names nobody
            (self.folder / _FILE).unlink()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        path = self.folder / _FILE
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            try:
                _lock(file)
                if _is_still(path, file):  # not given back between opening and locking
                    yield file
                    return
            finally:
                os.close(file)


def _is_still(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _overwrite(file: int, holder: _Holder) -> None:
    text = json.dumps(asdict(holder)).encode()
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, text)
    os.ftruncate(file, len(text))
    os.fsync(file)


def _lock(file: int) -> None:
    """Wait for the lock of an open file; it goes when the file is closed.

    Raises `OSError` where the file's system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 1 << 20, os.SEEK_SET)  # behind what is read: others may read meanwhile
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
        return
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)
