"""Which epoch is the best, which one's weights are kept, and when a fold has trained enough."""

from __future__ import annotations

from toolkit.recipe.sections import Train
from toolkit.train.job import Progress


def judge(progress: Progress, monitored: float, section: Train) -> None:
    """Count the epoch that was just validated as the best so far, or as one that brought nothing.

    Args:
        monitored: its score, signed so that more is better; of equal ones the first stays the best.
    """
    if monitored > progress.best:
        progress.best, progress.best_epoch, progress.stale = monitored, progress.epoch, 0
    else:
        progress.stale += 1
    best = section.select == "best"
    progress.selected_epoch = progress.best_epoch if best else progress.epoch


def enough(progress: Progress, section: Train) -> bool:
    """Whether the fold has had its epochs, or its score gets no better (`train.early_stop`)."""
    stale = section.early_stop > 0 and progress.stale >= section.early_stop
    return progress.epoch >= section.epochs or stale
