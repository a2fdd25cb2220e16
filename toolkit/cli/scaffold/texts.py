"""The files of a new plugin package that are no examples: project file, table, recipe, test."""

from __future__ import annotations

import io
from collections.abc import Mapping

from toolkit.cli.scaffold.examples import Example, full_name, in_recipes
from toolkit.plugin.api import PLUGIN_API

DRAWN = "synthdocs.documents"
"""The source of toolkit-synthdocs: a recipe that uses it runs at once, with nobody's data."""


def pyproject_text(name: str, module: str, drawn: bool) -> str:
    more = ', "toolkit-synthdocs"' if drawn else ""  # its recipe is tested, too
    return f'''[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "{name}-plugin"
version = "0.1.0"
description = "Components for recipe-toolkit"
readme = "README.md"
license = "MIT"
license-files = ["LICENSE"]
requires-python = ">=3.11"
dependencies = ["recipe-toolkit"]

[project.optional-dependencies]
test = ["recipe-toolkit[testing]"{more}]

[project.entry-points.toolkit]
{name} = "{module}"

[tool.hatch.build]
dev-mode-dirs = ["."]

[tool.hatch.build.targets.wheel]
packages = ["{module}"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "--import-mode=importlib"

[tool.ruff]
line-length = 100
'''


def readme_text(name: str, chosen: Mapping[str, Example]) -> str:
    uses = ""
    for kind, example in chosen.items():
        full, language = full_name(name, kind), "sh" if kind == "command" else "toml"
        code = example.use.replace("$name", full)
        uses += f"\n- {full}: {example.help}\n\n```{language}\n{code}\n```\n"
    recipe = ""
    if in_recipes(chosen):
        recipe = f"\n- `toolkit run {name}:pages` runs the recipe in `{name}_plugin/recipes`.\n"
    return f"""# {name}-plugin

A plugin for recipe-toolkit. The table is in `{name}_plugin/__init__.py`; it registers targets as
text and imports nothing heavy, so that `toolkit --help` stays quick.

```sh
pip install -e ".[test]"
python -m pytest
```

`.github/workflows/tests.yml` runs the same at every push to GitHub; `LICENSE` is MIT's.

## Use
{uses}{recipe}
`toolkit plugins` lists it. A component is a function: what the host gives stands in front of `/`,
what a recipe may say behind `*`, with its type, bounds, default and meaning.
"""


def table_text(name: str, module: str, chosen: Mapping[str, Example]) -> str:
    calls = ""
    for kind, example in chosen.items():
        target = f'"{module}.{example.module}:{example.name}"'
        calls += _call(f"register.{kind}", f'"{example.name}"', target, f'help="{example.help}"')
    if in_recipes(chosen):
        calls += _call("register.recipes", f'"{module}.recipes"')
    return f'''"""What the plugin offers: a table, which imports nothing heavy."""

from toolkit import hookimpl
from toolkit.plugin.registry import Register

toolkit_plugin_api = {PLUGIN_API}  # what it was built for; another one sets it aside, with advice


@hookimpl
def toolkit_register(register: Register) -> None:
    """Offer what this package has."""
{calls}'''


def _call(function: str, *arguments: str) -> str:
    """A call on one line where it fits, else with a line an argument, as formatters lay it out."""
    line = f"    {function}({', '.join(arguments)})\n"
    if len(line) <= 101:
        return line
    lines = "".join(f"        {text},\n" for text in arguments)
    return f"    {function}(\n{lines}    )\n"


def recipe_text(name: str, chosen: Mapping[str, Example], drawn: bool) -> str:
    """A whole recipe: the examples, and a small model and few epochs around them."""
    what, data = "", '[data]\nuse = "csv"\nroot = "data/documents"'
    if drawn:
        what = ", on drawn pages (needs toolkit-synthdocs)"
        data = f'[data]\nuse = "{DRAWN}"\nscale = 0.05'
    uses = {"source": data, "backbone": '[backbone]\nuse = "resnet18"\npretrained = false'}
    uses |= {kind: e.use.replace("$name", full_name(name, kind)) for kind, e in chosen.items()}
    uses.pop("command", None)
    parts = [
        f"# A first run with the components of {name}-plugin{what}.",
        'extends = "toolkit:base"',
        uses.pop("source"),
        "[split]\nfolds = 3",
        "[image]\nsize = 64",
        *uses.values(),
        "[train]\nepochs = 2",
    ]
    return "\n\n".join(parts) + "\n"


def test_text(name: str, chosen: Mapping[str, Example]) -> str:
    rules = '"""The rules of the host, checked for everything that this package offers."""\n'
    if "source" not in chosen:
        return (
            f"{rules}\nfrom toolkit.testing import conformance\n\n"
            f'test_conformance = conformance("{name}")\n'
        )
    return f'''{rules}
from pathlib import Path

from toolkit.testing import conformance

PAGES = str(Path(__file__).parent / "pages")

test_conformance = conformance(
    "{name}",
    options={{"source:{full_name(name, "source")}": {{"root": PAGES}}}},
)
'''


def page_image(label: str, number: int) -> bytes:
    """A small page for the test of a source: a form has a frame, a letter has lines."""
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (48, 64), (240, 240, 232))
    pen = ImageDraw.Draw(page)
    if label == "form":
        pen.rectangle((6, 6 + number, 41, 57), outline=(40, 40, 60), width=2)
    else:
        for y in range(10 + number, 56, 8):
            pen.line((6, y, 41, y), fill=(40, 40, 60), width=2)
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
