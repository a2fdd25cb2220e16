"""Systems that cannot be had here: the decisions alone are tested."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileOpenLock

from toolkit.tune.best import _reference
from toolkit.tune.storage import _shared_lock


def test_a_best_recipe_names_the_one_it_extends_by_the_way_there(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "tune-b4"
    assert _reference(str(tmp_path / "b4.toml"), folder) == "../../b4.toml"
    assert _reference("toolkit:cpu", folder) == "toolkit:cpu"


def test_a_best_recipe_on_another_drive_names_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_way(path: str, start: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", no_way)
    recipe = tmp_path / "b4.toml"
    assert _reference(str(recipe), tmp_path / "runs") == recipe.as_posix()


def test_a_shared_journal_is_locked_without_links_where_links_need_rights(tmp_path: Path) -> None:
    file = str(tmp_path / "study.journal")
    assert isinstance(_shared_lock(file, "win32"), JournalFileOpenLock)
    assert _shared_lock(file, "linux") is None  # Optuna's own, which suits NFS
