"""Finds the ImageNet weights that a pip package ships."""

from __future__ import annotations

import importlib
from pathlib import Path

from toolkit.errors import UserError

from toolkit_lite.variants import Variant


def weights_file(variant: Variant) -> Path:
    """The variant's `.pth`, in the layout of the reference implementation.

    Raises:
        UserError: the package with the weights cannot be imported.
    """
    try:
        package = importlib.import_module(variant.distribution.replace("-", "_"))
    except ImportError as error:
        raise UserError(
            f"lite.{variant.name}: pretrained = true reads the package {variant.distribution}, "
            f"which cannot be imported ({error}); run `pip install {variant.distribution}`, "
            f"or set pretrained = false."
        ) from error
    model_file = getattr(package, f"EfficientnetLite{variant.number}ModelFile")
    return Path(model_file.get_model_file_path())
