"""Drawn pages with text, and what a scanner or a script makes of one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PIL
from PIL import ImageDraw, ImageFilter

WORDS = [
    "invoice",
    "total",
    "amount",
    "date",
    "name",
    "street",
    "city",
    "phone",
    "sum",
    "tax",
    "paid",
    "due",
    "order",
    "item",
]


def page(seed: int, form: int = 0) -> PIL.Image:
    """A page of one of the forms: frames that all its pages share, and text of its own."""
    image = PIL.new("RGB", (300, 400), "white")
    pen, frames = ImageDraw.Draw(image), np.random.default_rng(1000 + form)
    rng = np.random.default_rng(seed)
    pen.rectangle((20, 20, 280, 50), fill=(200, 210, 230))
    for y in range(70, 380, 30):
        pen.line((20, y, 280, y), fill=(120, 120, 120))
        pen.line((int(frames.integers(60, 200)), y, int(frames.integers(60, 200)), y + 30), "gray")
        text = " ".join(rng.choice(WORDS, int(rng.integers(2, 7))))
        pen.text((24 + int(rng.integers(30)), y + 8), text, fill=(10, 10, 30))
    return image


def recompressed(image: PIL.Image, quality: int = 30) -> PIL.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return PIL.open(io.BytesIO(file.getvalue())).convert("RGB")


def copies(image: PIL.Image) -> dict[str, PIL.Image]:
    """What is still the same page, to anybody who looks."""
    width, height = image.size
    turned = image.rotate(2, fillcolor="white", resample=PIL.Resampling.BICUBIC)
    return {
        "recompressed": recompressed(image),
        "half": image.resize((width // 2, height // 2), PIL.Resampling.BOX),
        "darker": image.point(lambda v: int(0.7 * v)),
        "blurred": image.filter(ImageFilter.GaussianBlur(1)),
        "quarter": image.transpose(PIL.Transpose.ROTATE_90),
        "upside down": image.transpose(PIL.Transpose.ROTATE_180),
        "mirrored": recompressed(image.transpose(PIL.Transpose.FLIP_LEFT_RIGHT), 60),
        "transposed": image.transpose(PIL.Transpose.TRANSPOSE),
        "rotated a little": turned,
        "cropped a little": image.crop((6, 8, width - 6, height - 8)),
    }
