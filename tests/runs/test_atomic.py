"""Files are written whole, or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from toolkit.errors import UserError
from toolkit.runs.atomic import csv_text, not_finite, write_json, write_text, writing


def test_the_file_appears_whole_when_the_writing_is_done(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with writing(file) as half_made:
        half_made.write_text("new")
        assert not file.exists()
        assert half_made.parent == tmp_path  # a rename must not cross file systems
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    with writing(file) as half_made:
        half_made.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")

    def fail() -> None:
        with writing(file) as half_made:
            half_made.write_text("half of the new")
            raise error

    with pytest.raises(error):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_fails_before_it_begins_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with writing(tmp_path / "file"):
            raise ValueError("early")

    with pytest.raises(ValueError, match="early"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_json(file, {"a": 1})
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    assert json.loads(file.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_process_left_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with writing(file) as half_made:
        half_made.write_text("x" * 100)
    half_made.write_text("left behind")
    write_text(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_text_and_json_are_utf8_and_end_with_a_line_break(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "Büro\n")
    assert (tmp_path / "a").read_bytes() == b"B\xc3\xbcro\n"
    write_json(tmp_path / "b", {"kind": "Büro"})
    assert (tmp_path / "b").read_bytes() == b'{\n  "kind": "B\xc3\xbcro"\n}\n'


def test_a_table_has_the_same_line_breaks_on_every_system(tmp_path: Path) -> None:
    write_text(tmp_path / "folds.csv", csv_text(pd.DataFrame({"id": ["a", "b,c"], "fold": [0, 1]})))
    assert (tmp_path / "folds.csv").read_bytes() == b'id,fold\na,0\n"b,c",1\n'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_json_without_numbers_is_not_written_and_the_value_is_named(
    tmp_path: Path, number: float
) -> None:
    file = tmp_path / "report.json"
    write_json(file, {"scores": [1.0]})
    before = file.read_bytes()
    with pytest.raises(UserError, match=rf"report\.json: not written: scores\.a\[1\] is {number}"):
        write_json(file, {"name": "x", "scores": {"a": [1.0, number]}})
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_number_is_found_wherever_it_is() -> None:
    value = {"a": {"b": [0, (1, math.inf)]}, 3: math.nan, "c": "nan", "d": None}
    found = [where for where, _ in not_finite(value)]
    assert found == ["a.b[1][1]", "3"]
