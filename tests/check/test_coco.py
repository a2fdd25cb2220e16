"""COCO's JSON, as training and validation files beside their folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from toolkit.check.survey import survey
from toolkit.errors import DataError

CLASSES = ("cat", "great white shark")


def coco(root: Path, split: str, total: int, *more: dict[str, int]) -> None:
    """Two boxes an image; every fifth image has none."""
    for k in range(total):
        file = root / split / "sub" / f"{k}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (k, 9, 9)).save(file)
    boxes = [k for k in range(total) if k % 5 < 4] * 2
    value = {
        "images": [{"id": k, "file_name": f"sub/{k}.png"} for k in range(total)],
        "annotations": [*({"image_id": k, "category_id": k % 2} for k in boxes), *more],
        "categories": [{"id": k, "name": name} for k, name in enumerate(CLASSES)],
    }
    file = root / "annotations" / f"instances_{split}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(value))


def test_the_training_file_is_read_and_validation_is_joined_to_it(tmp_path: Path) -> None:
    coco(tmp_path, "train2017", 20)
    coco(tmp_path, "val2017", 5)
    found = survey(tmp_path)
    assert (found.source["train_images"], found.table.classes) == ("train2017", CLASSES)
    assert found.source["valid"] == "annotations/instances_val2017.json"
    assert len(found.table.train) == 16 + 4
    assert any("4 of its 20 images have no annotation" in note for note in found.table.notes)
    own = survey(tmp_path / "annotations" / "instances_train2017.json")
    assert own.source["train_images"] == "train2017"


def test_images_of_several_categories_are_refused_and_validation_is_no_way_round(
    tmp_path: Path,
) -> None:
    coco(tmp_path, "train2017", 20, {"image_id": 0, "category_id": 1})
    coco(tmp_path, "val2017", 10)
    with pytest.raises(DataError, match="images with several labels are not supported"):
        survey(tmp_path)
