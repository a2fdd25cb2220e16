"""Near-duplicates: copies are found however they were made, look-alike pages are left alone, and
`split.group = "auto"` keeps copies in one fold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PIL

import toolkit
from tests.data.pages import copies, page
from toolkit.contracts import Event, ImageSpec, Table, ignore
from toolkit.data import looks as looks_module
from toolkit.data.assignment import units
from toolkit.data.check import Data, check_data
from toolkit.data.digests import content_digests
from toolkit.data.known import Known
from toolkit.data.looks import Looks, look_at
from toolkit.data.near import near_duplicates
from toolkit.data.siblings import pointing
from toolkit.errors import DataError
from toolkit.recipe.sections import Split

SPEC = ImageSpec(32, depth="full")
Save = Callable[[dict[str, PIL.Image]], dict[str, str]]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes pictures as PNG: name to path."""

    def save(pictures: dict[str, PIL.Image]) -> dict[str, str]:
        paths = {}
        for name, picture in pictures.items():
            paths[name] = str(tmp_path / "pages" / f"{name}.png")
            Path(paths[name]).parent.mkdir(exist_ok=True)
            picture.save(paths[name])
        return paths

    return save


@pytest.fixture
def seen(save: Save, tmp_path: Path) -> Callable[[dict[str, PIL.Image]], tuple[Looks, list[str]]]:
    """Looks at pictures, and the name of each row."""

    def seen(pictures: dict[str, PIL.Image]) -> tuple[Looks, list[str]]:
        paths = save(pictures)
        digests = content_digests(paths.values(), ignore)
        files = {str(digests[path]): path for path in paths.values()}
        names = {str(digests[path]): name for name, path in paths.items()}
        found, faults = look_at(files, SPEC, Known(tmp_path / "cache", ignore), ignore)
        assert not faults
        return found, [names[content] for content in found.contents]

    return seen


def test_copies_are_found_however_they_were_made(seen: Any) -> None:
    made = copies(page(1))
    looks, names = seen({"page": page(1), **made})
    pairs = {
        frozenset((names[pair.one], names[pair.other])): pair for pair in near_duplicates(looks)
    }
    missed = [name for name in made if frozenset(("page", name)) not in pairs]
    assert missed == []
    assert pairs[frozenset(("page", "darker"))].form == 0
    assert pairs[frozenset(("page", "upside down"))].form == 2


def test_two_texts_on_one_form_are_no_near_duplicates(seen: Any) -> None:
    looks, _ = seen({f"{form}-{n}": page(10 * form + n, form) for form in (0, 1) for n in range(8)})
    assert near_duplicates(looks) == ()


def test_two_pages_that_are_turned_alike_are_no_near_duplicates(seen: Any) -> None:
    turned = {str(n): page(n, form=n).rotate(33, expand=True, fillcolor="black") for n in range(8)}
    looks, _ = seen(turned)
    assert near_duplicates(looks) == ()


def test_empty_pages_are_no_near_duplicates(seen: Any) -> None:
    shades = {str(n): PIL.new("RGB", (60, 80), (250 - n, 250, 250)) for n in range(6)}
    looks, _ = seen(shades)
    assert near_duplicates(looks) == ()


