"""Writes docs/reference/ and docs/hooks.md from the code: `python docs/generate.py`.

A test names stale pages.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from toolkit.cli.app import app
from toolkit.contracts import RunInfo, TrialInfo
from toolkit.plugin.hooks import RegisterSpec, TrackerSpec
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import KINDS, Entry, Register
from toolkit.plugin.schema import options, options_model
from toolkit.recipe.sections import FIXED, SCHEDULES, SECTIONS, SLOTS, Slot, Top
from toolkit.testing import command_checks
from toolkit.testing.kit import kind_checks
from toolkit.testing.plugin_checks import COMPONENT_CHECKS, PLUGIN_CHECKS

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/generate.py from the code; change it there. -->\n"

SECTION_TEXTS = {
    ("data",): "Where images and labels come from: a source.",
    ("split",): "How the folds are cut, on parents and groups.",
    ("image",): "How an image of any shape becomes the model's square.",
    ("augment", "offline"): "Copies of each training original, drawn once and kept in the cache. "
    "They train with their parent's fold and never validate.",
    ("augment", "train"): "What happens to a training image: an augmentation.",
    ("augment", "tta"): "Views that are averaged when an image is predicted.",
    ("validate",): "What decides.",
    ("backbone",): "The model. Every backbone takes `pretrained`.",
    ("loss",): "What training minimizes. Targets are probabilities.",
    ("sampler",): "Which rows an epoch sees.",
    ("optimizer",): "Any optimizer of timm's factory.",
    ("schedule",): "How the learning rate moves.",
    ("train",): "The loop.",
    ("ensemble",): "How the folds' test predictions are joined.",
    ("track",): "A tracker, which observes the run.",
    ("tune",): "How `toolkit tune` searches.",
    ("tune", "proxy"): "Cheaper trials: a smaller size, fewer epochs, fewer folds. The best "
    "of them are scored again as the recipe says, on fresh folds.",
    ("tune", "space"): 'What `toolkit tune` searches: `"key" = { low, high, log, step }` or '
    "`{ choices }`; `{}` is the default range of `optimizer.lr`, `loss.alpha` or `loss.gamma`.\n"
    '`"loss.alpha[3]"` searches the weight of one class, `"loss.alpha[1,4]"` one weight for '
    'several classes.\n`when = { "loss.use" = "focal" }` says for which choices of other entries '
    "an entry counts.",
}

HOOKS = """\
A hook is a function of a plugin's table, or a method of a tracker, of the hook's name and marked
with `@toolkit.hookimpl`. It takes the arguments that it wants of those below, by their names and
without defaults. A misspelt hook or argument is an error that quotes it: of a plugin when it
loads, of a tracker before the run starts.
"""

FAILURES = """\
A tracker that cannot be built, has a misspelt hook, or raises in `toolkit_run_start` stops the run
before it trains, with a line that names it. One that raises later is dropped for the rest of the
run, which goes on: `log.txt` says so once, `report.json` lists it under `trackers_dropped`, and the
command ends with exit code 3. What a tracker changes in its arguments, or draws from torch's
generators, stays its own. Ctrl-C interrupts the run, as SIGTERM and SIGHUP do; a death in native
code, or by SIGKILL, is told to no tracker.
"""


def pages() -> dict[Path, str]:
    """File and text of every generated page."""
    return {
        FOLDER / "commands.md": MADE + "\n".join(_commands()) + "\n",
        FOLDER / "recipe.md": MADE + "\n".join(_recipe()) + "\n",
        FOLDER.parent / "hooks.md": MADE + "\n".join(_hooks()) + "\n",
        FOLDER / "conformance.md": MADE + "\n".join(_conformance()) + "\n",
    }


def _commands() -> Iterator[str]:
    yield "# Commands\n"
    yield "`toolkit COMMAND --help` shows the same.\n"
    yield "Exit codes: 0 done; 1 a fault of toolkit or a plugin; 2 a mistake in arguments,"
    yield "recipe or data, or a refusal of the machine (a full disk, no memory, a process that was"
    yield "killed); 3 done but something was set aside (it is listed); 130 interrupted (Ctrl-C,"
    yield "SIGTERM, SIGHUP)."
    root: Any = typer.main.get_command(app)
    for path, command in _walk(root, ()):
        yield f"\n## toolkit {' '.join(path)}\n"
        yield f"{inspect.cleandoc(command.help or '')}\n"
        arguments = " ".join(_argument(p) for p in command.params if not p.opts[0].startswith("-"))
        usage = f"toolkit {' '.join(path)} {arguments}".rstrip()
        yield f"Usage: `{usage}{' [OPTIONS]' if _options(command) else ''}`"
        rows = [(_argument(p), p.help or "") for p in command.params if p not in _options(command)]
        rows += [(_option(p), p.help or "") for p in _options(command)]
        if rows:
            yield ""
            yield from _table(("argument or option", "what it is"), rows)


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below, groups that do something by themselves included."""
    if path:
        yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _walk(inner, (*path, name))


def _options(command: Any) -> list[Any]:
    return [p for p in command.params if p.opts[0].startswith("-") and p.name != "help"]


def _argument(parameter: Any) -> str:
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(parameter.opts)
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'VALUE'}"


