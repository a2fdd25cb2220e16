"""`augraphy.degrade`: some effects of a list, drawn and seeded by the host's generator.

Importing this module loads no augraphy, so that a recipe is checked in an instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Image, ImageSpec
from toolkit.errors import UserError

from toolkit_augraphy.effects import DEFAULT, MIN_SIDE, ORDER, Name

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Degrade:
    """At the top of the module, so that it travels to other processes."""

    effects: tuple[Name, ...]
    """In the order in which they are applied."""
    least: int
    most: int
    strength: float

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        from toolkit_augraphy.library import apply

        if min(image.shape[:2]) < MIN_SIDE:
            return image.copy()
        count = rng.integers(self.least, self.most, endpoint=True)
        degraded = image
        for index in sorted(rng.choice(len(self.effects), count, replace=False)):
            degraded = apply(self.effects[index], degraded, int(rng.integers(2**32)))
        return _blend(image, degraded, self.strength)


def degrade(
    spec: ImageSpec,
    /,
    *,
    effects: Annotated[
        list[Name], Field(min_length=1, description="what an image's effects are drawn from")
    ] = DEFAULT,
    least: Annotated[int, Field(ge=1, description="fewest effects of an image")] = 1,
    most: Annotated[
        int, Field(ge=1, description="most effects of an image; all of them, if there are fewer")
    ] = 3,
    strength: Annotated[
        float, Field(gt=0, le=1, description="1: as augraphy draws; 0.5: half way from the image")
    ] = 1.0,
) -> Degrade:
    """From `least` to `most` different effects of augraphy, in the order of a page's life.

    Images with a side below 32 pixels are left as they are. The source of all effects is
    Groleau et al. 2023, Augraphy: A Data Augmentation Library for Document Images,
    arXiv:2208.14558.

    Raises:
        UserError: `least` is more than `most` or than there are effects, or augraphy is not
            installed.
    """
    from toolkit_augraphy.library import require_augraphy

    chosen = tuple(name for name in ORDER if name in effects)
    limit = min(most, len(chosen))
    if least > limit:
        more = f"{len(chosen)} different effects" if limit < most else f"most = {most}"
        raise UserError(f"augraphy.degrade: least = {least} is more than {more}")
    require_augraphy()
    return Degrade(chosen, least, limit, strength)


def _blend(image: Image, degraded: Image, strength: float) -> Image:
    """`degraded` at 1, half way between the two at 0.5."""
    if strength == 1:
        return degraded
    mixed: Image = (image + strength * (degraded - image.astype("float32"))).round().astype("uint8")
    return mixed
