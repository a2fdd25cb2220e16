"""What the page says in words."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.report import words


def test_the_largest_confusions_come_first_and_the_diagonal_never() -> None:
    matrix = [[38, 12, 0], [2, 8, 5], [0, 5, 45]]
    pairs = words.confused_pairs(matrix, ["a", "b", "c"])
    assert pairs == [
        words.Pair(12, 50, "a", "b"),
        words.Pair(5, 15, "b", "c"),  # a third of its class: before a tenth of another
        words.Pair(5, 50, "c", "b"),
        words.Pair(2, 15, "b", "a"),
    ]


@pytest.mark.parametrize(
    ("higher", "test", "oof", "expected"),
    [
        (True, 0.78, 0.9, "test is 0.120 lower than out-of-fold"),
        (True, 0.91, 0.9, "test is 0.010 higher than out-of-fold"),
        (False, 0.5, 0.3, "test is 0.200 higher than out-of-fold, which is worse"),
        (False, 0.2, 0.3, "test is 0.100 lower than out-of-fold, which is better"),
        (True, 0.90004, 0.9, "test equals out-of-fold"),
    ],
)
def test_a_difference_is_told_as_the_rounded_figures_show_it(
    higher: bool, test: float, oof: float, expected: str
) -> None:
    assert words.difference(test, oof, higher_is_better=higher) == expected


def test_a_score_of_nearly_nothing_has_no_minus() -> None:
    assert words.score_text(-1e-9) == "0.000"
    assert words.score_text(0.41436) == "0.414"


def test_a_name_may_break_behind_its_underscores_and_is_escaped() -> None:
    assert words.breakable("a_b/c") == "a_<wbr>b/<wbr>c"
    assert words.breakable("<b>") == "&lt;b&gt;"
    assert words.breakable("end_") == "end_"


def report(**changes: Any) -> dict[str, Any]:
    """A run of three classes with nothing to complain about, and `changes`."""
    classes = [
        {"class": name, "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 20, "predicted": 20}
        for name in ("a", "b", "c")
    ]
    clean = {"macro_f1": 1.0, "accuracy": 1.0, "log_loss": 0.1}
    clean["intervals"] = {"macro_f1": [0.95, 1.0]}
    fold = {"macro_f1": 1.0, "best_epoch": 4, "epochs": 8}
    return {
        "scores": {"oof": {"clean": clean}, "folds": [{"fold": k, **fold} for k in range(3)]},
        "classes": classes,
        "confusion": [[20, 0, 0], [0, 20, 0], [0, 0, 20]],
        "rows": {"validated": 60},
        "submission": None,
        **changes,
    }


RECIPE = {"train": {"epochs": 8}}


def points(found: dict[str, Any], mistakes: Any = None, test: Any = None) -> str:
    return " ".join(words.weak_points(found, RECIPE, mistakes, test))


def test_a_faultless_run_has_no_weak_points() -> None:
    assert words.weak_points(report(), RECIPE, None, None) == []


def test_weak_and_never_predicted_classes_are_named_the_weakest_first() -> None:
    found = report()
    found["classes"][1] |= {"f1": 0.0, "predicted": 0}
    found["classes"][2] |= {"f1": 0.5, "support": 9}
    text = points(found)
    assert text.index('name">b<') < text.index('name">c<')
    assert "The weakest classes are" in text
    assert "was never predicted" in text
    assert "has fewer than 10 validated images" in text


def test_a_class_without_a_validated_image_is_no_weak_class() -> None:
    found = report()
    found["classes"][1] |= {"f1": 0.0, "support": 0, "predicted": 0}
    assert "weakest" not in points(found)


def test_folds_that_differ_or_still_rise_are_told() -> None:
    found = report()
    for fold, f1 in zip(found["scores"]["folds"], (0.9, 0.8, 0.85), strict=True):
        fold |= {"macro_f1": f1, "best_epoch": 8}
    text = points(found)
    assert "macro-F1 goes from 0.800 (fold 1) to 0.900" in text
    assert "In 3 of 3 folds the last epoch was the best" in text


def test_a_test_score_below_the_interval_is_told_first() -> None:
    first = words.weak_points(report(), RECIPE, None, {"macro_f1": 0.7})[0]
    assert "The test score (0.700) is below the interval" in first
    assert words.weak_points(report(), RECIPE, None, {"macro_f1": 0.96}) == []


def test_a_class_predicted_twice_as_often_as_trained_is_a_shift() -> None:
    shares = [("a", 0.34, 0.3), ("b", 0.6, 0.2), ("c", 0.06, 0.5)]
    rows = [
        {"class": name, "predicted_share": now, "training_share": before}
        for name, now, before in shares
    ]
    text = points(report(submission={"classes": rows}))
    assert text.index('name">c<') < text.index('name">b<')
    assert "(60.0%, in training 20.0%)" in text
    assert 'name">a<' not in text


def test_confident_mistakes_are_counted() -> None:
    text = points(report(), mistakes={"confident": 1, "mistakes": 12})
    assert "1 of 12 mistakes was made with a probability of 90% or more" in text
    assert points(report(), mistakes={"confident": 0, "mistakes": 12}) == ""


def test_meanings_say_what_guessing_would_reach() -> None:
    told = words.meanings(report())
    assert "60 of 60 images were read right" in told["accuracy"]
    assert "would reach 0.333" in told["accuracy"]
    assert "would give 1.099" in told["log_loss"]  # ln 3
