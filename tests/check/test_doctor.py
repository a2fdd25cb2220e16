"""`toolkit check`: six planted leaks are found, clean data raise no alarm, and what test images
suffer from is said in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL
from PIL import ImageEnhance

from tests.data.pages import copies, page
from toolkit.check.doctor import Checkup, examine
from toolkit.check.patch import patch_text
from toolkit.cli import run_command
from toolkit.contracts import ignore
from toolkit.data.features import NAMES, features_of
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.report.checkup import checkup_text

RECIPE = """
name = "pages"

[data]
use = "csv"
root = "{root}"

[split]
folds = 2

[image]
size = 64

[augment.train]
use = "light"

[backbone]
use = "test_resnet"
pretrained = false
"""

Look = Callable[..., Checkup]


class Competition:
    """A folder of drawn pages of two kinds, which a test spoils."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows: dict[str, list[str]] = {}
        self.columns = ["ID", "target"]
        for folder in ("train", "test"):
            (root / folder).mkdir(parents=True)
        for n in range(12):
            self.train(f"p{n:02d}.png", page(n, form=n), n % 2)
        for n in range(6):
            self.test(f"t{n}.png", page(100 + n, form=100 + n))

    def train(self, name: str, picture: PIL.Image, label: int, *more: str) -> None:
        picture.save(self.root / "train" / name)
        self.rows[name] = [str(label), *more]

    def test(self, name: str, picture: PIL.Image) -> None:
        picture.save(self.root / "test" / name)

    def recipe(self) -> Path:
        lines = [",".join(self.columns), *(",".join([i, *row]) for i, row in self.rows.items())]
        (self.root / "train.csv").write_text("\n".join(lines) + "\n")
        (self.root / "meta.csv").write_text("target,class_name\n0,bill\n1,letter\n")
        tests = sorted(file.name for file in (self.root / "test").iterdir())
        sample = "\n".join(f"{name},0" for name in tests)
        (self.root / "sample_submission.csv").write_text(f"ID,target\n{sample}\n")
        file = self.root / "pages.toml"
        file.write_text(RECIPE.format(root=self.root))
        return file


@pytest.fixture
def pages(tmp_path: Path) -> Competition:
    return Competition(tmp_path / "pages")


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def look(recipe: Path, **overrides: object) -> Checkup:
        host = load_host()
        laid = {key.replace("__", "."): value for key, value in overrides.items()}
        plan = make_plan(load_recipe(recipe, laid, host), host)
        found = examine(plan, tmp_path / "cache", ignore)
        text = checkup_text(found, plan)
        assert text.rstrip().endswith("</html>")
        assert all(finding.about in text for finding in found.findings)
        return found

    return look


def grave(found: Checkup) -> dict[str, str]:
    """What is grave, by what it is about."""
    return {f.about: f.text for f in found.findings if f.weight == "grave"}


def test_clean_data_raise_no_alarm(pages: Competition, look: Look) -> None:
    found = look(pages.recipe())
    assert grave(found) == {}
    assert (found.near.apart, found.near.conflicts, found.near.test) == ((), (), ())
    assert found.patch == {}


def test_an_augmented_sibling_that_no_lineage_joins_is_found(
    pages: Competition, look: Look
) -> None:
    turned = page(3, form=3).rotate(2, fillcolor="white", resample=PIL.Resampling.BICUBIC)
    pages.train("q90.png", ImageEnhance.Brightness(turned).enhance(0.8), 1)
    found = look(pages.recipe())
    assert list(grave(found)) == ["near-duplicates"]
    assert "q90.png of p03.png" in grave(found)["near-duplicates"]
    assert found.patch == {"split.group": "auto"}
    assert patch_text(found.patch) == '[split]\ngroup = "auto"'
    assert grave(look(pages.recipe(), split__group="auto")) == {}


