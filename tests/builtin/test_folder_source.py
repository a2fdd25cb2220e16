"""The source folder finds classes and splits as people lay them out, and says what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.builtin.sources import folder
from toolkit.contracts import Table
from toolkit.errors import DataError

Write = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path) -> Write:
    """Writes empty images, by their paths, and tables with their text."""

    def lay(*images: str, **tables: str) -> Path:
        root = tmp_path / "data"
        for name, text in {**dict.fromkeys(images, ""), **tables}.items():
            file = root / (name if name in images else f"{name}.csv")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return root

    return lay


def read(root: Path, **options: Any) -> Table:
    return folder(root=str(root), **options).read()


def counts(table: Table) -> dict[str, int]:
    found = Counter(table.train["label"])
    return {name: found[label] for label, name in enumerate(table.classes)}


@pytest.mark.parametrize("train", ["train", "Train", "TRAINING", "train_images", "Training set"])
@pytest.mark.parametrize("outer", ["", "imgs/"])
def test_splits_are_found_in_any_wording_and_one_folder_further_in(
    lay: Write, train: str, outer: str
) -> None:
    root = lay(
        f"{outer}{train}/cat/1.jpg",
        f"{outer}{train}/dog/1.jpg",
        f"{outer}Validation/cat/1.jpg",
        f"{outer}Testing/9.jpg",
    )
    table = read(root)
    assert counts(table) == {"cat": 2, "dog": 1}
    assert table.train["id"].is_unique
    assert all(Path(path).is_file() for path in table.train["path"])
    assert table.test is not None
    assert table.test["id"].tolist() == ["9.jpg"]
    assert any("its 1 images are joined to the 2 of training" in note for note in table.notes)


def test_a_validation_split_may_be_left_out_by_name(lay: Write) -> None:
    root = lay("train/a/1.jpg", "train/b/1.jpg", "val/a/2.jpg", "val/b/2.jpg")
    table = read(root, valid="")
    assert counts(table) == {"a": 1, "b": 1}
    assert any("is no split that is read; it is left out" in note for note in table.notes)


@pytest.mark.parametrize("name", ["train", "Validation", "Testing"])
def test_a_split_s_name_beside_classes_is_a_class_and_that_is_said(lay: Write, name: str) -> None:
    root = lay("bus/1.jpg", "plane/1.jpg", f"{name}/1.jpg")
    table = read(root)
    assert counts(table) == dict.fromkeys(sorted(["bus", "plane", name]), 1)
    (note,) = table.notes
    assert "is taken for a class" in note


def test_test_beside_classes_is_the_test_set_unless_told_otherwise(lay: Write) -> None:
    root = lay("bus/1.jpg", "plane/1.jpg", "test/1.jpg")
    table = read(root)
    assert table.classes == ("bus", "plane")
    assert 'if it is a class: test = ""' in table.notes[0]
    assert read(root, test="").classes == ("bus", "plane", "test")


def test_a_split_that_holds_classes_is_one_even_beside_classes(lay: Write) -> None:
    root = lay("a/1.jpg", "b/1.jpg", "val/a/2.jpg", "val/b/2.jpg")
    assert counts(read(root)) == {"a": 2, "b": 2}


def test_a_folder_that_only_wraps_class_folders_is_looked_into(lay: Write) -> None:
    assert read(lay("set/a/1.jpg", "set/b/1.jpg")).classes == ("a", "b")
    assert read(lay("train/train/c/1.jpg", "train/train/d/1.jpg")).classes == ("c", "d")


def test_what_systems_leave_behind_is_no_data(lay: Write) -> None:
    root = lay("a/1.jpg", "b/1.jpg", "__MACOSX/a/._1.jpg", "a/._1.jpg", ".git/x.png", "a/Thumbs.db")
    assert counts(read(root)) == {"a": 1, "b": 1}


def test_what_is_left_out_is_counted(lay: Write) -> None:
    root = lay("a/1.jpg", "b/1.jpg", "a/1.xml", "b/2.xml", "stray.png")
    notes = "\n".join(read(root).notes)
    assert "files that are no images are left out (2 .xml)" in notes
    assert "1 images in no class folder are left out (stray.png)" in notes


def test_linked_folders_are_followed_once_and_loops_are_not(lay: Write) -> None:
    root = lay("a/1.jpg", "b/1.jpg", "../store/2.jpg", "../store/3.jpg")
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "up").symlink_to(root.parent)
    (root / "a" / "other").symlink_to(root / "b")
    (root / "b" / "part").symlink_to(root.parent / "store")
    assert counts(read(root)) == {"a": 1, "b": 3}


def test_classes_are_in_file_names_where_the_recipe_says_so(lay: Write) -> None:
    root = lay("train/cat.0.jpg", "train/dog_12.png", "train/big cat 3.jpg", "test/1.jpg")
    table = read(root, labels="names")
    assert counts(table) == {"big cat": 1, "cat": 1, "dog": 1}
    assert table.test is not None
    assert table.test["id"].tolist() == ["1.jpg"]
    with pytest.raises(DataError, match=r"--set data\.labels=names"):
        read(lay("train/cat.1.jpg", "train/dog_1.png"))


def test_file_names_that_say_no_class_are_a_problem(lay: Write) -> None:
    root = lay("cat.0.jpg", "dog.0.jpg", "0001.jpg")
    (problem,) = read(root, labels="names").problems
    assert "1 file names say no class (0001.jpg)" in problem
    own = read(root, labels="names", pattern=r"(?P<label>.).*")
    assert own.classes == ("0", "c", "d")


def test_a_sample_beside_class_folders_gives_header_order_and_ids(lay: Write) -> None:
    root = lay(
        "train/a/1.jpg",
        "train/b/1.jpg",
        "test/1.jpg",
        "test/2.jpg",
        "test/3.jpg",
        sample_submission="img,b,a\n2,.5,.5\n1.jpg,.5,.5\n",
    )
    table = read(root)
    assert table.test is not None
    assert table.test["id"].tolist() == ["2", "1.jpg"]
    assert [Path(p).name for p in table.test["path"]] == ["2.jpg", "1.jpg"]
    assert table.submission is not None
    assert [c.name for c in table.submission.columns] == ["img", "b", "a"]
    assert [c.label for c in table.submission.columns] == [None, 1, 0]
    assert any("1 images are not in sample_submission.csv" in note for note in table.notes)


def test_a_table_beside_class_folders_gives_the_groups(lay: Write) -> None:
    root = lay(
        "imgs/train/c0/1.jpg",
        "imgs/train/c0/2.jpg",
        "imgs/train/c1/3.jpg",
        drivers="subject,classname,img\np1,c0,1.jpg\np1,c0,2.jpg\n",
    )
    table = read(root, groups="drivers.csv", group_column="subject")
    assert table.train["group"].tolist() == ["p1", "p1", "c1/3.jpg"]
    assert any("gives 1 images no group" in note for note in table.notes)


def test_an_empty_class_folder_stays_a_class_without_images(lay: Write) -> None:
    root = lay("a/1.jpg", "b/1.jpg")
    (root / "c").mkdir()
    assert counts(read(root)) == {"a": 1, "b": 1, "c": 0}


def test_a_link_back_to_what_lies_above_a_split_is_not_followed(lay: Write) -> None:
    root = lay("data/train/a/1.jpg", "data/train/b/1.jpg", "data/test/9.jpg")
    (root / "data" / "train" / "a" / "up").symlink_to(root / "data")
    (root / "data" / "train" / "up").symlink_to(root / "data")
    (root / "data" / "train" / "again").symlink_to(root / "data" / "train" / "a")
    assert counts(read(root)) == {"a": 1, "b": 1}


def test_classes_behind_a_linked_folder_are_found(lay: Write) -> None:
    root = lay("README/1.jpg")
    (root.parent / "store").mkdir()
    (root / "README").rename(root.parent / "store" / "a")
    lay("other/1.jpg")
    (root / "other").rename(root.parent / "store" / "b")
    for name in ("train", "more"):
        (root.parent / "wrapped" / name).mkdir(parents=True)
    (root.parent / "store").rename(root.parent / "wrapped" / "train" / "classes")
    (root / "data").symlink_to(root.parent / "wrapped")
    assert counts(read(root)) == {"a": 1, "b": 1}


def test_what_the_recipe_leaves_out_is_no_class_no_image_and_no_test_row(lay: Write) -> None:
    root = lay("a/1.jpg", "b/1.jpg", "a/1_mask.png", "masks/1.png", "test/9.jpg", "test/9_mask.png")
    table = read(root, leave=["masks", "*_mask.*"])
    assert counts(table) == {"a": 1, "b": 1}
    assert table.test is not None
    assert table.test["id"].tolist() == ["9.jpg"]
    assert f"{root}: 3 images named by leave are left out" in table.notes


def test_splits_may_lie_two_folders_further_in(lay: Write) -> None:
    root = lay("set/v1/train/a/1.jpg", "set/v1/train/b/1.jpg", "set/v1/test/9.jpg")
    assert counts(read(root)) == {"a": 1, "b": 1}
