"""Classes with fewer images than folds: refused, left out, or kept with a word on the score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from toolkit.contracts import Event, Notify, Submission, Table
from toolkit.data.given import HELD_OUT, named_counts, untrained, with_split
from toolkit.data.labels import with_labels
from toolkit.data.table import Frames, table_of
from toolkit.errors import listed
from toolkit.recipe.plan import Plan


def table_for(plan: Plan, notify: Notify, frames: Frames | None = None) -> Table:
    """The table of a plan's source, with its labels as `[labels]` and its rare classes as
    `split.rare` say.

    Args:
        frames: rows that were handed over in Python.
    """
    table = with_split(table_of(plan.choice("data"), notify, frames), plan.split.given)
    table = with_labels(table, plan)
    if plan.split.rare != "drop":
        return table
    return without_rare(table, plan.folds, notify)


def rare_classes(table: Table, folds: int) -> dict[int, int]:
    """Label and count of the originals of each class that has some, but fewer than folds; where
    a split was given, of each that occurs there alone."""
    if HELD_OUT in table.train:
        return untrained(table)
    originals = table.train[table.train["parent"] == table.train["id"]]
    counts = originals["label"].value_counts()
    found = {label: int(counts.get(label, 0)) for label in range(len(table.classes))}
    return {label: count for label, count in found.items() if 0 < count < folds}


def without_rare(table: Table, folds: int, notify: Notify) -> Table:
    """The table without its rare classes and their rows."""
    rare = rare_classes(table, folds)
    left = [label for label in range(len(table.classes)) if label not in rare]
    if not rare or len(left) < 2:
        return table  # what is left is no classification: the check tells it with the counts
    gone = table.train["label"].isin(list(rare))
    notify(
        Event(
            "message",
            f'split.rare = "drop": {len(rare)} classes {_lacking(table, folds)} and their '
            f"{int(gone.sum())} rows are left out ({named_counts(table, rare)})",
        )
    )
    number = {old: new for new, old in enumerate(left)}
    train = table.train[~gone].reset_index(drop=True)
    train["label"] = train["label"].map(lambda label: number.get(label, label))
    return replace(
        table,
        train=train,
        classes=tuple(table.classes[label] for label in left),
        targets=tuple(table.targets[label] for label in left) if table.targets else (),
        submission=None if table.submission is None else _form(table.submission, left, table),
    )


def _form(form: Submission, left: list[int], table: Table) -> Submission:
    """The submission's form for the classes that are left."""
    if form.problem:
        return form
    number = {old: new for new, old in enumerate(left)}
    gone = [c.name for c in form.columns if c.label is not None and c.label not in number]
    if gone:
        return replace(
            form,
            problem=f"the sample wants a probability for classes that are left out "
            f'({listed(gone)}); split.rare = "keep" trains them',
        )
    columns = tuple(
        c if c.label is None else replace(c, label=number[c.label]) for c in form.columns
    )
    return replace(form, columns=columns, labels=tuple(form.labels[label] for label in left))


def ways_out(table: Table, folds: int) -> Iterable[str]:
    """How a run goes on without a change of the data."""
    if rare_classes(table, folds):
        yield '  split.rare = "drop" leaves such classes out, "keep" trains them all the same'


def rare_warning(table: Table, folds: int) -> Iterable[str]:
    """What a score is worth where rare classes were kept."""
    rare = rare_classes(table, folds)
    if rare and HELD_OUT in table.train:
        yield (
            f"{len(rare)} classes occur in the given validation split alone "
            f"({named_counts(table, rare)}): a model that saw none of them validates them, and "
            "lowers macro-F1 for that"
        )
    elif rare:
        named = named_counts(table, rare)
        yield (
            f"{len(rare)} classes have fewer images than the {folds} folds ({named}):"
            " their images are validated by models that saw few or none of the class, and lower "
            "macro-F1 for that"
        )


def _lacking(table: Table, folds: int) -> str:
    return (
        "without a training image" if HELD_OUT in table.train else f"with fewer than {folds} images"
    )
