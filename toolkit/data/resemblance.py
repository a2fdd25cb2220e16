"""Whether two small pictures show the same thing: a perceptual hash that finds candidates, and a
look at their pixels that decides.

Two letters on one form have nearly one hash, since a hash sees the form. They are told apart block
by block: where there is ink, it must be the same ink.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 128
"""Of the grey square that is compared, pixels."""
BLOCKS = 8  # a side
FORMS = 8
"""Quarter turns, and quarter turns of the mirror image."""
PROBES = 4
"""A picture as it is, turned a little to either side, and cropped a little."""

_CONTENT = 4.0  # grey levels; the least standard deviation of a block that counts
_MOST = 15.0  # that is asked where the paper is noisy
_FEWEST = 3  # blocks; a nearly empty picture is like any other
_DOUBT = 0.3  # blocks that disagree, unseen; the fewer there are, the more it weighs
_HEAVIEST = 30.0  # grey levels; a stronger edge weighs no more
_FRAMED = 60  # grey levels between a frame and the paper
_STEP = 6  # degrees between the turns that are tried
_LIKELY = 4  # of them that are looked at closely
_SETTLED, _HOPELESS = 0.95, 0.2  # scores that moving a picture changes no decision of
_ROUGHLY = 0.6  # correlation at half the size, where a closer look begins
_SAME = 0.6  # correlation of a block with itself in a copy

T = TypeVar("T", bound=np.generic)
Grey = npt.NDArray[np.uint8]  # (SIDE, SIDE)
Values = npt.NDArray[np.float32]
Size = tuple[float, float]
Hashes = npt.NDArray[np.uint64]


def in_form(picture: npt.NDArray[T], form: int) -> npt.NDArray[T]:
    """The picture mirrored and turned: one of `FORMS`."""
    mirrored = picture[:, ::-1] if form >= 4 else picture
    return np.ascontiguousarray(np.rot90(mirrored, form % 4))


def hashes_of(picture: Grey) -> Hashes:
    """The hashes of a picture's forms, and behind them those of its probes `(FORMS + PROBES,)`."""
    forms = [in_form(picture, form) for form in range(FORMS)]
    probes = [probed(picture, probe) for probe in range(PROBES)]
    return np.array([_hash(one) for one in (*forms, *probes)], dtype=np.uint64)


def probe_matrix(probe: int) -> Values:
    """Of a probe's pixels, where they are in the picture `(2, 3)`."""
    middle = (SIDE - 1) / 2
    turn, scale = ((0.0, 1.0), (3.0, 1.0), (-3.0, 1.0), (0.0, 0.93))[probe]
    angle = np.deg2rad(turn)
    part = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.array([middle, middle]) - part @ np.array([middle, middle])
    return np.hstack([part, shift[:, None]]).astype(np.float32)


def probed(picture: Grey, probe: int) -> Grey:
    if probe == 0:
        return picture
    return _warped(picture, probe_matrix(probe))


def _warped(picture: npt.NDArray[np.generic], matrix: Values) -> npt.NDArray[np.uint8]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )


@cache
def _cosines() -> Values:
    """The first eight cosines of a transform of 32 values `(8, 32)`."""
    places = (2 * np.arange(32)[None] + 1) * np.arange(8)[:, None]
    return np.cos(np.pi * places / 64).astype(np.float32)


def _hash(picture: Grey) -> int:
    """64 bits: which of the coarse cosines are above their median (Zauner 2010, pHash)."""
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    coarse = (_cosines() @ small @ _cosines().T).ravel()
    coarse[0] = 0.0  # the brightness
    return int.from_bytes(np.packbits(coarse > np.median(coarse)).tobytes(), "big")


def coarse(picture: Grey) -> Values:
    """The picture without its shades, at 32 px and of length 1 `(1024,)`: the product of two is
    their correlation."""
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    detail = (small - cv2.GaussianBlur(small, (0, 0), 4)).ravel()
    detail -= detail.mean()
    return np.asarray(detail / max(float(np.linalg.norm(detail)), 1e-6), dtype=np.float32)


def resemblance(one: Grey, other: Grey, probe: int = 0) -> float:
    """How surely two pictures are copies of one, 0 to 1: the mean correlation of the blocks that
    hold something, lowered by the share of those that do not agree.

    Args:
        other: in the form that is like `one`.
        probe: which probe of `one` was like it.
    """
    found = 0.0
    if probe == 0:
        found = _blocks_alike(one, other, ~(framed(one) | framed(other)))
        if found >= _SETTLED or found < _HOPELESS:  # a little off, it would be the probe's
            return found
    return max(found, _moved(one, other, probe_matrix(probe)))


