"""Sources read what people have: a competition's files, or one folder a class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.builtin.sources import csv, folder
from toolkit.contracts import Table
from toolkit.data.check import check_data
from toolkit.errors import DataError

COLUMNS = ["id", "path", "label", "parent", "group"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Writes files below the data folder; a folder or an image may be empty here."""

    def write(**files: str) -> None:
        for name, text in files.items():
            file = tmp_path / name.replace("__", "/").replace("_csv", ".csv")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def competition(tmp_path: Path, write: Callable[..., None]) -> Path:
    """A competition's layout."""
    write(
        train_csv="ID,target\nb.jpg,1\na.jpg,0\nc.jpg,1\n",
        meta_csv="target,class_name\n0,invoice\n1,letter\n",
        sample_submission_csv="ID,target\ny.jpg,0\nx.jpg,0\n",
    )
    return tmp_path


def read(root: Path, **options: Any) -> Table:
    return csv(root=str(root), **options).read()


def ids(table: Table) -> list[str]:
    return table.train["id"].tolist()


def test_a_competition_is_read_as_it_is_laid_out(competition: Path) -> None:
    table = read(competition)
    assert table.problems == ()
    assert set(table.train.columns) == set(COLUMNS)
    assert ids(table) == ["b.jpg", "a.jpg", "c.jpg"]
    train = competition / "train"
    assert table.train["path"].tolist() == [str(train / f"{i}.jpg") for i in "bac"]
    assert table.train["label"].tolist() == [1, 0, 1]
    assert table.train["label"].dtype == "int64"
    assert table.train["parent"].tolist() == ids(table)
    assert table.train["group"].tolist() == ids(table)
    assert table.classes == ("invoice", "letter")
    assert table.targets == (0, 1)
    assert table.columns == ("ID", "target")
    assert table.test is not None
    assert table.test.columns.tolist() == ["id", "path"]
    assert table.test["id"].tolist() == ["y.jpg", "x.jpg"]
    assert table.test["path"].tolist() == [str(competition / "test" / f"{i}.jpg") for i in "yx"]


