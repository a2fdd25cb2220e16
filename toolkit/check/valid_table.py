"""A second table beside the training table: the validation split, in a file of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from toolkit.builtin.splits import Role, role_of
from toolkit.check.ask import Chosen
from toolkit.check.inventory import Inventory
from toolkit.check.naming import Naming, namings
from toolkit.check.tables import TableSeen
from toolkit.errors import listed

_WORD = re.compile(r"[^\W\d_]+")


def stencil(name: str) -> tuple[str, frozenset[Role]]:
    """A table's path with its words for splits cut out, and which splits these mean:
    `val_labels.csv` and `train_labels.csv` are one stencil, as `train/x.csv` and `valid/x.csv`."""
    roles: set[Role] = set()

    def cut(found: re.Match[str]) -> str:
        role = role_of(found[0])
        if role is None:
            return found[0].casefold()
        roles.add(role)
        return "*"

    return _WORD.sub(cut, name), frozenset(roles)


def is_pair(train: TableSeen, valid: TableSeen, role: Role = "valid") -> bool:
    """Whether two tables' names tell them apart as training and another split, and in nothing
    else."""
    ours, theirs = stencil(train.name), stencil(valid.name)
    return ours[0] == theirs[0] and ours[1] == {"train"} and theirs[1] == {role}


def valid_options(
    train: TableSeen,
    naming: Naming,
    columns: Collection[str],
    tables: Sequence[TableSeen],
    inventory: Inventory,
) -> tuple[dict[str, Any], list[str], frozenset[str]]:
    """The validation table and its images as options of the source `csv`, lines of why, and the
    images, below the root.

    Args:
        columns: what it needs beside the IDs: label, groups, parents.
    """
    lines: list[str] = []
    for table in tables:
        if table.name == train.name or not (is_pair(train, table) or table.role == "valid"):
            continue
        file = inventory.root / table.name
        lacks = [c for c in (naming.column, *columns) if c not in table.columns]
        if lacks:
            lines.append(
                f"{file}: looks like a validation split, and has no column {listed(lacks)} as "
                f"{train.name} has; it is not used"
            )
            continue
        own = [n for n in namings(table, inventory, Chosen(), "valid") if n.column == naming.column]
        if not own or own[0].share < 0.5:
            lines.append(
                f"{file}: looks like a validation split, and its {naming.column!r} names no "
                "images; it is not used"
            )
            continue
        found = frozenset(name for name in own[0].found if name is not None)
        twice = found & set(naming.found)
        if twice:
            lines.append(
                f"{file}: looks like a validation split, and {len(twice)} of its {len(found)} "
                f"images are in {train.name}, too ({listed(sorted(twice), 3)}); it is not used: "
                "take them out of one of the tables to use it"
            )
            continue
        options: dict[str, Any] = {"valid": table.name}
        if own[0].place != naming.place:
            options["valid_images"] = own[0].place or "."
        lines.append(
            f"validation: {table.name}; {len(found)} of its {len(own[0].found)} rows find an "
            f"image in {own[0].place or '.'}/"
        )
        return options, lines, found
    return {}, lines, frozenset()
