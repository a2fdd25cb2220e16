"""The keys of `[labels]`: patches of single labels, and groups of classes."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from toolkit.plugin.schema import STRICT
from toolkit.recipe.sections import Section

REST = "*"
"""The key of `[labels.relabel]` that stands for every class that no other key names."""


class Labels(Section):
    patches: Annotated[
        list[str],
        Field(
            description="CSV files of corrected labels, applied in this order: id, from, to, and "
            "perhaps reason, author, date; a row whose from is not the label stops the run"
        ),
    ] = []  # noqa: RUF012 - a model's default, which pydantic copies


class Relabel(Section):
    """A class and its group, a key each; classes that are not named keep their own names."""

    model_config = ConfigDict({**STRICT, "extra": "allow"})
    __pydantic_extra__: dict[str, Annotated[str, Field(min_length=1)]]
