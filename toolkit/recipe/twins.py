"""`[validate.twins]`: frozen degraded copies of the validation images, for robust scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Protocol

from pydantic import Field

from toolkit.recipe.lines import Keys
from toolkit.recipe.scores import CLEAN, Score
from toolkit.recipe.sections import Section

TWINS: Keys = ("validate", "twins")


class Twins(Section):
    """The host's own key beside the component's options."""

    count: Annotated[
        int, Field(ge=1, description="twins of each validation image, drawn once and cached")
    ] = 1


class Chosen(Protocol):
    """A component that a recipe chose."""

    @property
    def use(self) -> str: ...


def taught_twins(choices: Mapping[Keys, Chosen]) -> Iterator[tuple[Keys, str]]:
    """What is wrong where a model trains on the very component that draws its twins."""
    twins = choices.get(TWINS)
    for keys in (("augment", "train"), ("augment", "offline")):
        taught = choices.get(keys)
        if twins is not None and taught is not None and taught.use == twins.use:
            yield (
                (*TWINS, "use"),
                f'"{twins.use}" augments training, too ([{".".join(keys)}]): a model would be '
                "praised for having seen its exam; choose another component for one of them",
            )


def asks_for_twins(score: Score) -> str | None:
    """What is wrong where a recipe without twins names this score; None where it needs none."""
    if score.variant == CLEAN:
        return None
    return (
        f'"{score.name}" scores twins of the validation images, and this recipe has none; add '
        'them: [validate.twins] use = "scanned" for pages, "photographed" for photos'
    )
