"""What `toolkit init` finds out about data, and the recipe that it writes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toolkit.check.recipe import Machine, recipe_name, starter_recipe
from toolkit.check.survey import survey
from toolkit.errors import DataError
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan

SMALL = Machine(gpu_gb=None, memory_gb=16, lite=False)
GPU = Machine(gpu_gb=24, memory_gb=64, lite=False)


def image(file: Path, size: tuple[int, int] = (40, 60)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8)).save(file)


def write(file: Path, *lines: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def test_the_usual_layout_needs_no_option_but_the_group(documents: Path) -> None:
    found = survey(documents)
    assert found.source == {"use": "csv", "root": str(documents), "group_column": "document"}
    assert len(found.table.train) == 24
    assert found.table.classes == ("ticket", "letter", "form")
    assert found.table.test is not None
    assert found.table.test["id"].tolist() == [f"test{n}.png" for n in (3, 1, 4, 0, 2)]
    assert found.repeating == {}


def test_foreign_names_of_columns_folders_and_files_are_found(tmp_path: Path) -> None:
    for n in range(6):
        image(tmp_path / "images_train" / f"p{n}.png")
        image(tmp_path / "images_test" / f"t{n}.png")
    rows = (f"p{n},{'ab'[n % 2]},{n},{n // 2}" for n in range(6))
    write(tmp_path / "labels.csv", "image_id,kind,quality,scan_no", *rows)
    write(tmp_path / "kinds.csv", "kind,kind_name", "a,letter", "b,form")
    write(tmp_path / "sample.csv", "image_id,prediction", *(f"t{n},a" for n in range(6)))
    found = survey(tmp_path)
    assert found.source == {
        "use": "csv",
        "root": str(tmp_path),
        "train": "labels.csv",
        "train_images": "images_train",
        "suffix": ".png",
        "id_column": "image_id",
        "target_column": "kind",
        "meta": "kinds.csv",
        "name_column": "kind_name",
        "sample": "sample.csv",
        "test_images": "images_test",
    }
    assert found.table.classes == ("letter", "form")
    assert found.repeating == {"scan_no": 3}  # named as a possible group, not taken for one


def test_a_csv_may_be_named_itself(documents: Path) -> None:
    assert survey(documents / "train.csv").source["group_column"] == "document"


def test_a_column_of_other_rows_ids_is_the_parent(tmp_path: Path) -> None:
    for n in range(4):
        image(tmp_path / "train" / f"p{n}.png")
    write(
        tmp_path / "train.csv",
        *("ID,target,parent_id", "p0.png,0,", "p1.png,1,", "p2.png,0,p0.png", "p3.png,1,p1.png"),
    )
    assert survey(tmp_path).source["parent_column"] == "parent_id"


def test_class_folders_are_found(tmp_path: Path) -> None:
    for name in ("letter", "form"):
        for n in range(3):
            image(tmp_path / name / f"{n}.png")
    found = survey(tmp_path)
    assert found.source == {"use": "folder", "root": str(tmp_path)}
    assert found.table.classes == ("form", "letter")


def test_data_that_cannot_be_understood_says_what_was_looked_for(tmp_path: Path) -> None:
    write(tmp_path / "notes.csv", "a,b", "1,2")
    with pytest.raises(DataError, match="neither a CSV whose rows name images nor class folders"):
        survey(tmp_path)
    with pytest.raises(DataError, match="no column of it names image files below"):
        survey(tmp_path / "notes.csv")
    with pytest.raises(DataError, match="there is no such file or folder"):
        survey(tmp_path / "nothing")


@pytest.mark.parametrize("machine", [SMALL, GPU], ids=["cpu", "gpu"])
def test_the_recipe_plans_without_editing(
    documents: Path, tmp_path: Path, machine: Machine
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(starter_recipe("mine", survey(documents), machine))
    host = load_host({"TOOLKIT_PLUGINS": ""})
    plan = make_plan(load_recipe(file), host)
    assert plan.name == "mine"
    assert plan.choice("data").options["group_column"] == "document"


def test_folds_size_and_batch_follow_data_and_machine(documents: Path) -> None:
    on_cpu = tomllib.loads(starter_recipe("a", survey(documents), SMALL))
    on_gpu = tomllib.loads(starter_recipe("a", survey(documents), GPU))
    # Each class lies in 4 documents: 5 folds cannot be cut.
    assert (on_cpu["split"]["folds"], on_gpu["split"]["folds"]) == (3, 4)
    assert on_cpu["image"]["size"] == on_gpu["image"]["size"] == 64  # the pages are 64 px high
    assert on_cpu["train"]["batch_size"] == 4  # 24 rows: not one step an epoch


def test_large_images_get_what_the_machine_bears(tmp_path: Path) -> None:
    for name in ("letter", "form"):
        for n in range(200):
            image(tmp_path / name / f"{n}.png", (900, 1200) if n % 100 == 0 else (8, 8))
    found = survey(tmp_path)
    big = type(found)(found.source, found.table, ((900, 1200),) * 9, {})
    assert tomllib.loads(starter_recipe("a", big, GPU))["image"]["size"] == 320
    assert tomllib.loads(starter_recipe("a", big, SMALL))["train"]["batch_size"] == 16
    tiny = Machine(gpu_gb=None, memory_gb=2, lite=False)
    assert tomllib.loads(starter_recipe("a", big, tiny))["train"]["batch_size"] == 8


def test_one_shape_is_stretched_and_several_are_letterboxed(tmp_path: Path) -> None:
    for n in range(6):
        image(tmp_path / "ab"[n % 2] / f"{n}.png", (64, 48))
    found = survey(tmp_path)
    assert tomllib.loads(starter_recipe("a", found, SMALL))["image"]["fit"] == "stretch"
    mixed = type(found)(found.source, found.table, ((64, 48), (48, 64)), {})
    assert tomllib.loads(starter_recipe("a", mixed, SMALL))["image"]["fit"] == "letterbox"


def test_an_even_class_balance_gets_no_class_weights(tmp_path: Path) -> None:
    for n in range(6):
        image(tmp_path / "ab"[n % 2] / f"{n}.png")
    assert tomllib.loads(starter_recipe("a", survey(tmp_path), SMALL))["loss"]["alpha"] == 0.0


def test_a_possible_group_is_offered_as_a_comment(tmp_path: Path) -> None:
    for n in range(6):
        image(tmp_path / "train" / f"{n}.png")
    write(
        tmp_path / "train.csv", "ID,target,roll", *(f"{n}.png,{n % 2},r{n // 2}" for n in range(6))
    )
    text = starter_recipe("a", survey(tmp_path), SMALL)
    assert '# group_column = "roll"    # 3 values repeat: a group?' in text


def test_a_recipes_name_has_no_odd_characters() -> None:
    assert recipe_name("my data (v2)") == "my-data-v2"
    assert recipe_name("...") == "recipe"
