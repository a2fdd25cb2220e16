"""One label from 0/1 columns, one a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd


def one_label(
    file: Path, flags: pd.DataFrame, ids: pd.Series[Any], problems: list[str]
) -> pd.Series[Any]:
    """The name of the one column that holds a 1, for each row; "" where it is not one."""
    known = {"1": 1, "1.0": 1, "True": 1, "true": 1, "TRUE": 1}
    known |= {"0": 0, "0.0": 0, "False": 0, "false": 0, "FALSE": 0, "": 0}
    numbers = flags.apply(lambda column: column.map(known))
    strange = numbers.isna().any(axis=1)
    if strange.any():
        cells = sorted({c for c in flags[strange].to_numpy().ravel() if c not in known})
        problems.append(
            f"{file}: the columns {listed(list(flags.columns))} hold {listed(cells)}; expected 0 "
            "or 1, one column a class"
        )
    ones = (numbers == 1).sum(axis=1)
    for fault, which in (
        ("have several 1s: images with several labels are not supported", ones > 1),
        ("have no 1, and so no label", (ones == 0) & ~strange),
    ):
        if which.any():
            found = f"{int(which.sum())} of {len(flags)} rows ({listed(list(ids[which]))})"
            problems.append(f"{file}: {found} {fault}")
    return (numbers == 1).idxmax(axis=1).where(ones == 1, "")
