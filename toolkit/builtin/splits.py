"""Words for splits: folders and values that mean training, validation or test."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Role = Literal["train", "valid", "test"]

SPLIT = "split"
"""An optional column of `Table.train`: the split that a row came in, as the data calls it."""

_WORDS: dict[str, Role] = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "validate": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "holdout": "test",
}
# What may stand beside the word: `train_images`, `Test Data`, `validation-set`.
_BESIDE = frozenset({"set", "split", "data", "dataset", "images", "image", "imgs", "img", "folder"})


@lru_cache(4096)  # it is asked of the folders of a million files
def role_of(name: str) -> Role | None:
    """The split that a name means, in any case and wording; None where it means none."""
    plain = re.sub(r"[\s_.-]*(?:19|20)\d\d$", "", name.casefold())  # COCO's `train2017`
    words = [w for w in re.split(r"[\s_.-]+", plain) if w]
    if len(words) == 1:
        return _WORDS.get(words[0].removesuffix("set")) or _WORDS.get(words[0])
    named = [word for word in words if word in _WORDS]
    others = [word for word in words if word not in _WORDS]
    return _WORDS[named[0]] if len(named) == 1 and set(others) <= _BESIDE else None


class WhileJoined(str):
    """A note of a table that holds as long as a given validation split is joined to training."""

    __slots__ = ()


def split_name(text: str, role: Role) -> str:
    """What a split is called: as the data calls it, where that says its role."""
    return text if role_of(text) == role else role


def joined(place: object, valid: str, of: str, name: str) -> WhileJoined:
    """The note of a validation split that is joined to training.

    Args:
        valid: what is joined, `"10 images"`.
        of: to what, `"30 of training"`.
        name: of the split.
    """
    return WhileJoined(
        f"{place}: its {valid} are joined to the {of}; the folds validate (to validate on them "
        f'alone: [split] given = "{name}")'
    )
