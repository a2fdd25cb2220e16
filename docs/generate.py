"""Writes docs/reference/ and docs/hooks.md from the code: `python docs/generate.py`.

A test names stale pages.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from toolkit import contracts
from toolkit.cli.app import app
from toolkit.contracts import RunInfo, TrialInfo, execute
from toolkit.ensemble.models import Models
from toolkit.ensemble.opened import OpenedRun, open_run
from toolkit.pipeline import run
from toolkit.plugin.hooks import RegisterSpec, TrackerSpec
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import KINDS, Entry, Register
from toolkit.plugin.schema import options, options_model
from toolkit.recipe.sections import SCHEDULES, Top
from toolkit.recipe.slots import FIXED, METRIC, SECTIONS, SLOTS, Slot
from toolkit.report import keys as key_lists
from toolkit.runs.opened import Run
from toolkit.score import metric
from toolkit.testing import command_checks
from toolkit.testing.kit import kind_checks
from toolkit.testing.plugin_checks import COMPONENT_CHECKS, PLUGIN_CHECKS

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/generate.py from the code; change it there. -->\n"

SECTION_TEXTS = {
    ("data",): "Where images and labels come from: a source.",
    ("labels",): "Corrections of training labels, as patches beside the data, which stay as they "
    "are. Paths are relative to the working directory, as those of the data are.",
    ("labels", "relabel"): "Classes as groups, before the folds are cut: a line for each class, "
    '`car = "other"`; `"*" = "other"` stands for every class without a line of its own. Without '
    "it, such classes keep their names.",
    ("split",): "How the folds are cut, on parents and groups.",
    ("image",): "How an image of any shape becomes the model's square.",
    ("augment", "offline"): "Copies of each training original, drawn once and kept in the cache. "
    "They train with their parent's fold and never validate.",
    ("augment", "train"): "What happens to a training image: an augmentation.",
    ("augment", "tta"): "Views that are averaged when an image is predicted.",
    ("validate",): "What decides, and what else is scored. A score is called by a variant of the "
    "images and a metric, `clean_log_loss`; `clean_f1` is macro-F1. A metric alone means that of "
    "the clean images; `robust_f1` and `blend` need `[validate.twins]`. Macro-F1, accuracy and log "
    "loss are always scored.",
    ("validate", "twins"): "Frozen degraded copies of the validation images, drawn once from "
    "`validate.seed` and the content of each file, at the file's own resolution, and kept in the "
    "cache. With them every score stands twice: `clean_f1` of the images as they are, `robust_f1` "
    "of their twins; `blend` is the mean of both. What draws twins may not augment training.",
    ("metric",): "A table `[metric.NAME]` gives the options of a metric that `[validate]` names. "
    'With `use` it gives a metric a name of its own: `[metric.top_5]` with `use = "top_k"` and '
    "`k = 5` is `clean_top_5`. A plugin's metric is `[metric.acme.cost]`.",
    ("backbone",): "The model. Every backbone takes `pretrained`.",
    ("loss",): "What training minimizes. Targets are probabilities.",
    ("sampler",): "Which rows an epoch sees.",
    ("optimizer",): "Any optimizer of timm's factory.",
    ("schedule",): "How the learning rate moves.",
    ("train",): "The loop.",
    ("ensemble",): "How the folds' test predictions are joined.",
    ("submission",): "How `submission.csv` is written. Its header, order and kind of value are the "
    "sample's.",
    ("track",): "A tracker, which observes the run.",
    ("execute",): "Where folds, and the workers of a study, are carried out; "
    "[cluster.md](../cluster.md) says more. No number depends on it but through the threads.",
    ("tune",): "How `toolkit tune` searches.",
    ("tune", "proxy"): "Cheaper trials: a smaller size, fewer epochs, fewer folds. The best "
    "of them are scored again as the recipe says, on fresh folds.",
    ("tune", "space"): 'What `toolkit tune` searches: `"key" = { low, high, log, step }` or '
    "`{ choices }`; `{}` takes the range that the option names itself (`SearchRange`).\n"
    "`{ times = [0.1, 5] }` is a range around the recipe's own value, from a tenth of it to five "
    "times it, on a logarithmic scale (`log = false` or a `step` make it an even one). It ends "
    "where the option does, whole numbers stay whole, and a value that is 0 or no number has "
    "none. `toolkit show RECIPE` says which bounds it has. Without `[tune.space]` the learning "
    "rate is searched so, and alpha where the loss has one.\n"
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

UNDER_TUNE = """\
`toolkit tune` builds the recipe's tracker once in each process, with the study's `RunInfo`, and
tells it of each trial that ended: `toolkit_trial_end`, and no other hook. The epochs and folds of a
trial are in `history.csv` and `oof.parquet` below the trial's `folder`.
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
        FOLDER / "python.md": MADE + "\n".join(_python()) + "\n",
        FOLDER / "files.md": MADE + "\n".join(_files()) + "\n",
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
        if keys in FIXED and FIXED[keys].model_fields:  # the keys of others are the recipe's own
            yield ""
            yield from _keys(FIXED[keys])
        elif keys in SLOTS:
            yield from _slot(SLOTS[keys])
        elif keys == METRIC:
            yield from _components("metric")
        elif keys == ("schedule",):
            for name, model in SCHEDULES.items():
                yield f'\n### use = "{name}"\n'
                yield f"{inspect.getdoc(model)}\n"
                yield from _keys(model)


