"""The source `folder`: one sub-folder a class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toolkit.builtin.formats import IMAGE_SUFFIXES
from toolkit.contracts import Table
from toolkit.errors import DataError


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


def _images(folder: Path) -> list[str]:
    """Image files below a folder, as sorted relative paths."""
    files = (p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in files)
