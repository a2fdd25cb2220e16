"""Weights and the epoch that they are of belong together, wherever a fold is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit.runs.folder import FoldFolder
from toolkit.score.measures import Measures

OVERRIDES = {"train.epochs": 3}
SAME = ("weights.safetensors", "oof.parquet", "test.parquet", "preprocess.json")


class Killed(BaseException):
    """Nothing that is caught anywhere, as a kill is not."""


def kill_before_rename(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], None]:
    """The process dies just before the `number`-th file of a fold gets its name, or is removed."""
    changes = 0

    def dies(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Path, *more: Any, **options: Any) -> Any:
            nonlocal changes
            if "folds" in self.parts and not (change is unlink and not self.exists()):
                changes += 1
                if changes == number:
                    raise Killed
            return change(self, *more, **options)

        return changed

    replace, unlink = Path.replace, Path.unlink
    monkeypatch.setattr(Path, "replace", dies(replace))
    monkeypatch.setattr(Path, "unlink", dies(unlink))

    def alive() -> None:
        monkeypatch.setattr(Path, "replace", replace)
        monkeypatch.setattr(Path, "unlink", unlink)

    return alive


def files(folder: FoldFolder) -> set[str]:
    return {file.name for file in folder.path.iterdir() if not file.name.startswith(".")}


@pytest.mark.slow
def test_a_fold_killed_between_any_two_changes_ends_with_the_same_bytes(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = one_fold(tmp_path / "whole", OVERRIDES)
    number = 0
    while True:
        number += 1
        run = tmp_path / str(number)
        alive = kill_before_rename(monkeypatch, number)
        try:
            one_fold(run, OVERRIDES)
        except Killed:
            pass
        else:
            break  # there is no such change any more
        finally:
            alive()
        again = one_fold(run, OVERRIDES)
        assert files(again) == files(whole), number
        for name in SAME:
            got, wanted = (again.path / name).read_bytes(), (whole.path / name).read_bytes()
            assert got == wanted, (number, name)
        assert kept(again) == kept(whole), number
    assert number > 12


def kept(folder: FoldFolder) -> dict[str, Any]:
    done = json.loads(folder.done.read_text())
    return {key: value for key, value in done.items() if "second" not in key}


def test_a_better_epoch_that_was_killed_leaves_the_best_before_it_in_place(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device whose bits differ from start to start, the epoch need not be the best again."""
    import toolkit.train.checkpoint as checkpoint

    rising = iter_scores([0.1, 0.9], [0.1, 0.2, 0.0])
    sound = Measures.scores

    def scores(*arguments: Any) -> dict[str, float]:
        return {**sound(*arguments), "macro_f1": next(rising)}

    saved = checkpoint.save_tree

    def save(file: Path, tree: Any) -> None:
        if tree["progress"]["epoch"] == 2:
            raise Killed
        saved(file, tree)

    monkeypatch.setattr(Measures, "scores", scores)
    monkeypatch.setattr(checkpoint, "save_tree", save)
    with pytest.raises(Killed):
        one_fold(tmp_path / "run", {"train.epochs": 2})
    folder = FoldFolder(tmp_path / "run" / "folds" / "0")
    first = folder.best(1).read_bytes()
    assert folder.best(2).read_bytes() != first
    monkeypatch.setattr(checkpoint, "save_tree", saved)
    rising = iter_scores([0.05, 0.3])  # epoch 2 anew, lower than epoch 1 was; then the result
    done = json.loads(one_fold(tmp_path / "run", {"train.epochs": 2}).done.read_text())
    assert done["best_epoch"] == 1
    assert folder.weights.read_bytes() == first


def iter_scores(*parts: list[float]) -> Iterator[float]:
    return (score for part in parts for score in part)


def test_best_weights_that_are_gone_train_the_fold_anew(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    import toolkit.train.checkpoint as checkpoint

    whole = one_fold(tmp_path / "whole", OVERRIDES)
    monkeypatch.setattr(checkpoint, "load_weights", kill)
    with pytest.raises(Killed):
        one_fold(tmp_path / "run", OVERRIDES)
    monkeypatch.undo()
    folder = FoldFolder(tmp_path / "run" / "folds" / "0")
    (best,) = folder.path.glob("best-*")
    best.unlink()
    events, notify = told
    one_fold(tmp_path / "run", OVERRIDES, notify=notify)
    assert any("is gone; fold 0 starts anew" in event.text for event in events)
    assert folder.weights.read_bytes() == whole.weights.read_bytes()


def kill(*arguments: Any) -> None:
    raise Killed


def test_the_seconds_of_a_resumed_fold_are_those_of_all_starts(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toolkit.train.checkpoint as checkpoint

    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    saved = checkpoint.save_tree

    def save(file: Path, tree: Any) -> None:
        saved(file, tree)
        if tree["progress"]["epoch"] == 2:
            raise Killed

    def tick(event: Any) -> None:
        clock[0] += 100.0 * (event.stage == "train" and event.done == 1)

    monkeypatch.setattr(checkpoint, "save_tree", save)
    with pytest.raises(Killed):
        one_fold(tmp_path / "run", OVERRIDES, notify=tick)
    monkeypatch.setattr(checkpoint, "save_tree", saved)
    clock[0] = 5000.0
    done = json.loads(one_fold(tmp_path / "run", OVERRIDES, notify=tick).done.read_text())
    assert done["seconds"] == 300.0
    assert done["images_per_second"] == round(36 / 300, 1)


def test_the_training_of_a_resumed_run_is_that_of_all_starts(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    run = toolkit.run(tiny_recipe, runs=tmp_path / "runs")
    run.folder.report.unlink()
    for number in (0, 1):
        done = run.folder.fold(number).done
        done.write_text(json.dumps({**json.loads(done.read_text()), "seconds": 1000.0}))
    again = toolkit.run(tiny_recipe, runs=tmp_path / "runs")
    assert again.report["seconds"]["train"] == again.report["seconds"]["folds"] == 2000.0
    assert again.report["seconds"]["decode"] < 1000
