"""Which optimizers train, and go on to the same bytes. Writes docs/optimizers.md.

Each makes three steps on a few weights, is saved as a fold saves it, and makes three more; a fresh
one reads that file and makes the same three. Both must end with the same bytes.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import timm
import torch
from timm.optim import get_optimizer_info, list_optimizers
from torch import Tensor, nn
from torch.optim import Optimizer

from toolkit.builtin.optimizers import make, why_not
from toolkit.model.generators import rng_state, set_rng_state
from toolkit.train.state import load_optimizer, load_tree, save_tree

PAGE = Path(__file__).parents[1] / "docs" / "optimizers.md"
STEPS = 3

HEAD = """<!-- Made by benchmarks/optimizers.py; run it again for other versions. -->
# Optimizers

`optimizer.use` takes any name of timm's factory. Here are the {count} of timm {timm}, under torch
{torch} on {device}: {trained} train, and a run of theirs that is stopped goes on to the same bytes.
The others are refused when the recipe is checked, with the reason that stands here.

- **state**: numbers that it keeps for each weight, which a fold's state file holds beside the
  weights; measured on a network of {weights} weights.
"""


def main() -> None:
    warnings.simplefilter("ignore")
    table = {use: line(use) for use in list_optimizers()}
    head = HEAD.format(
        count=len(table),
        timm=timm.__version__,
        torch=torch.__version__.partition("+")[0],
        device="a GPU" if torch.cuda.is_available() else "a CPU",
        trained=sum(trains == "yes" for trains, _ in table.values()),
        weights=f"{sum(p.numel() for p in network().parameters()):,}",
    )
    PAGE.write_text(head + "\n" + "\n".join(rows(table)) + "\n", encoding="utf-8")


def line(use: str) -> tuple[str, str]:
    """Whether it trains and resumes, or why not; and the size of its state."""
    reason = why_not(use)
    if reason is not None:
        return reason, ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        torch.manual_seed(0)
        model = network()
        optimizer = made(use, model)
        train(model, optimizer, range(STEPS))
        tree = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        save_tree(file, {**tree, "rng": rng_state()})
        train(model, optimizer, range(STEPS, 2 * STEPS))
        again = network()
        resumed = made(use, again)
        tree = load_tree(file)
    again.load_state_dict(tree["model"])
    load_optimizer(resumed, tree["optimizer"])
    set_rng_state(tree["rng"])
    train(again, resumed, range(STEPS, 2 * STEPS))
    pairs = zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    same = all(torch.equal(first, second) for first, second in pairs)
    kept = sum(numbers(optimizer.state_dict()["state"]))
    weights = sum(p.numel() for p in model.parameters())
    return (
        "yes" if same else "trains, but does not go on to the same bytes",
        f"{kept / weights:.2f}",
    )


def network() -> nn.Module:
    body = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU())
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 4))
    return nn.Sequential(body, head).to(memory_format=torch.channels_last)


def made(use: str, model: nn.Module) -> Optimizer:
    return make(model, use, 1e-3, 0.01, 0.9, fused=True)


def train(model: nn.Module, optimizer: Optimizer, steps: range) -> None:
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        images = torch.randn(4, 3, 8, 8, generator=generator)
        optimizer.zero_grad()
        model(images.to(memory_format=torch.channels_last)).square().mean().backward()
        optimizer.step()


def numbers(node: object) -> Iterator[int]:
    if isinstance(node, Tensor):
        yield node.numel()
    for value in node.values() if isinstance(node, dict) else ():
        yield from numbers(value)
    for value in node if isinstance(node, list | tuple) else ():
        yield from numbers(value)


def rows(table: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield "| name | trains and resumes | state | what it is |"
    yield "| --- | --- | --- | --- |"
    for use, (trains, kept) in table.items():
        about = get_optimizer_info(use).description.replace("|", "/")
        yield f"| `{use}` | {trains} | {kept} | {about} |"


if __name__ == "__main__":
    main()
