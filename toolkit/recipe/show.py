"""A resolved recipe as TOML text, and where each value came from."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.plugin.schema import toml_key, toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.recipe.slots import SECTIONS


def recipe_lines(plan: Plan) -> Iterator[tuple[str, Keys | None]]:
    """The lines of the resolved recipe, each with the key that it sets, if it sets one.

    An option without a value (none) has no line: TOML cannot say it, and it is the default.
    """
    yield f"name = {toml_text(plan.values['name'])}", ("name",)
    yield f"seed = {toml_text(plan.values['seed'])}", ("seed",)
    for keys in SECTIONS:
        section = plan.values
        for key in keys:
            section = section.get(key, {})
        if not section:
            continue
        yield "", None
        yield "[" + ".".join(keys) + "]", None
        for key, value in section.items():
            if value is not None and (*keys, key) not in SECTIONS:
                yield f"{toml_key(key)} = {toml_text(value)}", (*keys, key)


def recipe_text(plan: Plan) -> str:
    """The resolved recipe: a file that runs as the original did, whatever it extended."""
    return "".join(f"{line}\n" for line, _ in recipe_lines(plan))
