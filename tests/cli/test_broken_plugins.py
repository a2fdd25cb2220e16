"""Many broken plugins installed at once: the tool works, and `--check` names every cause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.cli.plugin_check import summary
from toolkit.plugin.api import PLUGIN_API
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import RecipeFolder

HOOK = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    """

LOSS = HOOK + 'register.loss("poly", "{module}:poly", help="Poly-1")\n\n\n'

GOOD = (
    LOSS
    + "def poly(facts, /, *, epsilon: float = 1.0):\n"
    + "    from torch.nn import CrossEntropyLoss\n\n    return CrossEntropyLoss()\n"
)

# What each plugin does wrong: its source (None: its module is gone), and what must be said of it.
BROKEN: dict[str, tuple[str | None, str]] = {
    "raises": ("raise ValueError('no licence file')\n", "ValueError: no licence file"),
    "exits": ("raise SystemExit(4)\n", "SystemExit: 4"),
    "gone": (None, "ModuleNotFoundError: No module named"),
    "hookless": ("answer = 42\n", "it implements no hook; mark its functions"),
    "misspelt": (
        GOOD.replace("def toolkit_register", "def toolkit_registr"),
        "unknown hook 'toolkit_registr'. Did you mean \"toolkit_register\"?",
    ),
    "twins": (
        HOOK + ('register.loss("poly", "{module}:poly", help="Poly-1")\n    ' * 2),
        "this plugin registers the loss 'poly' twice",
    ),
    "ageing": (
        "toolkit_plugin_api = 0\n" + GOOD,
        f"it was built for version 0 of the plugin API, and recipe-toolkit has {PLUGIN_API}; "
        "update ageing-vision",
    ),
    "badname": (
        HOOK + 'register.loss("Poly-1", "acme:poly", help="Poly-1")\n',
        "a name is lower-case letters, digits and underscores",
    ),
    "lost": (
        HOOK + 'register.loss("poly", "{module}:pol", help="Poly-1")\n',
        "loss lost.poly: its target",
    ),
    "bare": (
        LOSS + "def poly(facts, /, *, epsilon=1.0): ...\n",
        "option 'epsilon' has no annotation",
    ),
    "deaf": (
        LOSS + "def poly(*, epsilon: float = 1.0): ...\n",
        "the host passes facts, /; the factory takes none",
    ),
    "unsaid": (
        LOSS + "def poly(facts, /, *, epsilon: float = 'much'): ...\n",
        'default of epsilon: expected number, found "much"',
    ),
    "strange": (
        "from typing import Annotated\nfrom pydantic import Field\n"
        + LOSS
        + "def poly(facts, /, *, epsilon: Annotated[dict, Field(ge='a')] = {}): ...\n",
        "its options cannot be checked: TypeError: Unable to apply constraint 'ge'",
    ),
    "unmade": (
        LOSS + "def poly(facts, /, *, _epsilon: float = 1.0): ...\n",
        "option '_epsilon' begins with an underscore",
    ),
    "crashes": (
        LOSS + "def poly(facts, /, *, epsilon: float = 1.0):\n    return facts.clases\n",
        "it cannot be built: AttributeError: 'Facts' object has no attribute 'clases'",
    ),
    "hollow": (
        LOSS + "def poly(facts, /, *, epsilon: float = 1.0): ...\n",
        "its factory returns None; return what it builds",
    ),
    "bent": (
        LOSS + "def poly(facts, /, *, epsilon: float = 1.0):\n    return print\n",
        "its factory gives a builtin_function_or_method, expected an nn.Module",
    ),
    "mute": (
        HOOK + 'register.tracker("notes", "{module}:notes", help="notes")\n\n\n'
        "class Notes:\n    def toolkit_fold_ent(self, fold): ...\n\n\n"
        "def notes(run, /): return Notes()\n",
        "unknown hook 'toolkit_fold_ent'. Did you mean \"toolkit_fold_end\"?",
    ),
    "blind": (
        HOOK + 'register.source("pages", "{module}:pages", help="pages")\n\n\n'
        "def pages(): return object()\n",
        "its factory gives a object without read",
    ),
    "helpless": (
        HOOK + 'register.loss("poly", "{module}:poly")\n',
        "missing a required argument: 'help'; write register.loss(",
    ),
    "pointing": (
        HOOK + 'register.loss("poly", print, help="Poly-1")\n',
        "register.loss: target is a builtin_function_or_method, expected text; write",
    ),
    "heavy": ("import pandas\n" + GOOD, "its table imports pandas, and every command waits"),
    "leaden": ("import pandas\n" + GOOD, "its table imports pandas, and every command waits"),
    "unruly": (
        HOOK + 'register.command("label", "{module}:label", help="label pages")\n',
        "command unruly label: its target",
    ),
    "cache": (
        HOOK + 'register.command("label", "{module}:label", help="label pages")\n\n\n'
        "def label() -> None: ...\n",
        "command cache label: it cannot be called, for `toolkit cache` is toolkit's own",
    ),
    "unread": (
        HOOK + 'register.recipes("no_such_package.recipes")\n',
        "its folder of recipes 'no_such_package.recipes' is not there",
    ),
    "torn": (
        HOOK + 'register.recipes("torn_recipes")\n',
        "torn:pages:2: not valid TOML",
    ),
    "unplanned": (
        HOOK + 'register.recipes("unplanned_recipes")\n',
        'unplanned:pages:4: loss.gama: unknown key. Did you mean "gamma"?',
    ),
}


