"""`toolkit data` shows what a run would read, by the same checks, and trains nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

from tests.cli.conftest import Done

Cli = Callable[..., Done]

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


@pytest.fixture
def pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of twelve red cats and twelve blue dogs from six sites, and three green test images,
    with the recipe `pages.toml`."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
    lines = ["ID,target,site"]
    for number in range(24):
        label, colour = (("cat", RED), ("dog", BLUE))[number % 2]
        save(folder / "pages" / "train" / f"p{number:02d}.png", colour, number)
        lines.append(f"p{number:02d}.png,{label},s{number // 4}")
    for number in range(3):
        save(folder / "pages" / "test" / f"t{number}.png", GREEN, number)
    (folder / "pages" / "train.csv").write_text("\n".join(lines) + "\n")
    sample = "ID,target\nt2.png,cat\nt0.png,cat\nt1.png,cat\n"
    (folder / "pages" / "sample_submission.csv").write_text(sample)
    (folder / "pages.toml").write_text(
        '[data]\nuse = "csv"\nroot = "pages"\ngroup_column = "site"\n\n'
        '[split]\nfolds = 3\n\n[image]\nsize = 32\n\n[backbone]\nuse = "acme.tiny"\n'
    )
    return folder


def save(file: Path, colour: tuple[int, int, int], number: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = PIL.new("RGB", (40, 40), colour)
    image.putpixel((number, 0), (9, 9, 9))  # no two files are the same
    image.save(file)


@pytest.mark.usefixtures("pages")
def test_data_shows_classes_groups_rows_and_the_submission(toolkit_cli: Cli) -> None:
    done = toolkit_cli("data", "pages.toml")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "pages: 24 images to train on, 3 to predict, 2 classes"
    assert lines[1].split() == ["row", "class", "in", "submissions", "images", "share", "groups"]
    assert lines[2].split() == ["1", "cat", "cat", "12", "50.0%", "6"]
    assert lines[3].split() == ["2", "dog", "dog", "12", "50.0%", "6"]
    assert lines[4] == "6 groups of more than one image, the largest of 4 images"
    assert lines[5] == "folds of 8, 8, 8 images"
    assert lines[8].split() == ["p00.png", "pages/train/p00.png", "cat", "p00.png", "s0"]
    at = lines.index("the submission's first lines, with made-up predictions:")
    assert [line.strip() for line in lines[at + 1 : at + 5]][:2] == ["ID,target", "t2.png,cat"]


def test_data_draws_a_row_of_images_for_each_class_and_for_the_test_images(
    toolkit_cli: Cli, pages: Path
) -> None:
    done = toolkit_cli("data", "pages.toml", "--sheet", "look.png")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == (
        "look.png: contact sheet, a row a class in this order, and one of test images"
    )
    sheet = np.asarray(PIL.open(pages / "look.png").convert("RGB"))
    # A line of text, an image of 96 pixels and a gap of 4 for each row.
    centres = [sheet[4 + row * 116 + 16 + 48, 52].tolist() for row in range(3)]
    assert centres == [list(RED), list(BLUE), list(GREEN)]


def test_data_trains_nothing_and_writes_only_the_sheet(toolkit_cli: Cli, pages: Path) -> None:
    before = {path.name for path in pages.iterdir()}
    assert toolkit_cli("data", "pages.toml").code == 0
    assert {path.name for path in pages.iterdir()} - before == {"pages-data.png", "cache"}


def test_data_finds_the_faults_that_a_run_finds(toolkit_cli: Cli, pages: Path) -> None:
    (pages / "pages" / "train" / "p03.png").write_bytes(b"no image")
    (pages / "pages" / "test" / "t1.png").unlink()
    done = toolkit_cli("data", "pages.toml")
    run = toolkit_cli("run", "pages.toml", "--set", "backbone.width=2")
    assert (done.code, run.code) == (2, 2)
    assert "p03.png: is no image that can be read" in done.err
    assert "t1.png" in done.err
    assert done.err.splitlines()[-1] == run.err.splitlines()[-1]
    assert not (pages / "pages-data.png").exists()


def test_data_sets_bad_images_aside_where_it_is_asked_to(toolkit_cli: Cli, pages: Path) -> None:
    (pages / "pages" / "train" / "p03.png").write_bytes(b"no image")
    done = toolkit_cli("data", "pages.toml", "--skip-bad")
    assert done.code == 0, done.err
    assert done.out.startswith("pages: 23 images to train on")
    assert "  set aside: p03.png (" in done.out


@pytest.mark.parametrize(
    ("sheet", "words"), [("look.jpg", "is a PNG"), ("gone/look.png", "there is no such folder")]
)
@pytest.mark.usefixtures("pages")
def test_a_sheet_that_cannot_be_written_is_a_mistake(
    toolkit_cli: Cli, sheet: str, words: str
) -> None:
    done = toolkit_cli("data", "pages.toml", "--sheet", sheet)
    assert done.code == 2
    assert sheet in done.err
    assert words in done.err


def test_of_many_classes_the_most_frequent_and_the_rarest_are_shown(
    toolkit_cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
    for number in range(60):
        for copy in range(3 if number == 7 else 2):
            save(folder / "many" / f"c{number:02d}" / f"{copy}.png", (number, copy, 0), number % 40)
    recipe = '[data]\nuse = "folder"\nroot = "many"\n\n[split]\nfolds = 2\n\n'
    (folder / "many.toml").write_text(recipe + '[backbone]\nuse = "acme.tiny"\n')
    done = toolkit_cli("data", "many.toml", "--set", "image.size=16")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[1] == "the most frequent and the rarest classes, without 10 in between:"
    assert lines[2].split() == ["row", "class", "images", "share", "groups"]
    assert lines[3].split()[:3] == ["8", "c07", "3"]
    assert lines[-1].endswith("a row a class in this order (the first 24 of 60 classes)")


def test_a_submission_of_probabilities_shows_a_column_a_class(
    toolkit_cli: Cli, pages: Path
) -> None:
    sample = pages / "pages" / "sample_submission.csv"
    sample.write_text("ID,dog,cat\nt2.png,0.5,0.5\nt0.png,0.5,0.5\nt1.png,0.5,0.5\n")
    done = toolkit_cli("data", "pages.toml")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[1].split() == ["row", "class", "images", "share", "groups"]
    assert "  ID,dog,cat" in lines
    assert any(line.startswith("  t2.png,0.5") for line in lines)


def test_titles_that_the_sheets_font_lacks_are_left_out(toolkit_cli: Cli, pages: Path) -> None:
    table = pages / "pages" / "train.csv"
    table.write_text(table.read_text().replace("cat", "고양이"), encoding="utf-8")
    done = toolkit_cli("data", "pages.toml")
    assert done.code == 0, done.err
    assert "고양이" in done.out
