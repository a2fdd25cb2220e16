"""What a sample submission asks for: which column means what, and how a class is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from toolkit.builtin.label_names import LABEL_NAMES
from toolkit.contracts import Submission, SubmissionColumn
from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd

_LABELS = LABEL_NAMES | {"prediction", "predicted", "predictions"}
_CONFIDENCES = frozenset(
    [
        "confidence",
        "conf",
        "probability",
        "prob",
        "probabilities",
        "score",
        "certainty",
        "proba",
        "p",
    ]
)


@dataclass(frozen=True)
class Classes:
    """The classes by both of their words."""

    names: Sequence[str]
    targets: Sequence[str]
    """As the training table writes them."""


Form = Literal["name", "target", "integer", "float"]
_TARGET: Form = "target"
_NAME: Form = "name"


class _Unmatched(Exception):
    """The sample asks for what cannot be written."""


def asked_by(
    sample: pd.DataFrame,
    ids: Sequence[str],
    id_column: str,
    target_column: str,
    classes: Classes,
    positive: str | None = None,
) -> tuple[Submission, tuple[str, ...]]:
    """Read a sample's columns and values: the form that it asks for, and what is to be told.

    Args:
        sample: its cells as text, without spaces around them.
        ids: the ID of each row as the file has it.
        target_column: what the training table calls the label.
        positive: the class whose probability a single column wants.
    """
    notes: list[str] = []
    others = [str(column) for column in sample.columns if column != id_column]
    try:
        by_name, written, form = _read(sample, others, target_column, classes, positive, notes)
    except _Unmatched as error:
        return Submission((), tuple(ids), tuple(classes.targets), problem=str(error)), ()
    kept = [column for column in others if column not in by_name]
    if kept:
        notes.append(f"its columns {listed(kept)} are kept as they are")
    by_name |= {c: SubmissionColumn(c, "kept", values=tuple(sample[c])) for c in kept}
    header = [str(column) for column in sample.columns] + ([] if others else [target_column])
    columns = tuple(by_name.get(c, SubmissionColumn(c, "id")) for c in header)
    return Submission(columns, tuple(ids), written, form), tuple(notes)


def _read(
    sample: pd.DataFrame,
    others: Sequence[str],
    target_column: str,
    classes: Classes,
    positive: str | None,
    notes: list[str],
) -> tuple[dict[str, SubmissionColumn], tuple[str, ...], Form]:
    """The columns that are filled, and how a class is written. Raises `_Unmatched`."""
    plain = tuple(classes.targets), _TARGET
    if not others:
        return {target_column: SubmissionColumn(target_column, "label")}, *plain
    of_class = _class_columns(others, classes)
    if of_class is not None:
        return {c: SubmissionColumn(c, "probability", n) for c, n in of_class.items()}, *plain
    label = _label_column(sample, others, target_column, classes)
    values = [value for value in sample[label].unique() if value]
    if _is_probability(values, classes):
        number = _positive(classes, positive, label)
        notes.append(
            f'its column {label!r} gets the probability of class "{classes.names[number]}"'
            + ("" if positive else '; of another: positive = "CLASS" in [data]')
        )
        return {label: SubmissionColumn(label, "probability", number)}, *plain
    found = {label: SubmissionColumn(label, "label")}
    confidence = _confidence_column(sample, [c for c in others if c != label])
    if confidence is not None:
        found[confidence] = SubmissionColumn(confidence, "confidence")
    return found, *_written(values, classes, label, notes)


def _class_columns(columns: Sequence[str], classes: Classes) -> dict[str, int] | None:
    """The class of each column that names one; None where the columns name none.

    Raises `_Unmatched` where some classes have a column and others have none.
    """
    best: dict[str, int] = {}
    for words in (classes.names, classes.targets):
        for candidates in (columns, _without_prefix(columns)):
            found = _paired(columns, candidates, words)
            if len(set(found.values())) > len(set(best.values())):
                best = found
    count = len(classes.names)
    if len(best) == count and len(set(best.values())) == count:
        return best
    if len(columns) == 1 and best:
        return best  # the probability of that class
    others = [c for c in columns if c not in best]
    if len(best) > 1 or (best and all(_plain(c) not in _LABELS for c in best)):
        lacking = [n for k, n in enumerate(classes.names) if k not in best.values()]
        raise _Unmatched(
            f"its columns name {len(best)} of the {count} classes; it has none for "
            f"{listed(lacking)}" + (f", and {listed(others)} name no class" if others else "")
        )
    return None


def _paired(
    columns: Sequence[str], candidates: Sequence[str], words: Sequence[str]
) -> dict[str, int]:
    """The class that each column names: by the same word, else by one that differs in case or in
    spaces alone."""
    exact = {word: number for number, word in enumerate(words)}
    found = {c: exact[w] for c, w in zip(columns, candidates, strict=True) if w in exact}
    plain: dict[str, int] = {}
    for number, word in enumerate(words):
        key = _plain(word)
        plain[key] = -1 if key in plain else number
    for column, word in zip(columns, candidates, strict=True):
        number = plain.get(_plain(word), -1)
        if column not in found and number >= 0 and number not in found.values():
            found[column] = number
    return found


def _without_prefix(columns: Sequence[str]) -> Sequence[str]:
    """`class_0, class_1` as `0, 1`."""
    heads = {re.split(r"[_ -]", column, maxsplit=1)[0] for column in columns}
    if len(columns) < 2 or len(heads) != 1:
        return columns
    head = heads.pop()
    return [column[len(head) + 1 :] if len(column) > len(head) else column for column in columns]


def _label_column(
    sample: pd.DataFrame, others: Sequence[str], target_column: str, classes: Classes
) -> str:
    """The column of the predicted class."""
    if len(others) == 1:
        return others[0]
    same = [c for c in others if c.casefold() == target_column.casefold()]
    named = [c for c in others if _plain(c) in _LABELS]
    known = {*classes.names, *classes.targets}
    holding = [c for c in others if (v := set(sample[c]) - {""}) and v <= known]
    for found in (same, named, holding):
        if len(found) == 1:
            return found[0]
    raise _Unmatched(
        f"which of its columns ({listed(others)}) is to hold the class cannot be told; give that "
        f"one the training table's name, {target_column}"
    )


def _confidence_column(sample: pd.DataFrame, others: Sequence[str]) -> str | None:
    """The column of the predicted class's probability: by its name, where it holds such numbers."""
    named = [c for c in others if _plain(c) in _CONFIDENCES]
    if len(named) != 1:
        return None
    return named[0] if all(_is_share(value) for value in sample[named[0]] if value) else None


