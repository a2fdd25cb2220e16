"""The source `folder`: one sub-folder a class, perhaps in splits, or the classes in file names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.builtin.class_folders import TEST, TRAIN, VALID, Layout, find_layout
from toolkit.builtin.folder_images import FolderImage, images_below, inside_of
from toolkit.builtin.formats import names_an_image
from toolkit.builtin.known_listing import list_known
from toolkit.builtin.left_out import kept
from toolkit.builtin.listing import Listing, list_folder
from toolkit.builtin.names import resolve, unresolved_lines
from toolkit.builtin.places import Place
from toolkit.builtin.reading import Reader, is_table, noted
from toolkit.builtin.said import Said
from toolkit.builtin.sample import Classes, two_columns
from toolkit.builtin.sampled import Sample
from toolkit.builtin.splits import SPLIT, joined, split_name
from toolkit.contracts import Submission, Table
from toolkit.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

NUMBERED = r"(?P<label>.*?[^\W\d_])[\W_]*\d+"
"""A name that ends in a number: `cat.0`, `dog_12`, `beagle 3`."""


@dataclass(frozen=True)
class Folder:
    """Reads class folders; an image's ID is its path below the folder, `"invoice/0001.jpg"`."""

    root: str
    train: str = TRAIN
    valid: str = VALID
    test: str = TEST
    labels: str = "folders"
    pattern: str = NUMBERED
    sample: str = ""
    sample_id_column: str | None = None
    positive: str | None = None
    groups: str | None = None
    group_column: str | None = None
    id_column: str | None = None
    encoding: str = "auto"
    separator: str = "auto"
    leave: list[str] | None = None

    def read(self) -> Table:
        """Raises `DataError` where there is no class folder."""
        import pandas as pd

        root, said = Path(self.root), Said()
        named = self.labels == "names"
        layout = find_layout(root, self.train, self.valid, self.test, self.leave or (), named=named)
        said.notes += layout.notes
        if not named and not layout.classes:
            raise DataError(*self._without_classes(root / layout.train))
        listing = self._listing(root, layout, said)
        if named:
            images = self._by_name(root, layout, listing, said)
            classes = tuple(sorted({image.label for image in images} - {""}))
        else:
            images, classes = self._by_folder(root, layout, listing, said)
        labels = {name: label for label, name in enumerate(classes)} | {"": -1}
        rows = [(image.id, image.path, labels[image.label]) for image in images]
        train = pd.DataFrame(rows, columns=["id", "path", "label"]).astype({"label": "int64"})
        train["parent"] = train["id"]
        train["group"] = self._groups(root, train["id"], said)
        if layout.valid is not None:
            train[SPLIT] = [image.split for image in images]
            said.notes.append(_joined_note(root, layout.valid, images))
        test, asked = self._test(root, layout, classes, said)
        return Table(
            train,
            test,
            classes,
            columns=two_columns(asked, *Table.columns),
            problems=tuple(said.problems),
            notes=tuple(said.notes),
            submission=asked,
        )

    @property
    def own_names(self) -> tuple[str, ...]:
        """What is looked for in the root itself."""
        return self.train, self.valid, self.test, self.sample, self.groups or ""

    def _without_classes(self, base: Path) -> list[str]:
        lines = [
            f"{base}: there is no such folder, or it has no class folders",
            f"  Put there one folder of images a class ({base}/invoice/0001.jpg)",
            "  or point elsewhere: --set data.root=FOLDER",
        ]
        found = list_folder(base).images if base.is_dir() else []
        names = sorted({label for name in found if (label := self._label_in(name))})
        if 1 < len(names) < len(found):
            lines.insert(
                1,
                f"  Its files are called after {listed(names)}: to read that as their classes, "
                "--set data.labels=names",
            )
        return lines

    def _listing(self, root: Path, layout: Layout, said: Said) -> Listing:
        """The images of training and validation, walked once."""
        places = [layout.train, *([layout.valid] if layout.valid else [])]
        walked = list_known(root, places)
        found = replace(walked, images=kept(walked.images, self.leave or ()))
        left = len(walked.images) - len(found.images)
        if left:
            said.notes.append(f"{root}: {left} images named by leave are left out")
        said.notes += [f"{root}: {note}" for note in found.notes]
        said.notes += [found.unkept] if found.unkept else []
        skipped = [
            f"{count} {suffix or 'without a suffix'}" for suffix, count in found.others.items()
        ]
        if skipped:
            said.notes.append(f"{root}: files that are no images are left out ({listed(skipped)})")
        return found

    def _by_folder(
        self, root: Path, layout: Layout, listing: Listing, said: Said
    ) -> tuple[list[FolderImage], tuple[str, ...]]:
        """The images of each class, in the order of the classes; validation behind training."""
        trained, stray = images_below(root, layout.train, listing, layout.classes)
        classes = set(layout.classes)
        valid: list[FolderImage] = []
        if layout.valid is not None:
            own = {name.split("/")[0] for name in inside_of(layout.valid, listing) if "/" in name}
            classes |= own
            valid, others = images_below(
                root, layout.valid, listing, sorted(own), f"{layout.valid}/", _valid_name(layout)
            )
            stray += others
            only = [name for name in own if name not in layout.classes]
            if only:
                said.notes.append(
                    f"{root / layout.valid}: its classes {listed(sorted(only))} have no image in "
                    f"{root / layout.train}"
                )
        if stray:
            said.notes.append(
                f"{root}: {len(stray)} images in no class folder are left out ({listed(stray)})"
            )
        return trained + valid, tuple(sorted(classes))

    def _by_name(
        self, root: Path, layout: Layout, listing: Listing, said: Said
    ) -> list[FolderImage]:
        tested = f"{layout.test}/" if layout.test else "/"
        images = [
            FolderImage(f"{prefix}{name}", str(root / place / name), self._label_in(name), split)
            for place, prefix, split in (
                (layout.train, "", "train"),
                (layout.valid, f"{layout.valid}/", _valid_name(layout)),
            )
            if place is not None
            for name in inside_of(place, listing)
            if not f"{place}/{name}".lstrip("/").startswith(tested)
        ]
        without = [image.id for image in images if not image.label]
        if without:
            said.problems.append(
                f"{root / layout.train}: {len(without)} file names say no class "
                f"({listed(without)}); they are to fit pattern = '{self.pattern}'"
            )
        return images

    def _label_in(self, name: str) -> str:
        """The class that a file's name says; "" where it says none."""
        stem = os.path.basename(name)
        stem = stem.rpartition(".")[0] if names_an_image(stem) else stem
        found = re.fullmatch(self.pattern, stem)
        return found["label"].strip() if found else ""

    def _groups(self, root: Path, ids: pd.Series[str], said: Said) -> pd.Series[str]:
        """The group of each image, from a table beside the folders; its own ID without one."""
        if self.groups is None or self.group_column is None:
            return ids
        file = root / self.groups
        if not is_table(root, self.groups):
            raise DataError(f"{file}: there is no such table of groups")
        wanted = [self.group_column, *([self.id_column] if self.id_column else [])]
        read = Reader(self.encoding, self.separator).read(file, wanted)
        said.notes += noted(file, read)
        column = self.id_column or _naming(read.frame, list(ids), self.group_column)
        if column is None:
            raise DataError(f"{file}: no column of it names the images; say which: id_column")
        names = list(read.frame[column.strip()])
        got = resolve(names, list(ids), str((root / self.train).absolute()))
        said.notes += [f"{file}: {line}" for line in unresolved_lines(got, list(ids), "group")]
        values = read.frame[self.group_column.strip()]
        groups = {i: g for i, g in zip(got.files, values, strict=True) if i is not None and g}
        alone = int((~ids.isin(list(groups))).sum())
        if alone:
            said.notes.append(f"{file}: gives {alone} images no group; each is one of its own")
        return ids.map(lambda i: groups.get(i, i))

    def _test(
        self, root: Path, layout: Layout, classes: Sequence[str], said: Said
    ) -> tuple[pd.DataFrame | None, Submission | None]:
        import pandas as pd

        where = layout.test if layout.test is not None else self.test
        place = Place(root, where, self.leave or ())
        if is_table(root, self.sample):
            reader = Reader(self.encoding, self.separator)
            sample = Sample(
                root / self.sample, reader, self.sample_id_column, None, "label", self.positive
            )
            rows, asked = sample.read(place, "", Classes(classes, classes), said)
            unasked = len(set(map(place.path, place.images)) - set(rows["path"]))
            if unasked:
                said.notes.append(
                    f"{place.folder}: {unasked} images are not in {self.sample}, and are left out"
                )
            return rows, asked
        if layout.test is None:
            return None, None
        paths = [place.path(name) for name in place.images]
        return pd.DataFrame({"id": place.images, "path": paths}, dtype=str), None


def _valid_name(layout: Layout) -> str:
    return split_name((layout.valid or "").rpartition("/")[2], "valid")


def _joined_note(root: Path, valid: str, images: Sequence[FolderImage]) -> str:
    name = next((image.split for image in images if image.split != "train"), "valid")
    apart = sum(image.split != "train" for image in images)
    trained = len(images) - apart
    return joined(root / valid, f"{apart} images", f"{trained} of training", name)


def _naming(rows: pd.DataFrame, ids: Sequence[str], but: str) -> str | None:
    """The column whose values name the most images."""
    counts = {
        str(column): len(ids) - resolve(list(rows[column]), ids, "/").files.count(None)
        for column in rows.columns
        if column != but
    }
    best = max(counts, key=lambda column: counts[column], default=None)
    return best if best is not None and counts[best] > 0 else None
