"""What a study of one fold cannot tell, in words: a given split, or `tune.proxy.folds = 1`."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.plugin.schema import toml_text
from toolkit.recipe.plan import Plan


def limits(plan: Plan) -> Iterator[str]:
    """A line for each thing that needs several folds, or other folds, and how it is done here."""
    given = plan.split.given
    if given:
        said = f"split.given = {toml_text(given)}"
        yield f"{said}: every trial is trained once, and its score is of that split alone"
    elif (plan.proxy.folds or plan.folds) == 1:
        said = "tune.proxy.folds = 1"
    else:
        return
    if plan.tune.prune == "wilcoxon":
        yield (
            f'{said}: tune.prune = "wilcoxon" compares trials over several folds, and there is '
            'one; they are compared by its epochs alone, as tune.prune = "percentile" does'
        )
    if plan.tune.patience:
        yield (
            f"{said}: one fold does not show how much of a rise is noise; any rise counts for "
            f"tune.patience = {plan.tune.patience}"
        )
    if given and plan.tune.rescore != 0:
        yield (
            f"{said}: there are no fresh folds, so the best is scored again with a fresh seed on "
            "the same split; without split.given it is on fresh folds"
        )


def again(given: str | None) -> str:
    """Where the best trials are scored again."""
    return "with a fresh seed on the same split" if given else "on fresh folds"
