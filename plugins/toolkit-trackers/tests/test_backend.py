"""A tracker that was asked for is never dropped: a backend that is missing stops the run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toolkit.cli import run_command
from toolkit.contracts import RunInfo
from toolkit.errors import UserError
from toolkit.plugin.host import load_host

missing = pytest.mark.parametrize(
    ("name", "module"),
    [
        ("wandb", "wandb"),
        ("tensorboard", "tensorboard"),
        ("mlflow", "mlflow"),
    ],
)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes `import <module>` fail, as where it is not installed."""
    return lambda module: monkeypatch.setitem(sys.modules, module, None)


@missing
def test_a_missing_backend_is_named_with_the_pip_command(
    name: str, module: str, run_info: RunInfo, without: Callable[[str], None]
) -> None:
    entry = load_host().registry.get("tracker", f"trackers.{name}")
    assert entry is not None
    without(module)
    with pytest.raises(UserError, match=rf'{module} .*`pip install "toolkit-trackers\[{name}\]"`'):
        entry.load()(run_info)


@pytest.mark.parametrize("module", ["sqlalchemy", "alembic"])
def test_what_mlflows_own_store_needs_is_named_too(
    module: str, run_info: RunInfo, without: Callable[[str], None]
) -> None:
    pytest.importorskip("mlflow", reason='pip install "toolkit-trackers[mlflow]"')
    from toolkit_trackers.mlflow import MLflow

    without(module)
    with pytest.raises(UserError, match=rf'{module} .*`pip install "toolkit-trackers\[mlflow\]"`'):
        MLflow(run_info)
    MLflow(run_info, tracking_uri="http://127.0.0.1:5000")  # a server needs neither


@missing
def test_a_run_stops_before_it_trains(
    name: str,
    module: str,
    tmp_path: Path,
    write_recipe: Callable[..., Path],
    without: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    without(module)
    recipe = write_recipe(tmp_path, f"trackers.{name}")
    code = run_command(["run", str(recipe), "--runs", str(tmp_path / "runs")])
    told = " ".join(capsys.readouterr().err.split())
    assert code == 2
    assert f'`pip install "toolkit-trackers[{name}]"`' in told
    assert not list(tmp_path.glob("runs/*/folds*"))
