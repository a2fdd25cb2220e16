"""Every command and snippet of README and docs works, in the order in which it is read."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from toolkit.cli import run_command
from toolkit.cli.scaffold.package import package_files
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.runs.opened import Run
from toolkit.testing import NotApplicable, checks

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted((ROOT / "plugins").glob("*/README.md")),
]
LANGUAGES = {"sh", "toml", "python", "text"}
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that the line before it names."""

    page: Path
    line: int
    language: str
    text: str
    file: str | None

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        before = text[: match.start()].rstrip().rpartition("\n")[2]
        named = re.search(r"`([\w./-]+\.\w+)`[^`]*:$", before)
        line = text[: match.start()].count("\n") + 1
        yield Block(page, line, match[1], match[2], named and named[1])


def commands(page: Path) -> list[tuple[str, str]]:
    """`(where, command)` of every command line of a page, in order, comments left out."""
    found = []
    for block in blocks(page):
        for offset, text in enumerate(block.text.splitlines(), 1):
            command = re.sub(r"(^|\s+)#.*$", "", text).strip()
            if block.language == "sh" and command:
                found.append((f"{block.page.relative_to(ROOT)}:{block.line + offset}", command))
    return found


def is_slow(command: str) -> bool:
    """Trains a model in earnest, draws the pages for it, or asks how it did."""
    if command == "toolkit score" or command.startswith("toolkit run acme:pages"):
        return True
    trains = re.match(r"toolkit (run|tune)\b", command) is not None
    return trains and "--smoke" not in command


PAGES_WITH_COMMANDS = [page for page in PAGES if commands(page)]
ALL_BLOCKS = [block for page in PAGES for block in blocks(page)]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_its_language_and_none_is_only_indented(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    indented = re.findall(r"\n\n    [^\n]+", prose)
    assert not indented, "fence it, so that this test knows what it is"


def test_output_and_trees_hold_no_commands() -> None:
    """A command in a `text` block would escape the tests."""
    for block in ALL_BLOCKS:
        if block.language == "text":
            assert not re.search(r"^\s*(\$ |toolkit |make |pip )", block.text, re.MULTILINE)


@pytest.fixture
def desk(
    tmp_path: Path, documents: Path, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A working folder as the docs assume it: `recipes/`, `data/documents/` and a finished run."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    shutil.copytree(documents, tmp_path / "data" / "documents")
    shutil.copytree(finished.path, tmp_path / "runs" / finished.path.name)
    labels = "".join(f"test{n}.png,{n % 3}\n" for n in range(5))
    (tmp_path / "labels.csv").write_text(f"ID,target\n{labels}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROWSER", "true")  # `--open` opens nothing here
    monkeypatch.setattr(sys, "path", [*sys.path])  # a page may install what it wrote
    yield tmp_path
    forget_acme()


def execute(command: str, where: str) -> None:
    """Run one command of the docs on the desk."""
    words = shlex.split(command)
    if "--on" in words and importlib.util.find_spec(words[words.index("--on") + 1]) is None:
        return  # what the plugin's own tests skip, too: its engine is not installed
    if words[0] == "toolkit":
        assert run_command(words[1:]) == 0, f"{where}: {command}"
    elif words[0] in ("make", "pip", "git", "."):
        check_installation(words, where)
    else:
        assert words[0] == "python", f"{where}: {command}: how should a test run this?"
        if words[1:3] == ["-m", "pytest"]:  # run in an environment of its own: tests/plugin
            assert Path(words[3]).is_dir(), where
            return
        if words[1].startswith("benchmarks/"):  # times are for a quiet machine, not for a test
            check_options(words, where)
            return
        done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, check=False)
        assert done.returncode == 0, f"{where}: {command}"


def check_options(words: list[str], where: str) -> None:
    """A benchmark starts, and has the options that the docs name."""
    command = [sys.executable, words[1], "--help"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for option in (word for word in words[2:] if word.startswith("--")):
        assert option in done.stdout, f"{where}: {option}"


def check_installation(words: list[str], where: str) -> None:
    """What prepares an environment is run by `.ci/run` and by people; here: it names what is."""
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), where
    elif words[0] == "pip":
        folders = [w.partition("[")[0] for w in words if w.startswith(("plugins/", "./"))]
        for folder in map(Path, folders):
            if folder.parts[0] == "plugins":
                assert (ROOT / folder / "pyproject.toml").is_file(), where
            else:  # what the page wrote on the desk
                install(folder.resolve())
    elif words[0] == "git":
        assert words[1] == "clone", where
    else:
        assert words == [".", ".venv/bin/activate"], where


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=name)
def test_the_quick_commands_of_a_page_work_one_after_the_other(page: Path, desk: Path) -> None:
    for where, command in commands(page):
        if not is_slow(command) and not command.startswith("python "):
            execute(command, where)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=name)