def _slot(slot: Slot) -> Iterator[str]:
    """What a section may choose."""
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
    yield from _components(slot.kind)


def _components(kind: str) -> Iterator[str]:
    """The built-in components of a kind with their options."""
    for entry in load_host({"TOOLKIT_PLUGINS": ""}).registry:
        if entry.kind == kind:
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
    yield "\n### Under `toolkit tune`\n"
    yield UNDER_TUNE
    yield "### Where a tracker fails\n"
    yield FAILURES
    yield "### What the arguments hold\n"
    for facts in (RunInfo, TrialInfo):
        yield f"`{facts.__name__}`: {inspect.getdoc(facts)}\n"
        yield from (*_table(("field", "type", "meaning"), _fields(facts)), "")


def _python() -> Iterator[str]:
    """What components are given and give, and what scripts call."""
    yield "# Python\n"
    yield "What plugins are given and must give (`toolkit.contracts`), and what scripts call."
    yield "\n## Scripts\n"
    for function in (run, open_run):
        yield f"### toolkit.{function.__name__}\n"
        arguments = "".join(f"    {argument},\n" for argument in _signature(function))
        yield f"```text\ntoolkit.{function.__name__}(\n{arguments})\n```\n"
        yield f"{_listed(inspect.getdoc(function) or '')}\n"
    yield "### Run\n"
    yield f"{inspect.getdoc(Run)}\n"
    yield from _table(("attribute", "what it is"), _attributes(Run))
    for method in (OpenedRun.models, Models.predict):
        arguments = "".join(f"    {argument},\n" for argument in _signature(method))
        owner = "run" if method is OpenedRun.models else "models"
        yield f"\n### {owner}.{method.__name__}\n"
        yield f"```text\n{owner}.{method.__name__}(\n{arguments})\n```\n"
        yield f"{_listed(inspect.getdoc(method) or '')}"
    yield "\n## Facts\n"
    for facts in (
        *(contracts.Facts, contracts.ImageSpec, contracts.InputSpec, contracts.Predictions),
        *(contracts.RunInfo, contracts.TrialInfo, contracts.Event),
        *(execute.Job, execute.Resources, execute.Outcome),
    ):
        yield from _facts(facts)
    yield "## Table\n"
    yield from _facts(contracts.Table, heading=None)
    for name, columns in (("train", contracts.TRAIN_COLUMNS), ("test", contracts.TEST_COLUMNS)):
        yield f"### Columns of `{name}`\n"
        rows = [(f"`{column}`", kind, text) for column, (kind, text) in columns.items()]
        yield from (*_table(("column", "type", "meaning"), rows), "")
    yield "## Protocols\n"
    for protocol in (
        *(contracts.Source, contracts.Prepares, contracts.KnowsTestLabels),
        *(contracts.Augmentation, contracts.RowOrder, contracts.LayerGroups, contracts.Ensembler),
        execute.Executor,
        metric.Metric,
    ):
        yield f"### {protocol.__name__}\n"
        yield f"{inspect.getdoc(protocol)}\n"
        for name, method in vars(protocol).items():
            if inspect.isfunction(method) and (not name.startswith("_") or name == "__call__"):
                text = " ".join((method.__doc__ or "").split())
                yield f"- `{_method(name, method)}`{text and ': '}{text}"
        yield ""


