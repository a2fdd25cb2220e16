"""The types of arrays, for annotations: a light import has no numpy to name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]  # (H, W, 3), RGB
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float32]
    Texts = npt.NDArray[np.object_]  # of str
else:
    Image = Ints = Floats = Texts = Any
