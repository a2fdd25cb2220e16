"""Imports run downwards only: the table of docs/architecture.md, held by a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "toolkit"

# From the top of the building to its ground; a room imports from rooms below it, and from itself.
FLOORS = (
    "cli",
    "testing",
    "tune",
    "pipeline",
    "report",
    "ensemble",
    "train",
    "predict",
    "model",
    "score",
    "check",
    "data",
    "runs",
    "recipe",
    "builtin",
    "plugin",
    "contracts",
    "files",
    "errors",
)

HEAVY = {"torch", "timm", "albumentations", "pandas", "sklearn", "optuna"}
# Modules that listing, validating and `--help` import: they must not import the heavy ones at
# their top level.
LIGHT = ("cli", "plugin", "recipe")


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem in FLOORS)


def floor_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Names of imported modules, except those that only the type checker imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


@pytest.mark.parametrize("file", modules(), ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_its_own_floor_or_below(file: Path) -> None:
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = FLOORS[FLOORS.index(own) :]
    for name in imports(ast.parse(file.read_text())):
        if name.startswith("toolkit.") and floor_of(name) != "__version__":
            assert floor_of(name) in allowed, f"{own} may not import {name}"


@pytest.mark.parametrize(
    "file",
    [f for f in modules() if f.relative_to(PACKAGE).parts[0] in LIGHT],
    ids=lambda f: f.relative_to(PACKAGE).as_posix(),
)
def test_light_rooms_import_nothing_heavy_at_their_top(file: Path) -> None:
    tree = ast.parse(file.read_text())
    top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    found = {name.split(".")[0] for name in imports(ast.Module(top, []))}
    assert not found & HEAVY


def test_every_folder_and_module_stands_on_a_floor() -> None:
    rooms = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    single = {p.stem for p in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert rooms | single == set(FLOORS)


def test_architecture_md_lists_the_same_floors_in_the_same_order() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    table = text.partition("## Floors")[2].partition("\n## ")[0]
    listed = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert tuple(listed) == FLOORS
