"""Twins of photos that stay upright: another light, another hand, another camera."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from toolkit.contracts import Augmentation, ImageSpec

Share = Annotated[float, Field(ge=0, le=1)]


def photographed(
    spec: ImageSpec,
    /,
    *,
    angle: Annotated[float, Field(ge=0, le=180, description="largest tilt, degrees")] = 5.0,
    flips: Annotated[Share, Field(description="probability of a horizontal flip")] = 0.0,
    perspective: Annotated[
        float, Field(ge=0, le=0.4, description="largest move of a corner, share of the sides")
    ] = 0.05,
    crop: Annotated[
        float, Field(ge=0, le=0.4, description="most that is cut off each side, share of it")
    ] = 0.08,
    stops: Annotated[
        float, Field(ge=0, le=4, description="largest change of exposure, in stops")
    ] = 0.7,
    cast: Annotated[
        Annotated[float, Field(ge=0, lt=1)],
        Field(description="largest change of a colour's light, as a share"),
    ] = 0.2,
    saturation: Annotated[Share, Field(description="largest change, as a share")] = 0.4,
    contrast: Annotated[Share, Field(description="largest change, as a share")] = 0.25,
    motion: Annotated[
        float, Field(ge=0, le=0.1, description="longest smear, share of the longer side")
    ] = 0.012,
    defocus: Annotated[
        float, Field(ge=0, le=0.05, description="largest radius, share of the longer side")
    ] = 0.006,
    downscale: Annotated[
        float, Field(gt=0, le=1, description="smallest scale that it is kept at in between")
    ] = 0.5,
    noise: Annotated[
        float, Field(ge=0, le=128, description="largest standard deviation, levels")
    ] = 20.0,
    recompress: Annotated[int, Field(ge=1, le=95, description="lowest JPEG quality")] = 30,
    each: Annotated[
        Share, Field(description="probability of each kind but flips; strengths are uniform")
    ] = 0.4,
) -> Augmentation:
    """Photos that arrive upright, for twins: exposure, colour casts, saturation, contrast, a small
    tilt, perspective, crop, motion blur, defocus, downscale, noise, recompression."""
    from toolkit.builtin.degrade.chain import Chain
    from toolkit.builtin.degrade.optics import Defocus, Downscale, Motion, Noise, Recompressed
    from toolkit.builtin.degrade.placing import Placing
    from toolkit.builtin.degrade.tones import Daylight, Exposure

    return Chain(spec, (
        Placing(each, angle, 0.0, flips, perspective, crop, each, vertical=False),
        Daylight(stops, cast, saturation, each),
        Exposure(0.0, contrast, each),
        Defocus(defocus, each),
        Motion(motion, each),
        Downscale(downscale, each),
        Noise(noise, each),
        Recompressed(recompress, each),
    ))  # fmt: skip
