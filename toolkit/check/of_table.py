"""The readings in which a table says the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.builtin.several import several_labels
from toolkit.builtin.splits import role_of
from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.columns import is_known, repeats
from toolkit.check.companions import class_names, test_options
from toolkit.check.inventory import Inventory
from toolkit.check.labels import Labels, labels_of
from toolkit.check.lineage import group_of, parent_of, split_of
from toolkit.check.naming import Naming, best_naming, lost, namings
from toolkit.check.reading import Reading
from toolkit.check.tables import TableSeen
from toolkit.check.valid_table import is_pair, valid_options
from toolkit.check.vocabulary import IDS
from toolkit.errors import DataError, in_shell, listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Labelled:
    """A table that names images and says their labels."""

    table: TableSeen
    naming: Naming
    labels: Labels

    @property
    def label_of(self) -> dict[str, str]:
        """The label of each image, below the root."""
        pairs = zip(self.naming.found, self.labels.values, strict=True)
        return {name: label for name, label in pairs if name is not None}


@dataclass(frozen=True)
class Looked:
    """What was found of a data folder's tables."""

    labelled: list[Labelled]
    faults: list[DataError]
    """Why tables that name images have no label, or none that can be told."""
    named: list[tuple[TableSeen, Naming]]
    """All that name images: some may give groups."""
    unnamed: list[str]
    """Why tables name no images."""


def look_at_tables(tables: Sequence[TableSeen], inventory: Inventory, chosen: Chosen) -> Looked:
    found = Looked([], [], [], [])
    sampled = {c for table in tables if table.is_sample for c in table.columns[1:]}
    for table in tables:
        told = table.name == chosen.table
        if chosen.table is not None and not told:
            continue
        if (table.is_sample or table.role == "test") and not told:
            continue
        file = inventory.root / table.name
        try:
            naming = best_naming(table, namings(table, inventory, chosen), inventory, chosen)
            if naming is None:
                found.unnamed.extend(_unnamed(table, inventory))
                continue
            found.named.append((table, naming))
            labels = labels_of(file, table.frame, naming.column, chosen, sampled)
        except DataError as error:
            found.faults.append(error)
            continue
        if labels is None:
            columns = [c for c in table.columns if c != naming.column]
            found.faults.append(
                Unclear(
                    f"{file}: no column of it looks like a label",
                    "--label",
                    [Choice(c, f"{table.frame[c].nunique()} values") for c in columns],
                    named=False,
                )
                if columns
                else DataError(f"{file}: names images, and has no column beside")
            )
            continue
        found.labelled.append(Labelled(table, naming, labels))
    training = [one for one in found.labelled if one.table.role != "valid"]
    if training or found.faults:  # a validation table never stands in for one that cannot be read
        found.labelled[:] = training
    return found


def _unnamed(table: TableSeen, inventory: Inventory) -> list[str]:
    """What the IDs of a table may mean, where it seems to have some."""
    likely = [c for c in table.columns if set(c.casefold().split()) & IDS] or table.columns[:1]
    lines = [line for column in likely[:2] for line in lost(table, column, inventory)]
    return [line for line in lines if "; there is" in line or "fit several" in line]


def best_table(labelled: Sequence[Labelled], inventory: Inventory) -> Labelled | None:
    """The training table. Raises `Unclear` where several tables say other things."""
    if not labelled:
        return None
    trains = {
        one.table.name
        for one in labelled
        if one.table.role == "train" or any(is_pair(one.table, o.table) for o in labelled)
    }
    ranked = sorted(
        labelled,
        key=lambda one: (one.table.name in trains, one.labels.level, one.naming.count),
        reverse=True,
    )
    best = ranked[0]
    rivals = [other for other in ranked[1:] if _rival(best, other)]
    if rivals:
        lines = [
            f"  toolkit init {in_shell(inventory.root / one.table.name)}    "
            f"{one.naming.count} images, label {listed(list(one.labels.columns))} "
            f"({one.labels.values.nunique()} classes)"
            for one in (best, *rivals)
        ]
        raise DataError(
            f"{inventory.root}: several tables could be the training table; name one:", *lines
        )
    return best


def _rival(best: Labelled, other: Labelled) -> bool:
    """Whether another table may as well be the training table."""
    if is_pair(best.table, other.table) or is_pair(best.table, other.table, "test"):
        return False
    if other.table.role in ("valid", "test") or other.labels.level < min(best.labels.level, 1):
        return False
    ours, theirs = best.label_of, other.label_of
    if best.labels.level > 0 and other.labels.level < 1:
        return False
    shared = ours.keys() & theirs.keys()
    same = len({(ours[k], theirs[k]) for k in shared}) == len({ours[k] for k in shared})
    if best.table.role == "train" and other.table.role is None and same and shared:
        return False
    return not (same and len(theirs) <= len(ours) and len(shared) == len(theirs))


