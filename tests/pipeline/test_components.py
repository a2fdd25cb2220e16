"""What a run was made of is recorded, and told where it is run again on something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import toolkit
from toolkit.contracts import Event
from toolkit.runs.manifest import changes_since
from toolkit.runs.opened import Run


@pytest.fixture
def older(finished: Run, tmp_path: Path) -> Run:
    """The finished run, as if its loss had come from an older package, its sampler from another,
    and its tracker from one that the recipe no longer names."""
    path = tmp_path / "runs" / finished.path.name
    shutil.copytree(finished.path, path)
    run = Run(path)
    manifest = json.loads(run.folder.manifest.read_text())
    for component in manifest["components"]:
        if component["kind"] == "loss":
            component["version"] = "0.0.1"
        if component["kind"] == "sampler":
            component["package"] = "acme-vision"
    manifest["components"].append(
        {"kind": "tracker", "name": "acme.log", "package": "acme-vision", "version": "1"}
    )
    run.folder.manifest.write_text(json.dumps(manifest))
    return run


def test_the_manifest_records_every_component_with_its_package_and_version(finished: Run) -> None:
    components = json.loads(finished.folder.manifest.read_text())["components"]
    assert {(c["kind"], c["name"]) for c in components} == {
        ("source", "csv"),
        ("augmentation", "document"),
        ("backbone", "test_resnet"),
        ("loss", "focal"),
        ("sampler", "shuffle"),
        ("ensembler", "soft"),
    }
    versions = {(c["package"], c["version"]) for c in components}
    assert versions == {("recipe-toolkit", toolkit.__version__)}


def test_a_run_folders_recipe_says_which_components_are_other_ones_now(older: Run) -> None:
    messages: list[str] = []

    def note(event: Event) -> None:
        if event.stage == "message":
            messages.append(event.text)

    toolkit.run(older.folder.recipe, runs=older.path.parent, notify=note)
    now, recipe = f"recipe-toolkit {toolkit.__version__}", older.folder.recipe
    assert messages[:2] == [
        f"{recipe}: results may differ: loss focal is {now}, and was recipe-toolkit 0.0.1 in that "
        "run",
        f"{recipe}: results may differ: sampler shuffle is {now}, and was acme-vision "
        f"{toolkit.__version__} in that run",
    ]
    assert any("finished; --again runs it anew" in text for text in messages[2:])


def test_code_that_was_edited_under_one_version_is_told(finished: Run, older: Run) -> None:
    components = json.loads(older.folder.manifest.read_text())["components"]
    components = [{**c, "code": "0a1b"} for c in components]
    known = json.loads(older.folder.manifest.read_text())
    edited = [{**c, "code": "1f3a"} if c["kind"] == "ensembler" else c for c in components]
    assert changes_since(older.folder.recipe, edited) == []  # recorded before there were digests
    older.folder.manifest.write_text(json.dumps({**known, "components": components}))
    assert changes_since(older.folder.recipe, edited) == [
        f"{older.folder.recipe}: results may differ: ensembler soft: the code of recipe-toolkit "
        f"{toolkit.__version__} was edited since that run"
    ]


def test_the_same_versions_and_other_recipes_have_nothing_to_say(
    finished: Run, older: Run, tmp_path: Path
) -> None:
    components = json.loads(finished.folder.manifest.read_text())["components"]
    assert changes_since(finished.folder.recipe, components) == []
    added = {"kind": "tracker", "name": "acme.log", "package": "acme-vision", "version": "1"}
    assert changes_since(finished.folder.recipe, [*components, added]) == []
    assert len(changes_since(older.folder.recipe, components)) == 2
    elsewhere = tmp_path / "recipe.toml"  # beside no manifest
    assert changes_since(elsewhere, components) == []
    beside = older.path / "mine.toml"  # not the recipe of the run
    assert changes_since(beside, components) == []