def _is_probability(values: Sequence[str], classes: Classes) -> bool:
    """Whether a single column holds probabilities: shares that are no class, 0.5 say."""
    strange = [v for v in values if v not in classes.targets and v not in classes.names]
    return (
        bool(strange)
        and all(_is_share(value) for value in values)
        and any(0 < float(value) < 1 for value in strange)
    )


def _positive(classes: Classes, positive: str | None, column: str) -> int:
    if positive is not None:
        for words in (classes.names, classes.targets):
            if positive in words:
                return list(words).index(positive)
        raise _Unmatched(f'positive = "{positive}" is none of the classes')
    if len(classes.names) != 2:
        raise _Unmatched(
            f"its column {column!r} asks for one probability, and the data have "
            f'{len(classes.names)} classes; say of which: positive = "CLASS" in [data]'
        )
    return 1


def _written(
    values: Sequence[str], classes: Classes, column: str, notes: list[str]
) -> tuple[tuple[str, ...], Form]:
    """What a label column writes for each class, as the sample's values are written."""
    names, targets = tuple(classes.names), tuple(classes.targets)
    strange = [value for value in values if value not in targets]
    if not strange:
        return targets, "target"
    if all(value in names for value in values):
        return names, "name"
    numbers = all(_is_number(target) for target in targets)
    if all(_is_number(value) for value in values):
        if numbers:
            return _as_numbers(values, targets)
        raise _Unmatched(
            f"its column {column!r} holds numbers ({listed(values)}), and the classes are "
            f"{listed(names)}; a table with the number of each class says which is which: "
            "meta, target_column and name_column in [data]"
        )
    plain = {_plain(word) for word in (*names, *targets)}
    alike = [value for value in strange if value not in names and _plain(value) in plain]
    if alike:
        raise _Unmatched(
            f"its column {column!r} holds {listed(alike)}, and the classes are {listed(names)}; "
            "write the classes alike in both"
        )
    if numbers and names == targets:
        raise _Unmatched(
            f"its column {column!r} holds text ({listed(strange)}), and the classes are numbers "
            f"({listed(targets)}); a table of their names says which is which: meta in [data]"
        )
    text, form = (names, _NAME) if numbers else (targets, _TARGET)
    several = [value for value in strange if len(value.split()) > 1 and plain >= _words_of(value)]
    if several:
        notes.append(
            f"its column {column!r} has room for several classes ({listed(several, 1)}); the "
            "likeliest alone is written"
        )
    else:
        notes.append(
            f"its column {column!r} holds {listed(strange)}, which is no class; classes are "
            f"written as {listed(text)}"
        )
    return text, form


def _words_of(value: str) -> set[str]:
    return {_plain(word) for word in value.split()}


def _as_numbers(values: Sequence[str], targets: Sequence[str]) -> tuple[tuple[str, ...], Form]:
    """Targets as the sample writes numbers: `0` or `0.0`."""
    whole = all(float(target).is_integer() for target in targets)
    dotted = {"." in value for value in values}
    if whole and dotted == {False} and any("." in target for target in targets):
        return tuple(str(int(float(target))) for target in targets), "integer"
    if whole and dotted == {True} and not any("." in target for target in targets):
        places = max(len(value.partition(".")[2]) for value in values)
        return tuple(f"{int(target)}.{'0' * places}" for target in targets), "float"
    return tuple(targets), "target"


def _plain(word: str) -> str:
    """A word without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", word.casefold())


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?|[-+]?\.\d+", text) is not None


def _is_share(text: str) -> bool:
    return _is_number(text) and 0 <= float(text) <= 1


def two_columns(asked: Submission | None, id_column: str, target_column: str) -> tuple[str, str]:
    """The ID's and the label's column of a submission, for who knows of no others."""
    if asked is None or not asked.columns:
        return id_column, target_column
    ids = next(column.name for column in asked.columns if column.means == "id")
    single = [c.name for c in asked.columns if c.means == "label"]
    single += [c.name for c in asked.columns if c.means == "probability"]
    classes = sum(column.means == "probability" for column in asked.columns)
    return ids, target_column if classes > 1 else single[0]
