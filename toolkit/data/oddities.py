"""What is said of images that were read, and are odd."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.contracts import Event, Notify
from toolkit.data.images import Note
from toolkit.data.pack import Pack
from toolkit.errors import listed

_SHOWN = 3

_WARNINGS: Mapping[Note, str] = {
    "black": "{} nearly black where the model sees them ({}); of files of 16 or 32 bits or of "
    "floats, image.depth says which values become white",
    "white": "{} nearly white where the model sees them ({}); of files of 16 or 32 bits or of "
    "floats, image.depth says which values become black",
    "gaps": "{} pixels that are no finite number, NaN or infinite ({}); NaN becomes black",
}
_PAGES = "{} several pages or frames ({}); the first is read"


def odd_images(pack: Pack, files: Mapping[str, str], notify: Notify) -> tuple[str, ...]:
    """Say what is odd about the images of a pack, once for each kind, with the first few files.

    Args:
        files: content hash to path.

    Returns the lines that warn.
    """
    pages = _named(pack, files, "pages")
    if pages:
        notify(Event("message", _line(_PAGES, pages, "image has", "images have")))
    warnings = []
    for note, text in _WARNINGS.items():
        named = _named(pack, files, note)
        if named:
            many = ("image has", "images have") if note == "gaps" else ("image is", "images are")
            warnings.append(_line(text, named, *many))
    for warning in warnings:
        notify(Event("message", f"warning: {warning}"))
    return tuple(warnings)


def _named(pack: Pack, files: Mapping[str, str], note: Note) -> list[str]:
    return sorted(files[c] for c, notes in pack.notes.items() if note in notes and c in files)


def _line(text: str, paths: list[str], one: str, many: str) -> str:
    count = f"1 {one}" if len(paths) == 1 else f"{len(paths):,} {many}"
    return text.format(count, listed(paths, _SHOWN))