def test_a_near_duplicate_in_training_is_found(pages: Competition, look: Look) -> None:
    pages.train("again.png", copies(page(4, form=4))["recompressed"], 0)
    pages.train("other.png", copies(page(5, form=5))["half"], 0)  # of another label than p05
    found = look(pages.recipe())
    assert set(grave(found)) == {"near-duplicates", "labels"}
    assert len(found.near.apart) == 2
    assert 'p05.png of other.png "bill" and "letter"' in grave(found)["labels"]
    assert found.classes.units == (7, 6)  # other.png is of p05's unit, a class apart


def test_a_turned_copy_of_a_test_page_in_training_is_found(pages: Competition, look: Look) -> None:
    pages.test("t9.png", page(6, form=6).transpose(PIL.Transpose.ROTATE_90))
    pages.test("t8.png", page(7, form=7).transpose(PIL.Transpose.FLIP_LEFT_RIGHT))
    found = look(pages.recipe())
    assert list(grave(found)) == ["test leak"]
    assert "t9.png of p06.png, turned by a quarter" in grave(found)["test leak"]
    assert "t8.png of p07.png, mirrored" in grave(found)["test leak"]


def test_a_group_that_the_folds_tear_apart_is_found(pages: Competition, look: Look) -> None:
    pages.columns.append("document")
    for n, row in enumerate(pages.rows.values()):
        row.append(f"d{n // 4}")
    found = look(pages.recipe())
    assert list(grave(found)) == ["groups"]
    assert found.patch == {"data.group_column": "document"}
    assert grave(look(pages.recipe(), data__group_column="document")) == {}


def test_a_group_on_both_sides_of_a_given_split_is_found(pages: Competition, look: Look) -> None:
    pages.columns += ["document", "split"]
    for n, row in enumerate(pages.rows.values()):
        row += [f"d{n // 2}" if n > 1 else "d0", "valid" if n in (1, 6, 7) else "train"]
    overrides = {"data__group_column": "document", "data__split_column": "split"}
    found = look(pages.recipe(), split__given="valid", **overrides)
    assert list(grave(found)) == ["split"]
    assert "p01.png is in the group of p00.png" in grave(found)["split"]


def test_a_file_under_two_ids_with_two_labels_is_found(pages: Competition, look: Look) -> None:
    pages.train("x.png", page(0), 1)
    shutil.copyfile(pages.root / "train" / "p08.png", pages.root / "train" / "x.png")
    found = look(pages.recipe())
    assert list(grave(found)) == ["labels"]
    assert 'p08.png "bill", x.png "letter"' in grave(found)["labels"]
    assert found.near.apart == ()


def test_augmented_rows_that_nothing_marks_are_found(pages: Competition, look: Look) -> None:
    far = page(2, form=2).rotate(75, fillcolor="white", resample=PIL.Resampling.BICUBIC)
    pages.train("p02_aug1.png", far, 0)
    found = look(pages.recipe())
    assert list(grave(found)) == ["copies"]
    assert "p02_aug1.png of p02.png" in grave(found)["copies"]
    assert found.patch == {"split.group": "auto"}


def test_an_unreadable_image_is_told_and_the_rest_is_looked_at(
    pages: Competition, look: Look
) -> None:
    recipe = pages.recipe()
    (pages.root / "train" / "p03.png").write_bytes(b"no image")
    found = look(recipe)
    assert list(grave(found)) == ["unreadable"]
    assert "p03.png" in grave(found)["unreadable"]
    assert found.classes.images == (6, 5)


def test_where_no_image_can_be_read_each_fault_is_told(pages: Competition, look: Look) -> None:
    recipe = pages.recipe()
    for file in pages.root.glob("t*/*.png"):
        file.write_bytes(b"no image")
    found = look(recipe)
    told = [f.text for f in found.findings if f.about == "unreadable"]
    assert len(told) == 6
    assert told[-1] == "13 more images cannot be read"
    assert found.sizes is found.shift is None


