"""What happens to test images: turned, mirrored, mixed, cut, dimmed, blurred, sent around.

Written for this competition alone and sharing no code with anybody's augmentations, so that a
recipe's augmentations are guesses about the test set here too. Every degradation takes and returns
`(H, W, 3)` uint8 and leaves its input as it was.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from toolkit_synthdocs.dice import RGB, Rng, between, chance, pick, whole
from toolkit_synthdocs.resize import resized

Pixels = npt.NDArray[np.uint8]  # (H, W, 3), RGB
Other = Callable[[], Pixels]  # draws a second page

FILLS: tuple[RGB, ...] = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (232, 230, 226))
FEWEST, MOST = 2, 5  # degradations of one image
MOST_MIX = 0.4  # share of the second page


def degrade(pixels: Pixels, rng: Rng, other: Other) -> Pixels:
    """Some of the degradations, in the order in which they would happen to a picture."""
    names = list(CHANCES)
    weights = np.array(list(CHANCES.values()))
    count = whole(rng, FEWEST, MOST)
    chosen = rng.choice(len(names), size=count, replace=False, p=weights / weights.sum())
    for number in sorted(int(n) for n in chosen):
        if names[number] == "mix":
            pixels = mix(pixels, rng, other())
        else:
            pixels = PLAIN[names[number]](pixels, rng)
    return pixels


def mix(pixels: Pixels, rng: Rng, second: Pixels) -> Pixels:
    """The second page shines through."""
    height, width = pixels.shape[:2]
    over = resized(Image.fromarray(second), (width, height), Image.Resampling.BILINEAR)
    share = round(256 * between(rng, 0.15, MOST_MIX))
    mixed = (pixels.astype(np.uint16) * (256 - share) + np.asarray(over, np.uint16) * share) // 256
    return mixed.astype(np.uint8)


def crop(pixels: Pixels, rng: Rng) -> Pixels:
    """Up to 15 % off each side."""
    height, width = pixels.shape[:2]
    top, left = round(height * between(rng, 0, 0.15)), round(width * between(rng, 0, 0.15))
    bottom = height - round(height * between(rng, 0, 0.15))
    right = width - round(width * between(rng, 0, 0.15))
    return pixels[top:bottom, left:right].copy()


def flip(pixels: Pixels, rng: Rng) -> Pixels:
    """A mirror image, left for right or top for bottom."""
    return np.ascontiguousarray(pixels[:, ::-1] if chance(rng, 0.5) else pixels[::-1])


def quarter(pixels: Pixels, rng: Rng) -> Pixels:
    """One, two or three quarter turns."""
    return np.ascontiguousarray(np.rot90(pixels, whole(rng, 1, 3)))


def rotate(pixels: Pixels, rng: Rng) -> Pixels:
    """Any angle; the picture grows to hold its corners, or loses them."""
    page, angle = Image.fromarray(pixels), between(rng, -180, 180)
    grow, fill = chance(rng, 0.6), pick(rng, FILLS)
    size = page.size
    turned = page.rotate(angle, Image.Resampling.BILINEAR, expand=grow, fillcolor=fill)
    if grow:
        share = max(size) / max(turned.size)
        small = (round(turned.width * share), round(turned.height * share))
        turned = resized(turned, small, Image.Resampling.BILINEAR)
    return array(turned)


def dim(pixels: Pixels, rng: Rng) -> Pixels:
    """Brightness and contrast."""
    gain, shift = between(rng, 0.55, 1.35), between(rng, -45, 45)
    curve = [round(min(max((level - 128) * gain + 128 + shift, 0), 255)) for level in range(256)]
    changed: Pixels = np.array(curve, np.uint8)[pixels]
    return changed


def blur(pixels: Pixels, rng: Rng) -> Pixels:
    """Out of focus, or shaken along a row or a column."""
    page = Image.fromarray(pixels)
    if chance(rng, 0.6):
        return array(page.filter(ImageFilter.GaussianBlur(between(rng, 0.8, 2.6))))
    reach = between(rng, 1.5, 4.0)
    along = (reach, 0) if chance(rng, 0.5) else (0, reach)
    return array(page.filter(ImageFilter.BoxBlur(along)))


def noise(pixels: Pixels, rng: Rng) -> Pixels:
    """Grain of a dark room, in each channel by itself: the sum of two dice a value."""
    first, second = rng.integers(0, 128, (2, *pixels.shape), dtype=np.int16)
    grain = (first + second - 127) * whole(rng, 20, 90) // 128
    changed: Pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    return changed


def recompress(pixels: Pixels, rng: Rng) -> Pixels:
    """JPEG of low quality, at times after it was made small."""
    page = Image.fromarray(pixels)
    size = page.size
    if chance(rng, 0.4):
        share = between(rng, 0.4, 0.7)
        small = (round(size[0] * share), round(size[1] * share))
        page = resized(page, small, Image.Resampling.BOX)
    packed = io.BytesIO()
    page.save(packed, "JPEG", quality=whole(rng, 12, 40))
    return array(resized(Image.open(packed), size, Image.Resampling.BILINEAR))


def array(image: Image.Image) -> Pixels:
    return np.array(image, np.uint8)


PLAIN: dict[str, Callable[[Pixels, Rng], Pixels]] = {
    "crop": crop,
    "flip": flip,
    "quarter": quarter,
    "rotate": rotate,
    "dim": dim,
    "blur": blur,
    "noise": noise,
    "recompress": recompress,
}

# In the order in which they happen, with the weight of each in the draw.
CHANCES = {
    "mix": 1.0,
    "crop": 1.0,
    "flip": 1.8,
    "quarter": 1.4,
    "rotate": 2.4,
    "dim": 1.4,
    "blur": 1.2,
    "noise": 1.2,
    "recompress": 1.0,
}
