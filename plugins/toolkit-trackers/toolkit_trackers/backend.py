"""Imports a tracker's backend, or says how to install it."""

from __future__ import annotations

import importlib
from typing import Any

from toolkit.errors import UserError


def backend(module: str, *, extra: str) -> Any:
    """The module `module`, which the extra `extra` of this package installs.

    Raises `UserError` where it cannot be imported: a tracker that was asked for is never dropped.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"the module {module} cannot be imported ({error}); run "
            f'`pip install "toolkit-trackers[{extra}]"`, or take [track] out of the recipe'
        ) from error
