"""The source csv reads tables as people write them, and says what it found out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from toolkit.builtin.sources import csv
from toolkit.contracts import Table

Write = Callable[..., Path]


@pytest.fixture
def data(tmp_path: Path) -> Write:
    """Writes tables and empty images: `data({"train.csv": text}, ["train/a.jpg"])`."""

    def write(tables: dict[str, str | bytes], images: Sequence[str] = ()) -> Path:
        for name, text in {**dict.fromkeys(images, b""), **tables}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path

    return write


def read(root: Path, **options: Any) -> Table:
    return csv(root=str(root), **options).read()


def files(table: Table, root: Path) -> list[str]:
    return [Path(p).relative_to(root).as_posix() for p in table.train["path"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_found_out_and_told(
    data: Write, encoding: str, separator: str
) -> None:
    text = "ID,target\na.jpg,고양이\nb.jpg,개\n".replace(",", separator)
    root = data({"train.csv": text.encode(encoding)})
    table = read(root)
    assert table.classes == ("개", "고양이")
    assert table.problems == ()
    assert len(table.notes) == (separator != ",") + (encoding in ("utf-16", "cp949"))
    named = read(root, encoding=encoding, separator=separator)
    assert named.classes == table.classes
    assert named.notes == ()


def test_spaces_are_trimmed_and_that_is_said_once(data: Write) -> None:
    root = data({"train.csv": "ID ,target \na.jpg ,cat \nb.jpg,cat\nc.jpg,dog\n"})
    table = read(root)
    assert table.classes == ("cat", "dog")
    assert table.train["id"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert len(table.notes) == 2
    assert read(root, id_column="ID ", target_column="target ").classes == table.classes


def test_a_table_without_a_header_is_read_by_numbered_columns(data: Write) -> None:
    root = data({"train.csv": "a.jpg,cat\nb.jpg,dog\nc.jpg,cat\n"})
    table = read(root, id_column="column_1", target_column="column_2")
    assert table.train["id"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    with pytest.raises(Exception, match=r"its first line .* is no header"):
        read(root)


def test_a_first_line_with_the_columns_asked_for_is_a_header(data: Write) -> None:
    root = data({"train.csv": "1,2\n3,4\n5,6\n"})  # else a row of numbers like the others
    table = read(root, id_column="1", target_column="2")
    assert table.train["id"].tolist() == ["3", "5"]


def test_a_label_that_only_a_broken_line_has_is_a_problem(data: Write) -> None:
    root = data({"train.csv": "ID,x,target\na,1,cat\nb,1,dog\nc,1,2,dog\n"})
    (problem,) = read(root).problems
    assert "labels that no other line has (2,dog)" in problem


def test_one_hot_columns_are_one_label(data: Write) -> None:
    text = "ID,healthy,rust\na,1,0\nb,0,1\nc,0.0,1.0\n"
    table = read(data({"train.csv": text}), label_columns=["healthy", "rust"])
    assert table.classes == ("healthy", "rust")
    assert table.train["label"].tolist() == [0, 1, 1]
    assert table.problems == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,1,1\nb,0,1", "1 of 2 rows (a) have several 1s: images with several labels"),
        ("a,0,0\nb,0,1", "1 of 2 rows (a) have no 1"),
        ("a,2,0\nb,0,1", "hold 2; expected 0 or 1"),
    ],
)
def test_one_hot_columns_that_are_no_one_label_are_refused(
    data: Write, rows: str, words: str
) -> None:
    root = data({"train.csv": f"ID,x,y\n{rows}\n"})
    (problem,) = read(root, label_columns=["x", "y"]).problems
    assert words in problem


def test_names_of_classes_may_be_json(data: Write) -> None:
    root = data({"train.csv": "ID,target\na,1\nb,0\n", "names.json": '{"0": "cat", "1": "dog"}'})
    assert read(root, meta="names.json").classes == ("cat", "dog")


def test_a_table_that_only_has_the_name_meta_csv_is_passed_over(data: Write) -> None:
    root = data({"train.csv": "ID,target\na,1\nb,0\n", "meta.csv": "image,camera\na,x\nb,y\n"})
    table = read(root)
    assert table.classes == ("0", "1")
    assert "meta.csv: is no table of classes" in table.notes[0]


def test_rows_of_a_test_split_are_predicted_and_validation_joins_training(data: Write) -> None:
    text = "ID,target,part\na,x,Train\nb,y,train\nc,x,VAL\nd,,Test\n"
    table = read(data({"train.csv": text}), split_column="part")
    assert table.train["id"].tolist() == ["a", "b", "c"]
    assert table.test is not None
    assert table.test["id"].tolist() == ["d"]
    assert table.problems == ()
    assert any("validation split are joined" in note for note in table.notes)


def test_a_split_that_no_word_means_must_be_named(data: Write) -> None:
    root = data({"train.csv": "ID,target,part\na,x,0\nb,y,0\nc,x,1\n"})
    (problem,) = read(root, split_column="part").problems
    assert "holds 0, 1, which name no split" in problem
    table = read(root, split_column="part", test_values=["1"])
    assert table.problems == ()
    assert table.train["id"].tolist() == ["a", "b"]


# Which file an ID means


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a", "a.png"),
        ("a.jpg", "sub/a.jpg"),
        ("./train/a.jpg", "a.jpg"),
        ("train/a.jpg", "a.jpg"),
        ("train\\sub\\a.jpg", "sub/a.jpg"),
        ("a.JPG", "a.jpg"),
        ("e\u0301.jpg", "\u00e9.jpg"),
    ],
)
def test_an_id_finds_the_one_file_that_it_can_mean(data: Write, name: str, file: str) -> None:
    root = data({"train.csv": f"ID,target\n{name},x\nz.jpg,y\n"}, [f"train/{file}", "train/z.jpg"])
    table = read(root)
    assert table.train["id"].tolist() == [name, "z.jpg"]
    assert files(table, root) == [f"train/{file}", "train/z.jpg"]


def test_absolute_ids_inside_the_root_are_read_and_others_refused(data: Write) -> None:
    root = data({}, ["train/a.jpg", "train/b.jpg"])
    data({"train.csv": f"ID,target\n{root}/train/a.jpg,x\n/elsewhere/b.jpg,y\n"})
    table = read(root)
    assert files(table, root) == ["train/a.jpg"]
    assert "1 IDs leave the folder (/elsewhere/b.jpg)" in table.problems[0]


def test_images_may_lie_anywhere_below_the_root(data: Write) -> None:
    root = data({"train.csv": "ID,target\na,x\nb,y\n"}, ["part_1/a.jpg", "part_2/b.png"])
    table = read(root, train_images=".", test_images="")
    assert files(table, root) == ["part_1/a.jpg", "part_2/b.png"]


def test_an_id_that_two_files_fit_is_a_problem(data: Write) -> None:
    root = data({"train.csv": "ID,target\na.jpg,x\nb.jpg,y\n"}, ["p/a.jpg", "q/a.jpg", "p/b.jpg"])
    (problem,) = read(root, train_images=".").problems
    assert "a.jpg may be p/a.jpg or q/a.jpg" in problem


def test_a_file_that_an_id_names_exactly_is_not_what_another_means(data: Write) -> None:
    root = data({"train.csv": "ID,target\na.jpg,x\nA.JPG,y\n"}, ["train/a.jpg"])
    table = read(root)
    assert files(table, root) == ["train/a.jpg", "train/A.JPG"]  # the second is missing


def test_lost_zeros_are_a_hint_and_no_guess(data: Write) -> None:
    root = data({"train.csv": "ID,target\n1,x\n2,y\n"}, ["train/001.jpg", "train/002.jpg"])
    table = read(root)
    assert files(table, root) == ["train/1", "train/2"]
    assert "there is 001.jpg: the IDs lost their leading zeros" in table.notes[0]


def test_a_missing_file_keeps_the_path_that_is_expected(data: Write) -> None:
    root = data({"train.csv": "ID,target\na,x\nb,y\n"}, ["train/a.jpg"])
    table = read(root, suffix=".jpg")
    assert files(table, root) == ["train/a.jpg", "train/b.jpg"]
    assert "1 training IDs name no image (b)" in table.notes[0]


# What the sample asks for


def asked(data: Write, sample: str, train: str = "a,cat\nb,dog", **options: Any) -> Table:
    root = data({"train.csv": f"ID,target\n{train}\n", "sample_submission.csv": sample})
    return read(root, **options)


def columns(table: Table) -> list[tuple[str, str, int | None]]:
    assert table.submission is not None
    assert table.submission.problem == ""
    return [(c.name, c.means, c.label) for c in table.submission.columns]


def test_a_column_a_class_is_found_in_any_order(data: Write) -> None:
    table = asked(data, "dog,ID,cat\n.5,t,.5\n")
    assert columns(table) == [
        ("dog", "probability", 1),
        ("ID", "id", None),
        ("cat", "probability", 0),
    ]


def test_columns_of_classes_may_share_a_prefix(data: Write) -> None:
    table = asked(data, "ID,class_1,class_0\nt,.5,.5\n", "a,0\nb,1")
    assert columns(table)[1:] == [("class_1", "probability", 1), ("class_0", "probability", 0)]


def test_a_single_probability_is_of_the_positive_class(data: Write) -> None:
    table = asked(data, "ID,label\nt,0.5\n")
    assert columns(table)[1] == ("label", "probability", 1)
    assert any('gets the probability of class "dog"' in note for note in table.notes)
    assert columns(asked(data, "ID,label\nt,0.5\n", positive="cat"))[1][2] == 0


def test_a_confidence_and_what_is_none_of_these_are_told_apart(data: Write) -> None:
    table = asked(data, "ID,label,Confidence,Usage\nt,cat,0.5,Public\n")
    assert [c[1] for c in columns(table)] == ["id", "label", "confidence", "kept"]
    assert table.submission is not None
    assert table.submission.columns[3].values == ("Public",)


@pytest.mark.parametrize(
    ("train", "value", "labels", "form"),
    [
        ("a,0\nb,1", "0", ("0", "1"), "target"),
        ("a,0.0\nb,1.0", "0", ("0", "1"), "integer"),
        ("a,0\nb,1", "0.0", ("0.0", "1.0"), "float"),
        ("a,01\nb,02", "01", ("01", "02"), "target"),
        ("a,cat\nb,dog", "cat", ("cat", "dog"), "target"),
        ("a,cat\nb,dog", "", ("cat", "dog"), "target"),
    ],
)
def test_a_class_is_written_as_the_sample_writes_it(
    data: Write, train: str, value: str, labels: tuple[str, ...], form: str
) -> None:
    table = asked(data, f"ID,label\nt,{value}\n", train)
    assert table.submission is not None
    assert (table.submission.labels, table.submission.form) == (labels, form)


def test_a_sample_of_names_writes_names(data: Write) -> None:
    data({"meta.csv": "target,class_name\n0,cat\n1,dog\n"})
    table = asked(data, "ID,label\nt,cat\n", "a,0\nb,1")
    assert table.submission is not None
    assert (table.submission.labels, table.submission.form) == (("cat", "dog"), "name")


@pytest.mark.parametrize(
    ("sample", "train", "words"),
    [
        ("ID,cat,bird\nt,1,0\n", "a,cat\nb,dog", "none for dog, and bird name no class"),
        ("ID,label\nt,0\n", "a,cat\nb,dog", "holds numbers (0), and the classes are cat, dog"),
        ("ID,label\nt,Cat\n", "a,cat\nb,dog", "write the classes alike in both"),
        ("ID,label\nt,cat\n", "a,0\nb,1", "holds text (cat), and the classes are numbers"),
        ("ID,label\nt,0.5\n", "a,x\nb,y\nc,z", "one probability, and the data have 3 classes"),
        ("ID,one,two\nt,0,0\n", "a,x\nb,y", "which of its columns (one, two)"),
    ],
)
def test_what_a_sample_asks_and_cannot_be_written_is_a_problem_before_training(
    data: Write, sample: str, train: str, words: str
) -> None:
    from toolkit.data.table import table_problems

    table = asked(data, sample, train)
    assert table.problems == ()
    assert any(words in problem for problem in table_problems(table, 1))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("cat dog", "has room for several classes (cat dog); the likeliest alone is written"),
        ("no cat", "holds no cat, which is no class; classes are written as cat, dog"),
    ],
)
def test_a_sample_with_other_values_says_what_is_written(
    data: Write, value: str, words: str
) -> None:
    table = asked(data, f"ID,label\nt,{value}\n", "a,cat\nb,dog")
    assert any(words in note for note in table.notes)


def test_the_ids_of_a_submission_are_the_samples_own(data: Write) -> None:
    table = asked(data, "name,label\nt2 ,cat\nt1,cat\n", sample_id_column="name")
    assert table.test is not None
    assert table.test["id"].tolist() == ["t2", "t1"]
    assert table.submission is not None
    assert table.submission.ids == ("t2 ", "t1")