def test_an_image_is_looked_at_once(seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = {str(n): page(n) for n in range(3)}
    first, _ = seen(pictures)

    def refuse(*_: object) -> None:
        raise AssertionError("it is known")

    monkeypatch.setattr(looks_module, "read_image", refuse)
    again, _ = seen(pictures)
    np.testing.assert_array_equal(first.features, again.features)
    assert first.zipped == again.zipped
    np.testing.assert_array_equal(first.picture(1), again.picture(1))


@pytest.fixture
def check(save: Save, tmp_path: Path) -> Callable[..., Data]:
    """Checks a table of pictures: ID to (picture, label) or (picture, label, parent)."""

    def check(rows: dict[str, tuple[Any, ...]], **options: Any) -> Data:
        paths = save({i.removesuffix(".png"): row[0] for i, row in rows.items()})
        train = pd.DataFrame(
            {
                "id": list(rows),
                "path": [paths[i.removesuffix(".png")] for i in rows],
                "label": [row[1] for row in rows.values()],
                "parent": [row[2] if len(row) > 2 else i for i, row in rows.items()],
                "group": list(rows),
            }
        )
        return check_data(
            Table(train, None, ("a", "b")),
            2,
            SPEC,
            tmp_path / "cache",
            ignore,
            split=Split(**options),
        )

    return check


def rows(**more: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    own: dict[str, tuple[Any, ...]] = {f"p{n}.png": (page(n, form=n), n % 2) for n in range(6)}
    return {**own, **{f"{name}.png": row for name, row in more.items()}}


def test_auto_joins_near_duplicates_to_a_unit_and_lineage_alone_does_not(check: Any) -> None:
    made = copies(page(2, form=2))
    table = rows(other=(made["mirrored"], 0), scan=(made["half"], 0))
    alone = check(table)
    assert len(np.unique(units(alone.table.train))) == 8
    joined = check(table, group="auto")
    unit = dict(zip(joined.table.train["id"], units(joined.table.train), strict=True))
    assert unit["p2.png"] == unit["other.png"] == unit["scan.png"]
    assert len(set(unit.values())) == 6
    assert joined.fingerprint != alone.fingerprint
    assert check(rows(), group="auto").fingerprint == check(rows(), group="auto").fingerprint


def test_copies_that_names_point_to_stop_the_run(check: Any) -> None:
    turned = page(3, form=3).rotate(40, fillcolor="white", resample=PIL.Resampling.BICUBIC)
    table = rows(p3_aug2=(turned, 1), p1_aug=(copies(page(1, form=1))["mirrored"], 1))
    with pytest.raises(DataError) as error:
        check(table)
    (line,) = error.value.lines
    assert line.startswith("2 training rows are copies of other rows by their names and their pix")
    assert "p1_aug.png of p1.png" in line
    assert "p3_aug2.png of p3.png" in line
    assert "data.parent_column" in line
    assert 'split.group = "auto"' in line
    train = check(table, group="auto").table.train
    unit = dict(zip(train["id"], units(train), strict=True))
    assert unit["p3.png"] == unit["p3_aug2.png"]
    assert unit["p1.png"] == unit["p1_aug.png"]


def test_copies_whose_original_is_not_there_stop_the_run(check: Any) -> None:
    made = copies(page(40))
    with pytest.raises(DataError, match=r"x_aug1\.png"):
        check(rows(x_aug0=(made["mirrored"], 1), x_aug1=(made["quarter"], 1)))


def test_names_alone_stop_nothing_nor_do_copies_with_lineage(check: Any) -> None:
    check(rows(p1_aug=(page(31, form=1), 1), p2_2=(page(32, form=2), 0)))
    check(rows(p1_aug=(copies(page(1, form=1))["mirrored"], 1, "p1.png")))


def test_names_point_to_what_they_were_made_from() -> None:
    ids = ["a/1.png", "a/1_aug2.jpg", "b/1_aug.png", "12.png", "1-copy.png", "x (1).png", "x.png"]
    found = {(ids[one], ids[other]) for one, other in pointing(ids)}
    assert found == {("a/1.png", "a/1_aug2.jpg"), ("x.png", "x (1).png")}
    assert set(pointing(["y_rot90", "y_rot180", "z_1", "z_2"])) == {(0, 1)}


def test_a_run_keeps_near_duplicates_in_one_fold_and_records_it(
    documents: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    told: list[str] = []

    def note(event: Event) -> None:
        told.append(event.text)

    run = toolkit.run(
        tiny_recipe, overrides={"split.group": "auto"}, runs=tmp_path / "r", notify=note
    )
    folds = pd.read_csv(run.folder.folds)
    assert folds.groupby("near")["fold"].nunique().max() == 1
    sizes = folds["near"].value_counts()
    joined = {"images": int(sizes[sizes > 1].sum()), "groups": int((sizes > 1).sum())}
    assert json.loads(run.folder.manifest.read_text())["near"] == joined
    assert any(line.startswith('split.group = "auto": ') for line in told)
    assert "near" not in pd.read_csv(toolkit.run(tiny_recipe, runs=tmp_path / "r").folder.folds)
