"""What the numbers of a run say in words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from toolkit.report import gaps
from toolkit.report.metrics import Shown, metrics_of

_FEW = 10  # images; below it, one image moves a class's recall by ten points or more
_SPREAD = 0.05  # macro-F1 between the best fold and the worst
_SHIFT_TIMES, _SHIFT_POINTS = 2.0, 0.02


@dataclass(frozen=True)
class Pair:
    """`count` of the `support` images of one class were read as another."""

    count: int
    support: int
    truth: str
    predicted: str


def confused_pairs(
    matrix: Sequence[Sequence[int]], classes: Sequence[str], most: int = 10
) -> list[Pair]:
    """The largest cells off the diagonal; of equal ones, the larger share of its class first."""
    pairs = [
        Pair(count, sum(row), classes[i], classes[j])
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if i != j and count > 0
    ]
    return sorted(pairs, key=lambda pair: (-pair.count, pair.support))[:most]


def meanings(report: Mapping[str, Any]) -> dict[str, str]:
    """What each score means; of those that every run has, beside what guessing would reach."""
    clean, rows = report["scores"]["oof"]["clean"], report["rows"]["validated"]
    support = [row["support"] for row in report["classes"]]
    classes = sum(count > 0 for count in support)
    right = sum(row[k] for k, row in enumerate(report["confusion"]))
    own = {
        shown.name: f"{shown.help[:1].upper()}{shown.help[1:]}. {_direction(shown)}"
        for shown in metrics_of(report)
    }
    return own | {
        "macro_f1": (
            f"The mean of the F1 of {classes} classes. A rare class counts as much as a common "
            "one; 1 is perfect."
        ),
        "accuracy": (
            f"{right:,} of {rows:,} images were read right. Always naming the commonest class "
            f"would reach {max(support) / rows:.3f}."
        ),
        "log_loss": (
            "How far the probabilities are from the truth: 0 is perfect, and lower is better. "
            f"Equal chances for every class would give {math.log(len(support)):.3f}."
            + (
                " This run is worse than that."
                if clean["log_loss"] > math.log(len(support))
                else ""
            )
        ),
    }


def _direction(shown: Shown) -> str:
    best = shown.high if shown.higher_is_better else shown.low
    at_best = "" if best is None else f", {best:g} is perfect"
    return f"{'Higher' if shown.higher_is_better else 'Lower'} is better{at_best}."


def score_text(value: float) -> str:
    """A score with three decimals; never `-0.000`."""
    return f"{round(value, 3) + 0.0:.3f}"


def seconds_text(seconds: float) -> str:
    """`8.2 s`, `26 min 26 s`, `3 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def difference(test: float, oof: float, *, higher_is_better: bool = True) -> str:
    """`"test is 0.120 lower than out-of-fold"`; where less is better also whether it is worse."""
    gap = round(test, 3) - round(oof, 3)
    if abs(gap) < 0.0005:
        return "test equals out-of-fold"
    side = "higher" if gap > 0 else "lower"
    verdict = ""
    if not higher_is_better:
        verdict = ", which is worse" if gap > 0 else ", which is better"
    return f"test is {abs(gap):.3f} {side} than out-of-fold{verdict}"


def weak_points(
    report: Mapping[str, Any],
    recipe: Mapping[str, Any],
    mistakes: Mapping[str, Any] | None,
    test: Mapping[str, Any] | None,
) -> list[Markup]:
    """What to look at first, a sentence or two each."""
    found = [
        gaps.of_test(report, test),
        gaps.of_twins(report),
        _weakest(report["classes"]),
        _never_predicted(report["classes"]),
        _confusions(report),
        _confident(mistakes),
        _few_images(report["classes"]),
        _folds(report["scores"]["folds"]),
        _still_rising(report["scores"]["folds"], recipe["train"]["epochs"]),
        _shift(report["submission"]),
        _taken_over(report["scores"]["folds"]),
    ]
    return [point for point in found if point is not None]


def name(text: str) -> Markup:
    """A class name inside a sentence: set apart, and whole in any script."""
    return Markup('<b><bdi class="name">{}</bdi></b>').format(breakable(text))


def breakable(text: str) -> Markup:
    """A name that a narrow column may break behind its underscores, hyphens, dots and slashes."""
    return Markup("<wbr>").join(part for part in re.split(r"(?<=[_./-])(?=.)", text))


def listed(parts: Iterable[Markup]) -> Markup:
    """`a, b and c`."""
    all_parts = list(parts)
    if len(all_parts) < 2:
        return Markup("").join(all_parts)
    return Markup(", ").join(all_parts[:-1]) + Markup(" and ") + all_parts[-1]


def _weakest(classes: Sequence[Mapping[str, Any]]) -> Markup | None:
    weak = [c for c in classes if c["support"] and c["f1"] < 0.9]
    weak = sorted(weak, key=lambda c: (c["f1"], c["class"]))[:3]
    if not weak:
        return None
    each = [
        Markup("{} (F1 {:.3f}, {} images)").format(name(c["class"]), c["f1"], c["support"])
        for c in weak
    ]
    verb = "classes are" if len(weak) > 1 else "class is"
    return Markup("The weakest {} {}.").format(verb, listed(each))


def _never_predicted(classes: Sequence[Mapping[str, Any]]) -> Markup | None:
    never = [c["class"] for c in classes if c["support"] and not c["predicted"]]
    if not never:
        return None
    return Markup("{} {} never predicted.").format(_some(never), _were(len(never)))


def _confusions(report: Mapping[str, Any]) -> Markup | None:
    names = [c["class"] for c in report["classes"]]
    pairs = confused_pairs(report["confusion"], names, most=10**9)
    wrong, first = sum(pair.count for pair in pairs), pairs[:3]
    if len(pairs) < 6:
        return None
    share = sum(pair.count for pair in first) / wrong
    if share < 0.1 or first[0].count < 3:
        return None
    each = [Markup("{} as {}").format(name(p.truth), name(p.predicted)) for p in first]
    return Markup("Three confusions make {:.0%} of all {:,} mistakes: {}.").format(
        share, wrong, listed(each)
    )


def _confident(mistakes: Mapping[str, Any] | None) -> Markup | None:
    if not mistakes or not mistakes["confident"]:
        return None
    return Markup(
        "{:,} of {:,} mistakes {} made with a probability of 90% or more. Look there first: a "
        "wrong label looks like this too."
    ).format(mistakes["confident"], mistakes["mistakes"], _were(mistakes["confident"]))


def _few_images(classes: Sequence[Mapping[str, Any]]) -> Markup | None:
    few = [c["class"] for c in classes if c["support"] < _FEW]
    if not few:
        return None
    verb = "have" if len(few) > 1 else "has"
    return Markup("{} {} fewer than {} validated images: these figures rest on little.").format(
        _some(few), verb, _FEW
    )


def _folds(folds: Sequence[Mapping[str, Any]]) -> Markup | None:
    f1 = [fold["macro_f1"] for fold in folds]
    if max(f1) - min(f1) <= _SPREAD:
        return None
    worst = min(folds, key=lambda fold: fold["macro_f1"])
    return Markup(
        "The folds differ: macro-F1 goes from {:.3f} (fold {}) to {:.3f}. A difference of that "
        "size between two runs may be chance."
    ).format(min(f1), worst["fold"], max(f1))


def _still_rising(folds: Sequence[Mapping[str, Any]], epochs: int) -> Markup | None:
    rising = [f for f in folds if f["best_epoch"] == f["epochs"] == epochs and f["macro_f1"] < 0.99]
    if epochs < 3 or 2 * len(rising) < len(folds):
        return None
    return Markup(
        "In {} of {} folds the last epoch was the best: more epochs may help (train.epochs is {})."
    ).format(len(rising), len(folds), epochs)


def _shift(submission: Mapping[str, Any] | None) -> Markup | None:
    if submission is None:
        return None
    shifted = []
    for row in submission["classes"]:
        now, before = row["predicted_share"], row["training_share"]
        far = max(now, before) >= _SHIFT_TIMES * min(now, before)
        if far and abs(now - before) >= _SHIFT_POINTS:
            shifted.append((abs(now - before), row))
    if not shifted:
        return None
    most = sorted(shifted, key=lambda pair: -pair[0])[:3]
    each = [
        Markup("{} ({:.1%}, in training {:.1%})").format(
            name(row["class"]), row["predicted_share"], row["training_share"]
        )
        for _, row in most
    ]
    return Markup(
        "The test predictions are distributed otherwise than the training labels, most of all {}: "
        "the first sign of a shifted test set."
    ).format(listed(each))


def _taken_over(folds: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Whose training a run shows that took over what another one had trained."""
    taken = [fold for fold in folds if "run" in fold]
    if not taken:
        return None
    numbers = listed([Markup(str(fold["fold"])) for fold in taken])
    runs = listed([name(run) for run in dict.fromkeys(fold["run"] for fold in taken)])
    return Markup(
        "{} {} {} trained by {}, whose weights and histories these are; nothing that acts on "
        "training differs."
    ).format("Fold" if len(taken) == 1 else "Folds", numbers, _were(len(taken)), runs)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _some(classes: Sequence[str], most: int = 5) -> Markup:
    """The classes by name, or how many more there are."""
    shown = [name(c) for c in classes[:most]]
    if len(classes) > most:
        shown.append(Markup("{} more classes").format(len(classes) - most))
    return listed(shown)
