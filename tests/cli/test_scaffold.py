"""`toolkit plugins new`: what it writes is a plugin that passes its own test untouched."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.cli.scaffold.examples import EXAMPLES
from toolkit.cli.scaffold.package import new_package, package_files
from toolkit.contracts import Facts, ImageSpec
from toolkit.errors import UserError
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import KINDS
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.scores import ALWAYS
from toolkit.testing import NotApplicable, checks

HEAVY = {"torch", "timm", "albumentations", "pandas", "numpy", "sklearn", "optuna", "PIL"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package `acme-plugin` with everything in it, installed as `pip install -e` would."""
    folder = new_package("acme", EXAMPLES, {}, tmp_path, drawn=False)
    info = folder / "acme_plugin-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 0.1.0\n")
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = "".join(f"{name} = {module}\n" for name, module in points["toolkit"].items())
    (info / "entry_points.txt").write_text(f"[toolkit]\n{lines}")
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_plugin"]:
        del sys.modules[name]


def texts(kinds: list[str]) -> dict[str, str]:
    """The Python files of a package, by path."""
    found = package_files("acme", kinds, drawn=True)
    return {path: str(text) for path, text in found.items() if path.endswith(".py")}


def test_there_is_an_example_of_every_kind_and_of_a_command() -> None:
    assert set(EXAMPLES) == {*KINDS, "command"}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_package_holds_what_was_asked_for_and_nothing_else(kind: str) -> None:
    found = texts([kind])
    module = f"acme_plugin/{EXAMPLES[kind].module}.py"
    assert set(found) == {"acme_plugin/__init__.py", module, "tests/test_conformance.py"}
    called = re.findall(r"register\.(\w+)\(", found["acme_plugin/__init__.py"])
    assert called == ([kind] if kind == "command" else [kind, "recipes"])


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_is_short_light_and_says_what_it_is(kind: str) -> None:
    example = EXAMPLES[kind]
    tree = ast.parse(texts([kind])[f"acme_plugin/{example.module}.py"])
    for node in tree.body:
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & HEAVY
        elif isinstance(node, ast.ImportFrom):
            assert str(node.module).partition(".")[0] not in HEAVY
    (factory,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == example.name)
    assert ast.get_docstring(factory)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            body_starts, body_ends = node.body[0].lineno, node.end_lineno or 0
            assert body_ends - body_starts < 25, node.name


def test_the_test_file_is_one_call_of_the_kit() -> None:
    tree = ast.parse(texts(["loss"])["tests/test_conformance.py"])
    statements = [ast.unparse(node) for node in tree.body[1:]]
    assert statements == [
        "from toolkit.testing import conformance",
        "test_conformance = conformance('acme')",
    ]


