"""`preprocess.json` says again what the models of a run want their images to be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.contracts import ImageSpec, Levels, Preprocess
from toolkit.model.preprocess import read_preprocess
from toolkit.runs.atomic import write_json
from toolkit.runs.reading import DamagedFile

MEAN, STD = (0.5, 0.25, 0.125), (0.25, 0.5, 1.0)
SPEC = ImageSpec(64, "crop", 255, "cubic", 10_000, Levels((3.0, 900.0), (-1.5, 2.0)))


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, depth="full"), ImageSpec(32)])
def test_what_was_written_is_read(tmp_path: Path, spec: ImageSpec) -> None:
    written = Preprocess(spec, MEAN, STD)
    write_json(tmp_path / "preprocess.json", written.to_json())
    assert read_preprocess(tmp_path / "preprocess.json") == written


def test_a_key_that_an_older_version_did_not_write_has_its_default(tmp_path: Path) -> None:
    known = Preprocess(ImageSpec(32, "stretch"), MEAN, STD).to_json()
    older = {key: known[key] for key in ("size", "fit", "fill", "interpolation", "mean", "std")}
    (tmp_path / "preprocess.json").write_text(json.dumps(older))
    found = read_preprocess(tmp_path / "preprocess.json")
    assert found == Preprocess(ImageSpec(32, "stretch"), MEAN, STD)


@pytest.mark.parametrize(
    "changes",
    [{"mean": [0.5]}, {"std": "wide"}, {"newer": 1}, {"depth": {"integers": [1]}}],
)
def test_what_is_something_else_is_told(tmp_path: Path, changes: dict[str, object]) -> None:
    file = tmp_path / "preprocess.json"
    write_json(file, Preprocess(SPEC, MEAN, STD).to_json() | changes)
    with pytest.raises(
        DamagedFile, match=r"is damaged, or a newer version wrote it .*; a way out$"
    ):
        read_preprocess(file, "a way out")
