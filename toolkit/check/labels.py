"""The label of a table: one column, or a 0/1 column a class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.builtin.several import several_problem
from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.columns import (
    is_flag,
    is_label_name,
    label_look,
)
from toolkit.errors import DataError, did_you_mean, in_shell, listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Labels:
    """What says the class of each row."""

    columns: tuple[str, ...]
    """One, or a 0/1 column a class."""
    values: pd.Series[Any]
    level: int
    why: str
    others: tuple[str, ...] = ()
    """Other columns that could be the label, which say the same or less."""

    @property
    def one_hot(self) -> bool:
        return len(self.columns) > 1


def labels_of(
    file: Path, frame: pd.DataFrame, id_column: str, chosen: Chosen, sampled: Collection[str] = ()
) -> Labels | None:
    """The label of a table's rows; None where no column looks like one.

    Args:
        sampled: columns of the sample submission, which wants them filled.

    Raises `Unclear` where several could be it, `DataError` where images have several labels.
    """
    if chosen.label is not None:
        return _as_told(file, frame, chosen.label)
    columns = [str(column) for column in frame.columns if column != id_column]
    looks = {column: label_look(column, frame[column]) for column in columns}
    level = {c: look.level + 2 * (c in sampled) for c, look in looks.items() if look.level >= 0}
    top = max(level.values(), default=-1)
    best = [column for column in level if level[column] == top]
    flags = _flags(frame, columns, sampled)
    # `multiple_diseases` beside `rust` and `scab` is one class of several, though named as a label.
    one_of = len(flags) > 2 and set(best) <= set(flags) and all(looks[c].level < 3 for c in best)
    if len(flags) > 1 and (top < 3 or one_of):
        beside = top > 0 and not (one_of and set(flags) <= set(sampled))
        hot = _one_hot(file, frame, flags, id_column, others=beside)
        if hot is not None:
            return hot
    if not best:
        for column in (c for c in columns if is_label_name(c)):
            _refuse_several(file, column, frame[column])
        return None
    known = all(look.level >= 0 or look.by_name for look in looks.values())
    best = _without_twins(frame, best)
    if len(best) > 1 or (top == 0 and not known):
        choices = [_choice(frame, column) for column in level]
        if top > 0:
            choices = [_choice(frame, c) for c in level if looks[c].level > 0 or c in best]
        question = f"{file}: which column is the label cannot be told"
        raise Unclear(question, "--label", choices, named=top > 0)
    column = best[0]
    _refuse_several(file, column, frame[column])
    others = tuple(c for c in level if c != column)
    why = "the sample submission has it, too" if column in sampled else looks[column].why
    return Labels((column,), frame[column], top, why, others)


def _as_told(file: Path, frame: pd.DataFrame, text: str) -> Labels:
    names = [str(column) for column in frame.columns]
    several = [part.strip() for part in text.split(",")]
    told = [text.strip()] if text.strip() in names else several
    missing = [column for column in told if column not in names]
    if missing:
        raise DataError(
            f"--label {in_shell(text)}: {file} has no column {missing[0]!r} (it has "
            f"{listed(names)}).{did_you_mean(missing[0], names)}"
        )
    values = frame[told[0]]
    if len(told) > 1:
        values = frame[told].apply(lambda row: "".join(c for c in told if row[c] in _ONES), axis=1)
    return Labels(tuple(told), values, 4, "it was chosen")


_ONES = frozenset({"1", "1.0", "True", "true", "TRUE"})


def _choice(frame: pd.DataFrame, column: str) -> Choice:
    values = frame[column][frame[column] != ""]
    return Choice(column, f"{values.nunique()} classes ({listed(sorted(values.unique()), 4)})")


def _without_twins(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The columns, without those that say the same in other words: `label` 0 and `name` cat."""
    kept: list[str] = []
    for column in columns:
        if not any(_same_classes(frame[column], frame[other]) for other in kept):
            kept.append(column)
    return kept


def _same_classes(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    pairs = set(zip(one, other, strict=True))
    return len(pairs) == int(one.nunique()) == int(other.nunique())


def _flags(frame: pd.DataFrame, columns: Sequence[str], sampled: Collection[str]) -> list[str]:
    """The 0/1 columns that may be classes; those of the sample where it has several."""
    flags = [c for c in columns if is_flag(frame[c])]
    if len(flags) < 3 or not (frame[flags].isin(list(_ONES)).sum(axis=1) == 1).all():
        # A class may be called as what is known of images, `tree`, but a lone flag is not.
        flags = [c for c in flags if not label_look(c, frame[c]).by_name]
    wanted = [column for column in flags if column in sampled]
    return wanted if len(wanted) > 1 else flags


def _one_hot(
    file: Path, frame: pd.DataFrame, flags: Sequence[str], id_column: str, *, others: bool
) -> Labels | None:
    """One label from 0/1 columns. Raises `DataError` where rows have several.

    Args:
        others: another column could be the label, so that flags that do not fit are no classes.
    """
    ones = frame[list(flags)].isin(list(_ONES))
    count = ones.sum(axis=1)
    if (count == 1).all():
        text = "exactly one of them is 1 in every row"
        return Labels(tuple(flags), ones.idxmax(axis=1), 3, text)
    several = count > 1
    if others or len(flags) < 3:
        return None
    if several.any():
        raise DataError(
            f"{file}: {int(several.sum())} of {len(frame)} rows have several 1s in "
            f"{listed(list(flags))} ({listed(list(frame[id_column][several]), 3)}): images with "
            "several labels are not supported; name one column with one label a row: --label COLUMN"
        )
    none = count == 0
    raise DataError(
        f"{file}: {int(none.sum())} of {len(frame)} rows have no 1 in {listed(list(flags))} "
        f"({listed(list(frame[id_column][none]), 3)}), and so no label; add a column for these, or "
        "name one column with one label a row: --label COLUMN"
    )


def _refuse_several(file: Path, column: str, values: pd.Series[Any]) -> None:
    problem = several_problem(file, column, values)
    if problem is not None:
        raise DataError(
            f"{problem}; to train each combination as a class of its own: "
            f"--label {in_shell(column)}"
        )
