"""Splits in a folder of their own, a class that is called test, and what `init` says of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toolkit.builtin.folder_source import Folder
from toolkit.check.survey import Survey, survey
from toolkit.check.words import survey_lines
from toolkit.errors import DataError

Draw = Callable[..., None]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Draws images of one colour each."""

    def drawn(folder: str, count: int = 4, stem: str = "{:03d}") -> None:
        for k in range(count):
            file = tmp_path / folder / f"{stem.format(k)}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            colour = [len(folder) * 7 % 256, sum(map(ord, folder)) % 256, k]
            Image.fromarray(np.full((6, 8, 3), colour, np.uint8)).save(file)

    return drawn


def classes(found: Survey) -> dict[str, int]:
    counts = Counter(found.table.train["label"])
    return {name: counts[k] for k, name in enumerate(found.table.classes)}


@pytest.mark.parametrize("valid", ["val", "valid/valid", "validation/validation", "Val/images"])
@pytest.mark.parametrize("train", ["train", "train/train"])
@pytest.mark.parametrize("outer", ["", "archive/"])
def test_a_split_may_lie_in_a_folder_of_its_own(
    tmp_path: Path, draw: Draw, outer: str, train: str, valid: str
) -> None:
    for name in ("cat", "dog"):
        draw(f"{outer}{train}/{name}", 4)
        draw(f"{outer}{valid}/{name}", 2)
    found = survey(tmp_path)
    assert classes(found) == {"cat": 6, "dog": 6}
    assert (
        Folder(str(tmp_path)).read().train["label"].tolist()
        == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2
    )


def test_a_class_of_validation_alone_is_told(tmp_path: Path, draw: Draw) -> None:
    for name in ("cat", "dog"):
        draw(f"train/{name}")
        draw(f"valid/{name}", 2)
    draw("valid/bird", 2)
    notes = survey(tmp_path).table.notes
    assert f"{tmp_path}/valid: its classes bird have no image in {tmp_path}/train" in notes


@pytest.mark.parametrize("name", ["test", "Test"])
def test_a_folder_called_test_is_a_class_as_those_beside_it_and_that_is_said(
    tmp_path: Path, draw: Draw, name: str
) -> None:
    for folder in ("invoice", "letter", name):
        draw(folder)
    found = survey(tmp_path)
    assert classes(found) == {"invoice": 4, "letter": 4, name: 4}
    assert found.table.test is None
    said = [line for line in survey_lines(found) if "is taken for a class" in line]
    assert len(said) == 1
    assert str(tmp_path / name) in said[0]
    # What is written says so, and is read so.
    options = {key: value for key, value in found.source.items() if key != "use"}
    assert Folder(**options).read().classes == found.table.classes


@pytest.mark.parametrize("folder", ["test", "test/cat"])
def test_a_test_folder_that_a_sample_names_or_that_holds_classes_is_no_class(
    tmp_path: Path, draw: Draw, folder: str
) -> None:
    for name in ("cat", "dog"):
        draw(name)
    draw(folder, 3, "t{}")
    if folder == "test":
        rows = "".join(f"t{k}.png,cat\n" for k in range(3))
        (tmp_path / "sample_submission.csv").write_text(f"id,label\n{rows}")
    found = survey(tmp_path)
    assert classes(found) == {"cat": 4, "dog": 4}
    assert found.table.test is not None
    assert len(found.table.test) == 3


def test_folders_of_images_beside_test_are_no_classes_for_its_sake(
    tmp_path: Path, draw: Draw
) -> None:
    for label in ("cat", "dog"):
        draw("images", 4, f"{label}_{{}}")
    draw("test", 3)
    found = survey(tmp_path)
    assert classes(found) == {"cat": 4, "dog": 4}
    for part in ("part_1", "part_2"):
        draw(f"parts/{part}")
    draw("parts/test")
    with pytest.raises(DataError, match="look like parts of one set"):
        survey(tmp_path / "parts")


def test_a_table_of_groups_that_is_not_used_says_what_is_lost(tmp_path: Path, draw: Draw) -> None:
    draw("train", 12)
    names = [f"{k:03d}.png" for k in range(12)]
    rows = [f"{name},{'ab'[k % 2]}" for k, name in enumerate(names)]
    (tmp_path / "train.csv").write_text("\n".join(["id,label", *rows]))
    rows = [f"{name},p{k // 3}" for k, name in enumerate(names)]
    (tmp_path / "who.csv").write_text("\n".join(["id,patient", *rows]))
    (tmp_path / "prices.csv").write_text("patient,price\np1,1\np1,2\np2,3\n")
    lines = list(survey_lines(survey(tmp_path)))
    assert (
        f"  {tmp_path}/who.csv: is not used; its column 'patient' looks like groups: add it to "
        "train.csv, so that no group lies in several folds" in lines
    )
    assert f"  {tmp_path}/prices.csv: is not used" in lines


def test_columns_that_may_be_groups_are_named_in_one_line_and_only_where_none_is(
    tmp_path: Path, draw: Draw
) -> None:
    draw("train", 12)
    header = "id,label,name,scan_no,place"
    rows = [
        f"{k:03d}.png,{k % 2},{('cat', 'dog')[k % 2]},s{k // 4},{'xyz'[k * 5 % 7 % 3]}"
        for k in range(12)
    ]
    (tmp_path / "train.csv").write_text("\n".join([header, *rows]))
    lines = [line for line in survey_lines(survey(tmp_path)) if "values repeat" in line]
    # `name` says the class once more: a group of whole classes is none.
    assert lines == [
        "  columns whose values repeat: scan_no (3), place (3); if images of one value belong "
        "together: --group COLUMN"
    ]
    (tmp_path / "train.csv").write_text("\n".join([header.replace("scan_no", "patient"), *rows]))
    found = survey(tmp_path)
    assert found.source["group_column"] == "patient"
    assert not [line for line in survey_lines(found) if "values repeat" in line]


def test_a_folder_of_tables_alone_needs_no_word_in_the_recipe(tmp_path: Path, draw: Draw) -> None:
    draw("images", 12)
    rows = "".join(f"{k:03d}.png,{'ab'[k % 2]}\n" for k in range(12))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "train.csv").write_text(f"id,label\n{rows}")
    assert "leave" not in survey(tmp_path).source


@pytest.mark.parametrize("name", ["Test", "testing", "to_predict"])
def test_a_folder_that_the_sample_names_images_in_is_no_class_whatever_it_is_called(
    tmp_path: Path, draw: Draw, name: str
) -> None:
    for folder in ("cat", "dog"):
        draw(folder)
    draw(name, 3, "q{}")
    rows = "".join(f"q{k}.png,cat\n" for k in (2, 0, 1))
    (tmp_path / "sample_submission.csv").write_text(f"id,label\n{rows}")
    found = survey(tmp_path)
    assert classes(found) == {"cat": 4, "dog": 4}
    assert found.table.test is not None
    assert found.table.test["id"].tolist() == ["q2.png", "q0.png", "q1.png"]
    options = {key: value for key, value in found.source.items() if key != "use"}
    assert Folder(**options).read().classes == ("cat", "dog")
