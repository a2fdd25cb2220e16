"""Small jobs that the checks of an executor have carried out."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from toolkit.contracts import Event, Notify
from toolkit.errors import UserError

_SECONDS = 60.0
"""Patience with another job, which may still be starting."""

Facts = Mapping[str, str]


def _own_file(facts: Facts, moved: Mapping[str, str]) -> Path:
    """Of the job's name, in the folder that it writes."""
    return Path(moved.get(facts["folder"], facts["folder"])) / facts["name"]


def writes(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    with _own_file(facts, moved).open("a", encoding="utf-8") as file:
        file.write("done\n")


def tells(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    for number in range(1, 4):
        notify(Event("epoch", done=number, total=3, data={"loss": number / 2}))


def counts(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    _own_file(facts, moved).write_text(os.environ.get("OMP_NUM_THREADS", ""), encoding="utf-8")


def errs(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    raise UserError("first", "second")


def dies(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    time.sleep(_SECONDS)


def meets(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    """Both jobs see one another in a folder of the machine that asked."""
    place = Path(facts["folder"]) / "there"
    place.mkdir(exist_ok=True)
    (place / facts["name"]).touch()
    met = _wait_until_there(place / {"one": "two", "two": "one"}[facts["name"]], seconds=15)
    _own_file(facts, moved).write_text("met" if met else "alone", encoding="utf-8")


def long(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    """Works until it is interrupted, and says in the folder of the machine that asked how it
    ended."""
    file = Path(facts["folder"]) / facts["name"]
    try:
        file.write_text("not ended", encoding="utf-8")
        end = time.monotonic() + 2 * _SECONDS
        while time.monotonic() < end:
            time.sleep(0.05)
        file.write_text("left alone", encoding="utf-8")
    except KeyboardInterrupt:
        time.sleep(0.2)  # bookkeeping, which is waited for
        file.write_text("interrupted", encoding="utf-8")
        raise


def follows(facts: Facts, moved: Mapping[str, str], notify: Notify) -> None:
    """Ends when the long one works."""
    _wait_until_there(Path(facts["folder"]) / "long", seconds=_SECONDS)


def _wait_until_there(file: Path, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.02)
    return file.exists()
