"""The column of a table that says which split a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.builtin.said import Said
from toolkit.builtin.splits import Role, joined, role_of, split_name
from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd


def by_column(
    file: Path,
    column: str,
    values: pd.Series[Any],
    valid_values: Sequence[str] | None,
    test_values: Sequence[str] | None,
    said: Said,
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """The name of each row's split, and whether it is of the test split."""
    given: dict[str, Role] = dict.fromkeys(valid_values or (), "valid")
    given |= dict.fromkeys(test_values or (), "test")
    role: dict[str, Role | None] = {v: given.get(v) or role_of(v) for v in values.unique()}
    unknown = [v for v, r in role.items() if r is None and valid_values is None]
    if unknown and test_values is None:
        said.problems.append(
            f"{file}: {column} holds {listed(unknown)}, which name no split; say what they mean "
            "in [data]: valid_values, test_values"
        )
    splits = values.map(lambda value: role[value] or "train")
    counts = {r: int((splits == r).sum()) for r in ("train", "valid", "test")}
    called = {v: split_name(v, r or "train") for v, r in role.items()}
    if counts["valid"]:
        said.notes.append(
            joined(
                file,
                f"{counts['valid']} rows of the validation split",
                f"{counts['train']} training rows",
                next(called[v] for v in values if role[v] == "valid"),
            )
        )
    return values.map(called), splits == "test"
