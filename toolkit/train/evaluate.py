"""What a fold's model says of images that it did not train on: scores by epoch, and the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.contracts import Floats
from toolkit.data.loader import Batches, Normalize
from toolkit.predict.files import prediction_rows, write_predictions
from toolkit.predict.infer import mean_view, predict_views
from toolkit.score.metrics import scores
from toolkit.train.finite import require_probabilities
from toolkit.train.invariants import require_logits
from toolkit.train.job import FoldJob, Rows


@dataclass(frozen=True)
class Evaluator:
    """Predicts with a fold's model, in evaluation mode and in float32."""

    job: FoldJob
    model: nn.Module
    normalize: Normalize
    tell: Callable[[str, int, int, Mapping[str, Any]], None]
    """Told `("predict", images done, images, {"images": of this batch})`."""

    def validate(self, batches: Batches, where: str) -> dict[str, float]:
        """The validation scores of an epoch, by the names of `history.csv`."""
        rows = self.job.validation
        probabilities = self._predict(batches, rows, ["identity"], "validation", where)
        found = scores(rows.labels, probabilities["identity"])
        return {
            "clean_f1": found["macro_f1"],
            "clean_accuracy": found["accuracy"],
            "clean_log_loss": found["log_loss"],
        }

    def write(self, validation: Batches, test: Batches | None, where: str) -> dict[str, float]:
        """Out-of-fold and test predictions, on disk. Returns the scores."""
        job, views = self.job, self.job.plan.tta.views
        by_view = self._predict(validation, job.validation, views, "validation", where)
        mean = mean_view(by_view)
        rows = prediction_rows(job.validation.ids, job.validation.parents, job.fold, by_view, mean)
        write_predictions(job.folder.oof, rows, job.meta)
        if test is not None and job.test is not None:
            of_test = self._predict(test, job.test, views, "test", where)
            rows = prediction_rows(
                job.test.ids, job.test.parents, job.fold, of_test, mean_view(of_test)
            )
            write_predictions(job.folder.test, rows, job.meta)
        return scores(job.validation.labels, mean)

    @contextmanager
    def _forward(self) -> Iterator[None]:
        """Around a call of the model: in float32, whatever it was trained in (`PRECISION`)."""
        full_precision = torch.autocast(self.normalize.device.type, enabled=False)
        with self.job.plan.choice("backbone").blamed("its forward fails"), full_precision:
            yield

    def _predict(
        self, batches: Batches, rows: Rows, views: Sequence[str], kind: str, where: str
    ) -> dict[str, Floats]:
        done = 0

        def on_images(count: int) -> None:
            nonlocal done
            done += count
            self.tell("predict", done, len(rows.ids), {"images": count})

        def checked(logits: object, count: int) -> Tensor:
            backbone, classes = self.job.plan.choice("backbone"), len(self.job.facts.classes)
            return require_logits(backbone, logits, count, classes, "in prediction")

        by_view = predict_views(
            self.model,
            batches,
            len(rows.ids),
            self.normalize,
            views,
            self._forward,
            on_images,
            checked,
        )
        require_probabilities(by_view, rows, kind, where, self.job.plan)
        return by_view