def test_files_folders_and_columns_can_have_other_names(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    write(
        labels_csv="file,kind\na.png,7\nb.png,9\n",
        classes_csv="kind,text\n7,form\n9,note\n",
        order_csv="file\nt.png\n",
    )
    table = read(
        tmp_path,
        train="labels.csv",
        meta="classes.csv",
        sample="order.csv",
        train_images="scans",
        test_images="new scans",
        id_column="file",
        target_column="kind",
        name_column="text",
    )
    assert ids(table) == ["a.png", "b.png"]
    assert table.train["path"].tolist() == [str(tmp_path / "scans" / i) for i in ids(table)]
    assert table.classes == ("form", "note")
    assert [table.target_of(label) for label in table.train["label"]] == [7, 9]
    assert table.columns == ("file", "kind")
    assert table.test is not None
    assert table.test["path"].tolist() == [str(tmp_path / "new scans" / "t.png")]


def test_numeric_targets_are_in_numeric_order_whatever_the_file_says(
    competition: Path, write: Callable[..., None]
) -> None:
    write(
        meta_csv="target,class_name\n10,ten\n2,two\n0,none\n",
        train_csv="ID,target\na.jpg,10\nb.jpg,2\nc.jpg,0\n",
    )
    table = read(competition)
    assert table.classes == ("none", "two", "ten")
    assert table.targets == (0, 2, 10)
    assert table.train["label"].tolist() == [2, 1, 0]


def test_targets_with_leading_zeros_stay_as_they_are_written(
    competition: Path, write: Callable[..., None]
) -> None:
    write(
        meta_csv="target,class_name\n00,form\n01,note\n10,letter\n",
        train_csv="ID,target\na.jpg,01\nb.jpg,00\nc.jpg,10\n",
    )
    table = read(competition)
    assert [str(table.target_of(label)) for label in table.train["label"]] == ["01", "00", "10"]


def test_text_targets_keep_the_order_of_meta(competition: Path, write: Callable[..., None]) -> None:
    write(
        meta_csv="target,class_name\npass,Passport\nid,Identity card\n",
        train_csv="ID,target\na.jpg,id\nb.jpg,pass\n",
    )
    table = read(competition)
    assert table.classes == ("Passport", "Identity card")
    assert table.targets == ("pass", "id")
    assert table.train["label"].tolist() == [1, 0]


def test_without_meta_the_targets_that_occur_are_the_classes(
    competition: Path, write: Callable[..., None]
) -> None:
    (competition / "meta.csv").unlink()
    write(train_csv="ID,target\na.jpg,note\nb.jpg,form\nc.jpg,note\n")
    table = read(competition)
    assert table.classes == ("form", "note")
    assert table.targets == ("form", "note")
    assert table.train["label"].tolist() == [1, 0, 1]
    assert table.problems == ()


def test_a_row_without_a_label_is_no_class_of_its_own(
    competition: Path, write: Callable[..., None]
) -> None:
    (competition / "meta.csv").unlink()
    write(train_csv="ID,target\na.jpg,note\nb.jpg,\nc.jpg,form\n")
    table = read(competition)
    assert table.classes == ("form", "note")
    assert table.problems == (f"{competition / 'train.csv'}: 1 labels are empty (b.jpg -> '')",)


def test_groups_and_parents_are_columns_and_an_empty_cell_is_the_row_itself(
    competition: Path, write: Callable[..., None]
) -> None:
    write(
        train_csv="ID,target,page_of,made_from\n"
        "a.jpg,0,doc1,\nb.jpg,0,doc1,\nc.jpg,1,,\nd.jpg,1,,c.jpg\n"
    )
    table = read(competition, group_column="page_of", parent_column="made_from")
    assert table.train["group"].tolist() == ["doc1", "doc1", "c.jpg", "d.jpg"]
    assert table.train["parent"].tolist() == ["a.jpg", "b.jpg", "c.jpg", "c.jpg"]


def test_a_suffix_makes_a_file_name_of_an_id(competition: Path, write: Callable[..., None]) -> None:
    write(train_csv="ID,target\na,0\nb,1\n", sample_submission_csv="ID,target\nt,0\n")
    table = read(competition, suffix=".jpg")
    assert ids(table) == ["a", "b"]
    assert table.train["path"].tolist() == [
        str(competition / "train" / name) for name in ("a.jpg", "b.jpg")
    ]
    assert table.test is not None
    assert table.test["id"].tolist() == ["t"]
    assert table.test["path"].tolist() == [str(competition / "test" / "t.jpg")]


def test_without_a_sample_the_test_folder_lists_the_test_images(
    competition: Path, write: Callable[..., None]
) -> None:
    (competition / "sample_submission.csv").unlink()
    write(**{"test__b.jpg": "", "test__a.JPG": "", "test__sub/c.png": "", "test__notes.txt": ""})
    table = read(competition)
    assert table.test is not None
    assert table.test["id"].tolist() == ["a.JPG", "b.jpg", "sub/c.png"]
    listed = read(competition, suffix=".jpg").test
    assert listed is not None
    assert listed["id"].tolist() == ["a.JPG", "b", "sub/c.png"]


def test_the_submission_has_the_columns_of_the_sample(
    competition: Path, write: Callable[..., None]
) -> None:
    write(sample_submission_csv="ID,label\nx.jpg,0\n")
    assert read(competition).columns == ("ID", "label")
    write(sample_submission_csv="ID\nx.jpg\n")
    assert read(competition).columns == ("ID", "target")


def test_without_sample_and_test_folder_there_is_no_test(competition: Path) -> None:
    (competition / "sample_submission.csv").unlink()
    assert read(competition).test is None


def test_a_missing_folder_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path / "nowhere")
    assert error.value.lines[0] == f"{tmp_path / 'nowhere'}: there is no such folder"
    text = str(error.value)
    for part in ("train.csv (ID,target)", "train/", "meta.csv", "test/", "--set data.root=FOLDER"):
        assert part in text


def test_a_folder_without_the_table_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, train="labels.csv")
    assert error.value.lines[0] == f"{tmp_path}: there is no such labels.csv in it"


@pytest.mark.parametrize(
    ("file", "options", "column"),
    [
        ("train.csv", {"target_column": "label"}, "label"),
        ("train.csv", {"group_column": "document"}, "document"),
        ("meta.csv", {"name_column": "name"}, "name"),
    ],
)
def test_a_missing_column_is_named_with_those_that_there_are(
    competition: Path, file: str, options: dict[str, str], column: str
) -> None:
    with pytest.raises(DataError) as error:
        read(competition, **options)
    text = str(error.value)
    assert text.startswith(f"{competition / file}: has no column {column}")
    assert "(it has " in text
    assert "target" in text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00broken", b'ID,target\n"a.jpg,0\n'])
