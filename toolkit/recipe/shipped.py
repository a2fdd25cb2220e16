"""The recipes in the box: beside the sources in a checkout, inside the package in a wheel."""

from __future__ import annotations

import re
from pathlib import Path

from toolkit.errors import UserError
from toolkit.plugin.host import PACKAGE

PREFIX = "toolkit:"


def shipped_folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    packed = package / "_recipes"
    return packed if packed.is_dir() else package.parent / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """Name and file of every recipe in the box."""
    return {file.stem: file for file in sorted(shipped_folder().glob("*.toml"))}


def find_shipped(path: str) -> Path | None:
    """The file behind `toolkit:NAME`; None for an ordinary path."""
    if not path.startswith(PREFIX):
        return None
    return shipped_recipe(path.removeprefix(PREFIX))


def shipped_recipe(name: str) -> Path:
    recipes = shipped_recipes()
    if name not in recipes:
        raise UserError(f"{PACKAGE} ships no recipe {name!r}; it has {', '.join(recipes)}")
    return recipes[name]


def summary(file: Path) -> str:
    """A recipe's first comment line says what it is for."""
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip()


def copy_recipe(name: str, to: Path) -> None:
    """Copy a recipe so that it still finds what it extends. Raises where `to` exists."""
    text = shipped_recipe(name).read_text(encoding="utf-8")
    text = re.sub(r'^extends = "(\w+)\.toml"', rf'extends = "{PREFIX}\1"', text, flags=re.M)
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{to}: the file exists; choose another name or remove it") from error
    except OSError as error:
        raise UserError(f"{to}: cannot be written: {error.strerror}") from error
