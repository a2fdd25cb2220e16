"""The source `csv`: a table of training images, perhaps one of classes and a sample submission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.builtin.documents import FILE, LABEL
from toolkit.builtin.one_hot import one_label
from toolkit.builtin.places import Place
from toolkit.builtin.reading import Reader, is_table, noted
from toolkit.builtin.said import Said
from toolkit.builtin.sample import Classes, two_columns
from toolkit.builtin.sampled import Sample, found_rows, inside
from toolkit.builtin.several import several_problem
from toolkit.builtin.split_column import by_column
from toolkit.builtin.splits import SPLIT, joined, split_name
from toolkit.builtin.tables import Rows
from toolkit.builtin.targets import number_in, strange_labels, unknown_labels
from toolkit.builtin.valid_table import prefix_of, prefixed, without_twins
from toolkit.contracts import Submission, Table
from toolkit.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd


Test = tuple["pd.DataFrame | None", Submission | None]

META = "meta.csv"
"""The usual name of the table of classes."""


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
    encoding: str = "auto"
    separator: str = "auto"
    header: bool | str = "auto"
    label_columns: list[str] | None = None
    sample_id_column: str | None = None
    split_column: str | None = None
    valid_values: list[str] | None = None
    test_values: list[str] | None = None
    positive: str | None = None
    combinations: bool = False
    leave: list[str] | None = None
    valid: str = ""
    valid_images: str = ""

    def read(self) -> Table:
        """Raises `DataError` where there is no data to speak of; lesser faults are listed."""
        root, said = Path(self.root), Said()
        self._require(root)
        file = root / self.train
        read = self._reader.read(file, self._columns)
        said.notes += noted(file, read)
        place = Place(root, self.train_images, self.leave or ())

        def found(rows: pd.DataFrame) -> pd.DataFrame:
            return self._found(rows, place, said)

        return self.table_of(root, read, said, found, self._test)

    def table_of(
        self,
        root: Path,
        read: Rows,
        said: Said,
        found: Callable[[pd.DataFrame], pd.DataFrame],
        test: Callable[[Path, pd.DataFrame, pd.DataFrame, Classes, Said], Test],
    ) -> Table:
        """The table of rows that were read.

        Args:
            found: gives `id, path` of the training rows that have them.
            test: gives the test rows and the form of the submission, of the root, the training
                rows, those of a test split, and the classes.
        """
        import pandas as pd

        file, rows = root / self.train, read.frame
        rows = rows.assign(**{_TARGET: self._targets(file, rows, said.problems)})
        rows, tested = self._splits(file, rows, said)
        apart = self._apart(root, rows, said)
        targets = rows[_TARGET] if apart is None else pd.concat([rows, apart.frame])[_TARGET]
        classes = self._classes(root, targets, said)
        labels = {target: label for label, target in enumerate(classes.targets)}
        self._label_problems(root, file, rows, read, labels, said.problems)
        train = self._trained(rows, found(rows), labels)
        if apart is not None:
            valid, place = root / self.valid, self.valid_images or self.train_images
            self._label_problems(root, valid, apart.frame, apart, labels, said.problems)
            paths = self._found(apart.frame, Place(root, place, self.leave or ()), said)
            own = self._trained(apart.frame, paths, labels)
            train = pd.concat([train, prefixed(own, self._prefix)], ignore_index=True)
        predicted, asked = test(root, train, tested, classes, said)
        return Table(
            train,
            predicted,
            tuple(classes.names),
            tuple(number_in(target) for target in classes.targets),
            two_columns(asked, self._id, self.target_column.strip()),
            tuple(said.problems),
            notes=tuple(said.notes),
            submission=asked,
        )

    @property
    def own_names(self) -> tuple[str, ...]:
        """What is looked for in the root itself."""
        return (self.train,)

    @property
    def _reader(self) -> Reader:
        return Reader(self.encoding, self.separator, self.header)

    @property
    def _id(self) -> str:
        return self.id_column.strip()

    @property
    def _columns(self) -> list[str]:
        """What the training table must have."""
        labels = self.label_columns or [self.target_column]
        lineage = [self.group_column, self.parent_column, self.split_column]
        return [self.id_column, *labels, *(c for c in lineage if c is not None)]

    @property
    def _prefix(self) -> str:
        return prefix_of(self.valid_images, self.train_images)

    def _require(self, root: Path) -> None:
        if is_table(root, self.train):
            return
        missing = "folder" if not root.is_dir() else f"{self.train} in it"
        if (root / self.train).is_dir():
            missing += ": a folder has that name"
        raise DataError(
            f"{root}: there is no such {missing}",
            f"  Put there: {self.train} ({self.id_column},{self.target_column}), "
            f"{self.train_images}/ with the images, and where you have them {self.meta}, "
            f"{self.sample} and {self.test_images}/",
            "  or point elsewhere: --set data.root=FOLDER",
        )

    def _targets(self, file: Path, rows: pd.DataFrame, problems: list[str]) -> pd.Series[Any]:
        """The label of each row: a column's text, or the one column that holds a 1."""
        if not self.label_columns:
            return rows[self.target_column.strip()]
        names = [name.strip() for name in self.label_columns]
        return one_label(file, rows[names], rows[self._id], problems)

    def _splits(
        self, file: Path, rows: pd.DataFrame, said: Said
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows that train or validate, where splits are with their names, and the others."""
        if self.split_column is None:
            return rows.assign(**{_SPLIT: "train"}) if self.valid else rows, rows.iloc[:0]
        known = self.valid_values, self.test_values
        values = rows[self.split_column.strip()]
        named, tested = by_column(file, self.split_column, values, *known, said)
        return rows.assign(**{_SPLIT: named})[~tested], rows[tested]

    def _apart(self, root: Path, rows: pd.DataFrame, said: Said) -> Rows | None:
        """The rows of the validation table, whose IDs are not among the training rows."""
        if not self.valid:
            return None
        file = root / self.valid
        if not is_table(root, self.valid):
            raise DataError(f"{file}: there is no such table of validation images (data.valid)")
        read = self._reader.read(file, [c for c in self._columns if c != self.split_column])
        said.notes += noted(file, read)
        name = split_name(file.stem, "valid")
        targets = self._targets(file, read.frame, said.problems)
        frame = read.frame.assign(**{_TARGET: targets, _SPLIT: name})
        if not self._prefix:
            frame = without_twins(frame, self._id, set(rows[self._id]), file, self.train, said)
        said.notes.append(joined(file, f"{len(frame)} rows", f"{len(rows)} training rows", name))
        return replace(read, frame=frame)

    def _found(self, rows: pd.DataFrame, place: Place, said: Said) -> pd.DataFrame:
        rows = inside(rows, self._id, place, said)
        return found_rows(rows, self._id, place, self.suffix, said, "training")

    def _trained(
        self, rows: pd.DataFrame, train: pd.DataFrame, labels: dict[str, int]
    ) -> pd.DataFrame:
        """The training rows that were found, as a `Table` has them."""
        rows = rows.loc[train.index]
        train["label"] = rows[_TARGET].map(labels).fillna(-1).astype("int64")
        train["parent"] = self._lineage(rows, self.parent_column)
        train["group"] = self._lineage(rows, self.group_column)
        return train.assign(**{SPLIT: rows[_SPLIT]}) if _SPLIT in rows else train

    def _classes(self, root: Path, targets: pd.Series[Any], said: Said) -> Classes:
        """Names and targets in label order: meta's, or the targets that occur."""
        meta = root / self.meta
        if self.label_columns:
            pairs = [(name.strip(), name.strip()) for name in self.label_columns]
        elif is_table(root, self.meta) and (rows := self._meta(meta, said)) is not None:
            pairs = list(zip(rows[_TARGET], rows[_NAME], strict=True))
        else:
            pairs = [(target, target) for target in sorted(set(targets) - {""})]
            self._refuse_several(root / self.train, targets, said.problems)
        if all(target.isdecimal() for target, _ in pairs):
            pairs.sort(key=lambda pair: int(pair[0]))
        return Classes([name for _, name in pairs], [target for target, _ in pairs])

    def _refuse_several(self, file: Path, targets: pd.Series[Any], problems: list[str]) -> None:
        problem = several_problem(file, self.target_column.strip(), targets)
        if problem is not None and not self.combinations:
            problems.append(
                f"{problem}; to train each combination as a class of its own: "
                "combinations = true in [data]"
            )

    def _meta(self, file: Path, said: Said) -> pd.DataFrame | None:
        """Target and name of each class; JSON may give a name for each target. None where the file
        only has the usual name, and is about something else."""
        columns = [self.target_column.strip(), self.name_column.strip()]
        has = list(self._reader.read(file, []).frame.columns)
        if has == [FILE, LABEL] and file.suffix.lower() == ".json":
            columns = [FILE, LABEL]
        if self.meta == META and not set(columns) & set(has):
            said.notes.append(f"{file}: is no table of classes ({listed(has)}), and is not used")
            return None
        read = self._reader.read(file, columns)
        said.notes += noted(file, read)
        return read.frame[columns].set_axis([_TARGET, _NAME], axis=1)

    def _label_problems(
        self,
        root: Path,
        file: Path,
        rows: pd.DataFrame,
        read: Rows,
        labels: dict[str, int],
        problems: list[str],
    ) -> None:
        """Labels that are no class, and those that only broken lines have."""
        fault = f"not in {self.meta}" if is_table(root, self.meta) else "empty"
        targets = rows[_TARGET]
        if not (self.label_columns and problems):
            problems += unknown_labels(file, rows[self._id], targets, labels, fault)
        problems += strange_labels(file, targets, read.ragged)

    def _test(
        self, root: Path, train: pd.DataFrame, tested: pd.DataFrame, classes: Classes, said: Said
    ) -> tuple[pd.DataFrame | None, Submission | None]:
        """The test rows, and the form that the sample asks for."""
        place, sample = Place(root, self.test_images, self.leave or ()), root / self.sample
        if is_table(root, self.sample):
            target, own = self.target_column.strip(), self.sample_id_column
            found = Sample(sample, self._reader, own, self._id, target, self.positive)
            return found.read(place, self.suffix, classes, said)
        if len(tested):
            place = Place(root, self.train_images, self.leave or ())
            rows = inside(tested, self._id, place, said)
            said.notes.append(
                f"{root / self.train}: the {len(rows)} rows of the test split are predicted; what "
                "labels they have are not used (to validate on them: valid_values in [data])"
            )
            return found_rows(rows, self._id, place, self.suffix, said, "test"), None
        if not place.folder.is_dir():
            return None, None
        import pandas as pd

        trained = set(train["path"])
        names = [name for name in place.images if place.path(name) not in trained]
        bare = [name.removesuffix(self.suffix) for name in names]
        paths = [place.path(name) for name in names]
        return pd.DataFrame({"id": bare, "path": paths}, dtype=str), None

    def _lineage(self, rows: pd.DataFrame, column: str | None) -> pd.Series[Any]:
        """The column's values; where there is none, or it is empty, the row's own ID."""
        if column is None:
            return rows[self._id]
        values = rows[column.strip()]
        return values.where(values != "", rows[self._id])


# Columns that are added to a table; no header has a line break at its end.
_TARGET, _NAME, _SPLIT = "target\n", "name\n", "split\n"
