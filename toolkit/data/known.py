"""What is known of files from earlier starts: the digests of their contents, and which contents
cannot be decoded. One SQLite file in the cache folder.

Everything in it can be found out again: a store that is damaged is dropped, and one that cannot
be used is done without, in words.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from toolkit.contracts import Event, Notify

ROWS = 4_000_000
"""Each table keeps at most so many rows; those not asked for longest go first."""
LOOKS = 200_000
"""The same of looks, which have some kilobytes each."""

_VERSION = 1
_AT_ONCE = 500  # variables of one statement; SQLite allows 999 everywhere
_BUSY_SECONDS = 30.0
_DAY = 86_400
_RENEWED = 7  # days; the last use is noted no more often, so that a start writes little

_TABLES = """
CREATE TABLE IF NOT EXISTS digests
    (path BLOB PRIMARY KEY, stamp TEXT, digest TEXT, used INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS faults
    (decoder TEXT, content TEXT, fault TEXT, used INTEGER, PRIMARY KEY (decoder, content))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memos
    (key TEXT PRIMARY KEY, memo TEXT, used INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looks
    (looker TEXT, content TEXT, look BLOB, used INTEGER, PRIMARY KEY (looker, content));
"""
_KEYS = {
    "digests": "path",
    "faults": "decoder, content",
    "memos": "key",
    "looks": "looker, content",
}

T = TypeVar("T")


class Known:
    """The store of a cache folder. Any number of processes use it at once."""

    def __init__(self, folder: Path, notify: Notify) -> None:
        self.file, self.notify = folder / "known.sqlite", notify
        self.told = False

    def digests(self, stamps: Mapping[str, str]) -> dict[str, str]:
        """The digests of the files whose stamp is the one that was learned.

        Args:
            stamps: path to what tells the file's versions apart.
        """
        by_name = {os.fsencode(os.path.abspath(path)): path for path in stamps}
        today = int(time.time() / _DAY)

        def look(store: sqlite3.Connection) -> dict[str, str]:
            found, stale = {}, []
            for names in _batches(list(by_name)):
                marks = ",".join("?" * len(names))
                rows = store.execute(
                    f"SELECT path, stamp, digest, used FROM digests WHERE path IN ({marks})", names
                )
                for name, stamp, digest, used in rows:
                    path = by_name[name]
                    if stamp == stamps[path] and isinstance(digest, str):
                        found[path] = digest
                        if used < today - _RENEWED:
                            stale.append((today, name))
            if stale:
                store.executemany("UPDATE digests SET used = ? WHERE path = ?", stale)
            return found

        return self._asked(look, {})

    def learn_digests(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keep `(path, stamp, digest)`."""
        today = int(time.time() / _DAY)
        named = [(os.fsencode(os.path.abspath(p)), stamp, d, today) for p, stamp, d in rows]
        self._learned("digests", "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", named)

    def faults(self, decoder: str) -> dict[str, str]:
        """Content hash to what keeps this decoder from reading it."""

        def look(store: sqlite3.Connection) -> dict[str, str]:
            sql = "SELECT content, fault FROM faults WHERE decoder = ?"
            return dict(store.execute(sql, (decoder,)))

        return self._asked(look, {})

    def learn_faults(self, decoder: str, faults: Mapping[str, str]) -> None:
        today = int(time.time() / _DAY)
        rows = [(decoder, content, fault, today) for content, fault in faults.items()]
        self._learned("faults", "INSERT OR REPLACE INTO faults VALUES (?, ?, ?, ?)", rows)

    def memo(self, key: str) -> str | None:
        """What was kept under a key; None where nothing was."""

        def look(store: sqlite3.Connection) -> str | None:
            if not _has(store, "memos"):
                return None
            row = store.execute("SELECT memo FROM memos WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return self._asked(look, None)

    def keep_memo(self, key: str, memo: str) -> None:
        """Keep what many files together were found to be, which can be found out again."""
        today = int(time.time() / _DAY)
        rows = [(key, memo, today)]
        self._learned("memos", "INSERT OR REPLACE INTO memos VALUES (?, ?, ?)", rows)

    def looks(self, looker: str, contents: Iterable[str]) -> dict[str, bytes]:
        """Content hash to what was seen of the image.

        Args:
            looker: what a look depends on, besides the content.
        """

        def look(store: sqlite3.Connection) -> dict[str, bytes]:
            if not _has(store, "looks"):
                return {}
            found: dict[str, bytes] = {}
            for some in _batches(list(contents)):
                marks = ",".join("?" * len(some))
                sql = f"SELECT content, look FROM looks WHERE looker = ? AND content IN ({marks})"
                found.update(store.execute(sql, (looker, *some)))
            return found

        return self._asked(look, {})

    def learn_looks(self, looker: str, looks: Mapping[str, bytes]) -> None:
        today = int(time.time() / _DAY)
        rows = [(looker, content, look, today) for content, look in looks.items()]
        self._learned("looks", "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?)", rows)

    def forget(self) -> None:
        """Empty the store. The file stays: others may have it open."""

        def empty(store: sqlite3.Connection) -> None:
            store.executescript(_TABLES)
            for table in _KEYS:
                store.execute(f"DELETE FROM {table}")
            store.commit()
            store.execute("VACUUM")

        self._asked(empty, None)

    def _learned(self, table: str, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return

        def write(store: sqlite3.Connection) -> None:
            store.executescript(f"{_TABLES} PRAGMA user_version = {_VERSION};")
            store.executemany(sql, rows)
            (count,) = store.execute(f"SELECT count(*) FROM {table}").fetchone()
            most = LOOKS if table == "looks" else ROWS
            if count > most:
                key = _KEYS[table]
                store.execute(
                    f"DELETE FROM {table} WHERE ({key}) IN "
                    f"(SELECT {key} FROM {table} ORDER BY used LIMIT ?)",
                    (count - most,),
                )

        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._used(write, None, make=True)

    def _asked(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        return self._used(work, otherwise) if self.file.exists() else otherwise

    def _used(
        self, work: Callable[[sqlite3.Connection], T], otherwise: T, *, make: bool = False
    ) -> T:
        """What `work` finds in the store; `otherwise` where the store is of no use."""
        try:
            with closing(sqlite3.connect(self.file, timeout=_BUSY_SECONDS)) as store, store:
                (version,) = store.execute("PRAGMA user_version").fetchone()
                if version == _VERSION or (version == 0 and make):
                    return work(store)
                if version == 0:
                    return otherwise  # a process is making it
        except sqlite3.DatabaseError as error:
            if _of_the_system(error):
                self._say(f"{self.file}: cannot be used ({error}); file contents are read again")
                return otherwise
            self._say(f"{self.file}: is damaged ({error}) and was removed; it is made again")
        for file in self.file.parent.glob(f"{self.file.name}*"):  # and its journal
            file.unlink(missing_ok=True)
        return otherwise

    def _say(self, text: str) -> None:
        if not self.told:
            self.told = True
            self.notify(Event("message", text))


def _of_the_system(error: sqlite3.DatabaseError) -> bool:
    """Locked, full, write-protected; and not a damaged file, or one without its tables."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR


def _has(store: sqlite3.Connection, table: str) -> bool:
    """Whether the store has a table; one of an earlier version may not."""
    sql = "SELECT name FROM sqlite_master WHERE name = ?"
    return store.execute(sql, (table,)).fetchone() is not None


def _batches(items: list[T]) -> Iterable[list[T]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
