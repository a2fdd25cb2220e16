"""Images that somebody hands over, read as a run reads its own: a folder, paths, pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image as PIL
from torch import Tensor

from toolkit.builtin.listing import list_folder
from toolkit.contracts import Event, Image, ImageSpec, Notify
from toolkit.data.images import of_picture, read_image, to_input, to_working
from toolkit.errors import DataError, UserError, listed
from toolkit.files import bounded

Handed = str | Path | PIL.Image
_THREADS = 8


class Given(NamedTuple):
    """One image."""

    name: str
    """Its path, or where a picture stands among those that were handed over: `image 0`."""
    source: Path | PIL.Image


def given_images(images: Handed | Iterable[Handed], notify: Notify) -> list[Given]:
    """What was handed over, an entry an image, in its order; a folder's in that of their names.

    Raises `UserError` for what is neither a path nor a picture, and `DataError` where a path leads
    nowhere or a folder holds no image.
    """
    alone = isinstance(images, str | Path | PIL.Image)
    handed: Iterable[Handed] = [images] if alone else images  # type: ignore[list-item, assignment]
    if not isinstance(handed, Iterable):
        raise UserError(_no_image(images))
    found: list[Given] = []
    missing: list[str] = []
    for one in handed:
        if isinstance(one, PIL.Image):
            name = getattr(one, "filename", "") or f"image {len(found)}"
            found.append(Given(str(name), one))
        elif not isinstance(one, str | Path):
            raise UserError(_no_image(one))
        elif Path(one).is_dir():
            found += _of_folder(Path(one), notify)
        elif os.path.lexists(one):
            found.append(Given(str(one), Path(one)))
        else:
            missing.append(f"{one}: there is no such file or folder")
    if missing:
        raise DataError(listed(missing, between="\n"))
    return found


def _no_image(found: object) -> str:
    return (
        f"found a {type(found).__name__}, expected a path, a folder, a PIL image, or a list of "
        "these (PIL.Image.fromarray makes one of an array)"
    )


def _of_folder(folder: Path, notify: Notify) -> list[Given]:
    listing = list_folder(folder)
    others = [f"{count} {suffix or 'without a suffix'}" for suffix, count in listing.others.items()]
    notes = [f"files that are no images are left out ({listed(others)})"] if others else []
    for note in (*notes, *listing.notes):
        notify(Event("message", f"{folder}: {note}"))
    if not listing.images:
        raise DataError(f"{folder}: holds no image")
    return [Given(str(folder / name), folder / name) for name in listing.images]


class Batch(NamedTuple):
    """Images that were read, and those that could not be."""

    places: list[int]
    """Of the images, among those that were handed over."""
    images: Tensor
    """`(B, S, S, 3)` uint8."""
    faults: dict[int, str]


def batches_of_given(given: Sequence[Given], spec: ImageSpec, batch_size: int) -> Iterator[Batch]:
    """The images at the model's size, decoded by a few threads, one batch ahead of the model."""
    cuts = np.array_split(np.arange(len(given)), max(1, math.ceil(len(given) / batch_size)))
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="decodes")
    try:
        ahead = None
        for cut in [*cuts, None]:
            begun = None if cut is None else [_begun(pool, int(i), given[i], spec) for i in cut]
            if ahead is not None:
                yield _gathered(ahead, spec)
            ahead = begun
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begun(
    pool: ThreadPoolExecutor, place: int, one: Given, spec: ImageSpec
) -> tuple[int, Callable[[], Image | DataError]]:
    """An image's place, and what waits for it."""
    if isinstance(one.source, PIL.Image):
        # One that was opened lazily is decoded in place: by one thread, whoever else holds it.
        return place, partial(lambda found: found, _read(one, spec))
    return place, pool.submit(_read, one, spec).result


def _read(one: Given, spec: ImageSpec) -> Image | DataError:
    """An image at the model's size, by the way of a run's own: through the working size."""

    def read() -> Image:
        if isinstance(one.source, PIL.Image):
            image = of_picture(one.source, spec, one.name)
        else:
            image = read_image(one.source, spec).image
        return to_input(to_working(image, spec), spec)

    try:
        return bounded(read, one.name)
    except DataError as fault:
        return fault


def _gathered(begun: list[tuple[int, Callable[[], Image | DataError]]], spec: ImageSpec) -> Batch:
    read = {place: result() for place, result in begun}
    images = {place: one for place, one in read.items() if not isinstance(one, DataError)}
    faults = {place: str(one) for place, one in read.items() if isinstance(one, DataError)}
    pixels = np.stack([*images.values()]) if images else np.empty((0, spec.size, spec.size, 3))
    return Batch(list(images), torch.from_numpy(pixels), faults)
