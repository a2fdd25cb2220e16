"""How the house stands: imports run downwards only and in no circle, and no room is too long. The
table of floors is that of docs/architecture.md."""

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
    "prepare",
    "report",
    "ensemble",
    "train",
    "predict",
    "model",
    "score",
    "check",
    "data",
    "execute",
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


LONGEST = 300  # lines of a room


def test_no_room_is_longer_than_300_lines() -> None:
    lines = {
        file.relative_to(PACKAGE).as_posix(): len(file.read_text().splitlines())
        for file in PACKAGE.rglob("*.py")
    }
    long = {file: count for file, count in lines.items() if count > LONGEST}
    assert not long, f"two rooms each: {long}"


def test_no_files_import_each_other_in_a_circle() -> None:
    """Whatever an import is for, and wherever in the file it stands: what can only be read
    together is one room, or lacks a room that both stand on."""
    files = {module_of(file): file for file in PACKAGE.rglob("*.py")}
    rooms = {module: rooms_imported(module, file, files) for module, file in files.items()}
    circles = [" -> ".join(circle) for circle in circles_in(rooms)]
    assert not circles, "\n".join(circles)


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rooms_imported(module: str, file: Path, files: dict[str, Path]) -> set[str]:
    """The rooms that a room imports, those in functions and for the type checker, too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:  # a module, or something in one
            found.add(name if name in files else name.rpartition(".")[0])
    return found & (files.keys() - {module})


def circles_in(rooms: dict[str, set[str]]) -> list[list[str]]:
    """One circle for each room that a search meets again on its own way."""
    done: set[str] = set()
    found = []

    def visit(module: str, way: list[str]) -> None:
        if module in way:
            found.append([*way[way.index(module) :], module])
        elif module not in done:
            for other in sorted(rooms[module]):
                visit(other, [*way, module])
            done.add(module)

    for module in sorted(rooms):
        visit(module, [])
    return found


def test_a_circle_is_found_however_long_it_is() -> None:
    rooms = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert circles_in(rooms) == [["a", "b", "c", "a"]]
    assert circles_in({**rooms, "c": {"d"}}) == []