def test_a_file_that_is_no_csv_is_named(competition: Path, content: bytes) -> None:
    (competition / "train.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"train\.csv: "):
        read(competition)


def test_labels_that_meta_does_not_know_are_gathered(
    competition: Path, write: Callable[..., None]
) -> None:
    write(train_csv="ID,target\na.jpg,0\nb.jpg,7\nc.jpg,\n")
    table = read(competition)
    assert table.problems == (
        f"{competition / 'train.csv'}: 2 labels are not in meta.csv (b.jpg -> '7', c.jpg -> '')",
    )
    assert table.train["label"].tolist() == [0, -1, -1]


@pytest.mark.parametrize(
    "name", ["../x.jpg", "/etc/x.jpg", "sub/../../x.jpg", "..", ".", "", "sub/.."]
)
def test_an_id_that_leaves_the_folder_is_a_problem_and_no_row(
    competition: Path, write: Callable[..., None], name: str
) -> None:
    write(
        train_csv=f"ID,target\na.jpg,0\n{name},1\n",
        sample_submission_csv=f"ID,target\n{name},0\nt.jpg,0\n",
    )
    table = read(competition)
    assert table.problems == (
        f"{competition / 'train'}: 1 IDs leave the folder ({name})",
        f"{competition / 'test'}: 1 IDs leave the folder ({name})",
    )
    assert ids(table) == ["a.jpg"]
    assert table.test is not None
    assert table.test["id"].tolist() == ["t.jpg"]


@pytest.mark.parametrize("name", ["sub/x.jpg", "..x.jpg", "./x.jpg", "sub/../x.jpg"])
def test_an_id_that_stays_in_the_folder_is_a_row(
    competition: Path, write: Callable[..., None], name: str
) -> None:
    write(train_csv=f"ID,target\n{name},0\n")
    table = read(competition)
    assert table.problems == ()
    assert ids(table) == [name]


def test_problems_of_the_source_stop_with_all_other_faults(
    competition: Path, tmp_path: Path, write: Callable[..., None]
) -> None:
    from toolkit.contracts import ImageSpec, ignore

    write(train_csv="ID,target\na.jpg,0\n../b.jpg,1\nc.jpg,5\n")
    with pytest.raises(DataError) as error:
        check_data(read(competition), 2, ImageSpec(16), tmp_path / "packs", ignore)
    text = str(error.value)
    assert "1 IDs leave the folder (../b.jpg)" in text
    assert "1 labels are not in meta.csv (c.jpg -> '5')" in text
    assert f"{competition / 'train' / 'a.jpg'}: there is no such file" in text


def test_a_byte_order_mark_is_no_part_of_a_name(competition: Path) -> None:
    for name in ("train.csv", "meta.csv", "sample_submission.csv"):
        file = competition / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    table = read(competition)
    assert ids(table) == ["b.jpg", "a.jpg", "c.jpg"]
    assert table.classes == ("invoice", "letter")


def test_ids_that_look_like_numbers_or_nothing_stay_text(
    competition: Path, write: Callable[..., None]
) -> None:
    write(train_csv="ID,target\n007,0\nNA,1\nnull,1\n1e5,0\n")
    assert ids(read(competition)) == ["007", "NA", "null", "1e5"]


@pytest.fixture
def class_folders(tmp_path: Path, write: Callable[..., None]) -> Path:
    write(
        **{
            "train__letter/2.png": "",
            "train__letter/1.JPG": "",
            "train__letter/old/0.png": "",
            "train__letter/notes.txt": "",
            "train__invoice/1.png": "",
            "train__.hidden/1.png": "",
            "train__stray.png": "",
            "test__b.png": "",
            "test__a.png": "",
        }
    )
    return tmp_path


def test_a_class_is_a_folder_and_an_id_the_path_below_it(class_folders: Path) -> None:
    table = folder(root=str(class_folders)).read()
    assert table.classes == ("invoice", "letter")
    assert ids(table) == ["invoice/1.png", "letter/1.JPG", "letter/2.png", "letter/old/0.png"]
    assert table.train["label"].tolist() == [0, 1, 1, 1]
    assert table.train["path"].tolist() == [str(class_folders / "train" / i) for i in ids(table)]
    assert table.train["parent"].tolist() == ids(table)
    assert table.train["group"].tolist() == ids(table)
    assert table.test is not None
    assert table.test["id"].tolist() == ["a.png", "b.png"]
    assert table.test["path"].tolist() == [
        str(class_folders / "test" / name) for name in ("a.png", "b.png")
    ]
    assert [table.target_of(label) for label in (0, 1)] == ["invoice", "letter"]


def test_without_a_train_folder_the_root_holds_the_classes(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    write(**{"form__1.png": "", "note__1.png": "", "test__t.png": ""})
    table = folder(root=str(tmp_path)).read()
    assert table.classes == ("form", "note")
    assert ids(table) == ["form/1.png", "note/1.png"]
    assert table.train["path"].tolist() == [str(tmp_path / i) for i in ids(table)]
    assert table.test is not None
    assert table.test["id"].tolist() == ["t.png"]


def test_the_folders_can_have_other_names_and_test_may_be_missing(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    write(**{"good__form/1.png": "", "good__note/1.png": "", "new__t.png": ""})
    table = folder(root=str(tmp_path), train="good", test="new").read()
    assert table.classes == ("form", "note")
    assert table.test is not None
    assert table.test["id"].tolist() == ["t.png"]
    assert folder(root=str(tmp_path), train="good").read().test is None


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_no_class_folder_says_what_to_put_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "test").mkdir()  # a test folder is no class
    with pytest.raises(DataError) as error:
        folder(root=str(tmp_path / name)).read()
    assert error.value.lines[0].startswith(f"{tmp_path / name}: there is no such folder, or")
    assert "one folder of images a class" in str(error.value)
    assert "--set data.root=FOLDER" in str(error.value)
