"""A 0/1 column a class is read as one label, whatever the classes are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toolkit.check.survey import survey
from toolkit.errors import DataError

PLANTS = ("healthy", "multiple_diseases", "rust", "scab")
"""One of them ends with a word for labels."""
SKIN = ("nevus", "melanoma_class", "keratosis")


def lay(root: Path, classes: tuple[str, ...], *, sample: bool, several: bool = False) -> None:
    (root / "images").mkdir()
    rows, tests = [], []
    for k in range(16):
        ones = {k % len(classes)} | ({0, 1} if several and k == 5 else set())
        rows.append(",".join([f"a{k}", *(str(int(c in ones)) for c in range(len(classes)))]))
        Image.fromarray(np.full((6, 8, 3), k, np.uint8)).save(root / "images" / f"a{k}.png")
    for k in range(3):
        tests.append(",".join([f"b{k}", *["0.25"] * len(classes)]))
        Image.fromarray(np.full((6, 8, 3), 99 + k, np.uint8)).save(root / "images" / f"b{k}.png")
    header = ",".join(["image_id", *classes])
    (root / "train.csv").write_text("\n".join([header, *rows]) + "\n")
    if sample:
        (root / "sample_submission.csv").write_text("\n".join([header, *tests]) + "\n")


@pytest.mark.parametrize("sample", [True, False])
@pytest.mark.parametrize("classes", [PLANTS, SKIN])
def test_a_class_named_like_a_label_is_one_of_them(
    tmp_path: Path, classes: tuple[str, ...], sample: bool
) -> None:
    lay(tmp_path, classes, sample=sample)
    found = survey(tmp_path)
    assert found.source["label_columns"] == list(classes)
    assert found.table.classes == classes
    if sample:
        form = found.table.submission
        assert form is not None
        assert [c.means for c in form.columns] == ["id", *["probability"] * len(classes)]


def test_several_ones_in_a_row_of_what_the_sample_asks_for_are_refused(tmp_path: Path) -> None:
    lay(tmp_path, PLANTS, sample=True, several=True)
    with pytest.raises(DataError, match=r"rows have several 1s in healthy, multiple_diseases"):
        survey(tmp_path)


def test_a_column_called_label_is_the_label_beside_flags_that_fill_its_gaps(
    tmp_path: Path,
) -> None:
    lay(tmp_path, ("label", "benign", "unsure"), sample=False)
    assert survey(tmp_path).source.get("target_column") == "label"
