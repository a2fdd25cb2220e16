"""Where a drawing is on the disk, and its tables."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from toolkit_synthdocs.classes import CLASSES
from toolkit_synthdocs.painters import SPLITS
from toolkit_synthdocs.rows import Row, rows, wrong_labels

VERSION = 1  # of the pixels and rows; raise it with any change to them
COLUMNS = ("ID", "target")


@dataclass(frozen=True)
class Drawing:
    """One drawing of the competition. Every seed, scale and version has a folder of its own below
    `root`, so that none overwrites another."""

    root: Path
    scale: float
    seed: int

    @property
    def folder(self) -> Path:
        return self.root / f"{self.scale!r}-{self.seed}-v{VERSION}"

    @property
    def train(self) -> Path:
        return self.folder / "train.csv"

    @property
    def meta(self) -> Path:
        return self.folder / "meta.csv"

    @property
    def sample(self) -> Path:
        return self.folder / "sample_submission.csv"

    @property
    def test_labels(self) -> Path:
        """The truth about the test images; nothing but `test_labels()` opens it."""
        return self.folder / "test_labels.csv"

    @property
    def wrong_labels(self) -> Path:
        """Which training labels are wrong; for whoever judges a label audit."""
        return self.folder / "wrong_labels.csv"

    @property
    def marker(self) -> Path:
        """Written last: its presence says that the drawing is finished."""
        return self.folder / "drawing.json"

    @property
    def lock(self) -> Path:
        return self.folder / ".lock"

    @property
    def finished(self) -> bool:
        return self.marker.is_file()

    def image(self, row: Row) -> Path:
        return self.folder / row.split / row.id

    def rows(self) -> list[Row]:
        return rows(self.seed, self.scale)

    def missing(self) -> list[Row]:
        """Rows without an image. An image that is there is whole: it was renamed into place."""
        found = {
            split: {entry.name for entry in os.scandir(self.folder / split)} for split in SPLITS
        }
        return [row for row in self.rows() if row.id not in found[row.split]]


def write_tables(drawing: Drawing) -> None:
    """Every table, then the marker."""
    every = drawing.rows()
    train = [row for row in every if row.split == "train"]
    test = [row for row in every if row.split == "test"]
    wrong = wrong_labels(drawing.seed, train)
    write_csv(drawing.train, COLUMNS, [(row.id, wrong.get(row.id, row.label)) for row in train])
    write_csv(drawing.meta, ("target", "class_name"), enumerate(CLASSES))
    write_csv(drawing.sample, COLUMNS, [(row.id, 0) for row in test])
    write_csv(drawing.test_labels, COLUMNS, [(row.id, row.label) for row in test])
    write_csv(
        drawing.wrong_labels,
        ("ID", "target", "truth"),
        [(row.id, wrong[row.id], row.label) for row in train if row.id in wrong],
    )
    facts = {
        "version": VERSION,
        "seed": drawing.seed,
        "scale": drawing.scale,
        "drawn_with": {name: version(name) for name in ("toolkit-synthdocs", "pillow", "numpy")},
    }
    with writing(drawing.marker) as file:
        file.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def write_csv(file: Path, header: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    with writing(file) as half_made, half_made.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(values)


@contextmanager
def writing(file: Path) -> Iterator[Path]:
    """A path beside `file` to write to, which becomes `file`. The name holds the process, so that
    one that is still dying cannot write into another's."""
    half_made = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        yield half_made
        half_made.replace(file)
    finally:
        half_made.unlink(missing_ok=True)