def test_what_test_images_suffer_from_is_said_in_words(pages: Competition, look: Look) -> None:
    for n in range(30):
        pages.train(f"more{n}.png", page(200 + n, form=200 + n), n % 2)
        dark = ImageEnhance.Brightness(page(300 + n, form=300 + n)).enhance(0.6)
        turned = dark.rotate(10 + n, expand=True, resample=PIL.Resampling.BICUBIC)
        pages.test(f"u{n}.png", turned)
    found = look(pages.recipe())
    assert found.shift is not None
    assert found.shift.auc > 0.9
    said = grave(found)["shift"]
    assert "darker" in said
    assert "turned by some degrees" in said
    assert "framed in black" in said
    assert found.patch == {"augment.train.use": "document"}


def test_test_images_like_the_training_images_cannot_be_told_apart(
    pages: Competition, look: Look
) -> None:
    for n in range(30):
        pages.train(f"more{n}.png", page(200 + n, form=200 + n), n % 2)
        pages.test(f"u{n}.png", page(300 + n, form=300 + n))
    found = look(pages.recipe())
    (said,) = [f for f in found.findings if f.about == "shift"]
    assert said.weight == "good"
    assert said.text.startswith("test images cannot be told from training images by cheap feat")


def test_a_class_that_is_darker_is_found(pages: Competition, look: Look) -> None:
    for n in range(30):
        picture = page(200 + n, form=200 + n)
        pages.train(
            f"m{n}.png", ImageEnhance.Brightness(picture).enhance(0.9 - 0.2 * (n % 2)), n % 2
        )
    for n in range(12):
        del pages.rows[f"p{n:02d}.png"]
    found = look(pages.recipe())
    assert [link.name for link in found.links if link.grave] == ["brightness"]
    assert '"letter" is darker than the rest' in grave(found)["links"] or (
        '"bill" is brighter than the rest' in grave(found)["links"]
    )


def test_the_command_prints_what_was_found_and_writes_the_page(
    pages: Competition, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.train("again.png", copies(page(4, form=4))["recompressed"], 0)
    recipe = pages.recipe()
    monkeypatch.chdir(pages.root)
    assert run_command(["check", str(recipe)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("pages: 13 images to train on, 6 to predict, 2 classes; 1 grave\n")
    assert "\nGRAVE  near-duplicates  1 pair of training images" in out
    assert '  [split]\n  group = "auto"\n' in out
    text = (pages.root / "pages-check.html").read_text()
    assert "again.png" in text
    assert text.count("<img ") == 2 + 12 + 6
    assert "<script" not in text
    assert run_command(["check", str(recipe), "--page", "x.png"]) == 2


def test_features_say_what_was_done_to_a_page() -> None:
    def of(picture: PIL.Image) -> dict[str, float]:
        pixels = np.asarray(picture.convert("RGB"))
        return dict(zip(NAMES, features_of(pixels, 1000, None).tolist(), strict=True))

    plain = page(1)
    was, made = of(plain), copies(plain)
    noisy = np.asarray(plain) + np.random.default_rng(0).normal(0, 20, (400, 300, 3))
    turned = of(plain.rotate(20, fillcolor="black", resample=PIL.Resampling.BICUBIC))
    assert of(made["darker"])["brightness"] < was["brightness"] - 0.2
    assert of(made["blurred"])["sharpness"] < was["sharpness"] - 0.2
    assert of(PIL.fromarray(noisy.clip(0, 255).astype(np.uint8)))["noise"] > was["noise"] + 1
    assert abs(turned["skew"] - 20) < 3
    assert was["skew"] == 0
    assert turned["black_border"] > 0.05 > was["black_border"]
    assert of(made["quarter"])["lines"] == pytest.approx(-was["lines"], abs=0.1)
    assert of(made["upside down"])["top_heavy"] == pytest.approx(-was["top_heavy"], abs=0.05)
    assert of(made["half"])["size"] == pytest.approx(was["size"] - 1, abs=0.01)
    assert np.isnan(was["jpeg_quality"])
