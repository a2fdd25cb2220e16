"""Sources: each breaks the check of its name, and that one alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit.contracts import Table
from toolkit.errors import DataError

CLASSES = ("form", "letter")


@dataclass
class Pages:
    """A source in order: `form0.png`, `letter3.png`, ...; those with `test` in front are tests."""

    root: str

    def read(self):
        if not Path(self.root).is_dir():
            raise DataError(f"{self.root}: there is no such folder")
        return self.table()

    def table(self):
        files = sorted(Path(self.root).glob("*.png"))
        train = pd.DataFrame({"id": [f.stem for f in files], "path": [str(f) for f in files]})
        train["label"] = [CLASSES.index(name.rstrip("0123456789")) for name in train["id"]]
        train["parent"] = train["group"] = train["id"]
        return Table(train, train[["id", "path"]].iloc[:3], CLASSES)


class Parentless(Pages):
    def table(self):
        table = super().table()
        return replace(table, train=table.train.drop(columns="parent"))


def table(*, root: str):
    """No lineage."""
    return Parentless(root)


class Doubled(Pages):
    def table(self):
        table = super().table()
        return replace(table, train=pd.concat([table.train, table.train[:1]]))


def rows_hold_together(*, root: str):
    """An ID twice."""
    return Doubled(root)


class Rootless(Pages):
    def table(self):
        table = super().table()
        return replace(table, train=table.train.assign(path=table.train["id"] + ".png"))


def files_exist(*, root: str):
    """Paths that hold in the data's folder only."""
    return Rootless(root)


class Shuffled(Pages):
    def table(self):
        table = super().table()
        rows = np.random.default_rng().permutation(len(table.train))
        return replace(table, train=table.train.iloc[rows])


def same_table_again(*, root: str):
    """Rows in another order each time."""
    return Shuffled(root)


class Targeted(Pages):
    def table(self):
        return replace(super().table(), targets=(0, 1, 2))


def submission(*, root: str):
    """Three targets for two classes."""
    return Targeted(root)


class Knowing(Pages):
    def test_labels(self):
        return pd.DataFrame({"id": ["nobody"], "label": [0]})


def labels_of_test_rows(*, root: str):
    """The truth of a row that is not there."""
    return Knowing(root)


class Silent(Pages):
    def read(self):
        return self.table()


def missing_data_is_explained(*, root: str):
    """A missing folder is an empty table."""
    return Silent(root)
