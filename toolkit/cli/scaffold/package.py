"""Writes a new plugin package: a table, an example of each kind that is asked for, a test, and a
recipe that uses them.

The examples are the modules of `templates/`; `acme.` in them becomes the plugin's name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path

from toolkit.cli.scaffold.examples import EXAMPLES, in_recipes
from toolkit.cli.scaffold.project import project_files
from toolkit.cli.scaffold.texts import (
    page_image,
    pyproject_text,
    readme_text,
    recipe_text,
    table_text,
    test_text,
)
from toolkit.errors import UserError


def new_package(
    name: str,
    kinds: Collection[str],
    taken: Mapping[str, str],
    parent: Path,
    *,
    drawn: bool,
    author: str = "",
    year: int | None = None,
) -> Path:
    """Write the package of a new plugin into `parent`, and return its folder.

    Args:
        name: the plugin's name, its entry point's: what stands before the dot in recipes.
        kinds: keys of `EXAMPLES`.
        taken: names that it cannot have, with who has them.
        drawn: the source `DRAWN` is installed, and its recipe may use it.
        author, year: of the licence; by default the plugin's authors, and this year.

    Raises `UserError` with all that is wrong with the name or the folder; nothing is written then.
    """
    folder = parent / f"{name}-plugin"
    problems = list(_problems(name, taken, folder))
    if problems:
        raise UserError(*problems)
    project = project_files(name, author, date.today().year if year is None else year)
    for path, content in {**package_files(name, kinds, drawn=drawn), **project}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def _problems(name: str, taken: Mapping[str, str], folder: Path) -> Iterable[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        yield (
            f'"{name}" cannot be a plugin\'s name: write lower-case letters, digits and '
            "underscores, a letter first"
        )
    elif name in taken:
        yield f'the plugin name "{name}" is taken by {taken[name]}; choose another'
    elif folder.exists():
        yield f"{folder}: exists already; remove it, or choose another name"


def package_files(name: str, kinds: Collection[str], *, drawn: bool) -> dict[str, str | bytes]:
    """Path in the package's folder to content; arguments as in `new_package`."""
    chosen = {kind: example for kind, example in EXAMPLES.items() if kind in kinds}
    module = f"{name}_plugin"
    drawn = drawn and "source" not in chosen and in_recipes(chosen)
    found: dict[str, str | bytes] = {
        "pyproject.toml": pyproject_text(name, module, drawn),
        "README.md": readme_text(name, chosen),
        f"{module}/__init__.py": table_text(name, module, chosen),
        "tests/test_conformance.py": test_text(name, chosen),
    }
    for example in chosen.values():
        template = files("toolkit.cli.scaffold") / "templates" / f"{example.module}.py"
        text = template.read_text(encoding="utf-8").replace("acme.", f"{name}.")
        found[f"{module}/{example.module}.py"] = text
    if in_recipes(chosen):
        found[f"{module}/recipes/pages.toml"] = recipe_text(name, chosen, drawn)
    if "source" in chosen:
        for label in ("form", "letter"):
            for number in (1, 2):
                found[f"tests/pages/{label}_{number}.png"] = page_image(label, number)
    return found
