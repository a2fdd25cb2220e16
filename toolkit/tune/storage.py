"""Where a study's trials are kept: a journal in its folder, or a place that machines share."""

from __future__ import annotations

import random
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import (
    JournalFileBackend,
    JournalFileOpenLock,
    JournalRedisBackend,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from toolkit.errors import UserError
from toolkit.runs.address import redacted, without_secrets

_TRIES = 5


class _Lock:
    """A journal's lock that goes with its process: a kill while writing blocks nobody."""

    def __init__(self, file: Path) -> None:
        self.lock = FileLock(file.with_name(f".{file.name}.lock"))

    def acquire(self) -> bool:
        self.lock.acquire()
        return True

    def release(self) -> None:
        self.lock.release()


def open_storage(url: str | None, journal: Path) -> BaseStorage:
    """Open the storage.

    Args:
        url: `postgresql://...` or another database of SQLAlchemy, `redis://...`, or
            `journal:FILE`; without one, the file `journal`.

    Raises `UserError` where it cannot be reached, or its driver is not installed.
    """
    if url is None:
        _mend(journal)
        return JournalStorage(JournalFileBackend(str(journal), _Lock(journal)))  # type: ignore[arg-type]
    kind, _, rest = url.partition(":")
    if kind == "journal":
        return JournalStorage(JournalFileBackend(_shared_journal(rest, url), _shared_lock(rest)))
    if kind in ("redis", "rediss", "unix"):
        return _redis(url)
    if kind.startswith("sqlite"):
        raise _refused(url, "SQLite is not made for several processes; use journal:")
    return _database(url)


def close_storage(storage: BaseStorage) -> None:
    """Let go of a database's connections."""
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def check_url(url: str) -> None:
    """Raise `UserError` where this is no storage that a study can use."""
    _, separator, rest = url.partition(":")
    if not separator or not rest:
        raise _refused(
            url, "write postgresql://user:password@host/database, redis://host, or journal:FILE"
        )


def storage_errors() -> tuple[type[BaseException], ...]:
    """What a storage raises where it is out of reach. Those of a file are the system's."""
    found: tuple[type[BaseException], ...] = (
        optuna.exceptions.StorageInternalError,
        SQLAlchemyError,
    )
    redis = sys.modules.get("redis")  # it was imported if the storage is of this kind
    return found if redis is None else (*found, redis.RedisError)


def out_of_reach(url: str | None, error: BaseException) -> UserError:
    """What to say where a storage that was open fails."""
    return _refused(url or "journal", f"cannot be used any more: {error}; the same command goes on")


def _refused(url: str, text: str) -> UserError:
    """An error that names the address, and none of its secrets, whatever a driver quotes."""
    return UserError(f"--storage {without_secrets(url)}: {redacted(' '.join(text.split()), url)}")


def _mend(journal: Path) -> None:
    """Drop a last line that a power cut left half written: the next one would join it."""
    if not journal.is_file():
        return
    lock = _Lock(journal)
    lock.acquire()
    try:
        with journal.open("rb+") as file:
            data = file.read()
            if data and not data.endswith(b"\n"):
                file.truncate(data.rfind(b"\n") + 1)
    finally:
        lock.release()


def _shared_journal(path: str, url: str) -> str:
    if not Path(path).absolute().parent.is_dir():
        raise _refused(url, f"there is no folder {Path(path).parent}")
    return path


def _shared_lock(path: str, platform: str = sys.platform) -> JournalFileOpenLock | None:
    """Optuna's own suits NFS, and makes links, which Windows allows to few."""
    return JournalFileOpenLock(path) if platform == "win32" else None


def _redis(url: str) -> BaseStorage:
    if find_spec("redis") is None:
        raise _refused(url, "needs a driver: pip install 'recipe-toolkit[redis]'")
    import redis

    try:
        return JournalStorage(JournalRedisBackend(url, prefix="toolkit"))
    except (redis.RedisError, OSError, ValueError) as error:
        # Not `from error`: what quotes the address stays out of a traceback, too.
        raise _refused(url, f"cannot be reached: {error}") from None


def with_driver(url: str) -> str:
    """The address with the driver for PostgreSQL that is installed here.

    Raises `UserError` where none is.
    """
    if not url.startswith("postgresql://") or find_spec("psycopg2") is not None:
        return url
    if find_spec("pg8000") is None:
        raise _refused(url, "needs a driver: pip install 'recipe-toolkit[postgres]'")
    return url.replace("postgresql://", "postgresql+pg8000://", 1)


def _database(url: str) -> BaseStorage:
    url = with_driver(url)
    for attempt in range(1, _TRIES + 1):
        try:
            return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
        # A port that is no number is a ValueError. Not `from error`, as above.
        except (ArgumentError, ImportError, ValueError) as error:
            raise _refused(url, str(error)) from None
        # Two processes that make the tables at the same moment get in each other's way.
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            if attempt == _TRIES:
                raise _refused(url, f"cannot be used: {error}") from None
            time.sleep(random.uniform(0.2, 1.0) * attempt)
    raise AssertionError
