"""The best epoch, the one that is kept, and the end."""

from __future__ import annotations

import pytest

from toolkit.recipe.sections import Train
from toolkit.train.best import enough, judge
from toolkit.train.job import Progress


def judged(section: Train, *scores: float) -> Progress:
    """Where a fold stands behind epochs of these scores."""
    progress = Progress()
    for score in scores:
        progress.epoch += 1
        judge(progress, score, section)
    return progress


def test_the_first_of_equal_epochs_is_the_best() -> None:
    found = judged(Train(), 0.25, 0.75, 0.5, 0.75)
    assert (found.best, found.best_epoch, found.stale) == (0.75, 2, 2)


def test_a_first_epoch_is_the_best_so_far_whatever_its_score() -> None:
    assert judged(Train(), 0.0).best_epoch == 1


@pytest.mark.parametrize(("select", "kept"), [("best", 2), ("last", 3)])
def test_the_epoch_that_is_kept_is_the_one_that_is_asked_for(select: str, kept: int) -> None:
    found = judged(Train.model_validate({"select": select}), 0.25, 0.75, 0.5)
    assert (found.best_epoch, found.selected_epoch) == (2, kept)


def test_a_fold_ends_with_its_epochs_or_when_the_score_no_longer_rises() -> None:
    patient, never = Train(epochs=4, early_stop=2), Train(epochs=4, early_stop=0)
    assert not enough(judged(patient, 0.5, 0.25), patient)
    assert enough(judged(patient, 0.5, 0.25, 0.5), patient)
    assert not enough(judged(patient, 0.5, 0.25, 0.75), patient)
    assert not enough(judged(never, 0.5, 0.25, 0.25), never)
    assert enough(judged(never, 0.1, 0.2, 0.3, 0.4), never)
