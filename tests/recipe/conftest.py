"""A host with one light third-party backbone, and short ways from text to a plan."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import RecipeError
from toolkit.plugin.host import Host, load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan

ACME = """
from typing import Annotated

from pydantic import Field

from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.backbone("tiny", "recipe_acme:tiny", help="one layer")
    register.loss("gone", "recipe_acme:gone", help="its factory was forgotten")


def tiny(facts, /, *, pretrained: bool = False, width: Annotated[int, Field(ge=1)] = 8):
    '''One layer.'''
"""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The components in the box, `acme.tiny`, and `acme.gone`, whose target does not load."""
    site = tmp_path_factory.mktemp("site")
    (site / "recipe_acme.py").write_text(ACME)
    sys.path.insert(0, str(site))
    try:
        loaded = load_host({}, [EntryPoint("acme", "recipe_acme", "toolkit")])
        assert loaded.set_aside == ()
        yield loaded
    finally:
        sys.path.remove(str(site))
        sys.modules.pop("recipe_acme", None)


@pytest.fixture(scope="session")
def shipped_host() -> Host:
    """What the recipes in the box need: the built-ins, toolkit-lite and toolkit-synthdocs."""
    return load_host({"TOOLKIT_PLUGINS": "lite,synthdocs"})


@pytest.fixture
def minimal() -> str:
    """The smallest recipe that can be planned; 7 lines."""
    return '[data]\nuse = "folder"\nroot = "pages"\n\n[backbone]\nuse = "acme.tiny"\n\n'


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`write(text, "sub/child.toml")` writes a file; the test's own folder is the working one."""
    monkeypatch.chdir(tmp_path)

    def written(text: str, name: str = "recipe.toml") -> str:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        return name

    return written


@pytest.fixture
def plan_of(write: Callable[..., str], host: Host) -> Callable[..., Plan]:
    """`plan_of(text, overrides)` is the plan of a recipe with that text."""

    def planned(text: str, overrides: Mapping[str, Any] | None = None) -> Plan:
        return make_plan(load_recipe(write(text), overrides), host)

    return planned


@pytest.fixture
def mistakes_of(plan_of: Callable[..., Plan]) -> Callable[..., tuple[str, ...]]:
    """`mistakes_of(text, overrides)` are the lines that planning it raises."""

    def found(text: str, overrides: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        with pytest.raises(RecipeError) as caught:
            plan_of(text, overrides)
        return caught.value.lines

    return found
