"""A pandas table, or a folder, that is handed to `toolkit.run` is read as files are."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

import toolkit
from toolkit.check.handed import given
from toolkit.cli import run_command
from toolkit.contracts import Event, Table
from toolkit.data.table import TakesTable, read_table, table_problems
from toolkit.errors import DataError, UserError
from toolkit.plugin.host import load_host

RECIPE = """
[split]
folds = 2
[image]
size = 32
[backbone]
use = "test_resnet"
pretrained = false
[train]
epochs = 1
batch_size = 4
"""


@pytest.fixture
def frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Eight images, named from the working directory; the table's index says nothing."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for number in range(8):
        kind = ("cat", "dog")[number % 2]
        file = Path("pets") / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (30 * number, 80, 80)).save(file)
        rows.append({"image": str(file), "breed": kind})
    return pd.DataFrame(rows, index=range(50, 58))


def source(section: dict[str, Any]) -> Any:
    """The source that a section chooses."""
    use = str(section.pop("use"))
    entry = load_host().registry.get("source", use)
    assert entry is not None
    return entry.load()(**section)


def read(table: Any, test: Any = None, root: Any = None, **columns: Any) -> Table:
    found = given(table, test, root, columns, {})
    made = source(dict(found.section))
    if found.frames is not None:
        assert isinstance(made, TakesTable)
        made = made.with_table(found.frames.train, found.frames.test)
    return read_table(made)


def labels(table: Table) -> dict[str, str]:
    return {Path(p).name: table.classes[k] for p, k in zip(*_both(table), strict=True)}


def _both(table: Table) -> tuple[list[str], list[int]]:
    return table.train["path"].tolist(), table.train["label"].tolist()


TRUTH = {f"{n}.png": ("cat", "dog")[n % 2] for n in range(8)}


def test_path_and_label_are_found_by_evidence(frame: pd.DataFrame) -> None:
    frame = frame.assign(fold=[0, 1] * 4, weight=0.5)
    found = given(frame, None, None, {}, {})
    assert found.section["path_column"] == "image"
    assert found.section["target_column"] == "breed"
    assert "column 'breed'" in found.said[0]
    assert "8 of 8 rows name a file" in found.said[1]
    assert labels(read(frame)) == TRUTH


@pytest.mark.parametrize("kind", [str, Path, "category", "string"])
def test_cells_of_any_type_are_their_text(frame: pd.DataFrame, kind: Any) -> None:
    if isinstance(kind, str):
        frame = frame.astype(kind)
    else:
        frame = frame.assign(image=[kind(name) for name in frame["image"]])
    assert labels(read(frame)) == TRUTH


@pytest.mark.parametrize("written", ["relative", "bare", "stem", "absolute"])
def test_paths_start_from_a_root(frame: pd.DataFrame, written: str) -> None:
    names = {
        "relative": [name.removeprefix("pets/") for name in frame["image"]],
        "bare": [Path(name).name for name in frame["image"]],
        "stem": [Path(name).stem for name in frame["image"]],
        "absolute": [str(Path(name).absolute()) for name in frame["image"]],
    }
    table = frame.assign(image=names[written])
    assert labels(read(table, root="pets")) == TRUTH


def test_columns_can_be_said(frame: pd.DataFrame) -> None:
    frame = frame.rename(columns={"breed": "x"}).assign(y="one", who=["a", "b"] * 4, key=range(8))
    found = read(frame, path="image", label="x", group="who", id="key")
    assert labels(found) == TRUTH
    assert found.train["group"].nunique() == 2
    assert sorted(found.train["id"]) == [str(n) for n in range(8)]


def test_one_hot_columns_are_one_label(frame: pd.DataFrame) -> None:
    hot = frame[["image"]].assign(cat=[1, 0] * 4, dog=[0, 1] * 4)
    assert labels(read(hot)) == TRUTH
    assert labels(read(hot, label=["cat", "dog"])) == TRUTH


def test_test_rows_are_a_table_or_a_split(frame: pd.DataFrame) -> None:
    first = read(frame[2:], frame[["image"]][:2])
    second = read(frame.assign(split=["test"] * 2 + ["train"] * 6))
    for found in (first, second):
        assert found.test is not None
        assert found.test["path"].tolist() == frame["image"].tolist()[:2]
        assert len(found.train) == 6
    both = read(frame.assign(split=["test"] * 2 + ["train"] * 6), frame[["image"]][:1])
    assert any("2 rows of its test split are left out" in note for note in both.notes)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"breed": [None, *["cat", "dog"] * 3, "cat"]}, "1 labels are empty"),
    "no path": ({"image": lambda f: [None, *f["image"][1:]]}, "path of 1 rows is empty"),
    "twice": ({"image": lambda f: [f["image"].iloc[1], *f["image"][1:]]}, "1 training IDs appear"),
    "one class": ({"breed": "cat", "label": "cat"}, "needs two classes"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_those_of_files(frame: pd.DataFrame, fault: str) -> None:
    changes, words = FAULTS[fault]
    faulty = frame.assign(**changes)
    problems = table_problems(read(faulty, label="breed"), 2)
    assert any(words in line for line in problems), problems


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"breed": [["cat", "dog"]] * 8}, "holds list"),
        ({"image": b"x"}, "holds bytes"),
        ({"image": "none.png"}, "no column of it names files from"),
        ({"copy": lambda f: list(f["image"])[::-1]}, "several columns name files"),
        ({"species": ["a", "a", "b", "b"] * 2}, 'columns={"label": "breed"}'),
    ],
)
def test_what_cannot_be_told_is_asked(
    frame: pd.DataFrame, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError) as error:
        given(frame.assign(**changes), None, None, {}, {})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("table", "columns", "words"),
    [
        ([1, 2], {}, "found list"),
        ("nowhere", {}, "there is no such file or folder"),
        (pd.DataFrame(), {}, "has no rows"),
        (pd.DataFrame({"image": ["a"]}), {"lable": "x"}, 'Did you mean "label"'),
        (pd.DataFrame({"image": ["a"]}), {"label": "x"}, "has no column 'x'"),
    ],
)
def test_what_is_no_table_is_refused(table: object, columns: dict[str, str], words: str) -> None:
    with pytest.raises(DataError) as error:
        given(table, None, None, columns, {})
    assert words in str(error.value)


def test_a_table_is_run_recorded_and_resumed(
    frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "pets.toml"
    recipe.write_text(f'[data]\nuse = "folder"\nroot = "gone"\n{RECIPE}')
    told: list[str] = []

    def notify(event: Event) -> None:
        told.append(event.text)

    found = toolkit.run(recipe, table=frame[2:], test=frame[:2], notify=notify)
    assert any("column 'breed'" in line for line in told)
    assert sorted(found.oof["id"].unique()) == sorted(frame["image"][2:])
    data = tomllib.loads(found.folder.recipe.read_text())["data"]
    assert (data["use"], data["rows"], data["test_rows"]) == ("table", 6, 2)
    origins = json.loads(found.folder.plan.read_text())["origins"]
    assert origins["data.rows"] == "toolkit.run(table=)"
    shuffled = frame[2:].sample(frac=1, random_state=1)
    again = toolkit.run(found.folder.recipe, table=shuffled, test=frame[:2], notify=notify)
    assert again.folder == found.folder
    assert run_command(["data", str(found.folder.recipe)]) == 2
    assert "hand them over again" in capsys.readouterr().err


def test_a_folder_is_read_as_init_reads_it(frame: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "pets.toml").write_text(RECIPE)
    told: list[str] = []
    found = toolkit.run("pets.toml", table="pets", notify=lambda event: told.append(event.text))
    assert len(found.oof["id"].unique()) == 8
    assert any("2 classes" in line for line in told)
    assert tomllib.loads(found.folder.recipe.read_text())["data"]["root"] == "pets"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"test": pd.DataFrame()}, "go with table"),
        ({"root": "pets"}, "go with table"),
        ({"table": "pets", "root": "pets"}, "go with a pandas table"),
        ({"table": "pets", "overrides": {"data.root": "x"}}, "leave one of them out"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    frame: pd.DataFrame, tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    (tmp_path / "pets.toml").write_text(RECIPE)
    with pytest.raises(UserError, match=words):
        toolkit.run("pets.toml", **arguments)