def test_all_commands_and_scripts_of_a_page_work_one_after_the_other(
    page: Path, desk: Path
) -> None:
    for where, command in commands(page):
        execute(command, where)
    for block in blocks(page):
        if block.language == "python" and block.file is None:
            exec(compile(block.text, block.where, "exec"), {})


@pytest.mark.parametrize(
    "block", [b for b in ALL_BLOCKS if b.language == "toml"], ids=lambda b: b.where
)
def test_every_piece_of_toml_is_a_recipe_or_a_project(block: Block, desk: Path, acme: None) -> None:
    values = tomllib.loads(block.text)
    if "project" in values:
        assert values["project"]["entry-points"]["toolkit"]
        return
    text = block.text
    if "extends" not in values:
        text = 'extends = "toolkit:quickstart"\n' + text
    (desk / "snippet.toml").write_text(text)
    make_plan(load_recipe(desk / "snippet.toml"), load_host())


@pytest.mark.parametrize(
    "block", [b for b in ALL_BLOCKS if b.language == "python"], ids=lambda b: b.where
)
def test_every_piece_of_python_is_python(block: Block) -> None:
    compile(block.text, block.where, "exec")


def install(folder: Path) -> None:
    """Install a package as `pip install -e` would, for as long as `sys.path` lasts."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / "acme_plugin-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 0.1.0\n")
    points = project["entry-points"]["toolkit"]
    lines = "".join(f"{plugin} = {module}\n" for plugin, module in points.items())
    (info / "entry_points.txt").write_text(f"[toolkit]\n{lines}")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def forget_acme() -> None:
    """Other tests have packages of that name, too."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_plugin"]:
        del sys.modules[name]


@pytest.fixture
def acme(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The package that docs/plugins.md writes, installed."""
    site = tmp_path_factory.mktemp("acme")
    for block in blocks(ROOT / "docs" / "plugins.md"):
        if block.file is not None:
            (site / block.file).parent.mkdir(parents=True, exist_ok=True)
            (site / block.file).write_text(block.text)
    monkeypatch.setattr(sys, "path", [*sys.path])
    install(site)
    yield
    forget_acme()


def test_the_plugin_of_the_docs_is_what_toolkit_plugins_new_writes() -> None:
    kinds = ["loss", "backbone", "augmentation", "ensembler"]
    written = package_files("acme", kinds, drawn=True)
    shown: dict[str, str] = {}
    for block in blocks(ROOT / "docs" / "plugins.md"):
        if block.file is not None:
            shown.setdefault(block.file, block.text)  # a later block of a file changes it
    lines = iter(str(written["pyproject.toml"]).splitlines())
    for line in shown.pop("pyproject.toml").splitlines():
        assert line in lines, f"{line}: it is not in the scaffold's pyproject.toml, or not there"
    assert shown == {
        path: written[path] for path in written.keys() - {"README.md", "pyproject.toml"}
    }


def test_the_plugin_of_the_docs_registers_what_the_docs_say(acme: None) -> None:
    assert {point.name for point in entry_points(group="toolkit")} >= {"acme"}
    host = load_host()
    assert not [aside for aside in host.set_aside if aside.plugin == "acme"]
    kinds = {entry.kind for entry in host.registry if entry.plugin == "acme"}
    assert kinds == {"loss", "backbone", "augmentation", "ensembler"}


def test_the_plugin_of_the_docs_passes_the_kit(acme: None) -> None:
    failures = []
    for component, check, run in checks("acme"):
        try:
            run()
        except NotApplicable:
            continue
        except Exception as error:  # noqa: BLE001 - whatever it is, it is gathered and shown
            failures.append(f"{component} {check}: {error}")
    assert not failures


def test_no_component_of_the_docs_is_longer_than_twenty_lines() -> None:
    for block in blocks(ROOT / "docs" / "plugins.md"):
        if block.file is not None and block.file.endswith("s.py"):
            tree = ast.parse(block.text)
            parts = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
            assert sum(part.end_lineno - part.lineno + 1 for part in parts) <= 20, block.file
