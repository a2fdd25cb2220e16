"""Tables: what a source reads, the form of a submission, and a member's probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from toolkit.contracts.arrays import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

TRAIN_COLUMNS: Mapping[str, tuple[str, str]] = {
    "id": ("text", "names the row; no two rows have one"),
    "path": ("text", "of the image, from the working directory"),
    "label": ("int64", "indexes `classes`, from 0"),
    "parent": (
        "text",
        "the ID of the original that the row was made from; its own for an original",
    ),
    "group": ("text", "names rows that must stay in one fold; its own ID where there is no group"),
}
"""Type and meaning of the columns of `Table.train`; text is Python's `str`, without None or NaN."""

TEST_COLUMNS: Mapping[str, tuple[str, str]] = {
    "id": ("text", "names the row, as the submission writes it"),
    "path": ("text", "of the image, from the working directory"),
}
"""The same of `Table.test`, whose rows are in the order of the submission."""


@dataclass(frozen=True)
class SubmissionColumn:
    """A column of the submission, as the sample has it."""

    name: str
    means: Literal["id", "label", "probability", "confidence", "kept"]
    """label: the predicted class; probability: of the class `label`; confidence: the predicted
    class's probability; kept: the sample's own values."""
    label: int | None = None
    values: tuple[str, ...] = ()
    """What is kept, a row each."""


@dataclass(frozen=True)
class Submission:
    """The form of the submission, as the sample asks for it."""

    columns: tuple[SubmissionColumn, ...]
    """In the order of the header."""
    ids: tuple[str, ...]
    """The ID of each row of `Table.test` as the sample writes it."""
    labels: tuple[str, ...]
    """What a label column writes for each class."""
    form: Literal["name", "target", "integer", "float"] = "target"
    """What that is: the class's name, its value in the training table, or that as a number of
    another form (`1` for `1.0`, or `1.0` for `1`)."""
    problem: str = ""
    """Why what the sample asks for cannot be written; it stops a run before training."""

    def of_rows(self, rows: Sequence[int]) -> Submission:
        """The form for some of the test rows."""
        columns = tuple(
            replace(c, values=tuple(c.values[row] for row in rows)) if c.values else c
            for c in self.columns
        )
        return replace(self, columns=columns, ids=tuple(self.ids[row] for row in rows))


@dataclass(frozen=True)
class Table:
    """What a source reads: rows, labels and lineage.

    `train` has the columns `id, path, label, parent, group`; `label` indexes `classes`, `parent`
    is the ID of the original that the row was made from (its own ID for an original), `group`
    names rows that must stay in one fold (its own ID where there is no group). A column `split`
    may say in which split each row came. `test`, if any, has `id, path`, in the submission's order.
    """

    train: pd.DataFrame
    """A row a training image."""
    test: pd.DataFrame | None
    """A row a test image; None where there are none."""
    classes: tuple[str, ...]
    """Class names; index = label."""
    targets: tuple[Any, ...] = ()
    """What a submission writes for each class (the values of the CSV); class names if empty."""
    columns: tuple[str, str] = ("ID", "target")
    """Names of the submission's two columns."""
    problems: tuple[str, ...] = ()
    """Faults that the source found, a line each; the host adds its own and shows all."""
    origin: str = ""
    """Whose table it is, for errors; the host says so when it has read the table."""
    notes: tuple[str, ...] = ()
    """What was found out or mended while reading, a line each: told once, never an error."""
    submission: Submission | None = None
    """The sample's form; None writes `columns` and `targets`."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """What the recipe's `[labels]` did, as `manifest.json` keeps it; the host says so."""
    held: object = field(default=None, compare=False, repr=False)
    """Keeps the files where they are while it lives, where the source had to put them somewhere."""

    def target_of(self, label: int) -> Any:
        return self.targets[label] if self.targets else self.classes[label]


@dataclass(frozen=True)
class Predictions:
    """One member's probabilities: a row an image, in the order of `ids`."""

    ids: tuple[str, ...]
    """Of the images, sorted."""
    probabilities: Floats
    """`(n, C)`, float32; a row sums to 1."""
    classes: tuple[str, ...]
    """Class names; index = column."""

    def labels(self) -> Ints:
        """Most probable class of each row (n,); the lowest index wins a tie."""
        labels: Ints = self.probabilities.argmax(axis=1)
        return labels
