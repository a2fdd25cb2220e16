"""Sources in the box: the competition's CSV files, and one folder a class."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from toolkit.contracts import Table
from toolkit.errors import DataError
from toolkit.files import is_there, require_regular

if TYPE_CHECKING:
    import pandas as pd

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})

Root = Annotated[str, Field(description="folder of the data, relative to the working directory")]
Optional = str | None


def csv(
    *,
    root: Root,
    train: Annotated[str, Field(description="table of the training images")] = "train.csv",
    meta: Annotated[str, Field(description="table of the classes; optional file")] = "meta.csv",
    sample: Annotated[
        str, Field(description="table whose IDs and order the submission follows; optional file")
    ] = "sample_submission.csv",
    train_images: Annotated[str, Field(description="folder of the training images")] = "train",
    test_images: Annotated[str, Field(description="folder of the test images")] = "test",
    id_column: Annotated[str, Field(description="column with the image's file name")] = "ID",
    target_column: Annotated[str, Field(description="column with the label")] = "target",
    name_column: Annotated[str, Field(description="meta's column of class names")] = "class_name",
    group_column: Annotated[
        Optional, Field(description="rows with the same value stay in one fold")
    ] = None,
    parent_column: Annotated[
        Optional, Field(description="ID of the image that a row was made from; empty: none")
    ] = None,
    suffix: Annotated[str, Field(description='appended to an ID to name its file: ".jpg"')] = "",
) -> Csv:
    """A competition's layout: `train.csv` (ID, target), `meta.csv` (target, class name),
    `sample_submission.csv`, and the image folders `train/` and `test/`."""
    return Csv(**locals())


@dataclass(frozen=True)
class Csv:
    """Reads the competition's layout. Problems in the tables are gathered, not raised."""

    root: str
    train: str
    meta: str
    sample: str
    train_images: str
    test_images: str
    id_column: str
    target_column: str
    name_column: str
    group_column: str | None
    parent_column: str | None
    suffix: str

    def read(self) -> Table:
        """Raises `DataError` where there is no data to speak of; lesser faults are listed."""
        root = Path(self.root)
        if not _is_there(root / self.train):
            missing = "folder" if not root.is_dir() else f"{self.train} in it"
            raise DataError(
                f"{root}: there is no such {missing}",
                f"  Put there: {self.train} ({self.id_column},{self.target_column}), "
                f"{self.train_images}/ with the images, and where you have them {self.meta}, "
                f"{self.sample} and {self.test_images}/",
                "  or point elsewhere: --set data.root=FOLDER",
            )
        problems: list[str] = []
        wanted = [self.id_column, self.target_column, self.group_column, self.parent_column]
        rows = _read_csv(root / self.train, [c for c in wanted if c is not None])
        classes = self._classes(root / self.meta, rows[self.target_column])
        labels = {target: label for label, (target, _) in enumerate(classes)}
        unknown = rows[~rows[self.target_column].isin(list(labels))]
        if len(unknown):
            found = _some(
                f"{row} -> {target!r}"
                for row, target in zip(
                    unknown[self.id_column], unknown[self.target_column], strict=True
                )
            )
            fault = f"not in {self.meta}" if _is_there(root / self.meta) else "empty"
            problems.append(f"{root / self.train}: {len(unknown)} labels are {fault} ({found})")
        rows = self._inside(rows, root / self.train_images, problems)
        train = self._rows(rows, root / self.train_images)
        train["label"] = rows[self.target_column].map(labels).fillna(-1).astype("int64")
        train["parent"] = self._lineage(rows, self.parent_column)
        train["group"] = self._lineage(rows, self.group_column)
        return Table(
            train,
            self._test(root, problems),
            tuple(name for _, name in classes),
            tuple(_number(target) for target, _ in classes),
            self._header(root / self.sample),
            tuple(problems),
        )

    def _classes(self, meta: Path, targets: pd.Series[Any]) -> list[tuple[str, str]]:
        """`(target, name)` in label order: meta's, or the targets that occur."""
        if _is_there(meta):
            rows = _read_csv(meta, [self.target_column, self.name_column])
            pairs = list(zip(rows[self.target_column], rows[self.name_column], strict=True))
        else:
            pairs = [(target, target) for target in sorted(set(targets) - {""})]
        if all(target.isdecimal() for target, _ in pairs):
            pairs.sort(key=lambda pair: int(pair[0]))
        return pairs

    def _header(self, sample: Path) -> tuple[str, str]:
        """The submission's two columns: the sample's, which may call the label otherwise."""
        if not _is_there(sample):
            return self.id_column, self.target_column
        columns = list(_read_csv(sample, [self.id_column], every_column=True).columns)
        others = [column for column in columns if column != self.id_column]
        return self.id_column, others[0] if others else self.target_column

    def _test(self, root: Path, problems: list[str]) -> pd.DataFrame | None:
        import pandas as pd

        folder = root / self.test_images
        if _is_there(root / self.sample):
            rows = _read_csv(root / self.sample, [self.id_column])
        elif folder.is_dir():
            names = [name.removesuffix(self.suffix) for name in _images(folder)]
            rows = pd.DataFrame({self.id_column: names}, dtype=str)
        else:
            return None
        return self._rows(self._inside(rows, folder, problems), folder)

    def _inside(self, rows: pd.DataFrame, folder: Path, problems: list[str]) -> pd.DataFrame:
        """The rows whose ID names a file below the folder."""
        outside = rows[self.id_column].map(_leaves).astype(bool)
        if outside.any():
            found = _some(rows.loc[outside, self.id_column])
            problems.append(f"{folder}: {outside.sum()} IDs leave the folder ({found})")
        return rows[~outside]

    def _rows(self, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
        ids = rows[self.id_column]
        paths = ids.map(lambda name: str(folder / (name + self.suffix)))
        return ids.to_frame("id").assign(path=paths)

    def _lineage(self, rows: pd.DataFrame, column: str | None) -> pd.Series[Any]:
        """The column's values; where there is none, or it is empty, the row's own ID."""
        if column is None:
            return rows[self.id_column]
        values = rows[column]
        return values.where(values != "", rows[self.id_column])


def folder(
    *,
    root: Root,
    train: Annotated[
        str, Field(description="folder with one sub-folder a class; where missing, root itself")
    ] = "train",
    test: Annotated[str, Field(description="folder of test images; optional")] = "test",
) -> Folder:
    """One sub-folder a class, in `root/train/` or in `root` itself, and an optional `test/`."""
    return Folder(root, train, test)


@dataclass(frozen=True)
class Folder:
    """Reads class folders; an image's ID is its path below the folder, `"invoice/0001.jpg"`."""

    root: str
    train: str
    test: str

    def read(self) -> Table:
        """Raises `DataError` where there is no class folder."""
        import pandas as pd

        root = Path(self.root)
        base = root / self.train if (root / self.train).is_dir() else root
        folders = sorted(p for p in base.glob("*") if p.is_dir() and p != root / self.test)
        classes = tuple(p.name for p in folders if not p.name.startswith("."))
        if not classes:
            raise DataError(
                f"{base}: there is no such folder, or it has no class folders",
                f"  Put there one folder of images a class ({base}/invoice/0001.jpg)",
                "  or point elsewhere: --set data.root=FOLDER",
            )
        rows = [
            (f"{name}/{file}", str(base / name / file), label)
            for label, name in enumerate(classes)
            for file in _images(base / name)
        ]
        train = pd.DataFrame(rows, columns=["id", "path", "label"]).astype({"label": "int64"})
        train["parent"] = train["group"] = train["id"]
        test = None
        if (root / self.test).is_dir():
            names = _images(root / self.test)
            paths = [str(root / self.test / name) for name in names]
            test = pd.DataFrame({"id": names, "path": paths}, dtype=str)
        return Table(train, test, classes)


def _is_there(file: Path) -> bool:
    """Whether an optional file is there. Raises `DataError` for what only has its name: a FIFO."""
    try:
        return is_there(file)
    except OSError as error:
        raise DataError(f"{file}: {error}") from error


def _read_csv(file: Path, columns: list[str], *, every_column: bool = False) -> pd.DataFrame:
    """The columns (or all, once these are there), as text.

    Raises `DataError` where the file or a column is not there.
    """
    import pandas as pd

    try:
        require_regular(file)
        rows = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as CSV: {error}") from error
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise DataError(
            f"{file}: has no column {', '.join(missing)} (it has {', '.join(rows.columns)}); "
            "name the column in [data]"
        )
    return rows if every_column else rows[list(dict.fromkeys(columns))]


def _images(folder: Path) -> list[str]:
    """Image files below a folder, as sorted relative paths."""
    files = (p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in files)


def _leaves(name: str) -> bool:
    """Whether a file name leads out of its folder. Lexical: a linked image is as good as any."""
    return os.path.isabs(name) or os.path.normpath(name).split(os.sep)[0] in ("..", ".")


def _some(items: Iterable[Any], limit: int = 5) -> str:
    texts = [str(item) for item in items]
    more = f", and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def _number(target: str) -> Any:
    """The number that a target spells. "007" stays text: a submission repeats it as it is."""
    return int(target) if target.isdecimal() and str(int(target)) == target else target
