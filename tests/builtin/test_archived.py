"""An archive is read as the folder of the same files, by both sources and by `init`."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal
from PIL import Image

import toolkit
from toolkit.builtin.sources import csv, folder
from toolkit.check.survey import survey
from toolkit.cli import run_command
from toolkit.contracts import Event, Table, ignore
from toolkit.data.evict import archives, clear
from toolkit.data.table import file_hashes, fingerprint, read_table
from toolkit.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Class folders, a table of them, a sample and two test images."""
    root = tmp_path / "pets"
    rows = ["id,label"]
    for number in range(8):
        kind = ("cat", "dog")[number % 2]
        file = root / "train" / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (30 * number, 80, 80)).save(file)
        rows.append(f"{kind}/{number}.png,{kind}")
    (root / "test").mkdir()
    for number in range(2):
        Image.new("RGB", (40, 40), (9, 9, 30 * number)).save(root / "test" / f"{number}.png")
    (root / "train.csv").write_text("\n".join(rows) + "\n")
    (root / "sample_submission.csv").write_text("id,label\n1.png,cat\n0.png,cat\n")
    return root


def packed(root: Path, kind: str = "zip", *, wrapped: bool = False) -> Path:
    """`pets.zip`, with or without the folder `pets/` in it."""
    base, top = (root.parent, root.name) if wrapped else (root, ".")
    return Path(shutil.make_archive(str(root.parent / "pets"), kind, base, top))


def told(table: Table) -> str:
    return fingerprint(table, file_hashes([*table.train["path"], *_tested(table)]))


def _tested(table: Table) -> list[str]:
    return [] if table.test is None else table.test["path"].tolist()


CSV = {"id_column": "id", "target_column": "label"}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "xztar"])
@pytest.mark.parametrize("source", ["csv", "folder"])
def test_an_archive_is_the_data_of_its_folder(
    pets: Path, kind: str, source: str, wrapped: bool
) -> None:
    make, options = (csv, CSV) if source == "csv" else (folder, {})
    plain = read_table(make(root=str(pets), **options))  # type: ignore[operator]
    file = packed(pets, kind, wrapped=wrapped)
    found = read_table(make(root=str(file), **options))  # type: ignore[operator]
    without = ["id", "label", "parent", "group"]
    assert_frame_equal(found.train[without], plain.train[without])
    assert found.submission == plain.submission
    assert told(found) == told(plain)
    assert f"{file}: is an archive of 12 files" in found.notes[0]


def test_a_table_may_name_images_by_the_archive_s_name(pets: Path) -> None:
    text = (pets / "train.csv").read_text().replace("cat/", "pets/train/cat/")
    (pets / "train.csv").write_text(text.replace("dog/", "pets/train/dog/"))
    found = read_table(csv(root=str(packed(pets)), **CSV))
    assert all(Path(path).is_file() for path in found.train["path"])


def test_words_name_the_archive_and_not_the_cache(pets: Path, cache: Path) -> None:
    (pets / "train.csv").write_text("id,label\na.png,cat\nb.png,\n")
    found = read_table(csv(root=str(packed(pets)), **CSV))
    (problem,) = found.problems
    assert problem.startswith(f"{pets}.zip/train.csv: 1 labels are empty")
    assert not any(str(cache) in note for note in found.notes[1:])
    (pets / "train.csv").unlink()
    with pytest.raises(DataError, match=r"pets\.zip: there is no such train.csv") as error:
        read_table(csv(root=str(packed(pets)), **CSV))
    assert str(cache) not in str(error.value)


def test_preparing_tells_how_far_it_is(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.files.archives._TOLD", 5)
    events: list[Event] = []
    read_table(folder(root=str(packed(pets))), events.append)
    assert [(e.done, e.total > 10) for e in events if e.stage == "prepare"] == [
        (5, True),
        (10, True),
    ]


def test_files_stay_while_their_table_lives(pets: Path, cache: Path) -> None:
    table = read_table(folder(root=str(packed(pets))))
    assert clear(cache) == []
    del table
    gc.collect()
    assert len(clear(cache)) == 1


@pytest.mark.parametrize("wrapped", [False, True])
def test_init_looks_into_an_archive(
    pets: Path, wrapped: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pets / "train.csv").rename(pets / "labels.csv")
    file, recipe = packed(pets, wrapped=wrapped), tmp_path / "recipe.toml"
    assert run_command(["init", str(file), "-o", str(recipe), "--source", "csv"]) == 0
    out = capsys.readouterr().out
    assert "is an archive of 12 files" in out
    assert "ready" in out
    assert f'root = "{file}"' in recipe.read_text()
    options = toolkit.load_recipe(recipe).values["data"]
    assert options.pop("use") == "csv"
    assert told(read_table(csv(**options))) == told(read_table(csv(**_plain(options, pets))))


def _plain(options: dict[str, str], pets: Path) -> dict[str, str]:
    """The options for the folder that the archive was made of."""
    inner = {key: value.removeprefix("pets/") for key, value in options.items()}
    return {**inner, "root": str(pets)}


def test_init_calls_a_recipe_after_its_archive(
    pets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (pets / "train.csv").unlink()
    packed(pets, "gztar")
    monkeypatch.chdir(tmp_path)
    assert run_command(["init", "pets.tar.gz"]) == 0
    assert (tmp_path / "pets.toml").is_file()


def test_init_takes_a_table_in_an_archive(pets: Path) -> None:
    rows = (pets / "train.csv").read_text().splitlines()
    (pets / "other.csv").write_text("\n".join(rows[:-2]) + "\n")
    (pets / "train.csv").rename(pets / "one.csv")
    file = packed(pets)
    seen = survey(file / "other.csv")
    assert (len(seen.table.train), seen.source["train"]) == (6, "other.csv")
    with pytest.raises(DataError, match="there is no such table in"):
        survey(file / "none.csv")


def test_what_init_cannot_read_is_said_of_the_archive(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.md").touch()
    file = Path(shutil.make_archive(str(tmp_path / "none"), "zip", tmp_path / "empty"))
    with pytest.raises(DataError) as error:
        survey(file)
    assert str(file) in str(error.value)
    assert str(cache) not in str(error.value)


def test_a_folder_called_like_an_archive_is_a_folder(pets: Path) -> None:
    named = pets.rename(pets.with_name("pets.zip"))
    assert len(read_table(folder(root=str(named))).train) == 8
    assert survey(named, survey.__defaults__[0]).source["root"] == str(named)  # type: ignore[index]


RECIPE = """
name = "pets"
[data]
use = "folder"
root = "{root}"
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


def test_a_run_of_an_archive_is_the_run_of_its_folder(pets: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "pets.toml"
    recipe.write_text(RECIPE.format(root=pets))
    plain = toolkit.run(recipe, runs=tmp_path / "runs")
    recipe.write_text(RECIPE.format(root=packed(pets)))
    again = toolkit.run(recipe, runs=tmp_path / "runs")
    assert again.folder == plain.folder


def test_the_cache_command_shows_and_clears_archives(
    pets: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = read_table(folder(root=str(packed(pets))), ignore)
    assert run_command(["cache"]) == 0
    out = capsys.readouterr().out
    assert "in use" in out
    assert "pets.zip" in out
    assert run_command(["cache", "clear"]) == 0
    assert "pets.zip: stays" in capsys.readouterr().out
    assert table.held is not None
    table.held.release()  # type: ignore[attr-defined]
    assert run_command(["cache", "clear"]) == 0
    assert "removed 0 packs and 1 archive" in capsys.readouterr().out
    assert archives(cache) == []
