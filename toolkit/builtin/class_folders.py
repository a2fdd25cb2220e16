"""Where class folders and splits lie: in any wording, at most one folder further in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.builtin.left_out import kept
from toolkit.builtin.listing import holds_images, subfolders
from toolkit.builtin.splits import Role, role_of

TRAIN, VALID, TEST = "train", "valid", "test"
"""The usual names of the splits' folders; any wording of them is known."""


@dataclass(frozen=True)
class Layout:
    """The folders of the splits below a root, as paths relative to it."""

    train: str
    """Holds the class folders, or the images whose names say the class; "" is the root."""
    valid: str | None
    test: str | None
    classes: tuple[str, ...]
    """Names of the class folders; empty where there are none."""
    notes: tuple[str, ...] = ()


def find_layout(
    root: Path,
    train: str,
    valid: str,
    test: str,
    leave: Sequence[str] = (),
    *,
    named: bool = False,
) -> Layout:
    """Find the splits. A folder is a split by its name and by what is in it: beside class folders
    it is a class.

    Args:
        train, valid, test: where they are; each is also looked for in other words where it has its
            usual name, and is not there if it is "".
        leave: patterns of folders that are left out.
        named: whether file names say the classes, so that a validation folder beside that of
            training needs none inside.
    """
    outer = _wrapping(root, (train, valid, test), leave)
    place = root / outer
    tops = kept(subfolders(place), leave)
    notes: list[str] = []
    base = _given(place, tops, train, TRAIN, "train")
    if base is not None and not _holds_classes(place / base) and _are_classes(place, tops, base):
        notes.append(_as_class(place / base))
        base = None
    held_out = _given(place, tops, valid, VALID, "valid")
    flat = named and base is not None
    if held_out is not None and not flat and not _holds_classes(place / held_out):
        if base is None:
            notes.append(_as_class(place / held_out))
        held_out = None
    tested = _given(place, tops, test, TEST, "test")
    beside = base is None and _are_classes(place, tops, tested or "")
    if tested is not None and beside and not _holds_classes(place / tested):
        if tested == test:
            notes.append(
                f"{place / tested}: beside the class folders, is taken for the test images; if it "
                'is a class: test = "" in [data]'
            )
        else:
            notes.append(_as_class(place / tested))
            tested = None
    rest = [top for top in tops if top not in (base, held_out, tested)]
    classes = rest if base is None else kept(subfolders(place / base), leave)
    if base is not None:
        inside = (base.split("/")[0], *(s.split("/")[0] for s in (held_out, tested) if s))
        notes += [
            f"{place / top}: has images, and is no split that is read; it is left out"
            for top in rest
            if top not in inside and holds_images(place / top)
        ]
    inner, classes = _unwrapped(place, base or "", classes)
    if held_out is not None:
        held_out, _ = _unwrapped(place, held_out, subfolders(place / held_out))
    return Layout(
        _joined(outer, inner),
        None if held_out is None else _joined(outer, held_out),
        None if tested is None else _joined(outer, tested),
        tuple(classes),
        tuple(notes),
    )


def _as_class(folder: Path) -> str:
    return f"{folder}: is taken for a class, as the folders beside it are"


def _given(place: Path, tops: Sequence[str], name: str, usual: str, role: Role) -> str | None:
    """A split's folder: by its name, or by any word for it where the name is the usual one."""
    if not name:
        return None
    if (place / name).is_dir():
        return name
    if name != usual:
        return None
    named = [top for top in tops if role_of(top) == role]
    return named[0] if len(named) == 1 else None


def _wrapping(root: Path, given: tuple[str, str, str], leave: Sequence[str]) -> str:
    """The folders, each alone in the other, that everything lies in, where the last holds splits;
    "" where there are none."""
    outer, place = "", root
    while True:
        tops = kept(subfolders(place), leave)
        if any(name and (place / name).is_dir() for name in given):
            return outer
        if any(role_of(top) == "train" for top in tops):
            return outer
        holding = [top for top in tops if holds_images(place / top)]
        if len(holding) != 1 or holds_images(place, below=False):
            return ""
        outer, place = _joined(outer, holding[0]), place / holding[0]


def _unwrapped(place: Path, inner: str, classes: list[str]) -> tuple[str, list[str]]:
    """Past a folder that stands alone and holds nothing but folders of images: `train/train/`."""
    base = place / inner
    if len(classes) == 1 and not holds_images(base, below=False):
        below = subfolders(base / classes[0])
        holding = [name for name in below if holds_images(base / classes[0] / name)]
        if len(holding) > 1 and not holds_images(base / classes[0], below=False):
            return _joined(inner, classes[0]), below
    return inner, classes


def _holds_classes(folder: Path) -> bool:
    """Whether a folder has folders with images in it."""
    return any(holds_images(folder / name) for name in subfolders(folder))


def _are_classes(place: Path, tops: Sequence[str], but: str) -> bool:
    """Whether other folders, which are no splits, hold images themselves."""
    return any(
        role_of(top) is None and holds_images(place / top, below=False)
        for top in tops
        if top != but
    )


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)
