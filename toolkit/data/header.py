"""How a file stores its pixels, where that is more than Pillow keeps of them: by its header."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from PIL.TiffImagePlugin import ImageFileDirectory_v2

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0")  # the last is BigTIFF
_JPEG_2000 = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")
_CODESTREAM = b"\xff\x4f\xff\x51"  # start, then SIZ: ISO 15444-1, A.4 and A.5
_SAMPLES_OF_PNG = {2: 3, 4: 2, 6: 4}  # colour types; grey alone is read in full by Pillow
Number = Literal["u", "i", "f"]

_NUMBERS: Mapping[int, Number] = {1: "u", 2: "i", 3: "f"}  # TIFF 6.0, tag 339


@dataclass(frozen=True)
class Wide:
    """A file whose samples have more than 8 bits, and which Pillow cuts to 8 or cannot read."""

    kind: Literal["PNG", "TIFF", "JPEG 2000"]
    size: tuple[int, int]
    """Width and height as stored."""
    samples: int
    """Of each pixel."""
    bits: int
    number: Number = "u"
    """Unsigned, signed or floats."""
    alpha: bool = False
    """Whether the last sample is one."""
    white_is_zero: bool = False
    tags: Mapping[int, Any] = field(default_factory=dict)
    """Of a TIFF, what its first directory says."""
    order: Literal["<", ">"] = "<"
    """Of a TIFF's bytes."""
    more_pages: bool = False

    def __str__(self) -> str:
        numbers = {"u": "bits", "i": "bits (signed)", "f": "bits (floats)"}[self.number]
        of = "a sample" if self.samples == 1 else f"{self.samples} samples"
        return f"{self.kind} with {of} of {self.bits} {numbers} for each pixel"


def wide_of(content: BinaryIO) -> Wide | None:
    """What the header of a file says; None for files whose pixels Pillow gives in full, and for
    those that are no image. The file is left at its start."""
    start = content.read(26)
    try:
        if start.startswith(_PNG):
            return _png(start)
        if start.startswith(_TIFFS):
            return _tiff(content, start)
        if start.startswith(_JPEG_2000):
            return _jpeg_2000(start + content.read(1 << 14))
        return None
    # What broken headers raise; Pillow, which reads the file then, says what is wrong.
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return None
    finally:
        content.seek(0)


def _png(start: bytes) -> Wide | None:
    width, height, bits, colour = struct.unpack_from(">IIBB", start, 16)
    if bits != 16 or colour not in _SAMPLES_OF_PNG:
        return None
    samples = _SAMPLES_OF_PNG[colour]
    return Wide("PNG", (width, height), samples, bits, alpha=samples != 3)


def _jpeg_2000(start: bytes) -> Wide | None:
    at = start.index(_CODESTREAM) + 4
    right, bottom, left, top = struct.unpack_from(">IIII", start, at + 4)
    (samples,) = struct.unpack_from(">H", start, at + 36)
    bits = (start[at + 38] & 0x7F) + 1
    if bits <= 8 or samples == 1:
        return None
    size = (right - left, bottom - top)
    return Wide("JPEG 2000", size, samples, bits, alpha=samples in (2, 4))


def reductions_of(content: bytes) -> int:
    """How often a JPEG 2000 codestream can be halved; 0 where its header does not say."""
    at = content.find(b"\xff\x52", content.find(_CODESTREAM))  # COD: ISO 15444-1, A.6.1
    return content[at + 9] if 0 < at < len(content) - 9 else 0


def _tiff(content: BinaryIO, start: bytes) -> Wide | None:
    directory = ImageFileDirectory_v2(start[:16] if start[2] == 43 else start[:8])
    content.seek(directory.next)
    directory.load(content)
    tags = dict(directory)
    bits = tags.get(258, (1,))
    samples, colours = tags.get(277, 1), tags[262]
    number = _NUMBERS.get(tags.get(339, (1,))[0])
    if number is None or colours not in (0, 1, 2) or set(bits) - {16, 32, 64}:
        return None
    if samples == 1 and colours == 1 and (number, bits[0]) in _AS_THEY_ARE:
        return None
    plain = 3 if colours == 2 else 1
    extra = tags.get(338, (2,) * (samples - plain))
    return Wide(
        "TIFF",
        (int(tags[256]), int(tags[257])),
        samples,
        bits[0],
        number,
        alpha=samples == plain + 1 and extra[:1] in ((1,), (2,)),
        white_is_zero=colours == 0,
        tags={**tags, 262: colours},
        order=">" if start.startswith(b"MM") else "<",
        more_pages=directory.next != 0,
    )


_AS_THEY_ARE = {("u", 16), ("i", 16), ("i", 32), ("f", 32)}
"""Grey of these kinds is read by Pillow in full."""
