"""A starting recipe, fitted to data that was looked at, each choice with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from toolkit.builtin.splits import SPLIT, role_of
from toolkit.check.survey import Survey
from toolkit.data.rare import rare_classes
from toolkit.plugin.schema import toml_key, toml_text
from toolkit.recipe.names import safe_name

_GB_AN_IMAGE = 0.12  # efficientnet_b0 in training at 224 px, float32; grows with the pixel count


@dataclass(frozen=True)
class Machine:
    """What the recipe is to run on."""

    gpu_gb: float | None
    """Memory of the GPU; None without one."""
    memory_gb: float
    lite: bool
    """Whether the plugin with ImageNet weights from pip is there."""


def starter_recipe(name: str, found: Survey, machine: Machine) -> str:
    """The text of a commented recipe that runs as it is."""
    return "\n".join(_lines(name, found, machine)) + "\n"


def recipe_name(text: str) -> str:
    """A file's or folder's name as a recipe's."""
    return safe_name(text)


def _lines(name: str, found: Survey, machine: Machine) -> Iterator[str]:
    table = found.table
    originals = table.train[table.train["parent"] == table.train["id"]]
    counts = originals["label"].value_counts()
    test = 0 if table.test is None else len(table.test)
    rarest = int(counts.idxmin())
    yield (
        f"# {len(table.train)} training images of {len(table.classes)} classes, "
        f"{counts.max()} in the largest and {counts.min()} in the smallest "
        f"({_plain(table.classes[rarest])}); {test or 'no'} test images."
    )
    yield ""
    yield 'extends = "toolkit:base"    # `toolkit show` prints what this file leaves out'
    yield ""
    yield f"name = {toml_text(name)}"
    yield "seed = 42"
    yield from _data(found)
    yield ""
    yield "[split]"
    folds, why = folds_for(found, machine)
    yield f"folds = {folds}    # {why}"
    yield from _given(found)
    if rare_classes(table, folds):
        yield 'rare = "keep"    # classes with fewer images than folds; "drop" leaves them out'
    yield from _image(found, machine)
    yield from _model(found, machine)
    yield ""
    yield "[loss]"
    imbalance = counts.max() / max(1, counts.min())
    alpha = 0.5 if imbalance >= 2 else 0.0
    yield 'use = "focal"'
    yield "gamma = 0.0     # 0 is cross-entropy; 1 to 3 attends to hard images in longer trainings"
    yield f"alpha = {alpha}     # class weights ~ count ** -alpha; the largest class has"
    yield f"                # {imbalance:.1f} times the images of the smallest"
    yield ""
    yield "[augment.train]"
    yield 'use = "document"    # pages may be turned or flipped; "light" for upright photographs'
    yield from _train(found, machine)


def _plain(text: str) -> str:
    """A class's name in a comment, which holds no control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def _data(found: Survey) -> Iterator[str]:
    yield ""
    yield "[data]"
    for key, value in found.source.items():
        reason = ""
        if key == "group_column":
            units = found.table.train["group"].nunique()
            reason = f"    # {units} groups; rows of one group stay in one fold"
        elif key == "parent_column":
            reason = "    # copies never validate, nor stand across a fold from their original"
        yield f"{toml_key(key)} = {toml_text(value)}{reason}"
    if "group_column" not in found.source:
        for column, values in found.repeating.items():
            yield f"# group_column = {toml_text(column)}    # {values} values repeat: a group?"


def _given(found: Survey) -> Iterator[str]:
    """The key that uses a validation split as it was given, set aside."""
    splits = found.table.train.get(SPLIT)
    apart = [] if splits is None else [s for s in splits.unique() if role_of(s) == "valid"]
    if len(apart) and splits is not None:
        rows = int(splits.isin(apart).sum())
        name = apart[0] if len(apart) == 1 else "valid"
        yield (
            f"# given = {toml_text(name)}    # instead of folds: validates on those {rows} images "
            "alone; else they are joined to training"
        )


def folds_for(found: Survey, machine: Machine) -> tuple[int, str]:
    """As many folds as the rarest class bears, in units that cannot be parted."""
    train = found.table.train
    units = int(train.groupby("label")["group"].nunique().min())
    wanted = 5 if machine.gpu_gb is not None else 3
    folds = max(2, min(wanted, units))
    if folds < wanted:
        return folds, f"the rarest class has {units} groups"
    return folds, "5 is usual; 3 for a first look" if wanted == 5 else "3 for a CPU; 5 is usual"


def _image(found: Survey, machine: Machine) -> Iterator[str]:
    sides = np.array(found.sides)
    ratios = sides[:, 0] / sides[:, 1]
    low, high = np.quantile(ratios, [0.1, 0.9])
    width, height = np.median(sides, axis=0).astype(int)
    alike = high / low < 1.05
    yield ""
    yield "[image]"
    yield f"size = {_size(found, machine)}    # the images are about {width} x {height}"
    if alike:
        yield 'fit = "stretch"    # all images have one shape: nothing is lost to padding'
    else:
        yield f'fit = "letterbox"    # shapes differ (width / height {low:.2f} to {high:.2f})'


def _size(found: Survey, machine: Machine) -> int:
    """What the machine bears, but no more than the images hold; a multiple of 32 pixels."""
    longest = float(np.median(np.max(found.sides, axis=1)))
    most = 320 if machine.gpu_gb is not None else 224
    return int(max(64, min(most, 32 * round(longest / 32))))


def _model(found: Survey, machine: Machine) -> Iterator[str]:
    yield ""
    yield "[backbone]"
    if machine.gpu_gb is None and machine.lite:
        yield 'use = "lite.efficientnet_lite0"    # no GPU here: small, its weights come from pip'
    elif machine.gpu_gb is None:
        yield 'use = "efficientnet_lite0"    # no GPU here: a small one; any architecture of timm'
    else:
        yield 'use = "efficientnet_b0"    # a quick start; any architecture of timm'
    yield "pretrained = true"


def _train(found: Survey, machine: Machine) -> Iterator[str]:
    batch = _batch(found, machine)
    memory = machine.gpu_gb if machine.gpu_gb is not None else machine.memory_gb
    device = "the GPU" if machine.gpu_gb is not None else "this machine"
    yield ""
    yield "[optimizer]"
    yield 'use = "adamw"'
    yield "lr = 1e-3"
    yield ""
    yield "[train]"
    yield f"epochs = {30 if machine.gpu_gb is not None else 10}"
    yield f"batch_size = {batch}    # {device} has {memory:.0f} GB of memory"
    if machine.gpu_gb is not None:
        yield "early_stop = 8    # epochs without a rise of the out-of-fold macro-F1"


def _batch(found: Survey, machine: Machine) -> int:
    """A power of two that fits into half the memory and gives ten steps an epoch or more."""
    size = _size(found, machine)
    memory = machine.gpu_gb if machine.gpu_gb is not None else machine.memory_gb
    fits = 0.5 * memory / (_GB_AN_IMAGE * (size / 224) ** 2)
    most = 32 if machine.gpu_gb is not None else 16
    batch = min(fits, most, len(found.table.train) / 10)
    return max(4, int(2 ** np.floor(np.log2(max(1.0, batch)))))
