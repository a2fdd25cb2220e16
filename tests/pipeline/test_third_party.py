"""A package that nobody here wrote, installed into a fresh environment, in a recipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-vision"
version = "1.2.3"
dependencies = ["recipe-toolkit"]

[project.entry-points.toolkit]
acme = "acme_vision"
"""

TABLE = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.loss("poly", "acme_vision.parts:poly", help="Poly-1 cross-entropy")
    register.backbone("tiny", "acme_vision.parts:Tiny", help="two convolutions")
"""

PARTS = '''
from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn


class Tiny(nn.Module):
    """Two convolutions and a linear head."""

    def __init__(
        self,
        facts,
        /,
        *,
        pretrained: bool = False,
        width: Annotated[int, Field(ge=1, description="channels")] = 8,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3, 2), nn.ReLU(), nn.Conv2d(width, width, 3, 2), nn.ReLU()
        )
        self.head = nn.Linear(width, len(facts.classes))

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


class Poly(nn.Module):
    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, logits, targets):
        p = (logits.softmax(1) * targets).sum(1)
        cross_entropy = torch.nn.functional.cross_entropy(logits, targets)
        return cross_entropy + self.epsilon * (1 - p).mean()


def poly(facts, /, *, epsilon: Annotated[float, Field(ge=0)] = 1.0) -> nn.Module:
    """Poly-1 loss (Leng et al. 2022)."""
    return Poly(epsilon)
'''


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    package = tmp_path / "acme"
    (package / "acme_vision").mkdir(parents=True)
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "acme_vision" / "__init__.py").write_text(TABLE)
    (package / "acme_vision" / "parts.py").write_text(PARTS)
    return package


@pytest.fixture
def fresh_python(tmp_path: Path) -> Path:
    """The python of a new virtual environment that sees this one's packages behind its own.

    Torch alone is gigabytes; linking the environment in spares installing it once more.
    """
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.check_output([python, "-c", where], text=True).strip()
    behind = sysconfig.get_path("purelib")
    Path(packages, "behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
    return python


def test_a_third_partys_loss_and_backbone_run_in_a_recipe(
    acme: Path, fresh_python: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", str(acme)]
    subprocess.run([fresh_python, *install], check=True)
    text = tiny_recipe.read_text().replace('use = "test_resnet"', 'use = "acme.tiny"\nwidth = 6')
    text = text.replace('use = "focal"\nalpha = 0.5', 'use = "acme.poly"\nepsilon = 0.5')
    tiny_recipe.write_text(text)
    listed = subprocess.check_output([fresh_python, "-m", "toolkit", "plugins"], text=True)
    assert "acme.poly" in listed
    assert "acme-vision 1.2.3" in listed
    run = [fresh_python, "-m", "toolkit", "run", str(tiny_recipe), "--runs", str(tmp_path / "r")]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "r").iterdir()
    recorded = json.loads((folder / "manifest.json").read_text())["components"]
    used = {(c["kind"], c["name"], c["package"], c["version"]) for c in recorded}
    assert ("loss", "acme.poly", "acme-vision", "1.2.3") in used
    assert ("backbone", "acme.tiny", "acme-vision", "1.2.3") in used


def test_a_wrong_option_of_a_third_party_is_found_like_any_other(
    acme: Path, fresh_python: Path, tiny_recipe: Path
) -> None:
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", str(acme)]
    subprocess.run([fresh_python, *install], check=True)
    text = tiny_recipe.read_text().replace('use = "focal"\nalpha = 0.5', 'use = "acme.poly"')
    tiny_recipe.write_text(text.replace('"acme.poly"', '"acme.poly"\nepsilom = 2.0'))
    line = 1 + tiny_recipe.read_text().split("epsilom")[0].count("\n")
    done = subprocess.run(
        [fresh_python, "-m", "toolkit", "validate", str(tiny_recipe)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert (
        f'{tiny_recipe}:{line}: loss.epsilom: unknown key. Did you mean "epsilon"?' in done.stderr
    )
