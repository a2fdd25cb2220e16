"""Makes images into the half-made folder of a pack, several at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from toolkit.contracts import Event, Image, ImageSpec, Notify
from toolkit.data.images import CannotRead, Note, read_image, to_working
from toolkit.data.pack import IMAGES
from toolkit.data.pool import in_processes
from toolkit.errors import DataError
from toolkit.files import bounded, reporting, slow

_WORTH_A_POOL = 64  # images; below it, starting processes costs more than decoding


class Fault(NamedTuple):
    """Why an image could not be made."""

    text: str
    lasting: bool
    """Whether the same content would fail again."""


class Made(NamedTuple):
    """An image at the working size, and what is odd about it."""

    image: Image
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Filling:
    """What came of making images into a half-made folder."""

    names: list[str]
    """Of what is there, in the order of its rows."""
    faults: dict[str, Fault]
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    """Of those that have any, by name."""


def fill_all(
    half_made: Path,
    items: Mapping[str, Any],
    make: Callable[[Any], Made],
    spec: ImageSpec,
    notify: Notify,
    processes: int | None,
) -> Filling:
    """Make every image into a half-made folder."""
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir()
    array, names = half_made / IMAGES, sorted(items)
    shape = (len(names), spec.working_size, spec.working_size, 3)
    np.memmap(array, np.uint8, "w+", shape=shape).flush()
    jobs = [(row, items[name]) for row, name in enumerate(names)]
    faults: dict[str, Fault] = {}
    odd: dict[str, tuple[Note, ...]] = {}
    fill = partial(_fill, str(array), make)
    for done, (row, fault, notes) in enumerate(_filled(fill, jobs, processes, notify), 1):
        if fault is not None:
            faults[names[row]] = fault
        if notes:
            odd[names[row]] = notes
        notify(Event("decode", done=done, total=len(jobs)))
    good = [row for row, name in enumerate(names) if name not in faults]
    if faults and good:
        _close_up(array, good, spec)
    return Filling([names[row] for row in good], faults, odd)


def _close_up(array: Path, rows: list[int], spec: ImageSpec) -> None:
    """Move these rows to the front, in order: the bytes of a pack that never held the others."""
    size = spec.working_size**2 * 3
    with array.open("rb+") as file:
        for place, row in enumerate(rows):
            if place != row:
                file.seek(row * size)
                image = file.read(size)
                file.seek(place * size)
                file.write(image)
        file.truncate(len(rows) * size)


_Job = tuple[int, Any]
_Filled = tuple[int, "Fault | None", tuple[Note, ...]]


def _filled(
    fill: Callable[[_Job], _Filled], jobs: list[_Job], processes: int | None, notify: Notify
) -> Iterator[_Filled]:
    count = processes or os.cpu_count() or 1

    def tell(text: str) -> None:
        notify(Event("message", text))

    if count == 1 or len(jobs) < _WORTH_A_POOL:
        with reporting("", tell) as read_now:
            for job in jobs:
                read_now(str(job[1]))
                yield fill(job)
        return

    def waiting(job: _Job, seconds: float) -> None:
        tell(slow(str(job[1]), seconds))

    yield from in_processes(fill, jobs, count, _single_threaded, waiting)


def _single_threaded() -> None:
    cv2.setNumThreads(1)


def _fill(array: str, make: Callable[[Any], Made], job: _Job) -> _Filled:
    """Make one image into its row of the array. Returns the row, the fault if any, and notes."""
    row, item = job
    try:
        image, notes = make(item)
    except DataError as error:
        return row, Fault(str(error), not isinstance(error, CannotRead)), ()
    size = image.nbytes
    with open(array, "r+b") as file:
        file.seek(row * size)
        file.write(image.tobytes())
    return row, None, notes


def decoded(spec: ImageSpec, path: str) -> Made:
    def made() -> Made:
        image, notes = read_image(path, spec)
        return Made(to_working(image, spec), notes)

    return bounded(made, path)


def without_notes(make: Callable[[Any], Image], item: Any) -> Made:
    return Made(make(item))
