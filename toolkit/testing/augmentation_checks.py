"""What an augmentation must hold: `(image uint8 (H, W, 3), rng) -> uint8 (h, w, 3)`.

An albumentations transform is called through the host's wrapper, as in training.
"""

from __future__ import annotations

import pickle

import numpy as np

from toolkit.contracts import Augmentation, Image
from toolkit.data.augment import as_callable
from toolkit.errors import cause
from toolkit.testing.subject import CheckFailed, NotApplicable, Subject, require

SIZES = ((1, 1), (1, 9), (9, 1), (37, 53))
"""Height and width of images that a data set may hold."""

DRAWS = 8


def uint8_hwc(subject: Subject) -> None:
    """An image of the working size gives an image: uint8, three channels."""
    augment, size = _augmentation(subject), subject.facts.image.working_size
    for seed in range(DRAWS):
        _require_image(augment(_image(size, size), np.random.default_rng(seed)), "")


def same_seed_same_image(subject: Subject) -> None:
    """The generator decides everything: the same seed gives the same image, whenever asked."""
    augment, size = _augmentation(subject), subject.facts.image.working_size
    image = _image(size, size)
    first = [augment(image.copy(), np.random.default_rng(seed)).copy() for seed in range(DRAWS)]
    again = [augment(image.copy(), np.random.default_rng(seed)) for seed in reversed(range(DRAWS))]
    fresh, other = _augmentation(subject), np.random.default_rng(3)
    same = all(np.array_equal(a, b) for a, b in zip(first, reversed(again), strict=True))
    require(
        same and np.array_equal(first[3], fresh(image.copy(), other)),
        "gives another image for the same seed; draw every random number from the rng argument, "
        "none from random, np.random or torch, and keep no state between calls",
    )


def input_unmodified(subject: Subject) -> None:
    """The image that goes in is left as it was."""
    augment, size = _augmentation(subject), subject.facts.image.working_size
    for seed in range(DRAWS):
        image, before = _image(size, size), _image(size, size)
        augment(image, np.random.default_rng(seed))
        require(
            np.array_equal(image, before),
            "changes its input in place, which is the cache's image; work on image.copy()",
        )


def read_only_input(subject: Subject) -> None:
    """It works on a read-only image: the cache is a read-only memory map."""
    augment, size = _augmentation(subject), subject.facts.image.working_size
    image = _image(size, size)
    augment(image, np.random.default_rng(0))
    if not np.array_equal(image, _image(size, size)):
        raise NotApplicable("it changes its input; see input_unmodified")
    image.flags.writeable = False
    for seed in range(DRAWS):
        augment(image, np.random.default_rng(seed))


def tiny_and_odd_sizes(subject: Subject) -> None:
    """1x1, 1xN, Nx1 and odd images give images."""
    augment, size = _augmentation(subject), subject.facts.image.working_size
    if not _is_image(augment(_image(size, size), np.random.default_rng(0))):
        raise NotApplicable("it gives no image; see uint8_hwc")
    for height, width in SIZES:
        for seed in range(DRAWS):
            try:
                changed = augment(_image(height, width), np.random.default_rng(seed))
            # An augmentation may raise anything at all.
            except Exception as error:
                raise CheckFailed(
                    f"raises {cause(error)} for an image of {height} x {width}; leave an image "
                    "that is too small for it as it is"
                ) from error
            _require_image(changed, f" for an image of {height} x {width}")


def picklable(subject: Subject) -> None:
    """It travels to the loader's processes, and draws the same images there."""
    augment, size = _augmentation(subject), subject.facts.image.working_size
    try:
        copied: Augmentation = pickle.loads(pickle.dumps(augment))
    # Pickle raises in as many ways as there are objects.
    except Exception as error:
        raise CheckFailed(
            f"cannot be sent to the loader's processes ({type(error).__name__}: {error}); use a "
            "class or a dataclass at the top of its module, no lambda and no inner function"
        ) from error
    here, again, there = (
        a(_image(size, size), np.random.default_rng(1)) for a in (augment, augment, copied)
    )
    if not np.array_equal(here, again):
        raise NotApplicable("it gives another image each time; see same_seed_same_image")
    require(
        np.array_equal(here, there),
        "gives another image once it was pickled; keep all that it needs in __getstate__",
    )


CHECKS = (
    uint8_hwc,
    same_seed_same_image,
    input_unmodified,
    read_only_input,
    tiny_and_odd_sizes,
    picklable,
)


def _augmentation(subject: Subject) -> Augmentation:
    return as_callable(subject.build(subject.facts.image))


def _image(height: int, width: int) -> Image:
    """A page of grey noise with dark lines, the same at every call."""
    rng = np.random.default_rng((height, width))
    image: Image = rng.integers(180, 256, (height, width, 3), dtype=np.uint8)
    image[::4] //= 4
    return image


def _is_image(changed: object) -> bool:
    return (
        isinstance(changed, np.ndarray)
        and changed.dtype == np.uint8
        and changed.ndim == 3
        and changed.shape[2] == 3
        and min(changed.shape[:2]) > 0
    )


def _require_image(changed: object, where: str) -> None:
    found = f"a {type(changed).__name__}"
    if isinstance(changed, np.ndarray):
        found = f"{changed.dtype} {changed.shape}"
    require(
        _is_image(changed),
        f"gives {found}{where}, expected uint8 (height, width, 3); leave scaling and "
        "normalization to the host",
    )
