"""Classes with fewer images than folds are refused, left out, or kept, as the recipe says."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from toolkit.contracts import Event, Submission, SubmissionColumn, Table, ignore
from toolkit.data.assignment import assign_folds
from toolkit.data.rare import rare_warning, ways_out, without_rare
from toolkit.data.table import table_problems


@pytest.fixture
def table() -> Table:
    """a has 6 images, b one, c 4, d two."""
    labels = [0] * 6 + [1] + [2] * 4 + [3] * 2
    ids = [f"i{n:02d}" for n in range(len(labels))]
    train = pd.DataFrame({"id": ids, "path": ids, "label": labels, "parent": ids, "group": ids})
    return Table(train, None, ("a", "b", "c", "d"), targets=(7, 8, 9, 10))


def test_rare_classes_are_left_out_and_the_others_keep_names_and_targets(table: Table) -> None:
    told: list[Event] = []
    left = without_rare(table, 3, told.append)
    assert left.classes == ("a", "c")
    assert left.targets == (7, 9)
    assert left.train["label"].tolist() == [0] * 6 + [1] * 4
    assert table_problems(left, 3) == []
    (event,) = told
    assert '2 classes with fewer than 3 images and their 3 rows are left out ("b" has 1' in (
        event.text
    )


def test_the_submission_follows_the_classes_that_are_left(table: Table) -> None:
    test = pd.DataFrame({"id": ["t"], "path": ["t"]})
    form = Submission(
        (SubmissionColumn("id", "id"), SubmissionColumn("k", "probability", 2)),
        ("t",),
        ("7", "8", "9", "10"),
    )
    table = replace(table, test=test, submission=form)
    found = without_rare(table, 3, ignore).submission
    assert found is not None
    assert (found.labels, found.columns[1].label) == (("7", "9"), 1)
    columns = (form.columns[0], SubmissionColumn("b", "probability", 1))
    wants = without_rare(replace(table, submission=replace(form, columns=columns)), 3, ignore)
    assert wants.submission is not None
    assert "classes that are left out (b)" in wants.submission.problem
    assert wants.submission.problem in table_problems(wants, 3)


def test_a_way_on_is_named_and_only_where_there_are_rare_classes(table: Table) -> None:
    (line,) = ways_out(table, 3)
    assert 'split.rare = "drop"' in line
    assert list(ways_out(table, 1)) == []


def test_kept_classes_are_in_folds_and_the_score_says_so(table: Table) -> None:
    folds = assign_folds(table, 3, seed=0)
    assert sorted(folds["fold"].unique()) == [0, 1, 2]
    assert folds["fold"].value_counts().max() <= 6
    (line,) = rare_warning(table, 3)
    assert line.startswith("2 classes have fewer images than the 3 folds")


def test_where_fewer_than_two_classes_are_left_the_check_tells_it(table: Table) -> None:
    assert without_rare(table, 5, ignore) is table
