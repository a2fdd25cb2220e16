"""How data are read, kind by kind, and where nothing is read because two readings are as good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toolkit.cli.init as command
from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.faults import rare, refused, set_aside
from toolkit.check.survey import survey
from toolkit.check.words import survey_lines
from toolkit.errors import DataError

Draw = Callable[..., list[str]]


@pytest.fixture
def images(tmp_path: Path) -> Draw:
    """Draws images of one colour each, and gives their names."""

    def draw(
        folder: str, count: int = 12, stem: str = "p{:02d}", suffix: str = ".png"
    ) -> list[str]:
        names = [stem.format(k) + suffix for k in range(count)]
        for k, name in enumerate(names):
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((6, 8, 3), k + 10, np.uint8)).save(file)
        return names

    return draw


def table(file: Path, header: str, rows: Sequence[Sequence[object]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *(",".join(str(cell) for cell in row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")


def test_the_line_of_the_label_says_the_column_its_classes_and_why(
    tmp_path: Path, images: Draw
) -> None:
    names = images("train")
    table(
        tmp_path / "train.csv",
        "id,fold,Breed",
        [(n, k // 2 % 2, "ab"[k % 2]) for k, n in enumerate(names)],
    )
    lines = list(survey_lines(survey(tmp_path)))
    assert lines[0] == "source csv, 12 training images, 2 classes, no test images"
    assert "  label: column 'Breed' of train.csv, since its name says so" in lines
    assert "  classes: a 6, b 6" in lines


def test_a_sample_is_never_trained_on(tmp_path: Path, images: Draw) -> None:
    names = images("test")
    table(
        tmp_path / "sample_submission.csv",
        "id,label",
        [(n, "ab"[k % 2]) for k, n in enumerate(names)],
    )
    with pytest.raises(DataError, match="found neither a CSV"):
        survey(tmp_path)


def test_two_labels_are_asked_for_and_an_option_answers(tmp_path: Path, images: Draw) -> None:
    rows = [(n, "ab"[k % 2], "cde"[k % 3]) for k, n in enumerate(images("images"))]
    table(tmp_path / "styles.csv", "id,species,breed", rows)
    with pytest.raises(Unclear, match="which column is the label") as error:
        survey(tmp_path)
    assert error.value.choices == (
        Choice("species", "2 classes (a, b)"),
        Choice("breed", "3 classes (c, d, e)"),
    )
    assert "--label breed" in str(error.value)
    assert survey(tmp_path, Chosen(label="breed")).table.classes == ("c", "d", "e")
    with pytest.raises(DataError, match="has no column 'bred'"):
        survey(tmp_path, Chosen(label="bred"))


def test_two_columns_that_say_the_same_are_one_label(tmp_path: Path, images: Draw) -> None:
    rows = [(n, k % 2, "ab"[k % 2]) for k, n in enumerate(images("train"))]
    table(tmp_path / "train.csv", "id,label,class_name", rows)
    assert survey(tmp_path).source["target_column"] == "label"


def test_a_sample_says_which_of_two_labels_is_meant(tmp_path: Path, images: Draw) -> None:
    rows = [(n, "ab"[k % 2], "cde"[k % 3]) for k, n in enumerate(images("train"))]
    table(tmp_path / "train.csv", "id,diagnosis,species", rows)
    table(
        tmp_path / "sample_submission.csv",
        "id,species",
        [(n, "c") for n in images("test", 3, "t{}")],
    )
    found = survey(tmp_path)
    assert found.source["target_column"] == "species"
    assert found.table.test is not None
    assert len(found.table.test) == 3


@pytest.mark.parametrize("column", ["sex", "season", "fold", "age", "width", "camera"])
def test_what_is_no_label_by_name_is_not_taken_for_one(
    column: str, tmp_path: Path, images: Draw
) -> None:
    table(
        tmp_path / "train.csv", f"id,{column}", [(n, k % 2) for k, n in enumerate(images("train"))]
    )
    with pytest.raises(Unclear, match=f"--label {column}"):
        survey(tmp_path)
    assert len(survey(tmp_path, Chosen(label=column)).table.classes) == 2


def test_an_unnamed_label_among_columns_that_nobody_knows_is_asked_for(
    tmp_path: Path, images: Draw
) -> None:
    rows = [(n, "rg"[k % 2], k / 7) for k, n in enumerate(images("train"))]
    table(tmp_path / "train.csv", "id,paint,price", rows)
    with pytest.raises(Unclear, match="--label paint"):
        survey(tmp_path)


def test_images_with_several_labels_are_refused_in_words(tmp_path: Path, images: Draw) -> None:
    names = images("train")
    labels = ("rust", "scab", "rust scab")
    table(tmp_path / "train.csv", "id,labels", [(n, labels[k % 3]) for k, n in enumerate(names)])
    with pytest.raises(DataError, match=r"several labels in one \('rust scab'"):
        survey(tmp_path)
    found = survey(tmp_path, Chosen(label="labels"))
    assert found.source["combinations"] is True
    assert found.table.classes == ("rust", "rust scab", "scab")
    assert refused(found) == []
    rows = [(n, 1, k % 2, (k + 1) % 3 % 2) for k, n in enumerate(names)]
    table(
        tmp_path / "train.csv",
        "id,rust,scab,mold",
        [(n, k % 2, 1 - k % 3 % 2, k // 2 % 2) for k, (n, *_) in enumerate(rows)],
    )
    with pytest.raises(DataError, match="have several 1s in rust, scab, mold"):
        survey(tmp_path)


def test_labels_of_which_nearly_every_row_has_its_own_are_several_all_the_same(
    tmp_path: Path, images: Draw
) -> None:
    names = images("train")
    labels = [f"{a}|{b}" for a in "abcd" for b in "xyz"]
    table(tmp_path / "train.csv", "id,labels", list(zip(names, labels, strict=True)))
    with pytest.raises(DataError, match="several labels in one"):
        survey(tmp_path)


def test_a_class_of_two_words_is_one_label(tmp_path: Path, images: Draw) -> None:
    labels = ("grey wolf", "wolf", "red fox")
    rows = [(n, labels[k % 3]) for k, n in enumerate(images("train"))]
    table(tmp_path / "train.csv", "id,label", rows)
    assert survey(tmp_path).table.classes == ("grey wolf", "red fox", "wolf")


def test_two_folders_with_the_same_names_are_asked_for_but_masks_are_none(
    tmp_path: Path, images: Draw
) -> None:
    names = images("day")
    table(tmp_path / "labels.csv", "id,label", [(n, "ab"[k % 2]) for k, n in enumerate(names)])
    images("masks")
    assert survey(tmp_path).source["train_images"] == "day"
    images("night")
    with pytest.raises(Unclear, match="--images day"):
        survey(tmp_path)
    assert survey(tmp_path, Chosen(images="night")).source["train_images"] == "night"


def test_two_columns_that_name_images_are_asked_for(tmp_path: Path, images: Draw) -> None:
    left, right = images("images", stem="l{}"), images("images", stem="r{}")
    rows = [(a, b, "xy"[k % 2]) for k, (a, b) in enumerate(zip(left, right, strict=True))]
    table(tmp_path / "pairs.csv", "left,right,label", rows)
    with pytest.raises(Unclear, match="--id right"):
        survey(tmp_path)
    found = survey(tmp_path, Chosen(id="right")).table.train["id"]
    assert sorted(found) == sorted(right)


def test_groups_that_cross_are_asked_for_and_the_coarser_of_two_is_taken(
    tmp_path: Path, images: Draw
) -> None:
    names = images("train")
    rows = [(n, "ab"[k % 2], k // 2, k // 4) for k, n in enumerate(names)]
    table(tmp_path / "train.csv", "id,label,lesion_id,patient_id", rows)
    assert survey(tmp_path).source["group_column"] == "patient_id"
    rows = [(n, "ab"[k % 2], k // 4, k % 3) for k, n in enumerate(names)]
    table(tmp_path / "train.csv", "id,label,lesion_id,patient_id", rows)
    with pytest.raises(Unclear, match="--group lesion_id"):
        survey(tmp_path)
    assert "group_column" not in survey(tmp_path, Chosen(group="none")).source


def test_tables_that_contradict_each_other_are_refused_and_one_can_be_named(
    tmp_path: Path, images: Draw
) -> None:
    names = images("images")
    table(tmp_path / "first.csv", "id,label", [(n, "ab"[k % 2]) for k, n in enumerate(names)])
    table(tmp_path / "second.csv", "id,label", [(n, "ab"[k // 6]) for k, n in enumerate(names)])
    with pytest.raises(DataError, match="several tables could be the training table"):
        survey(tmp_path)
    assert survey(tmp_path / "second.csv").source["train"] == "second.csv"


def test_a_table_and_class_folders_that_disagree_are_asked_for(
    tmp_path: Path, images: Draw
) -> None:
    rows = []
    for folder in ("rose", "tulip"):
        names = images(folder, 6, folder + "{}")
        rows += [(n, ("wild", "grown")[k % 2]) for k, n in enumerate(names)]
    table(tmp_path / "notes.csv", "id,species", rows)
    with pytest.raises(Unclear, match="--source folder"):
        survey(tmp_path)
    assert survey(tmp_path, Chosen(source="folder")).table.classes == ("rose", "tulip")
    assert survey(tmp_path, Chosen(source="csv")).table.classes == ("grown", "wild")


def test_a_split_column_is_followed_and_its_test_rows_are_not_trained_on(
    tmp_path: Path, images: Draw
) -> None:
    splits = ("train", "train", "val", "test")
    rows = [(n, "ab"[k // 4 % 2], splits[k % 4]) for k, n in enumerate(images("images", 16))]
    table(tmp_path / "data.csv", "id,label,split", rows)
    found = survey(tmp_path)
    assert found.source["split_column"] == "split"
    assert found.table.test is not None
    assert (len(found.table.train), len(found.table.test)) == (12, 4)


def test_images_in_parts_without_labels_are_not_classes(tmp_path: Path, images: Draw) -> None:
    images("part_1", stem="x{}")
    images("part_2", stem="y{}")
    with pytest.raises(DataError, match="look like parts of one set"):
        survey(tmp_path)


def test_names_of_a_camera_are_no_labels(tmp_path: Path, images: Draw) -> None:
    images("train", 6, "IMG_{}")
    images("train", 6, "DSC_{}")
    with pytest.raises(DataError, match="found neither"):
        survey(tmp_path)


def test_lost_zeros_are_told_and_not_guessed(tmp_path: Path, images: Draw) -> None:
    names = images("train", stem="{:05d}")
    table(
        tmp_path / "train.csv", "id,label", [(int(n[:5]), "ab"[k % 2]) for k, n in enumerate(names)]
    )
    images("a/test", stem="{:06d}")  # sorts first, and is not what the training table means
    with pytest.raises(DataError, match=r"there is train/00000.png: the IDs lost their leading"):
        survey(tmp_path)


def test_a_meta_table_about_something_else_is_switched_off(tmp_path: Path, images: Draw) -> None:
    names = images("train")
    table(tmp_path / "train.csv", "id,label", [(n, "ab"[k % 2]) for k, n in enumerate(names)])
    table(tmp_path / "meta.csv", "id,label,iso", [(n, "a", 100) for n in names[:3]])
    assert survey(tmp_path).source["meta"] == ""


def test_an_empty_class_folder_is_named(tmp_path: Path, images: Draw) -> None:
    images("cat", 3)
    images("dog", 3)
    (tmp_path / "bird").mkdir()
    with pytest.raises(DataError, match=r"hold no image that is read \(bird\)"):
        survey(tmp_path)


def test_what_run_would_refuse_is_known_and_what_it_sets_aside(
    tmp_path: Path, images: Draw
) -> None:
    names = images("train")
    rows = [(n, "abc"[min(k, 2)]) for k, n in enumerate(names)]
    table(tmp_path / "train.csv", "id,label", [*rows, ("gone.png", "c")])
    (tmp_path / "train" / names[5]).write_bytes(b"<html>")
    found = survey(tmp_path)
    assert refused(found) == []
    (line,) = rare(found, 2)
    assert line.startswith('2 classes have fewer images than the 2 folds ("a" has 1, "b" has 1)')
    assert 'split.rare = "keep"' in line
    aside = set_aside(found)
    assert aside[0] == "1 of 13 training IDs name no image (gone.png)"
    assert any(names[5] in line for line in aside)


def test_equal_files_are_told_once(tmp_path: Path, images: Draw) -> None:
    names = images("train")
    first = (tmp_path / "train" / names[0]).read_bytes()
    (tmp_path / "train" / names[1]).write_bytes(first)
    table(tmp_path / "train.csv", "id,label", [(n, "ab"[k % 2]) for k, n in enumerate(names)])
    lines = [line for line in survey_lines(survey(tmp_path)) if "duplicates" in line]
    assert len(lines) == 2
    assert "1 training files have the content of another" in lines[0]
    assert "different labels" in lines[1]


def test_an_answer_on_the_terminal_is_taken(
    tmp_path: Path,
    images: Draw,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [(n, "ab"[k % 2], "cde"[k % 3]) for k, n in enumerate(images("train"))]
    table(tmp_path / "train.csv", "id,species,breed", rows)
    for stream in (command.sys.stdin, command.sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(command.typer, "prompt", lambda *_, answers=[7, 2], **__: answers.pop(0))
    assert command._surveyed(tmp_path, Chosen()).source["target_column"] == "breed"
    assert "2  breed    3 classes (c, d, e)" in capsys.readouterr().out
    assert Chosen().with_answer("--split-column", "none") == replace(Chosen(), split_column="none")
