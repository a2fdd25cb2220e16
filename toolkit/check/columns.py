"""How a column looks: like labels, groups, parents or splits, by its name and by what is in it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.builtin.label_names import LABEL_NAMES
from toolkit.builtin.splits import role_of
from toolkit.check.vocabulary import ATTRIBUTES, BESIDE_LABELS, GROUPS, KINDS, NEVER

if TYPE_CHECKING:
    import pandas as pd

_PARENTS = re.compile(r"(^|_)(parent|original|augmented_from|made_from)(_?id)?$", re.IGNORECASE)
_PARTS = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True)
class Look:
    """A column as a label."""

    level: int
    """3: its name is a word for labels; 2: ends with one; 1: has one; 0: says nothing; -1: it is
    no label."""
    why: str
    by_name: bool = False
    """Whether it is no label by its name alone: it is known what it is."""


def words_of(name: str) -> list[str]:
    """`masterCategory`, `class id`, `DX_TYPE` as words in small letters."""
    cut = "".join(_spaced(unicodedata.normalize("NFC", name)))
    return [word.casefold() for word in _PARTS.findall(cut)]


def _spaced(name: str) -> Iterator[str]:
    """A name's letters, with a space where a new word's capital begins."""
    for before, letter, after in zip(f" {name}", name, f"{name[1:]} ", strict=False):
        if letter.isupper() and (before.islower() or (before.isupper() and after.islower())):
            yield " "
        yield letter


def label_look(name: str, values: pd.Series[Any]) -> Look:
    """How label-like a column is."""
    words = words_of(name)
    level = _level(words)
    if level < 1 and (is_known(name) or is_group_name(name) or _PARENTS.search(name)):
        return Look(-1, f"{name!r} names no label", by_name=True)
    filled = values[values != ""]
    counts = Counter(filled)
    distinct, rows = len(counts), len(filled)
    if distinct < 2:
        return Look(-1, "it has one value", by_name=distinct == 1)
    if is_split(values):
        return Look(-1, "it names splits", by_name=True)
    if distinct == rows or (level < 2 and distinct > 0.9 * rows):
        return Look(-1, "nearly every row has another value")
    numbers = [number for value in counts if (number := _number(value)) is not None]
    if len(numbers) == distinct:
        whole = all(number.is_integer() for number in numbers)
        if not whole and (level < 2 or distinct > 0.25 * rows):
            return Look(-1, "it holds measured numbers")
        if level < 2 and distinct > max(20, 0.3 * rows):
            return Look(-1, "it holds many numbers")
    elif level < 1 and distinct > 0.5 * rows and sum(map(len, counts)) > 60 * distinct:
        return Look(-1, "it holds texts")
    return Look(level, _REASONS[level])


_REASONS = {
    3: "its name says so",
    2: "its name says so",
    1: "its name hints at it",
    0: "its values repeat, and no other column could be the label",
}


def _level(words: list[str]) -> int:
    core = [word for word in words if word not in BESIDE_LABELS]
    whole = "".join(words) in LABEL_NAMES
    named = {word for word in words if word in LABEL_NAMES and len(word) > 1}  # no `y_center`
    if whole or (named and set(core) <= LABEL_NAMES):
        return 3
    if not core:
        return 0
    *before, head = core
    if head in NEVER | GROUPS or set(before) & ATTRIBUTES:  # `class_weight`, `age_category`
        return 0
    if head in LABEL_NAMES:
        return 2
    if head in KINDS:
        return 0 if set(before) & NEVER else 1 + (not before)  # `image_type` is of files
    return int(bool(named))


def is_label_name(name: str) -> bool:
    """Whether a name is one of labels, whatever is in the column."""
    return _level(words_of(name)) > 1


def is_known(name: str) -> bool:
    """Whether a name says that a column is neither label nor group: age, season, fold."""
    return bool(set(words_of(name)) & NEVER)


def is_group_name(name: str) -> bool:
    """Whether a name is one of things that have several images: `patient_id`, `Lesions`."""
    words = [word for word in words_of(name) if word not in BESIDE_LABELS]
    if not words or set(words_of(name)) & (LABEL_NAMES | ATTRIBUTES):
        return False
    return words[-1] in GROUPS or words[-1].removesuffix("s") in GROUPS


def is_parent(name: str, values: pd.Series[Any], ids: pd.Series[Any]) -> bool:
    """Whether a column holds IDs of other rows, by its name and by what is in it."""
    filled = values[values != ""]
    return bool(_PARENTS.search(name) and len(filled) and filled.isin(list(ids)).all())


def is_split(values: pd.Series[Any]) -> bool:
    """Whether a column says which split a row belongs to: nothing but words for splits."""
    roles = {role_of(value) for value in values.unique()}
    return len(roles) > 1 and None not in roles and "train" in roles


def repeats(values: pd.Series[Any]) -> bool:
    """Whether some values occur again, and there are several."""
    filled = values[values != ""]
    return bool(1 < filled.nunique() < len(filled))


def is_flag(values: pd.Series[Any]) -> bool:
    """Whether a column holds 0 and 1 alone, and both."""
    known = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "": 0}
    known |= {text: int(text.lower() == "true") for text in ("True", "False", "true", "false")}
    known |= {"TRUE": 1, "FALSE": 0}
    found = values.unique()
    return all(value in known for value in found) and len({known[value] for value in found}) == 2


def _number(text: str) -> float | None:
    if not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", text):
        return None
    return float(text)
