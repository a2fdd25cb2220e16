"""Wherever third-party code raises in a run, one line says whose it is and where."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import toolkit
from toolkit.errors import PluginError, UserError
from toolkit.plugin.blame import Blamed
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.registry import Entry

# Every component works until the host comes to where it raises; `raise` stands on the line that
# the message must show, and numpy or torch raises below it where it says so.
FAULTY: dict[str, tuple[str, str, str]] = {
    "source factory": (
        "source",
        "def make(*, root: str):\n    raise LookupError('no bucket')  # here\n",
        "source acme.part: it cannot be built: LookupError: no bucket",
    ),
    "prepare": (
        "source",
        "from toolkit.builtin.sources import csv\n\n\n"
        "class Source:\n"
        "    def __init__(self, inner):\n        self.read = inner.read\n\n"
        "    def prepare(self, notify, /):\n        {}['token']  # here\n\n\n"
        "def make(*, root: str):\n    return Source(csv(root=root))\n",
        "source acme.part: its prepare fails: KeyError: 'token'",
    ),
    "read": (
        "source",
        "import numpy as np\n\n\n"
        "class Source:\n"
        "    def read(self):\n        return np.zeros(2).reshape(3, 3)  # here\n\n\n"
        "def make(*, root: str):\n    return Source()\n",
        "source acme.part: its read fails: ValueError: cannot reshape",
    ),
    "augmentation": (
        "augmentation",
        "calls = []\n\n\n"
        "def make(spec, /):\n    def augment(image, rng):\n"
        "        calls.append(1)\n        assert len(calls) < 4, 'tired'  # here\n"
        "        return image\n\n    return augment\n",
        "augmentation acme.part: fails: AssertionError: tired",
    ),
    "sampler": (
        "sampler",
        "def make(labels, /):\n    def rows(rng):\n"
        "        return rng.permutation('none')  # here\n\n    return rows\n",
        "sampler acme.part: its order of rows fails: ",
    ),
    "loss in its forward": (
        "loss",
        "import torch\n\n\nclass Loss(torch.nn.Module):\n    calls = 0\n\n"
        "    def forward(self, logits, targets):\n"
        "        Loss.calls += 1\n"
        "        if Loss.calls > 2:\n            logits = logits @ torch.zeros(7)  # here\n"
        "        return (logits * targets).mean()\n\n\n"
        "def make(facts, /):\n    return Loss()\n",
        "loss acme.part: its forward fails: RuntimeError: ",
    ),
    "loss in its backward": (
        "loss",
        "import torch\n\n\nclass Function(torch.autograd.Function):\n    calls = 0\n\n"
        "    @staticmethod\n    def forward(ctx, value):\n        return value.mean()\n\n"
        "    @staticmethod\n    def backward(ctx, grad):\n        Function.calls += 1\n"
        "        if Function.calls > 1:\n            raise ValueError('no way back')  # here\n"
        "        return grad * torch.ones(2, 3)\n\n\n"
        "class Loss(torch.nn.Module):\n"
        "    def forward(self, logits, targets):\n        return Function.apply(logits)\n\n\n"
        "def make(facts, /):\n    return Loss()\n",
        "loss acme.part: its backward fails: ValueError: no way back",
    ),
    "backbone in training": (
        "backbone",
        "import torch\n\n\nclass Model(torch.nn.Module):\n"
        "    def __init__(self, classes):\n        super().__init__()\n"
        "        self.head = torch.nn.Linear(3, classes)\n\n"
        "    def forward(self, x):\n        x = x.mean((2, 3))\n"
        "        if self.training and torch.is_grad_enabled():\n"
        "            x = torch.cat([x, torch.zeros(1)])  # here\n"
        "        return self.head(x)\n\n\n"
        "def make(facts, /, *, pretrained: bool = False):\n    return Model(len(facts.classes))\n",
        "backbone acme.part: its forward fails: RuntimeError: ",
    ),
    "ensembler": (
        "ensembler",
        "class Join:\n    needs_fit = False\n\n"
        "    def combine(self, members):\n        return members[99]  # here\n\n\n"
        "def make(facts, /):\n    return Join()\n",
        "ensembler acme.part: its combine fails: IndexError: ",
    ),
}

SECTION = {
    "source": "data",
    "augmentation": "augment.train",
    "sampler": "sampler",
    "loss": "loss",
    "backbone": "backbone",
    "ensembler": "ensemble",
}


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Host]:
    """`part(kind, source)` is a host that has the component `acme.part` with this source."""

    def made(kind: str, source: str) -> Host:
        monkeypatch.delitem(sys.modules, "acme_part", raising=False)
        (tmp_path / "acme_part.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        host = load_host({"TOOLKIT_PLUGINS": ""})
        entry = Entry(kind, "acme.part", "acme_part:make", "h", "acme", "acme-vision", "1.2")
        host.registry.add([entry])
        return host

    return made


@pytest.mark.parametrize("case", FAULTY)
def test_the_line_names_the_component_its_package_and_the_plugins_own_line(
    case: str, part: Callable[..., Host], tiny_recipe: Path, tmp_path: Path
) -> None:
    kind, source, says = FAULTY[case]
    overrides = {f"{SECTION[kind]}.use": "acme.part"}
    if kind == "source":
        overrides["data.root"] = "pages"
    with pytest.raises(Blamed) as error:
        toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=part(kind, source))
    (line,) = error.value.lines
    assert line.startswith(says)
    number = next(n for n, row in enumerate(source.splitlines(), 1) if row.endswith("# here"))
    assert line.endswith(f"(acme-vision 1.2, {tmp_path / 'acme_part.py'}:{number})")


@pytest.mark.slow
def test_an_augmentation_that_raises_in_a_loader_process_is_told_in_the_same_line(
    part: Callable[..., Host],
    tiny_recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It works in the process that trains, where the host tries it.
    source = (
        "import multiprocessing\n\n\ndef augment(image, rng):\n"
        "    assert multiprocessing.parent_process() is None, 'tired'\n    return image\n\n\n"
        "def make(spec, /):\n    return augment\n"
    )
    overrides = {"augment.train.use": "acme.part", "train.workers": 1}
    says = r"^augmentation acme.part: fails: AssertionError: tired \(acme"
    host = part("augmentation", source)
    # What a spawned process finds its modules by.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    with pytest.raises(Blamed, match=says):
        toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=host)


def test_an_offline_augmentation_that_raises_is_told_in_the_same_line(
    part: Callable[..., Host], tiny_recipe: Path, tmp_path: Path
) -> None:
    kind, source, says = FAULTY["augmentation"]
    overrides = {"augment.offline.use": "acme.part", "augment.offline.copies": 1}
    with pytest.raises(Blamed, match=re.escape(says)):
        toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=part(kind, source))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("None", "must keep .* it gives a NoneType, not Predictions"),
        ("members[0].probabilities", "must keep .* it gives a ndarray, not Predictions"),
        (
            "replace(members[0], probabilities=members[0].probabilities.tolist())",
            "must keep .* probabilities that are a list, not an array of floats",
        ),
        (
            "replace(members[0], probabilities=members[0].probabilities[:, :1])",
            r"must keep the IDs .* the shape \(2, 1\), not \(2, 3\)",
        ),
        (
            "replace(members[0], ids=members[0].ids[::-1])",
            "must keep the IDs .* other IDs",
        ),
    ],
)
def test_what_an_ensembler_gives_is_judged_before_anything_trains(
    answer: str, says: str, part: Callable[..., Host], tiny_recipe: Path, tmp_path: Path
) -> None:
    source = (
        "from dataclasses import replace\n\n\nclass Join:\n    needs_fit = False\n\n"
        f"    def combine(self, members):\n        return {answer}\n\n\n"
        "def make(facts, /):\n    return Join()\n"
    )
    overrides = {"ensemble.use": "acme.part"}
    with pytest.raises(PluginError, match=f"^ensembler acme.part: {says}.*acme-vision 1.2"):
        toolkit.run(
            tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=part("ensembler", source)
        )
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("(0.5, 0.5, 0.5)", "its input_spec is a tuple, expected toolkit.contracts.InputSpec"),
        ("InputSpec(mean=(0.5, 0.5))", "has mean (0.5, 0.5) and std "),
        ("InputSpec(mean='grey')", "has mean grey and std "),
        ("InputSpec(std=(0, 1, 1))", "expected three finite numbers each, and std above 0"),
        ("1 / 0", "its input_spec fails: ZeroDivisionError"),
    ],
)
def test_what_a_backbone_expects_of_its_input_is_judged_before_anything_trains(
    spec: str, says: str, part: Callable[..., Host], tiny_recipe: Path, tmp_path: Path
) -> None:
    source = (
        "import torch\n\nfrom toolkit.contracts import InputSpec\n\n\n"
        "class Model(torch.nn.Linear):\n"
        f"    @property\n    def input_spec(self):\n        return {spec}\n\n\n"
        "def make(facts, /, *, pretrained: bool = False):\n    return Model(3, 3)\n"
    )
    overrides = {"backbone.use": "acme.part"}
    with pytest.raises(PluginError, match=f"^backbone acme.part: .*{re.escape(says)}"):
        toolkit.run(
            tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=part("backbone", source)
        )
    assert not (tmp_path / "r").exists()


def test_a_fault_of_what_is_in_the_box_stays_ours(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, *arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("toolkit.builtin.sources.Csv.read", broken)
    with pytest.raises(ZeroDivisionError):
        toolkit.run(tiny_recipe, runs=tmp_path / "r", host=load_host({"TOOLKIT_PLUGINS": ""}))


# What is given and cannot be used: nothing raises in the plugin, and the line of its factory is
# named.
UNUSABLE: dict[str, tuple[str, str, str]] = {
    "lazy layers": (
        "backbone",
        "from torch import nn\n\n\n"
        "def make(facts, /, *, pretrained: bool = False):  # here\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(len(facts.classes)))\n",
        "backbone acme.part: 1.weight, 1.bias have no shape yet; write the sizes",
    ),
    "nothing to train": (
        "backbone",
        "from torch import nn\n\n\n"
        "def make(facts, /, *, pretrained: bool = False):  # here\n"
        "    return nn.Flatten()\n",
        "backbone acme.part: has no parameter to train",
    ),
    "two means": (
        "backbone",
        "from toolkit.contracts import InputSpec\nfrom torch import nn\n\n\n"
        "def make(facts, /, *, pretrained: bool = False):  # here\n"
        "    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 3))\n"
        "    model.input_spec = InputSpec(mean=(0.5, 0.5))\n    return model\n",
        "backbone acme.part: its input_spec has mean (0.5, 0.5) and std ",
    ),
    "no spread": (
        "backbone",
        "from toolkit.contracts import InputSpec\nfrom torch import nn\n\n\n"
        "def make(facts, /, *, pretrained: bool = False):  # here\n"
        "    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 3))\n"
        "    model.input_spec = InputSpec(std=(0.5, 0.0, 0.5))\n    return model\n",
        "backbone acme.part: its input_spec has mean (0.485, 0.456, 0.406) and std (0.5, 0.0,",
    ),
    "a number for a backbone": (
        "backbone",
        "def make(facts, /, *, pretrained: bool = False):  # here\n    return 3\n",
        "backbone acme.part: returned int, no nn.Module",
    ),
    "too few weights": (
        "sampler",
        "def make(labels, /):  # here\n    return [1.0]\n",
        "sampler acme.part: gives weights of shape (1,), expected (",
    ),
    "grey images": (
        "augmentation",
        "def make(spec, /):  # here\n    return lambda image, rng: image[..., 0]\n",
        "augmentation acme.part: gives uint8 (",
    ),
    "a function for a loss": (
        "loss",
        "def make(facts, /):  # here\n    return lambda logits, targets: logits.mean()\n",
        "loss acme.part: gives a function, expected an nn.Module",
    ),
    "a table without groups": (
        "source",
        "from dataclasses import replace\n\nfrom toolkit.builtin.sources import csv\n\n\n"
        "class Source:\n"
        "    def __init__(self, inner):\n        self.inner = inner\n\n"
        "    def read(self):\n        table = self.inner.read()\n"
        "        return replace(table, train=table.train.drop(columns='group'))\n\n\n"
        "def make(*, root: str):  # here\n    return Source(csv(root=root))\n",
        "source acme.part (acme-vision 1.2, FILE): train has the columns",
    ),
    "other rows from an ensembler": (
        "ensembler",
        "class Join:\n    needs_fit = False\n\n"
        "    def combine(self, members):\n        return None\n\n\n"
        "def make(facts, /):  # here\n    return Join()\n",
        "ensembler acme.part: must keep the IDs",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_cannot_be_used_names_the_line_of_its_factory(
    case: str, part: Callable[..., Host], tiny_recipe: Path, tmp_path: Path
) -> None:
    kind, source, says = UNUSABLE[case]
    overrides = {f"{SECTION[kind]}.use": "acme.part"}
    if kind == "source":
        overrides["data.root"] = tomllib.loads(tiny_recipe.read_text())["data"]["root"]
    with pytest.raises(UserError) as error:
        toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=part(kind, source))
    number = next(n for n, row in enumerate(source.splitlines(), 1) if row.endswith("# here"))
    place = f"{tmp_path / 'acme_part.py'}:{number}"
    line = error.value.lines[0]
    assert line.startswith(says.replace("FILE", place))
    assert f"(acme-vision 1.2, {place})" in line


def test_an_exception_outside_of_pythons_exceptions_is_blamed(
    part: Callable[..., Host], tiny_recipe: Path, tmp_path: Path
) -> None:
    source = "class Out(BaseException):\n    pass\n\n\ndef make(facts, /):\n    raise Out('x')\n"
    overrides = {"loss.use": "acme.part"}
    with pytest.raises(Blamed, match=r"loss acme\.part: it cannot be built: Out: x \(acme-vision"):
        toolkit.run(
            tiny_recipe, overrides=overrides, runs=tmp_path / "r", host=part("loss", source)
        )
