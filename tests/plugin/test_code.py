"""The digest of a plugin's code: the same for the same files, another after an edit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from toolkit.plugin.code import code_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "digested"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ValueError('imported')\n")
    (folder / "inner" / "losses.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_any_file_of_the_package_counts_and_none_is_imported(package: Path) -> None:
    before = code_digest("digested.inner.losses")
    assert len(before) == 16
    assert before == code_digest("digested")
    (package / "helpers.py").write_text("b = 1\n")
    added = code_digest("digested.inner.losses")
    (package / "helpers.py").rename(package / "others.py")
    assert len({before, added, code_digest("digested")}) == 3
    assert "digested" not in sys.modules


def test_locks_and_copies_of_editors_are_no_code(package: Path) -> None:
    before = code_digest("digested")
    (package / ".#losses.py").symlink_to("nobody@nowhere.1")
    (package / ".ipynb_checkpoints").mkdir()
    (package / ".ipynb_checkpoints" / "losses.py").write_text("a = 2\n")
    (package / "folder.py").mkdir()
    assert code_digest("digested") == before


def test_what_is_no_code_does_not_count(package: Path) -> None:
    before = code_digest("digested")
    (package / "recipes.toml").write_text("[loss]\n")
    assert code_digest("digested") == before


def test_a_module_alone_and_a_namespace_have_their_own_files_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "single_module.py").write_text("a = 1\n")
    for name in ("one", "two"):
        (tmp_path / "shared_space" / name).mkdir(parents=True)
        (tmp_path / "shared_space" / name / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    single, one = code_digest("single_module"), code_digest("shared_space.one")
    (tmp_path / "shared_space" / "two" / "__init__.py").write_text("b = 1\n")
    (tmp_path / "beside.py").write_text("b = 1\n")
    assert (single, one) == (code_digest("single_module"), code_digest("shared_space.one"))


def test_a_module_that_is_gone_has_no_digest() -> None:
    assert code_digest("no_such_module.losses") == ""
