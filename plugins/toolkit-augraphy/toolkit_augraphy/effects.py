"""The effects of augraphy that this package offers: fast, repeatable, and of the image's size.

What was measured, and which effects are left out for which reason, is in README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Name = Literal[
    "ink_bleed",
    "ink_color_swap",
    "ink_mottling",
    "lines_degradation",
    "low_ink_periodic_lines",
    "low_ink_random_lines",
    "color_shift",
    "brightness_texturize",
    "color_paper",
    "noise_texturize",
    "dirty_drum",
    "dirty_screen",
    "noisy_lines",
    "dithering",
    "faxify",
    "double_exposure",
    "lcd_screen_pattern",
    "lighting_gradient",
    "brightness",
    "gamma",
    "subtle_noise",
    "jpeg",
]
"""In the order of a page's life, in which they are applied: ink, paper, copier, light, file."""

ORDER: tuple[Name, ...] = get_args(Name)

DEFAULT: list[Name] = [
    "ink_bleed",
    "ink_mottling",
    "low_ink_random_lines",
    "brightness_texturize",
    "color_paper",
    "noise_texturize",
    "dirty_drum",
    "noisy_lines",
    "faxify",
    "lighting_gradient",
    "gamma",
    "subtle_noise",
    "jpeg",
]
"""What a page meets in an office. Left out: what paints over a page, or is slower."""

MIN_SIDE = 32
"""Height and width below which an image is left as it is, pixels: effects look at neighbourhoods,
and some cannot be drawn on less."""


@dataclass(frozen=True)
class Effect:
    """A class of augraphy, and the arguments that are not its defaults."""

    class_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


EFFECTS: Mapping[Name, Effect] = {
    "ink_bleed": Effect("InkBleed"),
    "ink_color_swap": Effect("InkColorSwap"),
    "ink_mottling": Effect("InkMottling"),
    "lines_degradation": Effect("LinesDegradation"),
    "low_ink_periodic_lines": Effect("LowInkPeriodicLines"),
    "low_ink_random_lines": Effect("LowInkRandomLines"),
    "color_shift": Effect("ColorShift"),
    "brightness_texturize": Effect("BrightnessTexturize"),
    "color_paper": Effect("ColorPaper"),
    "noise_texturize": Effect("NoiseTexturize"),
    "dirty_drum": Effect("DirtyDrum"),
    "dirty_screen": Effect("DirtyScreen"),
    "noisy_lines": Effect("NoisyLines"),
    # The ordered kind runs in threads of numba, and many workers at once draw copies.
    "dithering": Effect("Dithering", {"dither": "Floyd Steinberg"}),
    "faxify": Effect("Faxify"),
    "double_exposure": Effect("DoubleExposure"),
    "lcd_screen_pattern": Effect("LCDScreenPattern"),
    "lighting_gradient": Effect("LightingGradient"),
    "brightness": Effect("Brightness"),
    "gamma": Effect("Gamma"),
    "subtle_noise": Effect("SubtleNoise"),
    "jpeg": Effect("Jpeg"),
}
