"""Opens files that a user names: regular files only, and none for longer than a bound.

A FIFO, a device or a socket among the images would block a run for ever, and so would a file on a
mount that stalls. `open_regular` refuses the former; `bounded` and `in_threads` tell of the latter
after half a minute, and give up after ten (`TOOLKIT_READ_SECONDS`).
"""

from __future__ import annotations

import io
import os
import queue
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

from toolkit.errors import UserError
from toolkit.files.regular import NOWHERE as NOWHERE
from toolkit.files.regular import NoRegularFile as NoRegularFile
from toolkit.files.regular import in_words as in_words
from toolkit.files.regular import kind_of as kind_of
from toolkit.files.regular import must_be_regular
from toolkit.files.regular import open_regular as open_regular
from toolkit.files.regular import require_no_shortage as require_no_shortage

FOLDER_VARIABLE = "TOOLKIT_CACHE"
LIMIT_VARIABLE = "TOOLKIT_READ_SECONDS"
DEFAULT_LIMIT_SECONDS = 600.0
REPORT_SECONDS = 30.0

_THREADS = 8
_CHUNK = 64  # files that a thread takes at once

T = TypeVar("T")
Tell = Callable[[str], None]


def cache_folder() -> Path:
    """`TOOLKIT_CACHE`, or the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("recipe-toolkit")


def require_regular(path: str | Path) -> None:
    """Raise as `open_regular` does, within the bound: for files that a library opens itself."""
    bounded(lambda: open_regular(path).close(), str(path))


def read_bytes(path: str | Path) -> bytes:
    """The content of a regular file. Raises as `open_regular` does, and `UserError` where it takes
    longer than the bound."""

    def read() -> bytes:
        with open_regular(path) as file:
            return file.read()

    return bounded(read, str(path))


def read_text(path: str | Path) -> str:
    """The text of a regular file in UTF-8, with or without its mark."""
    with io.TextIOWrapper(io.BytesIO(read_bytes(path)), encoding="utf-8-sig") as text:
        return text.read()


def is_there(path: str | Path) -> bool:
    """Whether an optional file is there; False for a folder. Raises `NoRegularFile` where
    something else has its name: to go on as if nothing were there would hide it."""
    try:
        found = bounded(lambda: os.stat(path), str(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        if os.path.islink(path):
            raise NoRegularFile(NOWHERE) from error
        return False
    except ValueError:
        return False
    if stat.S_ISDIR(found.st_mode):
        return False
    must_be_regular(found)
    return True


def why_unreadable(path: str | Path) -> str:
    """What keeps a file from being read, in words."""
    try:
        read_bytes(path)
    except FileNotFoundError:
        return NOWHERE if os.path.islink(path) else "there is no such file"
    except OSError as error:
        return in_words(error)
    return "cannot be read"  # it could not be a moment ago


def limit_seconds() -> float:
    """How long reading one file may take, `TOOLKIT_READ_SECONDS`."""
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT_SECONDS))
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{LIMIT_VARIABLE}={text}: expected a number of seconds") from error


def bounded(call: Callable[[], T], name: str, tell: Tell | None = None) -> T:
    """What `call` gives or raises, run in a thread that is left behind where it does not end.

    Args:
        name: the file that it reads, for words.
        tell: told when it takes long.

    Raises `UserError` behind the bound.
    """
    limit, started = limit_seconds(), time.monotonic()
    result: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            result.append(call())
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            raised.append(error)

    # A daemon: one that hangs in the system must not keep the process from ending.
    thread = threading.Thread(target=work, daemon=True, name=f"reads {name}")
    thread.start()
    while thread.is_alive():
        waited = time.monotonic() - started
        thread.join(max(0.0, min(REPORT_SECONDS, limit - waited)))
        waited = time.monotonic() - started
        if thread.is_alive() and waited >= limit:
            raise UserError(_stalled(name, waited))
        if thread.is_alive() and tell is not None:
            tell(slow(name, waited))
    if raised:
        raise raised[0]
    return result[0]


@contextmanager
def reporting(name: str, tell: Tell) -> Iterator[Callable[[str], None]]:
    """Say now and then that this takes long: for what may rightly take longer than the bound.

    Gives a function that says what is read from now on.
    """
    ended = threading.Event()
    at = [(name, time.monotonic())]

    def report() -> None:
        while not ended.wait(REPORT_SECONDS):
            name, since = at[0]
            if time.monotonic() - since >= REPORT_SECONDS:
                tell(slow(name, time.monotonic() - since))

    def read_now(name: str) -> None:
        at[0] = (name, time.monotonic())

    threading.Thread(target=report, daemon=True, name=f"waits for {name}").start()
    try:
        yield read_now
    finally:
        ended.set()


def slow(name: str, seconds: float) -> str:
    """What is said while a file is waited for."""
    return f"{name}: reading it has taken {seconds:.0f} s so far; is its disk or mount stalled?"


def _stalled(name: str, seconds: float) -> str:
    return (
        f"{name}: reading it has taken {seconds:.0f} s; its disk or mount is stalled. Start again "
        f"when it answers, or allow more than {LIMIT_VARIABLE}={limit_seconds():g}"
    )


def in_threads(
    work: Callable[[str], T], paths: Sequence[str], tell: Tell
) -> Iterator[tuple[str, T]]:
    """`(path, work(path))` of every path, as they come, from a few threads.

    Raises what `work` raises, and `UserError` where it takes longer than the bound for a file.
    """
    todo: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for start in range(0, len(paths), _CHUNK):
        todo.put(paths[start : start + _CHUNK])
    missing = todo.qsize()
    crew = [_Reader(work, todo, done) for _ in range(min(_THREADS, missing))]
    limit, told = limit_seconds(), dict[str, float]()
    try:
        while missing:
            try:
                found = done.get(timeout=min(1.0, REPORT_SECONDS, limit))
            except queue.Empty:
                for reader in crew:
                    _look_after(reader, limit, told, tell)
                continue
            if isinstance(found, BaseException):
                raise found
            missing -= 1
            yield from found
    finally:
        for reader in crew:
            reader.stopped = True


class _Reader:
    """A thread that works through chunks of paths, and what it is at."""

    def __init__(
        self,
        work: Callable[[str], Any],
        todo: queue.SimpleQueue[Sequence[str]],
        done: queue.SimpleQueue[Any],
    ) -> None:
        self.work, self.todo, self.done = work, todo, done
        self.at: tuple[str, float] | None = None
        self.stopped = False
        # A daemon: one that hangs in the system must not keep the process from ending.
        threading.Thread(target=self._run, daemon=True, name="reads files").start()

    def _run(self) -> None:
        while not self.stopped:
            try:
                self.done.put([(path, self._each(path)) for path in self.todo.get_nowait()])
            except queue.Empty:
                return
            except BaseException as error:  # noqa: BLE001 - raised by the thread that asked
                self.done.put(error)
                return

    def _each(self, path: str) -> Any:
        self.at = path, time.monotonic()
        try:
            return self.work(path)
        finally:
            self.at = None


def _look_after(reader: _Reader, limit: float, told: dict[str, float], tell: Tell) -> None:
    """Say what a reader has been at for long; give up behind the bound."""
    at = reader.at  # the thread goes on meanwhile
    if at is None:
        return
    path, since = at
    seconds = time.monotonic() - since
    if seconds >= limit:
        raise UserError(_stalled(path, seconds))
    if seconds >= told.get(path, 0.0) + REPORT_SECONDS:
        told[path] = seconds
        tell(slow(path, seconds))
