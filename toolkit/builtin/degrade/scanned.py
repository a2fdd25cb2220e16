"""Twins of pages: what scanners, phones and copies of copies make of a document."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from toolkit.contracts import Augmentation, ImageSpec

Share = Annotated[float, Field(ge=0, le=1)]


def scanned(
    spec: ImageSpec,
    /,
    *,
    turned: Annotated[Share, Field(description="probability of a turn by any angle")] = 0.5,
    angle: Annotated[float, Field(ge=0, le=180, description="the largest, degrees")] = 180.0,
    quarter_turns: Annotated[
        Share, Field(description="probability of a turn by 90, 180 or 270 degrees")
    ] = 0.5,
    flips: Annotated[Share, Field(description="probability of each of the two flips")] = 0.25,
    perspective: Annotated[
        float, Field(ge=0, le=0.4, description="largest move of a corner, share of the sides")
    ] = 0.06,
    crop: Annotated[
        float, Field(ge=0, le=0.4, description="most that is cut off each side, share of it")
    ] = 0.08,
    mix: Annotated[
        float, Field(ge=0, le=0.5, description="largest share of a page that shows through")
    ] = 0.35,
    brightness: Annotated[Share, Field(description="largest change, share of the range")] = 0.2,
    contrast: Annotated[Share, Field(description="largest change, as a share")] = 0.4,
    motion: Annotated[
        float, Field(ge=0, le=0.1, description="longest smear, share of the longer side")
    ] = 0.015,
    defocus: Annotated[
        float, Field(ge=0, le=0.05, description="largest radius, share of the longer side")
    ] = 0.006,
    downscale: Annotated[
        float, Field(gt=0, le=1, description="smallest scale that it is kept at in between")
    ] = 0.35,
    noise: Annotated[
        float, Field(ge=0, le=128, description="largest standard deviation, levels")
    ] = 30.0,
    recompress: Annotated[int, Field(ge=1, le=95, description="lowest JPEG quality")] = 20,
    each: Annotated[
        Share,
        Field(description="probability of each kind but turns and flips; strengths are uniform"),
    ] = 0.35,
) -> Augmentation:
    """Scans and photos of pages, for twins: turns by any angle, quarter turns, flips, perspective,
    crop, page mix, brightness and contrast, motion blur, defocus, downscale, noise, recompression.

    The defaults assume that nothing is known of the test images: any orientation, and of the other
    kinds about four in ten images have three or more.
    """
    from toolkit.builtin.degrade.chain import Chain
    from toolkit.builtin.degrade.optics import Defocus, Downscale, Motion, Noise, Recompressed
    from toolkit.builtin.degrade.placing import Placing
    from toolkit.builtin.degrade.tones import Exposure, ShowThrough

    return Chain(spec, (
        ShowThrough(mix, each),
        Placing(turned, angle, quarter_turns, flips, perspective, crop, each),
        Exposure(brightness, contrast, each),
        Defocus(defocus, each),
        Motion(motion, each),
        Downscale(downscale, each),
        Noise(noise, each),
        Recompressed(recompress, each),
    ))  # fmt: skip
