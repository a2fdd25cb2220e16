"""What `split.given` rules out: a given validation split is one fold."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.builtin.splits import role_of
from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import Recipe
from toolkit.recipe.sections import Proxy, Split

FOLDS: Keys = ("split", "folds")
GIVEN: Keys = ("split", "given")


def given_problems(recipe: Recipe, split: Split, proxy: Proxy | None) -> Iterator[tuple[Keys, str]]:
    """What contradicts a given split, by its key."""
    if not split.given:
        if split.leaks == "drop":
            yield ("split", "leaks"), '"drop" is about a given split, and split.given names none'
        return
    said = f"split.given = {toml_text(split.given)} ({recipe.origin(GIVEN)})"
    if role_of(split.given) == "train":
        yield GIVEN, 'names the split that trains; expected the one that validates, "valid"'
    if _is_set(recipe, FOLDS) and not _is_outranked(recipe):
        yield (
            FOLDS,
            f"{split.folds} folds contradict {said}, which is one; remove split.folds, or "
            'set split.given = "" to join that split to training',
        )
    if proxy is not None and (proxy.folds or 0) > 1:
        yield (
            ("tune", "proxy", "folds"),
            f"{proxy.folds} folds contradict {said}, which is one; remove it",
        )


def given_notes(recipe: Recipe, split: Split) -> Iterator[str]:
    """What gives way to a split that a nearer recipe, or an override, names."""
    if split.given and _is_set(recipe, FOLDS) and _is_outranked(recipe):
        yield (
            f"{recipe.origin(FOLDS)}: split.folds = {split.folds} gives way to split.given = "
            f"{toml_text(split.given)} ({recipe.origin(GIVEN)}), which is one fold"
        )


def _is_set(recipe: Recipe, keys: Keys) -> bool:
    return keys in recipe.origins


def _is_outranked(recipe: Recipe) -> bool:
    """Whether the folds are those of a recipe that the one with the given split extends."""
    return recipe.layers.get(FOLDS, 0) < recipe.layers.get(GIVEN, 0)
