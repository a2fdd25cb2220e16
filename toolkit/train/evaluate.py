"""What a fold's model says of images that it did not train on: scores by epoch, and the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from toolkit.contracts import Floats
from toolkit.data.loader import Batches, Normalize
from toolkit.predict.files import prediction_rows, write_predictions
from toolkit.predict.infer import Predictor, mean_view
from toolkit.score.measures import Measures
from toolkit.score.variants import scores_of_variants
from toolkit.train.finite import require_probabilities
from toolkit.train.job import FoldJob, Rows


@dataclass(frozen=True)
class Evaluator:
    """Scores a fold's model, with whatever weights it is given."""

    job: FoldJob
    normalize: Normalize
    measures: Measures
    variants: Mapping[str, Batches]
    """Batches of the validation rows, by variant: `clean` are the images as they are, `robust`,
    `robust.2`, ... their twins."""
    tell: Callable[[str, int, int, Mapping[str, Any]], None]
    """Told `("predict", images done, images, {"images": of this batch})`."""

    def validate(self, model: nn.Module, where: str) -> dict[str, float]:
        """The validation scores of an epoch, by the names of `history.csv`: of each variant its
        own, `clean_f1` and `robust_f1`."""
        rows, view = self.job.validation, "identity"
        predicted = {
            variant: self._predict(model, batches, rows, [view], "validation", where)[view]
            for variant, batches in self.variants.items()
        }
        found = scores_of_variants(self.measures, where, rows.labels, predicted)
        return {score.name: value for score, value in found.items()}

    def write(self, model: nn.Module, test: Batches | None, where: str) -> dict[str, float]:
        """Out-of-fold predictions of every variant, and test predictions, on disk. Returns the
        scores, by their keys: `macro_f1` of the clean images, `robust_f1` of twins."""
        job, views = self.job, self.job.plan.tta.views
        rows, means = [], {}
        for variant, batches in self.variants.items():
            by_view = self._predict(model, batches, job.validation, views, "validation", where)
            means[variant] = mean_view(by_view)
            ids, parents = job.validation.ids, job.validation.parents
            rows.append(prediction_rows(ids, parents, job.fold, by_view, means[variant], variant))
        write_predictions(job.folder.oof, pd.concat(rows, ignore_index=True), job.meta)
        if test is not None and job.test is not None:
            of_test = self._predict(model, test, job.test, views, "test", where)
            ids, parents = job.test.ids, job.test.parents
            found = prediction_rows(ids, parents, job.fold, of_test, mean_view(of_test))
            write_predictions(job.folder.test, found, job.meta)
        found_scores = scores_of_variants(self.measures, where, job.validation.labels, means)
        return {score.key: value for score, value in found_scores.items()}

    def _predict(
        self,
        model: nn.Module,
        batches: Batches,
        rows: Rows,
        views: Sequence[str],
        kind: str,
        where: str,
    ) -> dict[str, Floats]:
        done = 0

        def on_images(count: int) -> None:
            nonlocal done
            done += count
            self.tell("predict", done, len(rows.ids), {"images": count})

        backbone, classes = self.job.plan.choice("backbone"), len(self.job.facts.classes)
        predictor = Predictor(backbone, model, self.normalize, classes)
        order = np.arange(len(rows.ids))
        images = (batch for _, batch in batches.epoch(order, epoch=0))
        by_view = predictor.views(images, views, on_images)
        require_probabilities(by_view, rows, kind, where, self.job.plan)
        return by_view
