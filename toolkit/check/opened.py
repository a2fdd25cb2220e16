"""Opens images before a recipe is written: headers, and pixels as long as there is time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolkit.contracts import ImageSpec
from toolkit.data.images import decode, image_size
from toolkit.errors import DataError
from toolkit.files import in_threads

HEADERS = 20_000
"""Images whose header is read; of more, as many spread over all."""
SECONDS = 20.0
"""For decoding images whole."""
_AT_ONCE = 64  # images between two looks at the clock
_SHOWN = 5

Size = tuple[int, int]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Opened:
    """What was seen of the images."""

    sides: tuple[Size, ...]
    """Width and height of those whose header can be read, pixels."""
    faults: Mapping[str, str]
    """Why an image cannot be read, by its path."""
    absent: frozenset[str]
    """Paths without a file."""
    images: int
    """Files that are there."""
    headers: int
    """Of these, those whose header was read."""
    whole: int
    """Of these, those that were decoded."""

    def faults_of(self, paths: Sequence[str], which: str) -> list[str]:
        """A line for each of the first images that cannot be read, and for the rest together.

        Args:
            which: training or test, for words.
        """
        found = [self.faults[path] for path in dict.fromkeys(paths) if path in self.faults]
        rest = len(found) - _SHOWN
        return [*found[:_SHOWN], *([f"{rest} more {which} images cannot be read"] * (rest > 0))]

    def words(self) -> str:
        """How far the images were looked at."""
        if self.whole == self.images:
            count = "its image was" if self.images == 1 else f"all {self.images:,} images were"
            return f"opened: {count} decoded"
        few = "all" if self.headers == self.images else f"{self.headers:,}"
        return (
            f"opened: {few} of {self.images:,} images by their headers, {self.whole:,} of them "
            "whole; `toolkit run` decodes every image before it trains"
        )


def open_images(
    paths: Sequence[str], seconds: float = SECONDS, clock: Clock = time.monotonic
) -> Opened:
    """Read headers, then decode images, spread over all, as long as there is time.

    Args:
        paths: of files that may not be there; these are told elsewhere.
    """
    named = dict.fromkeys(path for path in paths if isinstance(path, str))
    there = [path for path in named if os.path.exists(path)]
    some = there[:: max(1, -(-len(there) // HEADERS))]
    read = dict(in_threads(_header, some, _quiet))
    sides = tuple(size for path in some if isinstance(size := read[path], tuple))
    faults = {path: why for path in some if isinstance(why := read[path], str)}
    good = [path for path in some if path not in faults]
    whole = 0
    ends = clock() + seconds
    for chunk in _spread(good):
        if clock() >= ends:
            break
        decoded = dict(in_threads(_pixels, chunk, _quiet))
        faults |= {path: text for path in chunk if (text := decoded[path]) is not None}
        whole += len(chunk)
    absent = frozenset(named).difference(there)
    seen = whole + len(some) - len(good)
    return Opened(sides, faults, absent, len(there), len(some), seen)


def _spread(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    """Chunks that are each spread over all."""
    count = max(1, -(-len(paths) // _AT_ONCE))
    return (paths[start::count] for start in range(count) if paths[start::count])


def _header(path: str) -> Size | str:
    try:
        return image_size(path)
    except DataError as error:
        return error.lines[0]


def _pixels(path: str) -> str | None:
    try:
        decode(path, ImageSpec(224))
    except DataError as error:
        return error.lines[0]
    return None


def _quiet(text: str) -> None:
    """A stalled disk ends behind the bound; a survey has nobody to tell of slow ones."""