def _recipe() -> Iterator[str]:
    yield "# Recipe keys\n"
    yield "A recipe is TOML. `extends` names another one, beside it or in the box"
    yield '(`extends = "toolkit:base"`), whose values it keeps and changes. A section that'
    yield "chooses a component has `use` and that component's own options, nothing else."
    yield "`toolkit show RECIPE` prints every value with where it came from.\n"
    yield "## Top\n"
    yield from _keys(Top)
    for keys in SECTIONS:
        yield f"\n## [{'.'.join(keys)}]\n"
        yield SECTION_TEXTS[keys]
        if keys in FIXED:
            yield ""
            yield from _keys(FIXED[keys])
        elif keys in SLOTS:
            yield from _slot(SLOTS[keys])
        elif keys == ("schedule",):
            for name, model in SCHEDULES.items():
                yield f'\n### use = "{name}"\n'
                yield f"{inspect.getdoc(model)}\n"
                yield from _keys(model)


def _slot(slot: Slot) -> Iterator[str]:
    """The built-in components of a kind with their options."""
    host = load_host({"TOOLKIT_PLUGINS": ""})
    if slot.optional:
        yield "The section may be left out."
    else:
        yield f"Default: `{slot.default}`." if slot.default else "There is no default."
    if slot.host is not None:
        yield "\nBeside the component's own options:\n"
        yield from _keys(slot.host)
    if slot.kind == "augmentation" and slot.host is not None:
        yield "\nAny augmentation of `[augment.train]` can stand here."
        return
    for entry in host.registry:
        if entry.kind == slot.kind:
            yield f"\n### {_use(entry)}\n"
            yield f"{inspect.getdoc(entry.load()) or entry.help}\n"
            yield from _keys(options_model(entry))


def _use(entry: Entry) -> str:
    return f'use = "{entry.name}"' if entry.names is None else f"use = {entry.help}"


def _keys(model: type[BaseModel]) -> list[str]:
    rows = [
        (f"`{o.name}`", _code(o.type), o.bounds, _code(o.default), o.meaning)
        for o in options(model)
        if o.name != "use" or "|" in o.type or o.type == "text"
    ]
    head = ("key", "type", "bounds", "default", "meaning")
    return _table(head, rows) if rows else ["It has no options."]


def _conformance() -> Iterator[str]:
    yield "# Conformance checks\n"
    yield "`toolkit.testing.conformance(PLUGIN)` makes these checks of every component of a plugin;"
    yield "`toolkit.testing.checks(PLUGIN)` yields them without pytest. A check that does not"
    yield "concern a component is skipped with its reason."
    groups = {
        "Plugin": PLUGIN_CHECKS,
        "Every component": COMPONENT_CHECKS,
        **{kind.capitalize(): kind_checks(kind) for kind in sorted(KINDS)},
        "Command": command_checks.CHECKS,
    }
    for title, found in groups.items():
        yield f"\n## {title}\n"
        rows = [(f"`{check.__name__}`", _first_line(check)) for check in found]
        yield from _table(("check", "the rule"), rows)


def _hooks() -> Iterator[str]:
    yield "# Hooks\n"
    yield HOOKS
    yield "## Of a plugin's table\n"
    yield from _hooks_of(RegisterSpec)
    yield "\n### register\n"
    yield f"{inspect.getdoc(Register)}\n"
    for name, method in vars(Register).items():
        if not name.startswith("_"):
            text = " ".join((inspect.getdoc(method) or "").split())
            yield f"- `register.{_call(name, method)}`{text and ': '}{text}"
    yield "\n## Of a tracker\n"
    yield from _hooks_of(TrackerSpec)
    yield "\n### Where a tracker fails\n"
    yield FAILURES
    yield "### What the arguments hold\n"
    for facts in (RunInfo, TrialInfo):
        yield f"`{facts.__name__}`: {inspect.getdoc(facts)}\n"
        yield from (*_table(("field", "type", "meaning"), _fields(facts)), "")


def _hooks_of(spec: type) -> Iterator[str]:
    yield f"{inspect.getdoc(spec)}"
    for name, hook in vars(spec).items():
        if name.startswith("toolkit_"):
            yield f"\n### {name}\n"
            yield f"```text\n{_call(name, hook)}\n```\n"
            yield f"{inspect.getdoc(hook)}"


def _fields(facts: type) -> list[tuple[str, ...]]:
    """Name, type and meaning of a dataclass's fields; the meaning is the text below the field."""
    (tree,) = ast.parse(inspect.getsource(facts)).body
    rows: list[tuple[str, ...]] = []
    for node in getattr(tree, "body", ()):
        if isinstance(node, ast.AnnAssign):
            rows.append((f"`{ast.unparse(node.target)}`", f"`{ast.unparse(node.annotation)}`", ""))
        elif rows and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            rows[-1] = (*rows[-1][:2], str(node.value.value))
    return rows


def _call(name: str, function: Any) -> str:
    """A call as its author writes it: `toolkit_fold_start(run: RunInfo, fold: int)`."""
    signature = inspect.signature(function)
    plain = [p for p in signature.parameters.values() if p.name != "self"]
    texts = [f"{p.name}: {p.annotation}" for p in plain]
    behind = next((n for n, p in enumerate(plain) if p.kind is p.KEYWORD_ONLY), None)
    if behind is not None:
        texts.insert(behind, "*")
    return f"{name}({', '.join(texts)})"


def _first_line(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _code(text: str) -> str:
    return text if text in ("required", "none") else f"`{text}`"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines]


def stale(files: Mapping[Path, str]) -> list[Path]:
    """The pages whose file says something else."""
    return [f for f, text in files.items() if not f.is_file() or f.read_text("utf-8") != text]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")
