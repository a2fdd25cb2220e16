"""Test scores: right numbers, and a clear word where labels and predictions do not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from toolkit.contracts import Table
from toolkit.errors import DataError, PluginError, RunError
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.registry import Register, Registry
from toolkit.report.outcome import labels_from_csv, labels_of_source, score_test
from toolkit.runs.opened import Run


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    """A copy of the finished run, to write to."""
    shutil.copytree(finished.path, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture
def labels() -> pd.DataFrame:
    """The truth as `tests/conftest.py` draws it: the number in the name, modulo 3."""
    return pd.DataFrame(
        {"id": [f"test{n}.png" for n in range(5)], "label": [n % 3 for n in range(5)]}
    )


def predicted(run: Run) -> dict[str, int]:
    assert run.test is not None
    rows = run.test[run.test["view"] == "mean"]
    return dict(zip(rows["id"], rows[["p_0", "p_1", "p_2"]].to_numpy().argmax(1), strict=True))


def test_the_score_is_that_of_the_test_predictions(run: Run, labels: pd.DataFrame) -> None:
    result = score_test(run, labels, "a friend")
    own = [predicted(run)[i] for i in labels["id"]]
    expected = f1_score(labels["label"], own, average="macro", zero_division=0)
    assert result["macro_f1"] == pytest.approx(expected)
    assert (result["rows"], result["of"], result["labels"]) == (5, 5, "a friend")
    assert [row["support"] for row in result["classes"]] == [2, 2, 1]
    assert json.loads(run.folder.test_score.read_text()) == json.loads(json.dumps(result))


def test_the_order_of_the_labels_changes_nothing(run: Run, labels: pd.DataFrame) -> None:
    shuffled = labels.sample(frac=1, random_state=3)
    assert score_test(run, labels, "x") == score_test(run, shuffled, "x")


def test_a_part_of_the_labels_scores_that_part(run: Run, labels: pd.DataFrame) -> None:
    result = score_test(run, labels[:2], "x")
    own = predicted(run)
    right = [
        own[i] == label for i, label in zip(labels["id"][:2], labels["label"][:2], strict=True)
    ]
    assert (result["rows"], result["of"]) == (2, 5)
    assert result["accuracy"] == pytest.approx(np.mean(right))


def test_all_that_does_not_fit_is_told_at_once(run: Run) -> None:
    wrong = pd.DataFrame({"id": ["test1.png", "test1.png", "else.png"], "label": [0, 9, 1]})
    with pytest.raises(DataError) as error:
        score_test(run, wrong, "labels.csv")
    assert error.value.lines == (
        "labels.csv: 1 IDs appear twice (test1.png)",
        "labels.csv: 1 IDs are no test IDs of the run (else.png)",
        "labels.csv: 1 labels are outside 0..2",
    )


def test_a_csv_may_say_targets_or_class_names(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("ID,target\ntest0.png,0\ntest1.png,letter\ntest2.png,2\n")
    labels, origin = labels_from_csv(run, file)
    assert labels.to_dict("list") == {
        "id": ["test0.png", "test1.png", "test2.png"],
        "label": [0, 1, 2],
    }
    assert origin == str(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ID,kind\ntest0.png,0\n", "has no column target"),
        ("ID,target\ntest0.png,7\n", r"1 labels are no class of the run \(7\)"),
        (None, "cannot be read as CSV"),
    ],
)
def test_a_csv_that_does_not_fit_is_named(
    run: Run, tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "labels.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError, match=message):
        labels_from_csv(run, file)


def test_a_run_without_test_images_cannot_be_scored(run: Run, labels: pd.DataFrame) -> None:
    run.folder.test.unlink()
    with pytest.raises(RunError, match="has no test predictions"):
        score_test(run, labels, "x")


def test_an_unfinished_run_cannot_be_scored(run: Run, labels: pd.DataFrame) -> None:
    run.folder.report.unlink()
    with pytest.raises(RunError, match="is not finished"):
        score_test(run, labels, "x")


def test_a_source_that_does_not_know_the_truth_says_so(run: Run) -> None:
    with pytest.raises(RunError, match="its source csv does not know the test labels"):
        labels_of_source(run, load_host({"TOOLKIT_PLUGINS": ""}))


def test_a_source_that_is_not_installed_says_so(run: Run) -> None:
    with pytest.raises(RunError, match="its source csv cannot be had: its plugin is not installed"):
        labels_of_source(run, Host(Registry()))


class Knowing:
    """A source that knows the truth; `read` is not asked for."""

    def __init__(self, **options: object) -> None:
        self.options = options

    def read(self) -> Table:
        raise AssertionError("scoring reads labels, not the table")

    def test_labels(self) -> pd.DataFrame:
        return pd.DataFrame({"id": ["test0.png"], "label": [0]})


def test_a_source_that_knows_the_truth_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register("", "p", "1", prefix="")
    register.source("csv", "knowing_source:Knowing", help="knows")
    registry = Registry()
    registry.add(register.entries)
    monkeypatch.setattr(type(register.entries[0]), "load", lambda self: Knowing)
    labels, origin = labels_of_source(run, Host(registry))
    assert labels["label"].tolist() == [0]
    assert origin == "the source csv"


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([("test0.png", 0)], "csv: test_labels is a list, expected a DataFrame with id, label"),
        (pd.DataFrame({"id": ["test0.png"]}), "has the columns ['id'], and lacks ['label']"),
        (
            pd.DataFrame({"id": ["test0.png"], "label": ["form"]}),
            "expected integers from 0 that index the classes",
        ),
        (pd.DataFrame({"id": [0], "label": [1]}), "id of 1 rows must be text (row 0: 0, int)"),
        (pd.DataFrame({"id": [], "label": []}), "csv: has no rows"),
    ],
)
def test_labels_that_are_none_are_told_in_a_line(run: Run, labels: object, says: str) -> None:
    with pytest.raises(DataError) as error:
        score_test(run, labels, "the source csv")  # type: ignore[arg-type]
    (line,) = error.value.lines
    assert line.startswith("the source csv: ")
    assert says in line


def test_a_source_that_fails_to_tell_the_truth_is_blamed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_source.py").write_text(
        "class Failing:\n    def __init__(self, **options): ...\n\n"
        "    def read(self): ...\n\n    def test_labels(self):\n        return {}['truth']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    register = Register("acme", "acme-vision", "1", prefix="")
    register.source("csv", "failing_source:Failing", help="fails")
    registry = Registry()
    registry.add(register.entries)
    with pytest.raises(PluginError) as error:
        labels_of_source(run, Host(registry))
    assert str(error.value) == (
        "source csv: its test_labels fails: KeyError: 'truth' (acme-vision 1, "
        f"{tmp_path / 'failing_source.py'}:7)"
    )
