"""Sources: where images and labels come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field
from toolkit.contracts import Table
from toolkit.errors import DataError


@dataclass(frozen=True)
class Named:
    """Reads a folder whose file names say the class."""

    root: str

    def read(self) -> Table:
        import pandas as pd

        files = sorted(Path(self.root).glob("*_*.*"))
        if not files:
            raise DataError(f"{self.root}: holds no image whose name is like invoice_001.png")
        names = [file.name.partition("_")[0] for file in files]
        classes = tuple(sorted(set(names)))
        train = pd.DataFrame({"id": [file.name for file in files], "path": list(map(str, files))})
        train["label"] = [classes.index(name) for name in names]
        train["parent"] = train["group"] = train["id"]
        return Table(train, None, classes)


def named(*, root: Annotated[str, Field(description="folder of the images")]) -> Named:
    """Images in one folder; the class is the file name up to its first `_`."""
    return Named(root)
