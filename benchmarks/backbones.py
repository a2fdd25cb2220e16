"""What trains at which sizes: the smallest architecture of every family that timm lists.

Each is tried in a process of its own, so that one that crashes or hangs tells of itself alone:
built through the toolkit at each size, looked at to the edge, and trained one step at the recipe's
own size. Writes docs/backbones.md. `--one FAMILY` prints what it finds as a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIZES = (32, 64, 96, 128, 224)
TRAINED_AT = 224
SMALL = 35e6  # parameters; larger ones take minutes and gigabytes for a step on a CPU
SECONDS = 600
PAGE = Path(__file__).parents[1] / "docs" / "backbones.md"

HEAD = """<!-- Made by benchmarks/backbones.py; run it again for other versions. -->
# Backbones

`backbone.use` takes any architecture of timm ({count} of them in timm {timm}). Here is the smallest
one of each of its {families} families (timm's modules), with random weights under torch {torch} on
a CPU.

- **sizes**: of {sizes} pixels and the size that its weights were trained at (in
  brackets), those that it takes and looks at to the edge. Others are refused before training, with
  sizes near them that fit; where an unpadded stem leaves out one pixel, it is said and trains.
- **a step**: where one training step of two images (AdamW, channels_last) ended with finite
  weights: at {trained} pixels, or at its own size. None was tried above {small:.0f} million
  parameters.
- **stochastic depth**: whether it takes `backbone.drop_path_rate`.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", help="a family: what it gives, as JSON")
    one = parser.parse_args().one
    if one is not None:
        print(json.dumps(look_at(one)))
        return 0
    import timm
    import torch

    found = {}
    for family in timm.list_modules():
        found[family] = in_a_process(family)
        print(family, json.dumps(found[family]), flush=True)
    head = HEAD.format(
        count=len(timm.list_models()),
        timm=timm.__version__,
        families=len(found),
        torch=torch.__version__.partition("+")[0],
        sizes=", ".join(map(str, SIZES)),
        trained=TRAINED_AT,
        small=SMALL / 1e6,
    )
    PAGE.write_text(head + "\n" + "\n".join(rows(found)) + "\n", encoding="utf-8")
    return 0


def in_a_process(family: str) -> dict[str, Any]:
    """What a family gives, or how its process ended."""
    command = [sys.executable, __file__, "--one", family]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"ended": f"not done after {SECONDS} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"ended": f"exit code {done.returncode}: {last}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def look_at(family: str) -> dict[str, Any]:
    """The smallest architecture of a family, its sizes, and its step."""
    warnings.simplefilter("ignore")
    name, parameters = smallest(family)
    own = own_size(name)
    wrong = {size: what_is_wrong(name, size) for size in sorted({*SIZES, own})}
    sizes = [size for size, reason in wrong.items() if reason is None]
    depth = takes_drop_path(name)
    found = {"name": name, "parameters": parameters, "own": own, "sizes": sizes, "depth": depth}
    if parameters > SMALL:
        return {**found, "step": "not tried"}
    size = next((each for each in (TRAINED_AT, own) if each in sizes), None)
    if size is None:
        return {**found, "step": str(wrong[own])}
    step(name, size)
    return {**found, "step": f"at {size}"}


def own_size(name: str) -> int:
    """The size that its weights were trained at, as timm says it."""
    import timm

    config = timm.models.get_pretrained_cfg(name)
    return TRAINED_AT if config is None else int(config.input_size[-1])


def smallest(family: str) -> tuple[str, int]:
    """Name and number of parameters, counted on the meta device."""
    import timm
    import torch

    def counted(name: str) -> int:
        with torch.device("meta"):
            return sum(p.numel() for p in timm.create_model(name).parameters())

    counts = {name: counted(name) for name in timm.list_models(module=family)}
    name = min(counts, key=lambda each: counts[each])
    return name, counts[name]


def built(name: str, size: int, **options: Any) -> Any:
    """As a recipe builds it, for three classes."""
    from toolkit.builtin.backbones import timm_model
    from toolkit.contracts import Facts, ImageSpec

    facts = Facts(("a", "b", "c"), (1, 1, 1), ImageSpec(size), seed=0)
    return timm_model(name, facts, pretrained=False, **options)


def what_is_wrong(name: str, size: int) -> str | None:
    """Why an architecture cannot be used at a size; None where it can."""
    from toolkit.errors import UserError
    from toolkit.model.whole import unseen_edge

    try:
        unseen = unseen_edge(built(name, size).eval(), size)
    except UserError as error:
        return str(error)
    return f"{unseen} px of the edge are not looked at" if unseen else None


def takes_drop_path(name: str) -> bool:
    import timm
    import torch

    try:
        with torch.device("meta"):
            timm.create_model(name, drop_path_rate=0.1)
    except TypeError:
        return False
    return True


def step(name: str, size: int) -> None:
    """One step as `toolkit/train/fold.py` makes it. Raises where a weight is not finite behind."""
    import torch
    from torch.nn.functional import cross_entropy

    from toolkit.model.layout import placed
    from toolkit.recipe.sections import Optimizer
    from toolkit.train.optimizer import make_optimizer

    torch.manual_seed(0)
    model = placed(built(name, size), torch.device("cpu"), channels_last=True).train()
    optimizer = make_optimizer(model, Optimizer())
    images = torch.randn(2, 3, size, size).to(memory_format=torch.channels_last)
    cross_entropy(model(images), torch.tensor([0, 1])).backward()
    optimizer.step()
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise ValueError(f"{name} at {size} px: weights are not finite behind one step")


def rows(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield "| family | smallest | million parameters | sizes | a step | stochastic depth |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for family, facts in found.items():
        if "ended" in facts:
            yield f"| {family} | | | | {facts['ended']} | |"
            continue
        own = facts["own"]
        sizes = ", ".join(f"({size})" if size == own else f"{size}" for size in facts["sizes"])
        millions = f"{facts['parameters'] / 1e6:.1f}"
        depth = "yes" if facts["depth"] else "no"
        cells = (family, facts["name"], millions, sizes or "none", facts["step"], depth)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
