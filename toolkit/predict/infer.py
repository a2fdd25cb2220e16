"""Runs a model over images, view by view, from batches that are decoded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from toolkit.contracts import Floats
from toolkit.data.loader import Normalize
from toolkit.model.invariants import require_logits
from toolkit.predict.views import view_of
from toolkit.recipe.plan import Choice


@dataclass(frozen=True)
class Predictor:
    """A model that answers: in evaluation mode, and in float32, whatever it was trained in."""

    backbone: Choice
    """Blamed for what the model raises, and for answers that are no logits."""
    model: nn.Module
    normalize: Normalize
    classes: int

    def views(
        self,
        batches: Iterable[Tensor],
        views: Sequence[str],
        on_images: Callable[[int], None] = lambda count: None,
    ) -> dict[str, Floats]:
        """Probabilities `(n, C)` of all images, in their order, for each view.

        A row with a logit that is no number is NaN throughout: softmax would make a confident
        answer of most of them.

        Args:
            batches: `(B, S, S, 3)` uint8 each.
            on_images: told the number of images after each batch.
        """
        parts: dict[str, list[Floats]] = {view: [] for view in views}
        self.model.eval()
        with torch.inference_mode():
            for images in batches:
                batch = self.normalize(images)
                for view in views:
                    seen = view_of(batch, view)
                    if len(views) > 1 and seen.data_ptr() == batch.data_ptr():
                        seen = seen.clone()  # a model may change its input; others come behind
                    parts[view].append(self._probabilities(seen))
                on_images(len(images))
        return {view: np.concatenate(chunks) for view, chunks in parts.items()}

    def _probabilities(self, batch: Tensor) -> Floats:
        # Outside of autocast: `PRECISION` in predict/files.py says why.
        full_precision = torch.autocast(self.normalize.device.type, enabled=False)
        with self.backbone.blamed("its forward fails"), full_precision:
            answer = self.model(batch)
        logits = require_logits(self.backbone, answer, len(batch), self.classes, "in prediction")
        logits = logits.float()
        numbers = logits.isfinite().all(dim=1, keepdim=True)
        found: Floats = logits.softmax(dim=1).where(numbers, math.nan).cpu().numpy()
        return found


def mean_view(by_view: dict[str, Floats]) -> Floats:
    """The TTA average `(n, C)`; with one view, that view itself, to the last bit."""
    stacked = np.stack(list(by_view.values()))
    if len(stacked) == 1:
        only: Floats = stacked[0]
        return only
    mean: Floats = stacked.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