def table_reading(
    best: Labelled, tables: Sequence[TableSeen], inventory: Inventory, chosen: Chosen
) -> Reading:
    """The options of the source `csv`, and why."""
    table, naming, labels = best.table, best.naming, best.labels
    file, frame = inventory.root / table.name, table.frame
    trained = frozenset(name for name in naming.found if name is not None)
    taken = {naming.column, *labels.columns}
    split = split_of(file, frame, taken, chosen)
    parent = parent_of(frame, naming.column, taken)
    taken |= {column for column in (split, parent) if column is not None}
    group, why_group = group_of(file, frame, taken, chosen, labels.values)
    target = None if labels.one_hot else labels.columns[0]
    rows = frame if split is None else frame[frame[split].map(role_of) != "test"]
    names, names_lines = class_names(tables, table, target, labels.values[rows.index], inventory)
    if split is not None:
        tested = frame[split].map(role_of) == "test"
        pairs = zip(naming.found, tested, strict=True)
        trained = frozenset(name for name, test in pairs if name is not None and not test)
    needed = [*labels.columns, *(c for c in (group, parent) if c is not None)]
    apart, valid_lines, validated = valid_options(table, naming, needed, tables, inventory)
    trained |= validated
    tests, test_lines = test_options(tables, table, trained, inventory, naming.column)
    if split is not None and (frame[split].map(role_of) == "test").any():
        tests.setdefault("sample", "")
    options: dict[str, Any] = {
        "train": table.name,
        "train_images": naming.place or ".",
        "suffix": _suffix(naming, list(frame[naming.column])),
        "id_column": naming.column,
        "parent_column": parent,
        **(
            {"label_columns": list(labels.columns)} if target is None else {"target_column": target}
        ),
        "combinations": target is not None and several_labels(labels.values) is not None,
        "split_column": split,
        **apart,
        **names,
        **tests,
        "group_column": group,
        "leave": list(inventory.leave) or None,
    }
    rest = [c for c in frame.columns if c not in taken | {group}]
    left = [
        c
        for c in rest
        if repeats(frame[c]) and not is_known(str(c)) and not _of_class(frame[c], labels.values)
    ]
    found = sum(name is not None for name in naming.found)
    lines = [
        f"label: {'columns' if labels.one_hot else 'column'} "
        f"{listed([repr(c) for c in labels.columns])} of {table.name}, since "
        f"{labels.why}",
        *(
            [f"  other columns: {listed(list(labels.others))}; to choose: --label COLUMN"]
            if labels.others
            else []
        ),
        f"IDs: column {naming.column!r}; {found} of {len(frame)} rows find an image in "
        f"{naming.place or '.'}/",
        *valid_lines,
        *names_lines,
        *test_lines,
    ]
    if split is not None:
        counts = Counter(frame[split])
        lines.append(
            f"split: column {split!r}: " + ", ".join(f"{k} {v}" for k, v in counts.items())
        )
    if group is not None:
        lines.append(
            f"groups: group_column = {group}, {frame[group].nunique()} values, since {why_group}"
        )
    if parent is not None:
        lines.append(f"parents: parent_column = {parent} names other rows")
    inside = f"{naming.place}/" if naming.place else ""
    used = {name for name in {*naming.found, *validated} if name and name.startswith(inside)}
    unused = inventory.counts[naming.place] - len(used)
    if unused > 0 and tests.get("test_images") != (naming.place or "."):
        lines.append(f"{unused} images in {naming.place or '.'}/ are in no row of {table.name}")
    return Reading(
        "csv", options, tuple(lines), trained, {str(c): int(frame[c].nunique()) for c in left}
    )


def _of_class(values: pd.Series[Any], labels: pd.Series[Any]) -> bool:
    """Whether a column says something of each class, such as its name: a group of whole classes is
    none."""
    return len(set(zip(labels, values, strict=True))) == int(labels.nunique())


def _suffix(naming: Naming, ids: Sequence[str]) -> str:
    """What every ID lacks of its file's name; "" where that is not one thing."""
    head = f"{naming.place}/" if naming.place else ""
    suffixes = set()
    for name, row in zip(naming.found, ids, strict=True):
        if name is None:
            continue
        if not name.startswith(head + row):
            return ""
        suffixes.add(name[len(head + row) :])
    one = suffixes.pop() if len(suffixes) == 1 else ""
    return one if one.startswith(".") and "/" not in one else ""
