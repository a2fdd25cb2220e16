"""Opens image files with Pillow: within a bound of pixels, upright, whatever their metadata is."""

from __future__ import annotations

import io
import math
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, BinaryIO, TypeVar

import numpy.typing as npt
from PIL import Image as PIL
from PIL import UnidentifiedImageError
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from toolkit.data.bare import bare
from toolkit.data.header import reductions_of

T = TypeVar("T")
Size = tuple[int, int]
Needed = Callable[[Size], Size]

ORIENTATION = 274  # Exif 2.3
_UPRIGHT = {
    2: PIL.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Transpose.ROTATE_180,
    4: PIL.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Transpose.TRANSPOSE,
    6: PIL.Transpose.ROTATE_270,
    7: PIL.Transpose.TRANSVERSE,
    8: PIL.Transpose.ROTATE_90,
}
# Steps down and to the right, behind a swap of the axes from 5 on.
_FLIPPED = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
# MPO is left out: the second picture of a phone's JPEG is a preview of the first.
_PAGED = {"TIFF", "GIF", "WEBP", "PNG", "AVIF", "DCX", "FLI", "PSD", "HEIF"}


class Refused(ValueError):
    """A file is not read, for a reason that stands behind its path."""


class TooLarge(Refused):
    """An image has more pixels than the bound, and no smaller scale that is enough."""

    def __init__(self, size: Size, max_pixels: int) -> None:
        self.size, self.max_pixels = size, max_pixels
        width, height = size
        super().__init__(
            f"has {width} x {height} pixels, above the bound image.max_pixels = {max_pixels}; "
            f"raise it (--set image.max_pixels={width * height}), or make the image smaller"
        )


def with_picture(
    content: BinaryIO, max_pixels: int, needed: Needed, work: Callable[[PIL.Image], T]
) -> T:
    """What `work` makes of the first picture in a file, whose pixels are loaded.

    Where metadata that no pixel needs keeps the file from being read, it is read without.

    Args:
        needed: of an image's width and height, those at which it is large enough.
        work: called while the file is open.

    Raises `TooLarge`, and whatever Pillow raises for a file that is broken or no image.
    """
    _register_plugins()
    with within(max_pixels):
        try:
            return _worked(content, max_pixels, needed, work)
        except (TooLarge, MemoryError):
            raise
        # Pillow raises SyntaxError, ValueError, struct.error, ... on corrupt bytes.
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the system's
            content.seek(0)
            for less in bare(content.read()):
                try:
                    return _worked(io.BytesIO(less), max_pixels, needed, work)
                except (TooLarge, MemoryError):
                    raise
                except Exception:  # noqa: BLE001 - the first error is the file's, below
                    continue
            raise


def _worked(
    content: BinaryIO, max_pixels: int, needed: Needed, work: Callable[[PIL.Image], T]
) -> T:
    with _opened(content) as file:
        if math.prod(file.size) > max_pixels:
            size = file.size
            if isinstance(file, Jpeg2KImageFile):
                _halve(file, content, max_pixels, needed(size))
            elif isinstance(file, JpegImageFile):
                file.draft(None, needed(size))
            if not isinstance(file, Jpeg2KImageFile) and math.prod(file.size) > max_pixels:
                raise TooLarge(size, max_pixels)
        file.load()
        return work(file)


def _halve(file: Jpeg2KImageFile, content: BinaryIO, max_pixels: int, needed: Size) -> None:
    """Ask for the largest of the file's resolutions that is below the bound and large enough."""
    content.seek(0)
    for times in range(1, reductions_of(content.read(1 << 16)) + 1):
        width, height = (math.ceil(side / 2**times) for side in file.size)
        if width < needed[0] or height < needed[1]:
            break
        if width * height <= max_pixels:
            file.reduce = times
            return
    raise TooLarge(file.size, max_pixels)


def _opened(content: BinaryIO) -> PIL.Image:
    """The file, its header read, whatever its size."""
    try:
        return PIL.open(content)
    except PIL.DecompressionBombError:
        content.seek(0)
        with _sizes.free():
            return PIL.open(content)


