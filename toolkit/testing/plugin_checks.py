"""What every plugin and every component must hold, whatever its kind."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from importlib.metadata import entry_points

from toolkit.errors import PluginError
from toolkit.plugin.api import BUILTIN, PROJECT
from toolkit.plugin.host import HEAVY, PLUGINS_VARIABLE, Host, load_host
from toolkit.plugin.registry import KINDS
from toolkit.plugin.schema import host_arguments_problem, options_model, toml_key, toml_text
from toolkit.recipe.problems import WHOLE, validate
from toolkit.testing.recipe_checks import recipe_faults
from toolkit.testing.subject import CheckFailed, NotApplicable, Subject, host_arguments, require

# Loads one plugin as `toolkit plugins` does, and tells which heavy packages came with it, and the
# line that asked for each.
_LISTEN = """
import json, sys, traceback

variable, plugin, path, heavy = json.loads(sys.argv[1])
sys.path[:] = path
from toolkit.plugin.host import load_host

asked = {}

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in heavy:
            frames = [f for f in traceback.extract_stack()[:-1] if "importlib" not in f.filename]
            asked.setdefault(name, f"{frames[-1].filename}:{frames[-1].lineno}")

sys.meta_path.insert(0, Watch())
load_host({variable: plugin})
print(json.dumps({name: where for name, where in asked.items() if name in sys.modules}))
"""


@dataclass(frozen=True)
class Plugin:
    """A whole plugin under test."""

    name: str
    host: Host
    """With this plugin alone loaded."""

    @property
    def component(self) -> str:
        return f"plugin:{self.name}"

    @property
    def loaded(self) -> bool:
        found = (loaded.plugin for loaded in self.host.loaded)
        return self.name == BUILTIN or self.name in found


def loads(plugin: Plugin) -> None:
    """The plugin is installed once, loads, and registers something."""
    require(
        plugin.name == BUILTIN or bool(entry_points(group=PROJECT, name=plugin.name)),
        f"no installed package has the plugin {plugin.name!r}; install it (pip install -e .), and "
        f'name its entry point: [project.entry-points.toolkit] {plugin.name} = "its_module"',
    )
    for aside in plugin.host.set_aside:
        raise CheckFailed(
            f"the host set {aside.plugin} ({aside.package}) aside: {aside.reason}; mend what "
            "`toolkit plugins` quotes"
        )
    host = plugin.host
    offered = [item.plugin for item in (*host.registry, *host.commands, *host.recipes)]
    require(plugin.name in offered, "registers nothing; offer something in toolkit_register")


def light_import(plugin: Plugin) -> None:
    """Loading the table imports none of the heavy packages, tried in a fresh process."""
    if not plugin.loaded:
        raise NotApplicable("it is not loaded; see loads")
    wanted = "" if plugin.name == BUILTIN else plugin.name
    asked = json.dumps([PLUGINS_VARIABLE, wanted, sys.path, HEAVY])
    done = subprocess.run(
        [sys.executable, "-c", _LISTEN, asked], capture_output=True, text=True, check=False
    )
    require(done.returncode == 0, f"loading it in a fresh process fails: {done.stderr.strip()}")
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    if found:
        where = ", ".join(f"{name} (by {line})" for name, line in found.items())
        raise CheckFailed(
            f"loading the plugin imports {where}; move the import into the factory, and register "
            'targets as text ("package.module:factory")'
        )


def recipes_plan(plugin: Plugin) -> None:
    """Each recipe that it ships can be planned, beside the plugins that are installed."""
    if not plugin.host.recipes:
        raise NotApplicable("it ships no recipes")
    faults = [f for folder in plugin.host.recipes for f in recipe_faults(folder, load_host())]
    require(not faults, f"`toolkit validate` finds: {'; '.join(faults)}")


def target_loads(subject: Subject) -> None:
    """The target leads to a callable."""
    try:
        subject.entry.load()
    except PluginError as error:
        raise CheckFailed(
            f"{error}; correct the target in toolkit_register, or what its module imports"
        ) from error


def host_arguments_match(subject: Subject) -> None:
    """The factory takes, positional-only, what the host passes to its kind."""
    factory = subject.factory()
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError) as error:
        raise CheckFailed(f"its signature cannot be read: {error}; write a function") from error
    found = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    family = ("name",) if subject.entry.names else ()
    kind = KINDS[subject.entry.kind]
    expected = [*family, *kind.host_arguments]
    asked = ", ".join([*expected, "/", "*", "..."] if expected else ["*", "..."])
    more = f" (before the /, {' and '.join(kind.on_demand)} may follow)" if kind.on_demand else ""
    require(
        not host_arguments_problem(subject.entry, tuple(found)),
        f"positional-only arguments {found}, expected {expected}; write `def factory({asked})`"
        f"{more}",
    )


def options_annotated(subject: Subject) -> None:
    """Options are keyword-only, and annotated with types that a recipe can say."""
    _require_arguments(subject)
    try:
        options_model(subject.entry)
    except PluginError as error:
        raise CheckFailed(str(error)) from error


def _require_arguments(subject: Subject) -> None:
    try:
        host_arguments_match(subject)
    except CheckFailed as error:
        raise NotApplicable("see host_arguments_match") from error


def defaults_validate(subject: Subject) -> None:
    """Each default is a value that a recipe may write."""
    model = subject.model()
    defaults = {
        name: info.default for name, info in model.model_fields.items() if not info.is_required()
    }
    _, problems = validate(model, defaults)
    wrong = [f"{name}: {text}" for name, text in problems if name in {*defaults, WHOLE}]
    require(not wrong, f"defaults that its own annotations refuse: {'; '.join(wrong)}")


def docstring(subject: Subject) -> None:
    """The factory says what it builds; `toolkit plugins show` prints it."""
    # Not inspect.getdoc: it would find the docstring of nn.Module.
    text = subject.factory().__doc__
    require(
        bool(text and text.strip()),
        "its factory has no docstring; say in a line what it builds, with the paper and equation",
    )


def toml_round_trip(subject: Subject) -> None:
    """Options written into a run's recipe.toml are read back as the same values."""
    model = subject.model()
    values = {
        name: subject.given.get(name, info.default)
        for name, info in model.model_fields.items()
        if name in subject.given or not info.is_required()
    }
    # TOML has no none: an absent key is the default.
    values = {name: value for name, value in values.items() if value is not None}
    text = "\n".join(f"{toml_key(name)} = {toml_text(value)}" for name, value in values.items())
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CheckFailed(
            f"its options are no TOML ({error}): {text}; use text, numbers, booleans, lists, tables"
        ) from error
    changed = [name for name in values if read[name] != values[name]]
    require(
        not changed,
        f"{', '.join(changed)}: not the same after a recipe was written and read, "
        f"{ {n: (values[n], read[n]) for n in changed} }; use a list for a tuple or a set",
    )


def builds(subject: Subject) -> None:
    """The factory builds the component from what the host passes and its default options."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = host_arguments(subject, folder)
        try:
            built = subject.make(*arguments)
        except (CheckFailed, NotApplicable):
            raise
        # A factory may raise anything at all.
        except Exception as error:
            hint = ""
            if subject.entry.kind == "backbone":
                hint = f" (images of {subject.size} pixels; image_size=... chooses another side)"
            raise CheckFailed(
                f"its factory raises {type(error).__name__}: {error}{hint}; defaults must build, "
                "and options=... gives the kit others"
            ) from error
    require(built is not None, "its factory returns None; return what it builds")
    if subject.entry.kind in ("loss", "backbone"):
        from torch import nn

        found = type(built).__name__
        require(isinstance(built, nn.Module), f"its factory gives a {found}, expected an nn.Module")


PLUGIN_CHECKS = (loads, light_import, recipes_plan)
FACTORY_CHECKS = (
    target_loads,
    host_arguments_match,
    options_annotated,
    defaults_validate,
    docstring,
    toml_round_trip,
)
COMPONENT_CHECKS = (*FACTORY_CHECKS, builds)
