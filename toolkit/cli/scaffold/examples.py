"""What a new plugin package can have an example of. The modules are those of `templates/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """What a new package offers of one kind."""

    module: str
    name: str
    help: str
    use: str
    """The lines that use it, `$name` standing for the name behind which a person finds it."""


EXAMPLES: dict[str, Example] = {
    "loss": Example(
        "losses", "poly", "Poly-1 cross-entropy (Leng 2022)", '[loss]\nuse = "$name"\nepsilon = 2.0'
    ),
    "backbone": Example(
        "backbones",
        "tiny",
        "two convolutions and a head",
        '[backbone]\nuse = "$name"\nwidth = 32',
    ),
    "augmentation": Example(
        "augmentations",
        "erase",
        "a grey rectangle (DeVries 2017)",
        '[augment.train]\nuse = "$name"\nshare = 0.2',
    ),
    "ensembler": Example(
        "ensemblers", "median", "median of the members", '[ensemble]\nuse = "$name"'
    ),
    "metric": Example(
        "metrics",
        "cost",
        "what a mistake costs, where classes have an order",
        '[validate]\nreport = ["$name"]\n\n[metric.$name]\nfar = 4.0',
    ),
    "sampler": Example(
        "samplers",
        "at_least",
        "rare classes until they have their rows",
        '[sampler]\nuse = "$name"\nrows = 30',
    ),
    "source": Example(
        "sources",
        "named",
        "one folder, classes in file names",
        '[data]\nuse = "$name"\nroot = "data/pages"',
    ),
    "tracker": Example("trackers", "notes", "a line a fold, in notes.md", '[track]\nuse = "$name"'),
    "executor": Example(
        "executors",
        "cooled",
        "a pause behind each fold",
        '[execute]\nuse = "$name"\npause = 30.0',
    ),
    "command": Example(
        "commands",
        "unsure",
        "list the images that a run is least sure of",
        "toolkit $name runs/my-run",
    ),
}
"""In the order of the table: components, then the command."""


def full_name(name: str, kind: str) -> str:
    """As a person writes it: `acme.poly` in a recipe, `acme unsure` behind `toolkit`."""
    return f"{name}{' ' if kind == 'command' else '.'}{EXAMPLES[kind].name}"


def in_recipes(chosen: Mapping[str, Example]) -> bool:
    """Whether a recipe can use any of it: a command is none of its parts."""
    return bool(chosen.keys() - {"command"})
