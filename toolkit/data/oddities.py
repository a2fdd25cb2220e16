"""What is said of images that were read, and are odd."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.contracts import Event, ImageSpec, Notify
from toolkit.data.images import Note, deep_values
from toolkit.data.levels import Seen, levels_of, seen
from toolkit.data.pack import Pack
from toolkit.errors import DataError, listed

_SHOWN = 3

_NEARLY: Mapping[Note, str] = {
    "black": "{} nearly black where the model sees them ({})",
    "white": "{} nearly white where the model sees them ({})",
}
_GAPS = "{} pixels that are no finite number, NaN or infinite ({}); NaN becomes black"
_PAGES = "{} several pages or frames ({}); the first is read"


def odd_images(
    pack: Pack, files: Mapping[str, str], spec: ImageSpec, notify: Notify
) -> tuple[str, ...]:
    """Say what is odd about the images of a pack, once for each kind, with the first few files.

    Args:
        files: content hash to path.
        spec: that the images were decoded with.

    Returns the lines that warn.
    """
    pages = _named(pack, files, "pages")
    if pages:
        notify(Event("message", _line(_PAGES, pages, "image has", "images have")))
    warnings = []
    for note, text in _NEARLY.items():
        named = _named(pack, files, note)
        if named:
            line = _line(text, named, "image is", "images are")
            warnings.append(f"{line}; {_way_on(named[:_SHOWN], spec)}")
    gaps = _named(pack, files, "gaps")
    if gaps:
        warnings.append(_line(_GAPS, gaps, "image has", "images have"))
    for warning in warnings:
        notify(Event("message", f"warning: {warning}"))
    return tuple(warnings)


def _way_on(paths: list[str], spec: ImageSpec) -> str:
    """Of images that are nearly black or white: what they hold, and what scales it otherwise."""
    for path in paths:
        found = _seen(path, spec)
        if found is None or found.extent.empty:
            continue
        low, high = found.extent.low, found.extent.high
        if low == high:
            return f"every value of {path} is {low:g}"
        levels = levels_of(spec.depth)
        black, white = levels.floats if found.floats else levels.integers
        return (
            f"{path} holds values from {low:g} to {high:g}, of which {black:g} becomes black and "
            f"{white:g} white; to scale these: --set 'image.depth=[{low:g}, {high:g}]'"
        )
    return (
        "they have 8 bits a sample and are shown as they are stored: are masks or empty pictures "
        "among the data?"
    )


def _seen(path: str, spec: ImageSpec) -> Seen | None:
    try:
        values = deep_values(path, spec.max_pixels)
    except DataError:
        return None  # it was read a moment ago, and a hint is not worth a stop
    return None if values is None else seen(values)


def _named(pack: Pack, files: Mapping[str, str], note: Note) -> list[str]:
    return sorted(files[c] for c, notes in pack.notes.items() if note in notes and c in files)


def _line(text: str, paths: list[str], one: str, many: str) -> str:
    count = f"1 {one}" if len(paths) == 1 else f"{len(paths):,} {many}"
    return text.format(count, listed(paths, _SHOWN))