def size_of(content: BinaryIO, max_pixels: int) -> Size:
    """Width and height of an image as it is stored, pixels; only the header is read.

    Raises `TooLarge` above the bound; not for a JPEG or a JPEG 2000, which are read at a
    smaller scale.
    """
    _register_plugins()
    with within(0), _opened(content) as file:
        if math.prod(file.size) > max_pixels and not isinstance(
            file, (JpegImageFile, Jpeg2KImageFile)
        ):
            raise TooLarge(file.size, max_pixels)
        return file.size


def mode_of(content: BinaryIO) -> str:
    """Pillow's mode of an image; only the header is read."""
    _register_plugins()
    with within(0), _opened(content) as file:
        return file.mode


def quantization_of(content: BinaryIO) -> dict[int, list[int]] | None:
    """The quantization tables of a JPEG; None for others. Only the header is read."""
    _register_plugins()
    content.seek(0)
    with within(0), _opened(content) as file:
        return dict(file.quantization) if isinstance(file, JpegImageFile) else None


def upright(image: PIL.Image) -> PIL.Image:
    """The image turned as its EXIF block says; as it is stored, where that block is broken."""
    method = _UPRIGHT.get(orientation_of(image))
    return image if method is None else image.transpose(method)


def orientation_of(image: PIL.Image) -> int:
    """As its EXIF block says, 1 to 8; 1 where that block is broken."""
    try:
        orientation = image.getexif().get(ORIENTATION)
    # What Pillow raises on a broken block: its own words, numbers out of range, no text.
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, OSError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) else 1


def turned_upright(values: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Pixels `(H, W)` or `(H, W, C)`, turned as an orientation says."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    down, right = _FLIPPED.get(orientation, (1, 1))
    return values[::down, ::right]


def has_more(image: PIL.Image) -> bool:
    """Whether other pages or frames follow the first. May move to them: ask last."""
    if image.format not in _PAGED:
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except (SyntaxError, ValueError, OSError, EOFError, struct.error):
        return False  # what follows the first picture is broken, and nobody reads it


class _Sizes:
    """Pillow's own bound and its warnings, which are the process's: set while files are read here,
    in however many threads, and put back behind the last."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.readers = 0
        self.bound: int | None = None
        self.filters = warnings.catch_warnings()

    def enter(self, max_pixels: int) -> None:
        with self.lock:
            if not self.readers:
                self.bound = PIL.MAX_IMAGE_PIXELS
                self.filters = warnings.catch_warnings()
                self.filters.__enter__()
                # Pillow warns of odd metadata and of sizes; pixels and our bound decide here.
                warnings.simplefilter("ignore")
            self.readers += 1
            if max_pixels:
                PIL.MAX_IMAGE_PIXELS = math.ceil(max_pixels / 2)  # it raises above twice this

    def leave(self) -> None:
        with self.lock:
            self.readers -= 1
            if not self.readers:
                self.filters.__exit__(None, None, None)
                PIL.MAX_IMAGE_PIXELS = self.bound

    @contextmanager
    def free(self) -> Iterator[None]:
        with self.lock:
            bound, PIL.MAX_IMAGE_PIXELS = PIL.MAX_IMAGE_PIXELS, None
            try:
                yield
            finally:
                PIL.MAX_IMAGE_PIXELS = bound


_sizes = _Sizes()


@contextmanager
def within(max_pixels: int) -> Iterator[None]:
    """Without Pillow's warnings, and with this bound for its own; 0 leaves its bound."""
    _sizes.enter(max_pixels)
    try:
        yield
    finally:
        _sizes.leave()


@cache
def _register_plugins() -> None:
    """HEIC has a plugin of Pillow's, which is used where it is installed."""
    if find_spec("pillow_heif") is not None:
        import_module("pillow_heif").register_heif_opener()


def cause(error: Exception, content_start: bytes = b"") -> str:
    """What is wrong with a file, in words."""
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        if content_start[4:8] == b"ftyp" and content_start[8:12] in _HEIC:
            return "is HEIC, which is read where pillow-heif is installed: pip install pillow-heif"
        return "is no image that can be read"
    return f"cannot be read: {error}" if str(error) else f"cannot be read: {type(error).__name__}"


_HEIC = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
