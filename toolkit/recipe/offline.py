"""The host's own keys of `[augment.offline]`, beside the component's options."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from toolkit.recipe.sections import Section


class Offline(Section):
    copies: Annotated[
        int,
        Field(
            ge=1,
            description="copies of each training original, drawn once and cached; balance_to goes "
            "first",
        ),
    ] = 1
    mode: Annotated[
        Literal["append", "replace"],
        Field(description="whether originals train beside their copies, or copies in their place"),
    ] = "append"
    balance_to: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(
            description="rows of each class that a fold trains on: as many copies as its class "
            "lacks, spread evenly over its originals (replace: one of each at least)"
        ),
    ] = None