@pytest.mark.parametrize("kinds", [["loss"], list(EXAMPLES)], ids=["loss", "all"])
@pytest.mark.parametrize("name", ["acme", "a", "a_rather_long_name_for_a_plugin"])
@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_what_is_written_is_clean(name: str, kinds: list[str], tmp_path: Path) -> None:
    folder = new_package(name, kinds, {}, tmp_path, drawn=True)
    ruff = [sys.executable, "-m", "ruff"]
    rules = "E,F,W,I,B,UP,SIM,C4,RUF,PT,RET,PIE,BLE,T20"
    for command in (
        ["check", "--no-cache", "--select", rules],
        ["format", "--no-cache", "--check"],
    ):
        done = subprocess.run([*ruff, *command, str(folder)], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()


def test_everything_that_is_written_passes_the_kit(site: Path) -> None:
    options = {"source:acme.named": {"root": str(site / "tests" / "pages")}}
    applied = set()
    for check in checks("acme", options=options):
        try:
            check.run()
        except NotApplicable:
            continue
        applied.add(check.component)
    components = {f"{kind}:acme.{example.name}" for kind, example in EXAMPLES.items()}
    assert applied == components | {"plugin:acme"}


def test_what_the_readme_says_can_be_planned(site: Path, tmp_path: Path) -> None:
    snippets = re.findall(r"```toml\n(.*?)```", (site / "README.md").read_text(), re.DOTALL)
    assert len(snippets) == len(KINDS)
    recipe = tmp_path / "acme.toml"
    recipe.write_text("\n".join(snippets))
    plan = make_plan(load_recipe(recipe), load_host({"TOOLKIT_PLUGINS": "acme"}))
    used = {(choice.entry.kind, choice.use) for choice in plan.choices.values()}
    used -= {("metric", name) for name in ALWAYS}
    assert used == {(kind, f"acme.{EXAMPLES[kind].name}") for kind in KINDS}


def test_the_poly_loss_is_cross_entropy_and_a_share_of_what_is_missing(site: Path) -> None:
    import torch
    from acme_plugin.losses import poly  # type: ignore[import-not-found]

    facts = Facts(("a", "b"), (3, 3), ImageSpec(32), seed=0)
    logits, targets = torch.zeros(2, 2), torch.eye(2)
    # p = 1/2: cross-entropy log 2, and 3 * (1 - 1/2).
    assert float(poly(facts, epsilon=3.0)(logits, targets)) == pytest.approx(0.693147 + 1.5)


def test_the_sampler_gives_a_rare_class_its_rows(site: Path) -> None:
    import numpy as np
    from acme_plugin.samplers import at_least  # type: ignore[import-not-found]

    labels = np.array([0] * 9 + [1] * 2)
    rows = at_least(labels, rows=5)(np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [9, 5]
    assert set(rows.tolist()) == set(range(11))


def test_the_median_refuses_a_member_with_nan_by_its_own_name() -> None:
    text = package_files("ink", ["ensembler"], drawn=False)["ink_plugin/ensemblers.py"]
    assert 'DataError("ink.median: ' in str(text)
    assert "acme" not in str(text)


def test_asking_for_pretrained_weights_of_the_tiny_backbone_is_an_error_with_its_line(
    site: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('extends = "acme:pages"\n\n[backbone]\npretrained = true\n')
    host = load_host({"TOOLKIT_PLUGINS": "acme"})
    with pytest.raises(UserError, match=r"mine\.toml:4: backbone\.pretrained: expected false"):
        make_plan(load_recipe(recipe, host=host), host)


RECIPE_KINDS = [kind for kind in EXAMPLES if kind != "command"]


@pytest.mark.parametrize("drawn", [True, False])
@pytest.mark.parametrize("kinds", [*([k] for k in RECIPE_KINDS), RECIPE_KINDS], ids="-".join)
def test_its_recipe_is_planned_with_what_was_asked_for_and_built_ins(
    kinds: list[str], drawn: bool, site: Path
) -> None:
    written = package_files("acme", kinds, drawn=drawn)["acme_plugin/recipes/pages.toml"]
    (site / "acme_plugin" / "recipes" / "pages.toml").write_text(str(written))
    drawn = drawn and "source" not in kinds
    host = load_host({"TOOLKIT_PLUGINS": "acme,synthdocs" if drawn else "acme"})
    plan = make_plan(load_recipe("acme:pages", host=host), host)
    used = {choice.use for choice in plan.choices.values() if "." in choice.use}
    drawing = {"synthdocs.documents"} if drawn else set()
    assert used == {f"acme.{EXAMPLES[kind].name}" for kind in kinds} | drawing


@pytest.mark.parametrize(
    ("kinds", "drawn", "needed"),
    [(["loss"], True, True), (["loss"], False, False), (["source", "loss"], True, False)],
)
def test_the_tests_of_a_recipe_on_drawn_pages_need_their_source(
    kinds: list[str], drawn: bool, needed: bool
) -> None:
    text = str(package_files("acme", kinds, drawn=drawn)["pyproject.toml"])
    project = tomllib.loads(text)["project"]
    assert ("toolkit-synthdocs" in project["optional-dependencies"]["test"]) == needed


def test_a_package_with_nothing_but_a_command_ships_no_recipe() -> None:
    found = package_files("acme", ["command"], drawn=True)
    assert not [path for path in found if "recipes" in path]
    assert "toolkit-synthdocs" not in str(found["pyproject.toml"])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Acme", "lower-case letters"),
        ("acme-vision", "lower-case letters"),
        ("1acme", "a letter first"),
        ("", "lower-case letters"),
        ("../acme", "lower-case letters"),
        ("lite", 'the plugin name "lite" is taken by toolkit-lite'),
        ("there", "exists already"),
    ],
)
def test_a_name_that_cannot_be_had_is_refused_and_nothing_is_written(
    name: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "there-plugin").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=says):
        new_package(name, ["loss"], {"lite": "toolkit-lite"}, tmp_path, drawn=False)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def fresh_python(tmp_path: Path) -> Path:
    """The python of a new virtual environment that sees this one's packages behind its own."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.check_output([python, "-c", where], text=True).strip()
    behind = sysconfig.get_path("purelib")
    Path(packages, "behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
    return python


@pytest.mark.slow
def test_pip_installs_it_its_own_test_passes_and_a_run_uses_all_of_it(
    fresh_python: Path, tiny_recipe: Path, documents: Path, tmp_path: Path
) -> None:
    def ask(*arguments: str) -> str:
        done = subprocess.run(
            [fresh_python, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    flags = [f"--{kind}" for kind in EXAMPLES]
    ask("-m", "toolkit", "plugins", "new", "acme", *flags)
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    ask(*install, "--editable", "./acme-plugin")
    passed = ask("-m", "pytest", "-q", "-p", "no:cacheprovider", "acme-plugin")
    assert re.search(r"\d+ passed", passed)
    assert "failed" not in passed

    # The drawn documents, under the names that the source reads.
    pages = tmp_path / "pages"
    pages.mkdir()
    for line in (documents / "train.csv").read_text().splitlines()[1:]:
        file, label, _ = line.split(",")
        image = (documents / "train" / file).read_bytes()
        (pages / f"{'abc'[int(label)]}_{file}").write_bytes(image)
    tiny_recipe.write_text(
        f"""
name = "acme"
[data]
use = "acme.named"
root = "{pages}"
[split]
folds = 2
[image]
size = 32
[augment.train]
use = "acme.erase"
[backbone]
use = "acme.tiny"
pretrained = false
width = 4
[loss]
use = "acme.poly"
[sampler]
use = "acme.at_least"
[ensemble]
use = "acme.median"
[track]
use = "acme.notes"
[train]
epochs = 1
batch_size = 8
"""
    )
    ask("-m", "toolkit", "run", str(tiny_recipe), "--runs", str(tmp_path / "r"))
    (run,) = (tmp_path / "r").iterdir()
    notes = (run / "notes.md").read_text().splitlines()
    assert [line[:9] for line in notes] == ["- fold 0:", "- fold 1:"]
    listed = ask("-m", "toolkit", "acme", "unsure", str(run), "--count", "3").splitlines()
    assert len(listed) == 3
    assert [line[:5] for line in listed] == sorted(line[:5] for line in listed)
    assert all(re.fullmatch(r"0\.\d{3}  [abc]_page\d\d\.png", line) for line in listed)
