"""A table is read as people write it, and what was found out or mended is told."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from toolkit.builtin.tables import Rows, read_rows
from toolkit.errors import DataError

PETS = "id,label\na.jpg,고양이\nb.jpg,개\n"


def written(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


def cells(rows: Rows) -> dict[str, list[str]]:
    return {str(name): column.tolist() for name, column in rows.frame.items()}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16-LE"),
        ("cp949", "CP949"),
    ],
)
def test_the_encoding_is_found_out_and_told(
    encoding: str, said: str | None, tmp_path: Path
) -> None:
    rows = read_rows(written(tmp_path, PETS, encoding=encoding))
    assert cells(rows) == {"id": ["a.jpg", "b.jpg"], "label": ["고양이", "개"]}
    assert (not rows.notes) if said is None else said in rows.notes[0]


def test_latin_1_is_told_from_cp949(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "id,label\n1,café\n2,straße\n", encoding="latin-1"))
    assert cells(rows)["label"] == ["café", "straße"]
    assert "Latin-1" in rows.notes[0]


def test_bytes_that_fit_two_encodings_are_asked_about(tmp_path: Path) -> None:
    file = written(tmp_path, "id,label\n1,개\n2,소\n", encoding="cp949")  # also "°³" in Latin-1
    with pytest.raises(DataError, match='encoding = "cp949"'):
        read_rows(file)
    assert cells(read_rows(file, encoding="cp949"))["label"] == ["개", "소"]


def test_an_encoding_that_does_not_fit_is_said_in_words(tmp_path: Path) -> None:
    file = written(tmp_path, PETS, encoding="cp949")
    with pytest.raises(DataError, match="is not encoded in utf-8"):
        read_rows(file, encoding="utf-8")
    with pytest.raises(DataError, match="no encoding 'klingon'"):
        read_rows(file, encoding="klingon")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_out(separator: str, tmp_path: Path) -> None:
    text = "id,label\na.jpg,cat\nb.jpg,dog\n".replace(",", separator)
    assert cells(read_rows(written(tmp_path, text))) == {
        "id": ["a.jpg", "b.jpg"],
        "label": ["cat", "dog"],
    }


def test_two_separators_that_fit_as_well_are_asked_about(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b;c\n1,2;3\n4,5;6\n")
    with pytest.raises(DataError, match="commas and semicolons"):
        read_rows(file)
    assert cells(read_rows(file, separator=";")) == {"a,b": ["1,2", "4,5"], "c": ["3", "6"]}


def test_spaces_are_left_out_and_told_once(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "id ,label \na.jpg ,cat \nb.jpg,cat\n"))
    assert cells(rows) == {"id": ["a.jpg", "b.jpg"], "label": ["cat", "cat"]}
    assert rows.raw["id"].tolist() == ["a.jpg ", "b.jpg"]
    assert len(rows.notes) == 2


@pytest.mark.parametrize(
    "text",
    ["a.jpg,cat\nb.jpg,dog\n", "00001,0\n00002,1\n00003,0\n", "7,cat\n8,dog\n9,cat\n"],
)
def test_a_table_without_a_header_keeps_its_first_row(text: str, tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, text))
    assert not rows.header
    assert list(rows.frame.columns) == ["column_1", "column_2"]
    assert len(rows.frame) == text.count("\n")


@pytest.mark.parametrize("text", ["img,0,1\na,0.5,0.5\n", "id,label\nlabel,label\n", "id\n1\n"])
def test_a_header_is_taken_for_one(text: str, tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, text)).header


def test_a_surplus_field_is_joined_to_the_last_column_and_told(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "id,label,text\n1,a,red, blue\n2,b\n3,c,green\n4,d,x,\n"))
    assert cells(rows)["text"] == ["red,blue", "", "green", "x"]
    assert rows.ragged == (0, 1)
    assert "2 lines" in rows.notes[0]


def test_a_class_called_none_or_na_is_text(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "id,label\n1,None\n2,NA\n3,nan\n4,\n"))
    assert cells(rows)["label"] == ["None", "NA", "nan", ""]


@pytest.mark.parametrize(
    "value",
    [
        [{"file": "a", "label": "cat"}, {"file": "b", "label": "dog"}],
        {"file": ["a", "b"], "label": ["cat", "dog"]},
        {"a": "cat", "b": "dog"},
        {"a": {"label": "cat"}, "b": {"label": "dog"}},
        {"data": [{"file": "a", "label": "cat"}, {"file": "b", "label": "dog"}]},
    ],
)
def test_a_json_table_is_read_in_each_shape(value: object, tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, json.dumps(value), "t.json"))
    assert cells(rows) == {"file": ["a", "b"], "label": ["cat", "dog"]}


def test_json_lines_are_read(tmp_path: Path) -> None:
    text = '{"file": "a", "label": 1}\n{"file": "b", "label": 2.5}\n'
    assert cells(read_rows(written(tmp_path, text, "t.jsonl")))["label"] == ["1", "2.5"]


COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "annotations": [
        {"image_id": 1, "category_id": 7},
        {"image_id": 2, "category_id": 8},
        {"image_id": 2, "category_id": 8},
    ],
    "categories": [{"id": 7, "name": "cat"}, {"id": 8, "name": "dog"}],
}


def test_coco_gives_a_category_an_image(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, json.dumps(COCO), "t.json"))
    assert cells(rows) == {"file_name": ["a.jpg", "b.jpg"], "category": ["cat", "dog"]}


def coco(**parts: object) -> str:
    return json.dumps({**COCO, **parts})


def test_a_coco_image_of_two_categories_has_the_list_of_them(tmp_path: Path) -> None:
    both = [*COCO["annotations"], {"image_id": 1, "category_id": 8}]
    rows = read_rows(written(tmp_path, coco(annotations=both), "t.json"))
    assert cells(rows)["category"] == ['["cat", "dog"]', "dog"]


def test_coco_images_without_an_annotation_are_left_out_and_told(tmp_path: Path) -> None:
    more = [*COCO["images"], {"id": 3, "file_name": "sub/c.jpg"}]
    rows = read_rows(written(tmp_path, coco(images=more), "t.json"))
    assert cells(rows)["file_name"] == ["a.jpg", "b.jpg"]
    assert rows.notes == ("1 of its 3 images have no annotation, and are left out (sub/c.jpg)",)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"annotations": [{"image_id": 9, "category_id": 7}]}, "the image 9, which is not there"),
        ({"annotations": [{"image_id": 1, "category_id": 9}]}, "the category 9, not there"),
        ({"images": [{"file_name": "a.jpg"}]}, "image 1 has no id"),
        ({"categories": [{"id": 7, "name": "a"}, {"id": 7, "name": "b"}]}, "have the id 7"),
    ],
)
def test_a_coco_record_that_leads_nowhere_is_named(
    parts: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        read_rows(written(tmp_path, coco(**parts), "t.json"))


def test_lists_in_json_and_parquet_are_texts_and_a_list_of_one_is_its_value(
    tmp_path: Path,
) -> None:
    records = [{"id": "a", "tags": ["x"]}, {"id": "b", "tags": ["x", "y"]}, {"id": "c", "tags": []}]
    (tmp_path / "t.json").write_text(json.dumps(records))
    pd.DataFrame(records).to_parquet(tmp_path / "t.parquet")
    for name in ("t.json", "t.parquet"):
        assert cells(read_rows(tmp_path / name))["tags"] == ["x", '["x", "y"]', ""]


def test_parquet_is_read_as_text(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pd.DataFrame({"id": ["a", None], "label": [0, 1], "x": [1.5, None]}).to_parquet(file)
    rows = read_rows(file)
    assert cells(rows) == {"id": ["a", ""], "label": ["0", "1"], "x": ["1.5", ""]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b""),
        ("t.csv", b"\n\n"),
        ("t.csv", b"a,b\n\0\0\0\1\2"),
        ("t.json", b"{"),
        ("t.json", b"[1, 2]"),
        ("t.json", b'{"a": [1], "b": [1, 2]}'),
        ("t.parquet", b"no parquet"),
        ("t.csv", b"a,a\n1,2\n"),
    ],
)
def test_what_is_no_table_is_refused_in_a_line(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_rows(tmp_path / name)
    assert len(raised.value.lines) == 1
    assert "\n" not in str(raised.value)
