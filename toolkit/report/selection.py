"""Which epoch's weights were kept, and what that means for the out-of-fold score."""

from __future__ import annotations

from toolkit.recipe.plan import Plan
from toolkit.recipe.sections import Plateau


def selection(plan: Plan, *, higher_is_better: bool = True) -> str:
    """A sentence or two for the report.

    Args:
        higher_is_better: the direction of the monitor.
    """
    train = plan.train
    monitor = f"{'highest' if higher_is_better else 'lowest'} {plan.monitor.name}"
    if train.epochs == 1:
        return "One epoch was trained: no epoch was chosen by the rows that this score is of."
    if train.select == "best":
        return (
            f"Of each fold the epoch with the {monitor} on its validation rows was kept "
            '(train.select = "best"). The out-of-fold score is of the very rows that chose it, so '
            "it is optimistic, the more so the fewer rows and the more epochs there are; "
            'train.select = "last" chooses no epoch by them.'
        )
    decided = []
    if train.early_stop:
        decided.append("when training stopped (train.early_stop)")
    if isinstance(plan.schedule, Plateau):
        decided.append("when the learning rate fell (schedule.use)")
    still = f" They still decided {' and '.join(decided)}." if decided else ""
    return (
        'Of each fold the last epoch was kept, whatever it scored (train.select = "last"): no '
        f"epoch was chosen by the rows that the out-of-fold score is of.{still}"
    )
