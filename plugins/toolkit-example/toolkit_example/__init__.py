"""What the plugin offers: a table, which imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register

HERE = "toolkit_example"


@hookimpl
def toolkit_register(register: Register) -> None:
    """Offer `example.poly` and its companions, and the recipe `example:pages`."""
    register.loss("poly", f"{HERE}.losses:poly", help="Poly-1 cross-entropy (Leng 2022)")
    register.backbone("small", f"{HERE}.backbones:small", help="three convolutions and a head")
    register.augmentation(
        "ink_fade", f"{HERE}.augmentations:ink_fade", help="ink that pales here and there"
    )
    register.ensembler(
        "geometric", f"{HERE}.ensemblers:geometric", help="geometric mean of probabilities"
    )
    register.sampler(
        "capped", f"{HERE}.samplers:capped", help="at most so many rows of a class an epoch"
    )
    register.sampler(
        "even_groups", f"{HERE}.samplers:even_groups", help="rows of small groups more often"
    )
    register.recipes(f"{HERE}.recipes")
