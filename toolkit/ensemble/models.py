"""The models of a run, which predict images: all folds and views, joined as the run joined them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from toolkit.contracts import Ensembler, Event, Floats, Notify, Predictions, ignore
from toolkit.data.loader import Normalize
from toolkit.ensemble.combine import combine
from toolkit.errors import DataError, UserError, listed
from toolkit.model.device import best_device, deterministic
from toolkit.model.saved import Saved, load_fold, read_saved
from toolkit.plugin.host import Host, load_host
from toolkit.predict.given import Given, Handed, batches_of_given, given_images
from toolkit.predict.infer import Predictor, mean_view
from toolkit.runs.opened import Run

_SHOWN = 20


@dataclass(frozen=True)
class Models:
    """The models of a run's folds, on their device. Made by `Run.models`."""

    saved: Saved
    """What the run folder says of them."""
    folds: tuple[Predictor, ...]
    ensembler: Ensembler

    def __repr__(self) -> str:
        folder, use = self.saved.folder.path, self.saved.backbone.use
        return f"<Models of {folder}: {len(self.folds)} x {use}, {len(self.classes)} classes>"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes: `p_0` is the probability of the first."""
        return self.saved.classes

    @property
    def notes(self) -> tuple[str, ...]:
        """Why predictions may differ from those of the run, a line each; mostly empty."""
        return self.saved.notes

    def predict(
        self,
        images: Handed | Iterable[Handed],
        *,
        skip_bad: bool = False,
        batch_size: int | None = None,
        notify: Notify = ignore,
    ) -> pd.DataFrame:
        """Predict images as the run predicted its test images: the same decoder, preprocessing,
        views and ensembler.

        Args:
            images: a folder, with those below it, a path, a PIL image (as Pillow decoded it), or a
                list of these.
            skip_bad: give an image that cannot be read no label, and say why in `fault`.
            batch_size: images at once; as in training, if left out.
            notify: told of progress, and of files in a folder that are no images.

        Returns a row an image, in the order given: `path, label` (the class's name) and the
        probabilities `p_0 ... p_{C-1}`; with `skip_bad` also `fault`, empty where there is none.

        Raises `DataError` with all images that cannot be read.
        """
        size = self.saved.train.batch_size if batch_size is None else batch_size
        if size < 1:
            raise UserError(f"batch_size: expected at least 1, found {size}")
        given = given_images(images, notify)
        names = [one.name for one in given]
        good, parts, faults = self._predicted(given, size, skip_bad, notify)
        if faults and not skip_bad:
            more = [f"  and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
            way_out = "  skip_bad=True predicts the others, and lists these"
            raise DataError(*[*faults.values()][:_SHOWN], *more, way_out)
        labels = np.full(len(given), None, dtype=object)
        probabilities = np.full((len(given), len(self.classes)), np.nan, dtype=np.float32)
        if good:
            joined = self._joined([names[row] for row in good], parts)
            labels[good] = np.array(self.classes, dtype=object)[joined.labels()]
            probabilities[good] = joined.probabilities
        columns = {f"p_{c}": probabilities[:, c] for c in range(len(self.classes))}
        table = pd.DataFrame({"path": names, "label": labels, **columns})
        if skip_bad:
            table["fault"] = [faults.get(row, "") for row in range(len(given))]
        return table

    def _predicted(
        self, given: Sequence[Given], size: int, skip_bad: bool, notify: Notify
    ) -> tuple[list[int], list[list[Floats]], dict[int, str]]:
        """Numbers of the images that were read; of each fold their probabilities, batch by batch;
        and what is wrong with the others. Once an image is found to be bad that must not be,
        the rest is read only to tell all that are."""
        spec, views = self.saved.preprocess[0].image, self.saved.views
        good: list[int] = []
        parts: list[list[Floats]] = [[] for _ in self.folds]
        faults: dict[int, str] = {}
        try:
            with deterministic(asked=self.saved.train.deterministic):
                for batch in batches_of_given(given, spec, size):
                    faults |= batch.faults
                    good += batch.places
                    if batch.places and (skip_bad or not faults):
                        for part, fold in zip(parts, self.folds, strict=True):
                            part.append(mean_view(fold.views([batch.images], views)))
                    notify(Event("predict", done=len(good) + len(faults), total=len(given)))
        except torch.OutOfMemoryError as error:
            text = f"batch_size = {size} does not fit into the GPU's memory; lower it"
            raise UserError(text) from error
        return good, parts, faults

    def _joined(self, names: list[str], parts: list[list[Floats]]) -> Predictions:
        """The folds' probabilities as the recipe's ensembler joins them."""
        members = [Predictions(tuple(names), np.concatenate(p), self.classes) for p in parts]
        lost = np.isnan(np.stack([m.probabilities for m in members])).any(axis=(0, 2))  # (n,)
        if lost.any():
            which = listed(names[row] for row in np.flatnonzero(lost))
            raise DataError(f"the logits of {lost.sum()} images are no numbers ({which})")
        return combine(self.ensembler, members, self.saved.ensemble)


def load_models(run: Run, *, device: str | None = None, host: Host | None = None) -> Models:
    """The same as `run.models()`."""
    saved = read_saved(run, load_host() if host is None else host)
    try:
        place = best_device() if device is None else torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device: {device} is not here: {' '.join(str(error).split())}") from error
    backbone, channels_last = saved.backbone, saved.train.channels_last
    folds = tuple(
        Predictor(
            backbone,
            load_fold(saved, fold, place),
            Normalize(preprocess, place, channels_last),
            len(saved.classes),
        )
        for fold, preprocess in enumerate(saved.preprocess)
    )
    return Models(saved, folds, saved.ensemble.build(saved.of_all))
