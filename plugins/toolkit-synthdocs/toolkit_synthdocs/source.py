"""The source `synthdocs.documents`: draws the competition once, then reads it.

Importing this module loads neither Pillow nor pandas, so that a recipe is checked in an instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Notify, Table
from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit_synthdocs.files import Drawing


def documents(
    *,
    root: Annotated[
        str, Field(description="folder of the drawings, relative to the working directory")
    ] = "data/synthdocs",
    scale: Annotated[
        float, Field(gt=0, le=1, description="share of the images to draw; at least 5 a class")
    ] = 1.0,
    seed: Annotated[int, Field(ge=0, description="another seed draws another competition")] = 0,
) -> Documents:
    """A competition that is drawn: 17 kinds of documents, four of them near twins; few wrong
    labels, clean training images, degraded test images whose true labels are known."""
    return Documents(root, scale, seed)


@dataclass(frozen=True)
class Documents:
    """Draws, and reads what is drawn."""

    root: str
    scale: float
    seed: int

    @property
    def drawing(self) -> Drawing:
        from toolkit_synthdocs.files import Drawing

        return Drawing(Path(self.root), float(self.scale), self.seed)

    def prepare(self, notify: Notify) -> None:
        """Draw what is missing, on all cores; nothing where the drawing is finished.

        Raises:
            DataError: the folder cannot be written.
        """
        from toolkit_synthdocs.draw import draw

        draw(self.drawing, notify)

    def read(self) -> Table:
        """The drawing's table; the truth about the test images stays unread.

        Raises:
            DataError: the drawing is not finished.
        """
        import pandas as pd

        from toolkit_synthdocs.classes import CLASSES
        from toolkit_synthdocs.files import COLUMNS

        drawing = self._finished()
        known = pd.read_csv(drawing.train, dtype={"ID": str, "target": "int64"})
        asked = pd.read_csv(drawing.sample, dtype={"ID": str})
        train = pd.DataFrame({"id": known["ID"], "path": paths(drawing.folder / "train", known)})
        train["label"] = known["target"]
        train["parent"] = train["group"] = train["id"]
        test = pd.DataFrame({"id": asked["ID"], "path": paths(drawing.folder / "test", asked)})
        return Table(train, test, CLASSES, tuple(range(len(CLASSES))), COLUMNS)

    def test_labels(self) -> pd.DataFrame:
        """The truth about the test images, `id, label`, in the order of the submission. It is for
        scoring a finished submission, never for making one.

        Raises:
            DataError: the drawing is not finished.
        """
        import pandas as pd

        truth = pd.read_csv(self._finished().test_labels, dtype={"ID": str, "target": "int64"})
        return truth.rename(columns={"ID": "id", "target": "label"})

    def _finished(self) -> Drawing:
        drawing = self.drawing
        if not drawing.finished:
            raise DataError(
                f"{drawing.folder}: these documents are not drawn yet",
                "  `toolkit run` draws them before it reads them; from Python, call "
                "prepare(toolkit.contracts.ignore) first",
            )
        return drawing


def paths(folder: Path, rows: pd.DataFrame) -> pd.Series[str]:
    """The images' files, by the rows' IDs."""
    named: pd.Series[str] = rows["ID"].map(lambda name: str(folder / name))
    return named