def _signature(function: Any) -> Iterator[str]:
    """The arguments of a function with their types and defaults."""
    starred = False
    for p in inspect.signature(function).parameters.values():
        if p.name == "self":
            continue
        if p.kind is p.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        shown = getattr(p.default, "__name__", repr(p.default))
        yield f"{p.name}: {p.annotation}" + ("" if p.default is p.empty else f" = {shown}")


def _listed(text: str) -> str:
    """A docstring with its arguments as a list."""
    text = re.sub(r"^Args:$", "Arguments:\n", text, flags=re.MULTILINE)
    text = re.sub(r"^    (\w+): ", r"- `\1`: ", text, flags=re.MULTILINE)
    return re.sub(r"^ {8}", "  ", text, flags=re.MULTILINE)


def _files() -> Iterator[str]:
    yield "# Files of a run\n"
    yield "The keys and columns of what a run writes. [architecture.md](../architecture.md) says"
    yield "where each file is; `toolkit.open_run` reads them.\n"
    for title, text, meanings in (
        (
            "Scores",
            "The metrics in the box, everywhere by these names; `[validate]` chooses among them "
            "and those of plugins.",
            _metrics(),
        ),
        (
            "report.json",
            "`a.b[].c` is the key `c` of each item of the list `b`; `*` is any name.",
            key_lists.REPORT,
        ),
        (
            "history.csv",
            "A row an epoch of a fold; a tracker gets it as `metrics` of `toolkit_epoch_end`.",
            key_lists.HISTORY,
        ),
        (
            "oof.parquet, test.parquet",
            "Of each fold, and joined. The true labels of out-of-fold rows: `run.truth`, or the "
            "column `label` of `folds.csv`, whose `fold` is -1 for rows that train beside a given "
            "split.",
            key_lists.PREDICTIONS,
        ),
    ):
        yield f"## {title}\n"
        yield f"{text}\n"
        rows = [(f"`{key}`", meaning) for key, meaning in meanings.items()]
        yield from (*_table(("key", "meaning"), rows), "")


def _metrics() -> dict[str, str]:
    """Name, meaning and direction of every metric in the box."""
    facts = contracts.Facts(tuple("abcde"), (1,) * 5, contracts.ImageSpec(64), 0)
    found = {}
    for entry in load_host({"TOOLKIT_PLUGINS": ""}).registry:
        if entry.kind == "metric":
            side = "higher" if entry.load()(facts).higher_is_better else "lower"
            found[entry.name] = f"{entry.help}; {side} is better"
    return found


def _facts(facts: type, heading: str | None = "###") -> Iterator[str]:
    """A dataclass: what it is, its fields, and what can be asked of it."""
    if heading is not None:
        yield f"{heading} {facts.__name__}\n"
    yield f"{inspect.getdoc(facts)}\n"
    yield from (*_table(("field", "type", "meaning"), _fields(facts)), "")
    asked = [(name, text) for name, text in _attributes(facts) if text]
    if asked:
        yield from (*_table(("also", "what it is"), asked), "")


def _attributes(owner: type) -> list[tuple[str, ...]]:
    """Properties and methods with their docstrings, in a line each."""
    rows: list[tuple[str, ...]] = []
    for name, found in vars(owner).items():
        method = getattr(found, "func", getattr(found, "fget", found))
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        shown = name if method is not found else _method(name, method)
        rows.append((f"`{shown}`", " ".join((inspect.getdoc(method) or "").split())))
    return rows


def _method(name: str, function: Any) -> str:
    """A method as its caller writes it."""
    plain = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    arguments = ", ".join(f"{p.name}: {p.annotation}" for p in plain)
    return f"({arguments})" if name == "__call__" else f"{name}({arguments})"


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
