"""`init` sees a validation split, says how it is used, and which key changes it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.conftest import draw
from toolkit.cli import run_command

CLASSES = ("cat", "dog")


def lay(root: Path, folder: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Images of two classes, and their rows."""
    rows = []
    for number in range(count):
        name = f"{seed + number:03d}.png"
        (root / folder).mkdir(parents=True, exist_ok=True)
        draw(number % 2, seed + number).save(root / folder / name)
        rows.append((name, CLASSES[number % 2]))
    return rows


def table(file: Path, rows: list[tuple[str, str]], head: str = "file,label") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([head, *(",".join(row) for row in rows)]) + "\n")


def init(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What is said, and the recipe's text."""
    recipe = tmp_path / "recipe.toml"
    assert run_command(["init", str(root), "-o", str(recipe)]) == 0
    return capsys.readouterr().out, recipe.read_text()


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ("train.csv", "valid.csv"),
        ("train.csv", "val.csv"),
        ("train_labels.csv", "val_labels.csv"),
        ("annotations/labels_train2017.csv", "annotations/labels_val2017.csv"),
    ],
)
def test_a_validation_table_is_read_as_a_split(
    train: str, valid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    table(root / train, lay(root, "images", 8, 0))
    table(root / valid, lay(root, "images", 4, 100))
    said, text = init(root, tmp_path, capsys)
    data = tomllib.loads(text)["data"]
    assert (data.get("train", "train.csv"), data["valid"]) == (train, valid)
    assert "its 4 rows are joined to the 8 training rows" in said
    assert "[split] given = " in said
    assert f"{valid}: is not used" not in said
    assert "are in no row" not in said
    (line,) = [line for line in text.splitlines() if line.startswith("# given = ")]
    assert "validates on those 4 images alone" in line


def test_tables_inside_their_split_s_folders_are_a_pair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    table(root / "train" / "metadata.csv", lay(root, "train", 8, 0), "file_name,label")
    table(root / "validation" / "metadata.csv", lay(root, "validation", 4, 0), "file_name,label")
    _, text = init(root, tmp_path, capsys)
    data = tomllib.loads(text)["data"]
    assert data["valid"] == "validation/metadata.csv"
    assert data["valid_images"] == "validation"


@pytest.mark.parametrize(
    ("head", "rows", "words"),
    [
        ("file,kind", 4, "has no column label"),
        ("file,label", 12, "are in train.csv, too"),
    ],
)
def test_a_table_that_does_not_fit_is_not_used_and_it_is_said_why(
    head: str, rows: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    every = lay(root, "images", 12, 0)
    table(root / "train.csv", every[:8])
    table(root / "val.csv", every[-rows:], head)
    said, text = init(root, tmp_path, capsys)
    assert "valid" not in tomllib.loads(text)["data"]
    assert words in said


def test_folders_and_columns_get_the_same_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    for split, count in (("train", 4), ("Validation", 2)):
        for kind, name in enumerate(CLASSES):
            for number in range(count):
                (root / split / name).mkdir(parents=True, exist_ok=True)
                draw(kind, 40 * kind + number + 7 * len(split)).save(
                    root / split / name / f"{number}.png"
                )
    said, text = init(root, tmp_path, capsys)
    assert "its 4 images are joined to the 8 of training" in said
    assert '# given = "Validation"' in text
    uncommented = text.replace("# given", "given").splitlines()
    recipe = tmp_path / "given.toml"
    recipe.write_text("\n".join(line for line in uncommented if not line.startswith("folds")))
    assert run_command(["validate", str(recipe)]) == 0
    assert "1 fold" in capsys.readouterr().out
