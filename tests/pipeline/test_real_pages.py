"""The recipe for two cores on real pages, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.cli import run_command

ROOT = Path(__file__).parents[2]
PAGES = ROOT.parent / "shared" / "data" / "texdocs"


@pytest.mark.slow
@pytest.mark.skipif(not PAGES.is_dir(), reason="the real pages are not at hand")
def test_the_cpu_recipe_passes_every_stage_on_real_pages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("toolkit_lite", reason="toolkit-lite is not installed")
    monkeypatch.chdir(tmp_path)
    recipe = str(ROOT / "recipes" / "cpu.toml")
    overrides = (f"data.root={PAGES}", "data.group_column=document")
    options = [part for text in overrides for part in ("--set", text)]
    assert run_command(["run", recipe, "--smoke", *options]) == 0
    assert "every stage passed: 2 folds of 26 images" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
