"""Writes a new plugin package: a table, an example of each kind that is asked for, a test, and a
recipe that uses them.

The examples are the modules of `templates/`; `acme.` in them becomes the plugin's name.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from toolkit.errors import UserError
from toolkit.plugin.hooks import PLUGIN_API

DRAWN = "synthdocs.documents"
"""The source of toolkit-synthdocs: a recipe that uses it runs at once, with nobody's data."""


@dataclass(frozen=True)
class Example:
    """What a new package offers of one kind."""

    module: str
    name: str
    help: str
    use: str
    """The lines that use it, `$name` standing for the name behind which a person finds it."""


EXAMPLES: dict[str, Example] = {
    "loss": Example(
        "losses", "poly", "Poly-1 cross-entropy (Leng 2022)", '[loss]\nuse = "$name"\nepsilon = 2.0'
    ),
    "backbone": Example(
        "backbones",
        "tiny",
        "two convolutions and a head",
        '[backbone]\nuse = "$name"\nwidth = 32',
    ),
    "augmentation": Example(
        "augmentations",
        "erase",
        "a grey rectangle (DeVries 2017)",
        '[augment.train]\nuse = "$name"\nshare = 0.2',
    ),
    "ensembler": Example(
        "ensemblers", "median", "median of the members", '[ensemble]\nuse = "$name"'
    ),
    "sampler": Example(
        "samplers",
        "at_least",
        "rare classes until they have their rows",
        '[sampler]\nuse = "$name"\nrows = 30',
    ),
    "source": Example(
        "sources",
        "named",
        "one folder, classes in file names",
        '[data]\nuse = "$name"\nroot = "data/pages"',
    ),
    "tracker": Example("trackers", "notes", "a line a fold, in notes.md", '[track]\nuse = "$name"'),
    "command": Example(
        "commands",
        "unsure",
        "list the images that a run is least sure of",
        "toolkit $name runs/my-run",
    ),
}
"""In the order of the table: components, then the command."""


def new_package(
    name: str, kinds: Collection[str], taken: Mapping[str, str], parent: Path, *, drawn: bool
) -> Path:
    """Write the package of a new plugin into `parent`, and return its folder.

    Args:
        name: the plugin's name, its entry point's: what stands before the dot in recipes.
        kinds: keys of `EXAMPLES`.
        taken: names that it cannot have, with who has them.
        drawn: the source `DRAWN` is installed, and its recipe may use it.

    Raises `UserError` with all that is wrong with the name or the folder; nothing is written then.
    """
    folder = parent / f"{name}-plugin"
    problems = list(_problems(name, taken, folder))
    if problems:
        raise UserError(*problems)
    for path, content in package_files(name, kinds, drawn=drawn).items():
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
    drawn = drawn and "source" not in chosen and _in_recipes(chosen)
    found: dict[str, str | bytes] = {
        "pyproject.toml": _pyproject(name, module, drawn),
        "README.md": _readme(name, chosen),
        f"{module}/__init__.py": _table(name, module, chosen),
        "tests/test_conformance.py": _test(name, chosen),
    }
    for example in chosen.values():
        template = files("toolkit.plugin") / "templates" / f"{example.module}.py"
        text = template.read_text(encoding="utf-8").replace("acme.", f"{name}.")
        found[f"{module}/{example.module}.py"] = text
    if _in_recipes(chosen):
        found[f"{module}/recipes/pages.toml"] = _recipe(name, chosen, drawn)
    if "source" in chosen:
        for label in ("form", "letter"):
            for number in (1, 2):
                found[f"tests/pages/{label}_{number}.png"] = _page(label, number)
    return found


def _in_recipes(chosen: Mapping[str, Example]) -> bool:
    """Whether a recipe can use any of it: a command is none of its parts."""
    return bool(chosen.keys() - {"command"})


def _pyproject(name: str, module: str, drawn: bool) -> str:
    more = ', "toolkit-synthdocs"' if drawn else ""  # its recipe is tested, too
    return f'''[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "{name}-plugin"
version = "0.1.0"
description = "Components for recipe-toolkit"
readme = "README.md"
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


def _readme(name: str, chosen: Mapping[str, Example]) -> str:
    uses = "".join(
        f"\n- {_full(name, kind)}: {example.help}\n\n```{'sh' if kind == 'command' else 'toml'}\n"
        f"{example.use.replace('$name', _full(name, kind))}\n```\n"
        for kind, example in chosen.items()
    )
    recipe = ""
    if _in_recipes(chosen):
        recipe = f"\n- `toolkit run {name}:pages` runs the recipe in `{name}_plugin/recipes`.\n"
    return f"""# {name}-plugin

A plugin for recipe-toolkit. The table is in `{name}_plugin/__init__.py`; it registers targets as
text and imports nothing heavy, so that `toolkit --help` stays quick.

```sh
pip install -e ".[test]"
python -m pytest
```

## Use
{uses}{recipe}
`toolkit plugins` lists it. A component is a function: what the host gives stands in front of `/`,
what a recipe may say behind `*`, with its type, bounds, default and meaning.
"""


def _table(name: str, module: str, chosen: Mapping[str, Example]) -> str:
    calls = ""
    for kind, example in chosen.items():
        target = f'"{module}.{example.module}:{example.name}"'
        calls += _call(f"register.{kind}", f'"{example.name}"', target, f'help="{example.help}"')
    if _in_recipes(chosen):
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


def _recipe(name: str, chosen: Mapping[str, Example], drawn: bool) -> str:
    """A whole recipe: the examples, and a small model and few epochs around them."""
    what, data = "", '[data]\nuse = "csv"\nroot = "data/documents"'
    if drawn:
        what = ", on drawn pages (needs toolkit-synthdocs)"
        data = f'[data]\nuse = "{DRAWN}"\nscale = 0.05'
    uses = {"source": data, "backbone": '[backbone]\nuse = "resnet18"\npretrained = false'}
    uses |= {kind: e.use.replace("$name", _full(name, kind)) for kind, e in chosen.items()}
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


def _test(name: str, chosen: Mapping[str, Example]) -> str:
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
    options={{"source:{_full(name, "source")}": {{"root": PAGES}}}},
)
'''


def _full(name: str, kind: str) -> str:
    """As a person writes it: `acme.poly` in a recipe, `acme unsure` behind `toolkit`."""
    return f"{name}{' ' if kind == 'command' else '.'}{EXAMPLES[kind].name}"


def _page(label: str, number: int) -> bytes:
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
