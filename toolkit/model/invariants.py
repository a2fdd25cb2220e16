"""What backbone and loss must give for every batch, not only for the first: cheap to look at.

Nothing here waits for a device: types, shapes and dtypes are known without one.
"""

from __future__ import annotations

from torch import Tensor

from toolkit.errors import PluginError
from toolkit.recipe.plan import Choice


def require_logits(backbone: Choice, logits: object, rows: int, classes: int, when: str) -> Tensor:
    """A backbone's logits `(rows, classes)`, as they are.

    Args:
        when: what it was asked for, `"in training"`, for the error.

    Raises `PluginError` that names the backbone where they are anything else: a tuple of heads, a
    batch that was squeezed or pooled, class indices.
    """
    if not isinstance(logits, Tensor):
        found = f"a {type(logits).__name__}"
    elif logits.shape != (rows, classes) or not logits.is_floating_point():
        found = f"{logits.dtype} {tuple(logits.shape)}"
    else:
        return logits
    raise PluginError(
        f"{backbone.component}: gives {found} for a batch of {rows} {when}, expected float logits "
        f"({rows}, {classes}){backbone.whose}"
    )


def require_loss(loss: Choice, value: object) -> Tensor:
    """A loss's value, a scalar, as it is. Raises `PluginError` that names the loss."""
    if not isinstance(value, Tensor):
        found = f"a {type(value).__name__}"
    elif value.shape != () or not value.is_floating_point():
        found = f"{value.dtype} {tuple(value.shape)}"
    else:
        return value
    raise PluginError(
        f"{loss.component}: gives {found}, expected a scalar tensor: end in .mean(){loss.whose}"
    )