def turned_resemblance(one: Grey, other: Grey, shape: Size, other_shape: Size) -> float:
    """The same where `other` may be turned by any angle, mirrored and cropped: slower by far.

    Args:
        shape: width and height of the images, pixels: a square picture of them is out of shape.
    """
    best: list[tuple[float, int, Values]] = []
    wanted = coarse(other)
    for mirrored in (0, 1):
        picture = np.ascontiguousarray(one[:, ::-1]) if mirrored else one
        small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
        for degrees in range(0, 360, _STEP):
            matrix = _turn(degrees, shape, other_shape)
            begun = matrix.copy()
            begun[:, 2] *= 32 / SIDE
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            seen = cv2.warpAffine(
                small, begun, (32, 32), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            best.append((float(coarse(np.asarray(seen)) @ wanted), mirrored, matrix))
    likely = sorted(best, key=lambda one: -one[0])[:_LIKELY]
    sides = (one, np.ascontiguousarray(one[:, ::-1]))
    return max(_moved(sides[mirrored], other, matrix) for _, mirrored, matrix in likely)


def _turn(degrees: float, shape: Size, other_shape: Size) -> Values:
    """Of the pixels of a picture, where they are in a picture that is turned beneath it."""
    angle, middle = np.deg2rad(degrees), np.array([(SIDE - 1) / 2] * 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    part = np.diag(SIDE / np.array(shape)) @ turn @ np.diag(np.array(other_shape) / SIDE)
    return np.hstack([part, (middle - part @ middle)[:, None]]).astype(np.float32)


def _moved(one: Grey, other: Grey, begun: Values) -> float:
    """The resemblance of `other` to `one` where it is moved by about this map."""
    matrix = _registered(one, other, begun)
    if matrix is None:
        return 0.0
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine((~framed(one)).astype(np.uint8), matrix, (SIDE, SIDE), flags=flags)
    seen = np.asarray(seen).astype(bool) & ~framed(other)
    # Resampling one of them takes its finest detail away, so both do without.
    smooth = [cv2.GaussianBlur(p, (0, 0), 0.7) for p in (_warped(one, matrix), other)]
    return _blocks_alike(smooth[0], smooth[1], seen)


def framed(picture: Grey) -> npt.NDArray[np.bool_]:
    """The plain areas in the corners that are not of the paper's colour: what a turn leaves black.
    Two turned pages have the same, whatever is on them."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    paper, found = float(np.median(picture)), np.zeros((SIDE + 2, SIDE + 2), dtype=np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    for corner in ((0, 0), (0, SIDE - 1), (SIDE - 1, 0), (SIDE - 1, SIDE - 1)):
        if abs(float(smooth[corner]) - paper) > _FRAMED:
            cv2.floodFill(smooth, found, corner[::-1], 0, 14, 14, flags)
    wide = cv2.dilate(found[1:-1, 1:-1], np.ones((9, 9), dtype=np.uint8))
    return np.asarray(wide).astype(bool)


def _blocks_alike(one: Grey, other: Grey, seen: npt.NDArray[np.bool_]) -> float:
    """The same of pictures that lie on each other, but for a pixel.

    Args:
        seen: which pixels count; a block counts with all of them.
    """
    a, b = one.astype(np.float32), other.astype(np.float32)
    spread_a, spread_b = _spread(a), _spread(b)
    asked = float(
        np.clip(2.5 * max(np.percentile(s, 20) for s in (spread_a, spread_b)), _CONTENT, _MOST)
    )
    content = np.maximum(spread_a, spread_b) >= asked
    content &= _cut(seen).all(axis=2)
    if int(content.sum()) < _FEWEST:
        return 0.0
    best = np.full((BLOCKS * BLOCKS,), -1.0, dtype=np.float32)
    padded = np.pad(a, 1, mode="edge")
    for y in range(3):
        for x in range(3):
            best = np.maximum(best, _correlation(padded[y : y + SIDE, x : x + SIDE], b))
    agree = best[content.ravel()]
    weight = np.minimum(np.maximum(spread_a, spread_b)[content], _HEAVIEST)
    share = float(((agree > _SAME) * weight).sum() / weight.sum())
    mean = max(0.0, float((agree * weight).sum() / weight.sum()))
    return mean * share * len(agree) / (len(agree) + _DOUBT)


def _cut(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The blocks of a square `(BLOCKS, BLOCKS, pixels)`."""
    side = SIDE // BLOCKS
    cut = values.reshape(BLOCKS, side, BLOCKS, side).swapaxes(1, 2)
    return cut.reshape(BLOCKS, BLOCKS, side * side)


def _spread(values: Values) -> Values:
    return np.asarray(_cut(values).std(axis=2), dtype=np.float32)


def _correlation(a: Values, b: Values) -> Values:
    """Of each block `(BLOCKS ** 2,)`."""
    left = _cut(a).reshape(BLOCKS * BLOCKS, -1).astype(np.float32)
    right = _cut(b).reshape(BLOCKS * BLOCKS, -1).astype(np.float32)
    left, right = left - left.mean(1, keepdims=True), right - right.mean(1, keepdims=True)
    scale = np.sqrt((left * left).sum(1) * (right * right).sum(1))
    return np.asarray((left * right).sum(1) / np.maximum(scale, 1.0), dtype=np.float32)


def _registered(one: Grey, other: Grey, begun: Values) -> Values | None:
    """Where the pixels of `other` are in `one`, an affine map (Evangelidis and Psarakis 2008);
    None where none is found. At half the size first, where most pairs end."""
    halves = [
        cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in (one, other)
    ]
    small = begun.copy()
    small[:, 2] /= 2
    matrix = _climbed(halves[0], halves[1], small, 25, _ROUGHLY)
    if matrix is None:
        return None
    matrix[:, 2] *= 2
    return _climbed(one, other, matrix, 15, 0.5)


def _climbed(one: Grey, other: Grey, begun: Values, steps: int, least: float) -> Values | None:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-4)
    try:
        score, matrix = cv2.findTransformECC(
            other, one, begun.copy(), cv2.MOTION_AFFINE, criteria, None, 5
        )
    except cv2.error:  # it does not converge: the pictures have nothing in common
        return None
    return np.asarray(matrix, dtype=np.float32) if score > least else None
