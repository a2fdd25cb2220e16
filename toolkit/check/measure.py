"""What each cheap feature of an image means, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from toolkit.contracts import Floats
from toolkit.data.features import NAMES


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f}%"


@dataclass(frozen=True)
class Measure:
    """A feature, as people say it."""

    title: str
    more: str
    """What images are that have more of it: `darker`."""
    less: str
    varied: str
    """What they are where they differ more from each other in it."""
    text: Callable[[float], str] = _plain
    capture: bool = False
    """Whether it is of how a picture was taken or stored, not of what is on it."""


def _px(value: float) -> str:
    return f"{2**value:,.0f} px"


def _ratio(value: float) -> str:
    return f"{2**value:.2f}"


MEASURES: dict[str, Measure] = {
    "brightness": Measure(
        "brightness", "brighter", "darker", "of more varied brightness", _share, capture=True
    ),
    "contrast": Measure("contrast", "of more contrast", "paler", "of more varied contrast", _share),
    "saturation": Measure(
        "saturation", "more colourful", "less colourful", "of more varied colour", _share
    ),
    "warmth": Measure("colour cast, red to blue", "redder", "bluer", "of more varied colour cast"),
    "tint": Measure(
        "colour cast, green to purple", "greener", "more purple", "of more varied colour cast"
    ),
    "sharpness": Measure(
        "sharpness", "sharper", "blurrier", "of more varied sharpness", capture=True
    ),
    "noise": Measure("noise", "noisier", "less noisy", "of more varied noise", capture=True),
    "skew": Measure(
        "degrees off the axes",
        "turned by some degrees",
        "straighter",
        "turned by more varied angles",
        lambda v: f"{v:.0f}\N{DEGREE SIGN}",
    ),
    "lines": Measure(
        "direction of lines",
        "more often upright",
        "turned by a quarter",
        "turned by quarters, some of them",
    ),
    "top_heavy": Measure(
        "weight of the upper half",
        "heavier at the top",
        "upside down, some of them",
        "upside down, some of them",
    ),
    "left_heavy": Measure(
        "weight of the left half",
        "heavier on the left",
        "mirrored or turned, some of them",
        "mirrored or turned, some of them",
    ),
    "black_border": Measure(
        "black border",
        "framed in black",
        "less framed in black",
        "framed in black, some of them",
        _share,
        capture=True,
    ),
    "plain_border": Measure(
        "plain border",
        "of more plain border",
        "cropped closer, or of no plain border",
        "of more varied borders",
        _share,
    ),
    "aspect": Measure(
        "width / height", "wider", "taller", "of more varied shape", _ratio, capture=True
    ),
    "size": Measure("size", "larger", "smaller", "of more varied size", _px, capture=True),
    "bytes_per_pixel": Measure(
        "bytes a pixel",
        "less compressed",
        "more compressed",
        "of more varied compression",
        _ratio,
        capture=True,
    ),
    "jpeg_quality": Measure(
        "JPEG quality",
        "of higher JPEG quality",
        "of lower JPEG quality",
        "of more varied JPEG quality",
        lambda v: f"{v:.0f}",
        capture=True,
    ),
}
"""By the names of the features, in their order."""


def column(features: Floats, name: str) -> Floats:
    """One feature of all images `(n,)`; what an image does not have is below all that others have:
    no JPEG has no quality."""
    values = features[:, NAMES.index(name)]
    return np.where(np.isfinite(values), values, np.float32(-1e3))


def filled(features: Floats) -> Floats:
    """All features `(n, F)`, likewise."""
    return np.where(np.isfinite(features), features, np.float32(-1e3))


def shown(name: str, value: float) -> str:
    """A value in its unit."""
    return "none" if value < -500 else MEASURES[name].text(value)
