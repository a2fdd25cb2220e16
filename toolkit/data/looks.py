"""A look at every image: its features, and a small grey picture of it. Taken once a content, by all
cores, and kept in the cache."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
import PIL

from toolkit.contracts import Event, Floats, ImageSpec, Ints, Notify
from toolkit.data.features import NAMES, features_of
from toolkit.data.images import read_image
from toolkit.data.known import Known
from toolkit.data.picture import quantization_of
from toolkit.data.resemblance import FORMS, PROBES, SIDE, coarse, hashes_of, probe_matrix
from toolkit.errors import DataError
from toolkit.files import in_threads, open_regular

_VERSION = 3  # raise it when a look at the same file gives something else
_SMALL = 32
_FLAT = 1.0  # grey levels; a picture of less contrast has a hash of noise
_LEAST = 1024  # pixels a side at which a large JPEG is read

_FEATURES = slice(0, 4 * len(NAMES))
_HASHES = slice(_FEATURES.stop, _FEATURES.stop + 8 * (FORMS + PROBES))


@dataclass(frozen=True)
class Looks:
    """What was seen of images, a row each."""

    contents: tuple[str, ...]
    features: Floats
    """`(n, len(NAMES))`, NaN where an image has no such thing."""
    hashes: npt.NDArray[np.uint64]
    """`(n, FORMS + PROBES)`."""
    zipped: tuple[bytes, ...]
    """The small pictures, compressed."""

    def __len__(self) -> int:
        return len(self.contents)

    def picture(self, row: int) -> npt.NDArray[np.uint8]:
        """Grey `(SIDE, SIDE)`, of whatever shape the image is."""
        return np.frombuffer(zlib.decompress(self.zipped[row]), np.uint8).reshape(SIDE, SIDE)

    @cached_property
    def small(self) -> npt.NDArray[np.uint8]:
        """The pictures at 32 px `(n, 32, 32)`."""
        found = np.empty((len(self), _SMALL, _SMALL), dtype=np.uint8)
        for row in range(len(self)):
            found[row] = cv2.resize(
                self.picture(row), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA
            )
        return found

    @cached_property
    def flat(self) -> npt.NDArray[np.bool_]:
        """Which pictures show nothing `(n,)`."""
        return np.asarray(self.small.std(axis=(1, 2)) < _FLAT)

    def coarse(self, probe: int) -> Floats:
        """The pictures of a probe without their shades, of length 1 `(n, 1024)`."""
        matrix = probe_matrix(probe)
        matrix[:, 2] *= _SMALL / SIDE
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        found = np.empty((len(self), _SMALL * _SMALL), dtype=np.float32)
        for row, small in enumerate(self.small):
            if probe:
                small = cv2.warpAffine(
                    small, matrix, small.shape, flags=flags, borderMode=cv2.BORDER_REPLICATE
                )
            found[row] = coarse(small)
        return found

    def of(self, rows: Ints) -> Looks:
        """The looks at some of the images."""
        return Looks(
            tuple(self.contents[row] for row in rows),
            self.features[rows],
            self.hashes[rows],
            tuple(self.zipped[row] for row in rows),
        )


def look_at(
    files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify
) -> tuple[Looks, dict[str, str]]:
    """Looks at files, in the order of their contents, and the faults of those that cannot be read.

    Args:
        files: content hash to the path of a file with that content.
        spec: says how large an image may be, and which values become black and white.
        known: what earlier looks saw; it learns the new.
    """
    looker = _looker(spec)
    found = known.looks(looker, files)
    paths = {files[content]: content for content in files if content not in found}
    look = _Look(replace(spec, size=_LEAST, fit="letterbox"))
    faults: dict[str, str] = {}
    new: dict[str, bytes] = {}
    for path, seen in in_threads(look, sorted(paths), lambda text: notify(Event("message", text))):
        content = paths[path]
        if isinstance(seen, str):
            faults[content] = seen
        else:
            new[content] = seen
    known.learn_looks(looker, new)
    found |= new
    return _gathered(
        {content: found[content] for content in sorted(files) if content in found}
    ), faults


def _looker(spec: ImageSpec) -> str:
    """What a look depends on, besides the content."""
    facts = [_VERSION, PIL.__version__, cv2.__version__, spec.max_pixels, repr(spec.depth)]
    return json.dumps(facts)


def _gathered(found: Mapping[str, bytes]) -> Looks:
    n = len(found)
    features = b"".join(seen[_FEATURES] for seen in found.values())
    hashes = b"".join(seen[_HASHES] for seen in found.values())
    return Looks(
        tuple(found),
        np.frombuffer(features, "<f4").reshape(n, len(NAMES)).astype(np.float32),
        np.frombuffer(hashes, "<u8").reshape(n, FORMS + PROBES).astype(np.uint64),
        tuple(seen[_HASHES.stop :] for seen in found.values()),
    )


@dataclass(frozen=True)
class _Look:
    """Looks at a file: bytes, or what keeps it from being read."""

    spec: ImageSpec

    def __call__(self, path: str) -> bytes | str:
        try:
            image = read_image(path, self.spec).image
        except DataError as error:
            return error.lines[0]
        with open_regular(path) as file:
            size, tables = os.fstat(file.fileno()).st_size, quantization_of(file)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        picture = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        features, hashes = features_of(image, size, tables), hashes_of(picture)
        packed = zlib.compress(picture.tobytes(), 1)
        return features.astype("<f4").tobytes() + hashes.astype("<u8").tobytes() + packed
