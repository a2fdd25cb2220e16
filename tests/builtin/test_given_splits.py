"""Sources say in which split a row came: by folder, by column, or by a table of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.builtin.sources import csv, folder
from toolkit.builtin.splits import SPLIT, WhileJoined
from toolkit.contracts import Table
from toolkit.errors import DataError


def write(root: Path, *images: str, **tables: str) -> Path:
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text)
    return root


def splits(table: Table) -> dict[str, str]:
    return dict(zip(table.train["id"], table.train[SPLIT], strict=True))


@pytest.mark.parametrize("name", ["valid", "Validation", "val", "dev"])
def test_folders_name_the_split_as_they_are_called(tmp_path: Path, name: str) -> None:
    root = write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", f"{name}/a/1.jpg")
    table = folder(root=str(root)).read()
    assert splits(table) == {"a/1.jpg": "train", "b/1.jpg": "train", f"{name}/a/1.jpg": name}
    (note,) = [note for note in table.notes if isinstance(note, WhileJoined)]
    assert f'[split] given = "{name}"' in note


def test_a_folder_of_another_word_is_called_valid(tmp_path: Path) -> None:
    root = write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "part2/a/1.jpg")
    table = folder(root=str(root), valid="part2").read()
    assert splits(table)["part2/a/1.jpg"] == "valid"


def test_names_of_files_in_splits_say_the_split_too(tmp_path: Path) -> None:
    root = write(tmp_path, "train/cat.1.jpg", "train/dog.1.jpg", "val/cat.2.jpg")
    table = folder(root=str(root), labels="names").read()
    assert splits(table)["val/cat.2.jpg"] == "val"
    assert any(isinstance(note, WhileJoined) for note in table.notes)


def test_a_column_names_the_split_and_own_words_are_valid(tmp_path: Path) -> None:
    rows = "ID,target,part\na,x,Train\nb,y,DEV\nc,x,Train\n"
    table = csv(root=str(write(tmp_path, train=rows)), split_column="part").read()
    assert splits(table) == {"a": "Train", "b": "DEV", "c": "Train"}
    rows = "ID,target,fold\na,x,0\nb,y,1\nc,x,2\n"
    source = csv(root=str(write(tmp_path, train=rows)), split_column="fold", valid_values=["1"])
    assert splits(source.read()) == {"a": "train", "b": "valid", "c": "train"}


def test_a_column_called_split_that_is_not_chosen_says_nothing(tmp_path: Path) -> None:
    table = csv(root=str(write(tmp_path, train="ID,target,split\na,x,train\nb,y,val\n"))).read()
    assert SPLIT not in table.train


TRAIN = "ID,target,who\na.jpg,x,p1\nb.jpg,y,p2\n"


def test_a_table_of_its_own_is_joined_and_said(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        "train/a.jpg",
        "train/b.jpg",
        "train/c.jpg",
        train=TRAIN,
        val="ID,target,who\nc.jpg,z,\n",
    )
    table = csv(root=str(root), valid="val.csv", group_column="who").read()
    assert table.problems == ()
    assert table.classes == ("x", "y", "z")
    assert splits(table) == {"a.jpg": "train", "b.jpg": "train", "c.jpg": "val"}
    assert table.train["group"].tolist() == ["p1", "p2", "c.jpg"]
    assert table.train["path"].tolist() == [
        str(root / "train" / n) for n in ("a.jpg", "b.jpg", "c.jpg")
    ]
    assert any("val.csv: its 1 rows are joined to the 2 training rows" in n for n in table.notes)


def test_images_of_another_folder_have_ids_of_their_own(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        "train/a.jpg",
        "train/b.jpg",
        "valid/a.jpg",
        train=TRAIN,
        valid="ID,target,who\na.jpg,x,\n",
    )
    options: dict[str, Any] = {"valid": "valid.csv", "valid_images": "valid"}
    table = csv(root=str(root), group_column="who", **options).read()
    assert table.problems == ()
    assert table.train["id"].tolist() == ["a.jpg", "b.jpg", "valid/a.jpg"]
    assert table.train["parent"].tolist() == ["a.jpg", "b.jpg", "valid/a.jpg"]
    assert table.train["group"].tolist() == ["p1", "p2", "valid/a.jpg"]


def test_an_id_in_both_tables_is_a_fault_with_a_way_out(tmp_path: Path) -> None:
    root = write(tmp_path, "train/a.jpg", "train/b.jpg", train=TRAIN, val="ID,target\na.jpg,x\n")
    (problem,) = csv(root=str(root), valid="val.csv").read().problems
    assert "1 of its 1 IDs are in train.csv, too (a.jpg)" in problem
    assert 'valid = ""' in problem


def test_a_table_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    root = write(tmp_path, "train/a.jpg", train=TRAIN)
    with pytest.raises(DataError, match=r"val\.csv: there is no such table of validation images"):
        csv(root=str(root), valid="val.csv").read()


def test_two_files_of_a_coco_dataset_are_two_splits(tmp_path: Path) -> None:
    for name, ids in (("train", (1, 2)), ("val", (3,))):
        write(tmp_path, *(f"{i}.jpg" for i in ids))
        found = {
            "images": [{"id": i, "file_name": f"{i}.jpg"} for i in ids],
            "annotations": [{"id": i, "image_id": i, "category_id": i % 2} for i in ids],
            "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    names = {"id_column": "file_name", "target_column": "category", "train_images": "."}
    table = csv(root=str(tmp_path), train="train.json", valid="val.json", **names).read()
    assert table.problems == ()
    assert splits(table) == {"1.jpg": "train", "2.jpg": "train", "3.jpg": "val"}