@pytest.fixture
def broken(site: Path, add_plugin: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """All of `BROKEN` installed, two distributions that call themselves `double`, and two good
    plugins, `ink` and `zeta`, with a component of one name."""
    for plugin, (source, _) in BROKEN.items():
        add_plugin(plugin, source)
    for package in ("double-one", "double-two"):
        add_plugin("double", GOOD, package=package)
    for plugin in ("ink", "zeta"):
        add_plugin(plugin, GOOD)
    recipes = site / "torn_recipes"
    recipes.mkdir()
    (recipes / "pages.toml").write_text("# pages\n[data\n")
    recipes = site / "unplanned_recipes"
    recipes.mkdir()
    (recipes / "pages.toml").write_text('# pages\n[loss]\nuse = "focal"\ngama = 2.0\n')
    names = [*BROKEN, "double", "acme", "ink", "zeta", "lite"]
    monkeypatch.setenv("TOOLKIT_PLUGINS", ",".join(names))
    return site


def command_line(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, where nothing heavy is imported yet."""
    path = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", "toolkit", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_names_the_cause_of_each_in_one_line(broken: Path) -> None:
    done = command_line(broken, "plugins", "--check")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    lines = done.stderr.splitlines()
    for plugin, (_, says) in BROKEN.items():
        own = [line for line in lines if line.startswith(f"{plugin} ({plugin}-vision): ")]
        assert len(own) == 1, f"{plugin}: {own}"
        assert says in own[0]
    (line,) = [line for line in lines if line.startswith("double ")]
    assert line.startswith("double (double-two): the plugin name 'double' is taken by double-one")
    assert "; rename one (it is what stands before `=` under [project.entry-points" in line
    assert len(lines) == len(BROKEN) + 1 > 10


def test_a_smoke_run_passes_every_stage_beside_them(
    broken: Path, toolkit_cli: Callable, tiny_recipe: Path
) -> None:
    done = toolkit_cli("run", str(tiny_recipe), "--smoke", "--set", 'backbone.use="test_resnet"')
    assert done.code == 0, done.err
    assert "tiny: every stage passed: 2 folds of " in done.out
    assert "submission (no run was kept)" in done.out


def test_every_light_command_works_beside_them(
    broken: Path, toolkit_cli: Callable, good: str
) -> None:
    listed = toolkit_cli("plugins")
    assert listed.code == 0
    rows = [" ".join(line.split()) for line in listed.out.splitlines()]
    for plugin in ("ink", "zeta"):  # one component name, two plugins
        assert f"loss {plugin}.poly {plugin}-vision 1.2.3 Poly-1" in rows
    assert "loss double.poly double-one 1.2.3 Poly-1" in rows
    raises = "set aside: raises (raises-vision): ValueError: no licence file (raises-vision 1.2.3, "
    assert any(row.startswith(raises) for row in rows)
    taken = "set aside: double (double-two): the plugin name 'double' is taken by double-one;"
    assert any(row.startswith(taken) for row in rows)
    assert "loss twins.poly" not in listed.out  # nothing of what was set aside
    for arguments in (
        ["--help"],
        ["recipes"],
        ["schema"],
        ["plugins", "show", "loss", "ink.poly"],
        ["validate", good, "--set", "backbone.use=lite.efficientnet_lite0"],
    ):
        done = toolkit_cli(*arguments)
        assert (done.code, done.err) == (0, ""), arguments
    missing = "set aside: unread (unread-vision): its folder of recipes 'no_such_package.recipes'"
    assert missing in toolkit_cli("recipes").out


def test_a_table_that_imports_something_heavy_is_warned_of_in_the_list(broken: Path) -> None:
    done = command_line(broken, "plugins")
    assert done.returncode == 0
    assert (
        "warning: heavy (heavy-vision): its table imports pandas, and every command" in done.stdout
    )
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "loss heavy.poly heavy-vision 1.2.3 Poly-1" in rows


def test_good_plugins_are_found_to_be_good(
    add_plugin: Callable[..., str],
    toolkit_cli: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_plugin("ink", GOOD)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "ink,lite")
    done = toolkit_cli("plugins", "--check")
    assert done == (0, "All good: 2 plugins, 4 components.\n", "")
    monkeypatch.setenv("TOOLKIT_PLUGINS", "")
    assert toolkit_cli("plugins", "--check") == (0, "No plugins are installed.\n", "")


def test_what_is_good_is_counted_in_words(add_plugin: Callable[..., str]) -> None:
    add_plugin("ink", GOOD)
    one = load_host({"TOOLKIT_PLUGINS": "ink"})
    folder = RecipeFolder("ink_vision.recipes", "ink", "ink-vision", "1.2.3")
    assert summary(replace(one, recipes=(folder,))) == (
        "All good: 1 plugin, 1 component, 1 folder of recipes."
    )
    assert summary(replace(one, recipes=(folder, folder))) == (
        "All good: 1 plugin, 1 component, 2 folders of recipes."
    )


def test_toolkit_plugins_leaves_a_broken_plugin_out(
    broken: Path, toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_PLUGINS", "zeta")
    assert toolkit_cli("plugins", "--check").code == 0
    monkeypatch.setenv("TOOLKIT_PLUGINS", "zeta,zetta")
    done = toolkit_cli("plugins", "--check")
    assert (done.code, done.err) == (
        2,
        "zetta (not installed): TOOLKIT_PLUGINS names it, and no installed package has such a "
        "plugin\n",
    )


def test_every_way_to_be_broken_is_another_one() -> None:
    said: Mapping[str, str] = {plugin: says for plugin, (_, says) in BROKEN.items()}
    assert len(set(said.values())) == len(said) - 1  # two are heavy: one hides the other


NEEDY = """
from dataclasses import dataclass
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.source("pages", "{module}:pages", help="pages")
    register.source("rooted", "{module}:rooted", help="pages of a folder")


@dataclass
class Pages:
    def read(self): ...


def pages():
    return Pages()


def rooted(*, root: str):
    raise AssertionError("nobody has a root to give")
"""


def test_what_needs_data_or_options_is_named_as_not_tried(
    add_plugin: Callable[..., str], toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_plugin("needy", NEEDY)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "needy")
    done = toolkit_cli("plugins", "--check")
    assert done.code == 0, done.err
    assert done.out.startswith("All good: 1 plugin, 2 components.\nNot tried, ")
    assert done.out.splitlines()[2:] == [
        "  source needy.pages (what it reads)",
        "  source needy.rooted (its option root must be given)",
    ]


def test_json_says_what_there_is_and_what_is_wrong(
    add_plugin: Callable[..., str], toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_plugin("crashes", str(BROKEN["crashes"][0]))
    add_plugin("needy", NEEDY)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "broke,crashes,needy")
    listed = toolkit_cli("plugins", "--json")
    found = json.loads(listed.out)
    assert (listed.code, listed.err) == (0, "")
    assert {plugin["plugin"] for plugin in found["plugins"]} == {"crashes", "needy"}
    (poly,) = [c for c in found["components"] if c["name"] == "crashes.poly"]
    assert (poly["kind"], poly["package"], poly["help"]) == ("loss", "crashes-vision", "Poly-1")
    (aside,) = found["set_aside"]
    assert aside["plugin"] == "broke"
    assert aside["reason"].startswith("ValueError: no licence file (broke-vision ")
    checked = toolkit_cli("plugins", "--json", "--check")
    assert checked.code == 2
    found = json.loads(checked.out)
    assert [problem.partition(" ")[0] for problem in found["problems"]] == ["broke", "crashes"]
    assert found["untried"][0] == "source needy.pages (what it reads)"


def test_a_plugin_is_left_out_by_an_option_or_for_every_command(
    add_plugin: Callable[..., str],
    toolkit_cli: Callable,
    good: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TOOLKIT_PLUGINS")
    done = toolkit_cli("plugins", "--without", "broke", "--without", "lite")
    assert done.code == 0
    assert "left out: broke (broke-vision)" in done.out
    assert "no licence file" not in done.out
    assert "acme.tiny" in done.out
    assert "lite.efficientnet_lite0" not in done.out
    monkeypatch.setenv("TOOLKIT_WITHOUT", "acme, broke")
    assert "acme.tiny" not in toolkit_cli("plugins").out
    refused = toolkit_cli("validate", good)
    assert refused.code == 2
    assert "its plugin was set aside: TOOLKIT_WITHOUT leaves it out" in refused.err


def test_a_name_to_leave_out_that_nothing_has_is_told(
    toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = toolkit_cli("plugins", "--without", "acmee")
    assert done == (2, "", '--without acmee: there is no plugin "acmee". Did you mean "acme"?\n')
    monkeypatch.setenv("TOOLKIT_WITHOUT", "acmee")
    out = toolkit_cli("plugins").out
    assert "set aside: acmee (not installed): TOOLKIT_WITHOUT names it, and no installed" in out
