"""A run with offline copies: they train, they never validate, and they leave the folds alone."""

from __future__ import annotations

import gc
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit.contracts import Event
from toolkit.data.evict import clear, packs
from toolkit.errors import RecipeError
from toolkit.runs.opened import Run

OFFLINE = {"augment.offline.use": "light", "augment.offline.copies": 2}


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def run(finished: Run, tmp_path_factory: pytest.TempPathFactory, events: list[Event]) -> Run:
    """The finished run's recipe with two copies of each training original."""
    runs = tmp_path_factory.mktemp("offline") / "runs"
    return toolkit.run(finished.folder.recipe, overrides=OFFLINE, runs=runs, notify=events.append)


def test_a_fold_trains_on_its_originals_and_their_copies(run: Run, events: list[Event]) -> None:
    # 24 originals, two folds: 12 train, and with them 24 copies.
    totals = {event.total for event in events if event.stage == "train"}
    assert totals == {-(-36 // 5)}  # batches of 5


def test_only_originals_are_validated_in_the_same_folds(run: Run, finished: Run) -> None:
    pd.testing.assert_frame_equal(pd.read_csv(run.folder.folds), pd.read_csv(finished.folder.folds))
    assert sorted(run.oof["id"].unique()) == sorted(finished.oof["id"].unique())
    assert not run.oof["id"].str.contains("#").any()


def test_the_copies_change_the_plan_and_the_model(run: Run, finished: Run) -> None:
    assert run.plan["hash"] != finished.plan["hash"]
    assert not run.oof["p_0"].equals(finished.oof["p_0"])
    assert 'use = "light"\ncopies = 2\n' in run.folder.recipe.read_text()


def test_the_host_key_is_checked_like_any_other(tiny_recipe: Path) -> None:
    with pytest.raises(RecipeError) as error:
        toolkit.run(tiny_recipe, overrides={**OFFLINE, "augment.offline.copies": 0})
    assert error.value.lines == (
        "--set augment.offline.copies=0: augment.offline.copies: expected integer >= 1, found 0",
    )
    with pytest.raises(RecipeError, match=r"augment.offline.copeis: unknown key. Did you mean"):
        toolkit.run(tiny_recipe, overrides={**OFFLINE, "augment.offline.copeis": 1})


@pytest.mark.slow
def test_a_cache_too_small_for_source_and_copies_costs_the_run_nothing(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own packs stay while it runs, also for a loader process that starts late, and while
    somebody clears the cache; those of the run before go."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOOLKIT_CACHE_GB", "0")
    told: list[str] = []

    def clearing(event: Event) -> None:
        told.append(event.text)
        if event.stage == "train":
            clear(tmp_path / "cache")

    overrides = {**OFFLINE, "train.workers": 1}
    toolkit.run(tiny_recipe, overrides={**OFFLINE, "seed": 1}, runs=tmp_path / "before")
    gc.collect()
    before = {pack.key for pack in packs(tmp_path / "cache")}
    run = toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "runs", notify=clearing)
    assert run.report["rows"]["train"] > 0
    assert any("above TOOLKIT_CACHE_GB = 0: all of it is in use" in text for text in told)
    gc.collect()
    after = {pack.key for pack in packs(tmp_path / "cache")}
    assert len(after) == 2
    assert after != before


def test_a_fold_has_exactly_the_rows_a_class_that_balance_to_asks_for(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    laid = {"augment.offline.use": "light", "augment.offline.balance_to": 7, "train.epochs": 1}
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs")
    assert [fold["drawn"] for fold in run.report["scores"]["folds"]] == [[7, 7, 7]] * 2
    assert run.models().saved.facts[0].counts == (7, 7, 7)
    told: list[Event] = []
    laid |= {"augment.offline.mode": "replace", "augment.offline.copies": 3}
    other = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs", notify=told.append)
    assert [fold["drawn"] for fold in other.report["scores"]["folds"]] == [[7, 7, 7]] * 2
    assert other.models().saved.facts[1].counts == (7, 7, 7)
    words = "--set augment.offline.copies=3: augment.offline.copies is not used: balance_to decides"
    assert words in [event.text for event in told]
    assert other.oof["id"].nunique() == 24
