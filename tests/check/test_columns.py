"""Which columns look like labels by their names, and which never do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from toolkit.check.ask import Chosen
from toolkit.check.columns import is_group_name, label_look, words_of
from toolkit.check.labels import labels_of

VALUES = pd.Series(["a", "b", "c"] * 8)


@pytest.mark.parametrize(
    "name",
    [
        *("label", "Labels", "class", "CLASS_ID", "className", "target", "category", "Species"),
        *("breed", "Diagnosis", "dx", "DX", "cls", "ground_truth", "y_true", "tags", "taxon"),
        *("Klasse", "catégorie", "Cate\u0301gorie", "espèce", "etiqueta", "raça", "품종", "类别"),
        *("ラベル", "진단명", "label code"),
    ],
)
def test_a_name_of_labels_is_known(name: str) -> None:
    assert label_look(name, VALUES).level == 3


@pytest.mark.parametrize(
    "name",
    [
        *("fold", "split", "Sex", "age", "weight", "season", "kfold", "gender", "race"),
        *("age_group", "sex label", "Season_Class", "fold_id", "weight category"),
        *("class_weight", "label_confidence", "diagnosis_date", "target_year", "file_type"),
        *("Geschlecht", "edad", "성별", "性别", "saison"),
    ],
)
def test_what_is_known_beside_a_label_is_none(name: str) -> None:
    look = label_look(name, VALUES)
    assert (look.level, look.by_name) == (-1, True)
    assert not is_group_name(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("masterCategory", ["master", "category"]),
        ("DX_TYPE", ["dx", "type"]),
        ("HTMLClass2", ["html", "class", "2"]),
        ("année du Cliché", ["année", "du", "cliché"]),
    ],
)
def test_a_name_is_cut_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_classes_called_as_groups_are_one_hot_columns_all_the_same() -> None:
    names = ("tree", "person", "field")
    rows = [{"id": f"{k}.png"} | {n: str(int(n == names[k % 3])) for n in names} for k in range(9)]
    found = labels_of(Path("t.csv"), pd.DataFrame(rows), "id", Chosen())
    assert found is not None
    assert found.columns == names
