"""Tables as candidates: which are there, and what their names say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from toolkit.builtin.documents import NoTable
from toolkit.builtin.splits import Role, role_of
from toolkit.builtin.tables import Rows, read_rows
from toolkit.check.ask import Chosen
from toolkit.check.inventory import Inventory
from toolkit.errors import DataError
from toolkit.files import in_words, require_regular

if TYPE_CHECKING:
    import pandas as pd

_SAMPLES = re.compile(r"sample|submi[ts]", re.IGNORECASE)
TABLE_WORDS = re.compile(
    r"(?<![a-z])(annotations?|captions|classes|coco|csv|df|gt|info|instances|labels?|list|meta|"
    r"metadata|table)(?![a-z])",
    re.IGNORECASE,
)
"""What names of tables, and of folders of tables, have beside a word for a split."""
_TEXTS = (".txt", ".json", ".jsonl", ".ndjson")  # often no table, which is nothing to tell


@dataclass(frozen=True)
class TableSeen:
    """A table that could be read."""

    name: str
    rows: Rows

    @property
    def frame(self) -> pd.DataFrame:
        return self.rows.frame

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self.frame.columns]

    @property
    def is_sample(self) -> bool:
        """Whether its name says that it shows a submission's form."""
        return bool(_SAMPLES.search(PurePosixPath(self.name).stem))

    @property
    def role(self) -> Role | None:
        """The split that it is about, by its name or that of a folder that it lies in:
        `instances_val2017.json`, `test/labels.csv`."""
        path = PurePosixPath(self.name)
        names = (path.stem, *(part for part in reversed(path.parent.parts)))
        return next((role for name in names if (role := role_of(TABLE_WORDS.sub("_", name)))), None)


def read_tables(inventory: Inventory, chosen: Chosen) -> tuple[list[TableSeen], list[str]]:
    """Every table that can be read, and a line for each that cannot."""
    seen, passed = [], []
    for name in inventory.tables:
        file = inventory.root / name
        try:
            require_regular(file)
            rows = read_rows(file)
        except DataError as error:
            if name == chosen.table:
                raise
            if not isinstance(error, NoTable) and not name.lower().endswith(".txt"):
                passed.append(f"{error.lines[0]}; it is passed over")
            continue
        except OSError as error:
            passed.append(f"{file}: {in_words(error)}; it is passed over")
            continue
        if len(rows.frame):
            seen.append(TableSeen(name, rows))
        elif not name.lower().endswith(_TEXTS):
            passed.append(f"{file}: has no rows; it is passed over")
    return seen, passed
