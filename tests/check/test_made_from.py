"""Masks and thumbnails beside images: left out where each has its image, and never a class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from toolkit.check.ask import Chosen
from toolkit.check.faults import refused
from toolkit.check.made_from import made_from_others
from toolkit.check.survey import survey
from toolkit.errors import DataError


def made(*images: str) -> tuple[str, ...]:
    folders = {"/".join(n.split("/")[:k]) for n in images for k in range(n.count("/") + 1)}
    return made_from_others(sorted(images), sorted(folders))


def drawn(pattern: str, count: int = 10) -> list[str]:
    return [pattern.format(k) for k in range(count)]


CATS, DOGS = drawn("cat/c{}.jpg"), drawn("dog/d{}.jpg")


@pytest.mark.parametrize(
    ("others", "left"),
    [
        (drawn("masks/c{}.png") + drawn("masks/d{}.png"), ("masks",)),
        (drawn("masks/cat/c{}.png") + drawn("masks/dog/d{}.png"), ("masks",)),
        (drawn("cat/c{}_mask.png") + drawn("dog/d{}_mask_1.png"), ("*_mask.*", "*_mask_*.*")),
        (drawn("Lung Masks/c{}_mask.png") + drawn("Lung Masks/d{}.png"), ("Lung Masks",)),
        (drawn("thumbs/cat/c{}.jpg") + drawn("thumbs/dog/d{}.jpg"), ("thumbs",)),
        (drawn("SegmentationClass/c{}.png") + drawn("SegmentationClass/d{}.png"), None),
        ([], ()),
    ],
)
def test_what_was_made_from_each_image_is_left_out(
    others: list[str], left: tuple[str, ...] | None
) -> None:
    assert made(*CATS, *DOGS, *others) == (("SegmentationClass",) if left is None else left)


def test_masks_in_each_class_folder_are_left_out() -> None:
    names = [f"{c}/{kind}/{c}{k}.png" for c in "ab" for kind in ("images", "masks") for k in (1, 2)]
    assert made(*names) == ("masks",)


@pytest.mark.parametrize(
    "classes",
    [
        drawn("mask/{}.jpg") + drawn("no mask/{}.jpg") + drawn("scarf/{}.jpg"),
        drawn("mask/{}.jpg", 5) + drawn("no_mask/{}.jpg") + drawn("scarf/s{}.jpg"),
        drawn("mask/{}.jpg") + drawn("nomask/{}.jpg"),
        drawn("masks/m{}.jpg") + drawn("hats/h{}.jpg"),
        drawn("label/l{}.jpg") + drawn("preview/p{}.jpg"),
        drawn("cat/{}_label.jpg") + drawn("dog/{}_label.jpg"),
    ],
)
def test_a_class_that_is_called_as_a_mask_is_a_class(classes: list[str]) -> None:
    assert made(*classes) == ()


Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def put(*names: str) -> None:
        for k, name in enumerate(names):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6), (k, 80, 9)).save(tmp_path / name)

    return put


def test_the_recipe_says_what_is_left_out_and_the_run_reads_the_same(
    tmp_path: Path, put: Put
) -> None:
    put(*CATS, *DOGS, *drawn("masks/c{}.png"), *drawn("masks/d{}.png"), *drawn("test/t{}.jpg"))
    put(*drawn("test/t{}_mask.png"))
    (tmp_path / "sample.csv").write_text(
        "id,label\n" + "".join(f"t{k}.jpg,cat\n" for k in range(10))
    )
    found = survey(tmp_path)
    assert found.source["leave"] == ["masks", "*_mask.*"]
    assert (found.table.classes, len(found.table.train)) == (("cat", "dog"), 20)
    assert found.table.test is not None
    assert len(found.table.test) == 10
    assert any("30 images named by leave are left out" in note for note in found.table.notes)


def test_masks_beside_images_in_parts_do_not_confuse_a_tables_ids(tmp_path: Path, put: Put) -> None:
    put(*drawn("part_1/a{}.jpg"), *drawn("part_2/b{}.jpg"), *drawn("masks/a{}.png"))
    put(*drawn("masks/b{}.png"))
    rows = [f"{stem}{k},{stem}" for stem in "ab" for k in range(10)]
    (tmp_path / "train.csv").write_text("\n".join(["id,label", *rows]) + "\n")
    found = survey(tmp_path)
    assert refused(found) == []
    assert all("part_" in path for path in found.table.train["path"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["{a}/cat/{k}.jpg", "{a}/dog/{k}.jpg"], "hold the same folders"),
        (["{a}/train/{k}.jpg", "{a}/test/{k}.jpg"], "hold splits"),
        (["data/data/train/{a}/{k}.jpg", "data/odd/{k}{a}.jpg"], "hold splits"),
        (["{a}/{k}.jpg", "small/{a}/{k}.jpg"], "called as those beside it"),
        (["size_64/{k}{a}.jpg", "size_128/{k}{a}.jpg"], "look like parts of one set"),
        (["train/{k}{a}.jpg", "size_64/{k}{a}.jpg"], "may be a split, and a class"),
    ],
)
def test_folders_whose_classes_cannot_be_told_are_refused_unless_a_person_says_so(
    names: list[str], said: str, tmp_path: Path, put: Put
) -> None:
    put(*(name.format(a=a, k=k) for name in names for a in ("one", "two") for k in range(3)))
    with pytest.raises(DataError, match=said):
        survey(tmp_path)
    assert len(survey(tmp_path, Chosen(source="folder")).table.classes) > 1


def test_images_that_are_there_twice_are_asked_about(tmp_path: Path, put: Put) -> None:
    put(*drawn("part_1/a{}.jpg"), *drawn("part_2/b{}.jpg"))
    put(*drawn("small/a{}.jpg"), *drawn("small/b{}.jpg"))
    rows = [f"{stem}{k},{stem}" for stem in "ab" for k in range(10)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rows]) + "\n")
    with pytest.raises(DataError, match=r"small/, and once more in part_1, part_2"):
        survey(tmp_path)
    assert len(survey(tmp_path, Chosen(images="small")).table.train) == 20


def test_names_say_no_label_where_folders_may_mean_something(tmp_path: Path, put: Put) -> None:
    put(*drawn("x/cat_{}.jpg"), *drawn("x/z/dog_{}.jpg"))
    with pytest.raises(DataError, match="found neither"):
        survey(tmp_path)
