"""Images that were made from the others, masks and thumbnails: by their names, and only where each
has the image that it was made from."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from toolkit.builtin.left_out import kept
from toolkit.builtin.splits import role_of
from toolkit.check.columns import words_of

_MADE = frozenset({
    "annotation", "annotations", "contour", "contours", "groundtruth", "gt", "heatmap", "heatmaps",
    "label", "labels", "mask", "masks", "overlay", "overlays", "preview", "previews", "seg", "segs",
    "segmentation", "segmentations", "thumb", "thumbnail", "thumbnails", "thumbs", "trimap",
    "trimaps",
})  # fmt: skip
_WORN = frozenset({"correct", "face", "incorrect", "no", "non", "not", "with", "without"})
"""Beside such a word a mask is something to wear, and the folders are classes."""
_ORIGINALS = frozenset({
    "data", "dataset", "image", "images", "img", "imgs", "input", "inputs", "jpegimages", "jpg",
    "original", "originals", "photo", "photos", "picture", "pictures", "png", "raw",
})  # fmt: skip
"""What a folder of originals beside is called, where it is no class."""
_SUFFIX = re.compile(
    r"(?P<image>.+?)(?P<made>[\W_]+(?:mask|seg|segmentation|gt|label|thumb|thumbnail|preview|"
    r"overlay|heatmap|trimap)s?(?:[\W_]*\d+)?)",
    re.IGNORECASE,
)
_MOST = 0.9  # share of the images that have their original, and of the originals beside classes


def made_from_others(images: Sequence[str], folders: Iterable[str]) -> tuple[str, ...]:
    """Names of folders and patterns of files whose images were made from others.

    Args:
        folders: every folder below the root.
    """
    named = {name for folder in folders if _is_made(name := folder.rpartition("/")[2])}
    if any(_WORN & set(words_of(name)) for name in named):
        named = set()
    patterns = list(_patterns(images))
    rest = kept(images, patterns)
    return (*(name for name in sorted(named) if _has_originals(name, named, rest)), *patterns)


def _is_made(name: str) -> bool:
    words = words_of(name)
    return bool(_MADE & set(words)) or "".join(words) in _MADE


def _has_originals(name: str, made: set[str], images: Sequence[str]) -> bool:
    """Whether the images in the folders of a name have one original each."""
    own: dict[str, list[str]] = {}  # images in each such folder, as paths below it
    originals = []
    for path in images:
        head, mark, below = f"/{path}".partition(f"/{name}/")
        if mark:
            own.setdefault(head[1:], []).append(below)
        elif made.isdisjoint(path.split("/")[:-1]):
            originals.append(path)
    found = total = 0
    for head, inside in own.items():
        beside = [path for path in originals if path.startswith(f"{head}/" if head else "")]
        depths = {below.count("/") for below in inside}
        twins = {depth: Counter(_key(path, depth) for path in beside) for depth in depths}
        hits = sum(_has_one(twins[below.count("/")], below) for below in inside)
        if hits < _MOST * _in_classes(head, beside):
            return False
        found, total = found + hits, total + len(inside)
    return total > 0 and found >= _MOST * total


def _has_one(twins: Counter[str], below: str) -> bool:
    """Whether one original has the name of an image in such a folder."""
    key = _key(below, below.count("/"))
    bare = _SUFFIX.fullmatch(key)
    return any(twins[k] == 1 for k in (key, *([bare["image"]] if bare else [])))


def _key(path: str, depth: int) -> str:
    """The last parts of a path, without the suffix."""
    parts = path.rpartition(".")[0].split("/")
    return "/".join(parts[-depth - 1 :])


def _in_classes(head: str, beside: Sequence[str]) -> float:
    """How many originals lie in folders beside it that may be classes; without end where there is
    one such, and the other class would be this one."""
    start = len(head) + 1 if head else 0
    tops = (path[start:].partition("/")[0] for path in beside if "/" in path[start:])
    counts = {top: count for top, count in Counter(tops).items() if role_of(top) is None}
    if len(counts) == 1:
        (top,) = counts
        return 0 if set(words_of(top)) <= _ORIGINALS else math.inf
    return sum(counts.values())


def _patterns(images: Sequence[str]) -> Iterator[str]:
    """Patterns of the files that stand beside their image: `*_mask.*`."""
    ends: dict[str, list[str]] = {}
    for path in images:
        stem = path.rpartition(".")[0]
        found = _SUFFIX.fullmatch(stem.rpartition("/")[2])
        if found is not None:
            made = found["made"]
            pattern = re.sub(r"\d+", "*", made)
            ends.setdefault(pattern, []).append(stem[: -len(made)])
    if not ends:
        return
    stems = {path.rpartition(".")[0] for path in images}
    for pattern, originals in sorted(ends.items()):
        with_image = sum(image in stems for image in originals)
        if with_image >= _MOST * len(originals):
            yield f"*{pattern}.*"
