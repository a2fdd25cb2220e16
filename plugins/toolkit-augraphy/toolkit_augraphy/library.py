"""augraphy, kept in bounds: one version of it, seeded from outside, leaving no trace.

Its effects draw from the global `random` and `np.random`. None of those in `effects.py` draws
from numba's generators, writes to the working folder, or asks the network.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from toolkit.contracts import Image
from toolkit.errors import UserError

from toolkit_augraphy.effects import EFFECTS, Name

# One version: effects are listed as they were measured, and cached copies are found again by the
# version of this package.
AUGRAPHY = "8.2.6"

_INSTALL = (
    'pip install "toolkit-augraphy[effects]", then pip install --no-deps '
    f"augraphy=={AUGRAPHY} (with its dependencies it would replace the OpenCV of recipe-toolkit)"
)
_ONE_AT_A_TIME = threading.Lock()  # threads share the generators that are seeded and put back


def require_augraphy() -> None:
    """Raises `UserError` unless the augraphy that was measured can be imported."""
    try:
        found = version("augraphy")
    except PackageNotFoundError as error:
        raise UserError(f"augraphy.degrade needs augraphy: {_INSTALL}") from error
    if found != AUGRAPHY:
        raise UserError(
            f"augraphy.degrade knows the effects of augraphy {AUGRAPHY}, found {found}: {_INSTALL}"
        )
    try:
        import augraphy  # noqa: F401
    except ImportError as error:
        raise UserError(f"augraphy cannot be imported ({error}): {_INSTALL}") from error


def apply(name: Name, image: Image, seed: int) -> Image:
    """The image with one effect, a new array.

    Args:
        image: at least `MIN_SIDE` pixels high and wide.
        seed: 0 to 2 ** 32 - 1; decides every draw of the effect.
    """
    import augraphy
    import cv2

    effect = EFFECTS[name]
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # as augraphy has it
    with _seeded(seed):
        # Some effects draw when they are made, not only when they are called.
        changed = getattr(augraphy, effect.class_name)(**effect.arguments, p=1)(bgr)
    # A fax is grey.
    back = cv2.COLOR_GRAY2RGB if changed.ndim == 2 else cv2.COLOR_BGR2RGB
    rgb: Image = cv2.cvtColor(changed, back)
    return rgb


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seeds what augraphy draws from, and puts the process's own state back."""
    import numba

    with _ONE_AT_A_TIME:
        python, numpy, jit = random.getstate(), np.random.get_state(), numba.config.DISABLE_JIT
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            numba.config.DISABLE_JIT = jit  # every effect with a jitted part sets it
