"""Train augmentations. Each is one geometric warp and cheap light, blur and noise behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from toolkit.contracts import Augmentation, ImageSpec

if TYPE_CHECKING:
    from toolkit.builtin.seventeen.pipeline import Document17
    from toolkit.builtin.warp import Unchanged

Share = Annotated[float, Field(ge=0, le=1)]
Kind = Literal[
    "turn",
    "shift_scale",
    "quarter_turn",
    "flip",
    "perspective",
    "warp",
    "page_mix",
    "brightness_contrast",
    "gamma",
    "colour_jitter",
    "greyscale",
    "gaussian_noise",
    "iso_noise",
    "motion_blur",
    "defocus",
    "downscale",
    "jpeg",
]


def none(spec: ImageSpec, /) -> Unchanged:
    """The image as validation sees it."""
    from toolkit.builtin.warp import Unchanged

    return Unchanged()


def light(
    spec: ImageSpec,
    /,
    *,
    rotate: Annotated[float, Field(ge=0, le=180, description="largest angle, degrees")] = 10.0,
    zoom: Annotated[float, Field(ge=0, lt=1, description="largest change of scale")] = 0.1,
    shift: Annotated[Share, Field(description="largest shift, share of the side")] = 0.05,
    hflip: Annotated[Share, Field(description="probability of a horizontal flip")] = 0.0,
    brightness: Annotated[Share, Field(description="largest change, share of the range")] = 0.2,
    contrast: Annotated[Share, Field(description="largest change, as a share")] = 0.2,
) -> Augmentation:
    """Small rotation, zoom, shift, brightness and contrast: for images that arrive upright."""
    from toolkit.builtin.warp import Light, Warp, WarpAndLight

    warp = Warp(
        spec, rotate=rotate, zoom_out=zoom, zoom_in=zoom, shift=shift, hflip=hflip, turns=False
    )
    return WarpAndLight(warp, Light(spec, brightness=brightness, contrast=contrast))


def document(
    spec: ImageSpec,
    /,
    *,
    rotate: Annotated[float, Field(ge=0, le=180, description="largest angle, degrees")] = 180.0,
    upright: Annotated[
        Share, Field(description="probability that only quarter turns are made, no free angle")
    ] = 0.4,
    flips: Annotated[Share, Field(description="probability of each of the two flips")] = 0.5,
    quarter_turns: Annotated[bool, Field(description="turn by 0, 90, 180 or 270 degrees")] = True,
    zoom_out: Annotated[
        float, Field(ge=0, lt=1, description="largest shrinking, as a share")
    ] = 0.25,
    zoom_in: Annotated[float, Field(ge=0, le=3, description="largest zoom, as a share")] = 0.25,
    shift: Annotated[Share, Field(description="largest shift, share of the side")] = 0.08,
    shear: Annotated[float, Field(ge=0, le=1, description="largest shear")] = 0.05,
    perspective: Annotated[Share, Field(description="largest perspective, share of side")] = 0.1,
    brightness: Annotated[Share, Field(description="largest change, share of the range")] = 0.3,
    contrast: Annotated[Share, Field(description="largest change, as a share")] = 0.4,
    blur: Annotated[
        float, Field(ge=0, description="largest Gaussian sigma, pixels of a 224 input")
    ] = 1.3,
    noise: Annotated[float, Field(ge=0, le=128, description="largest noise sigma, levels")] = 25.0,
    light: Annotated[Share, Field(description="probability of each: light, blur, noise")] = 0.4,
) -> Augmentation:
    """Scans and photos of pages: any rotation, flips, quarter turns, affine or perspective,
    brightness and contrast, blur, noise. All geometry is one resampling."""
    from toolkit.builtin.warp import Light, Warp, WarpAndLight

    warp = Warp(
        spec,
        rotate=rotate,
        upright=upright,
        hflip=flips,
        vflip=flips,
        turns=quarter_turns,
        zoom_out=zoom_out,
        zoom_in=zoom_in,
        shift=shift,
        shear=shear,
        perspective=perspective,
        any_fill=True,
    )
    tones = Light(
        spec,
        brightness=brightness,
        contrast=contrast,
        blur=blur,
        noise=noise,
        probability=light,
    )
    return WarpAndLight(warp, tones)


def document17(
    spec: ImageSpec,
    /,
    *,
    least: Annotated[int, Field(ge=1, le=17, description="kinds that an image gets, at least")] = 1,
    most: Annotated[int, Field(ge=1, le=17, description="and at most")] = 4,
    strength: Annotated[
        float, Field(gt=0, le=2, description="of every kind; 1 is what scans and photos show")
    ] = 1.0,
    kinds: Annotated[
        list[Kind] | None,
        Field(min_length=1, description="those that are drawn from; all seventeen, if left out"),
    ] = None,
    shadow: Annotated[Share, Field(description="probability of a shadow across, too")] = 0.0,
    dropout: Annotated[Share, Field(description="probability of covered rectangles, too")] = 0.0,
) -> Document17:
    """A few of seventeen kinds each: turn, shift and scale, quarter turn, flip, perspective,
    thin-plate warp, page mix, brightness and contrast, gamma, colour jitter, greyscale, Gaussian
    noise, ISO noise, motion blur, defocus, downscale, JPEG. Made for offline copies: too slow for
    every epoch."""
    from toolkit.builtin.seventeen.pipeline import KINDS, Document17
    from toolkit.errors import UserError

    chosen = tuple(kind for kind in KINDS if kinds is None or kind in kinds)
    if least > most:
        raise UserError(f"document17: least = {least} is more than most = {most}")
    if least > len(chosen):
        raise UserError(f"document17: least = {least}, and there are {len(chosen)} kinds")
    extras = (("shadow", shadow), ("coarse_dropout", dropout))
    return Document17(spec, chosen, least, min(most, len(chosen)), strength, extras)
