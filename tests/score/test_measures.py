"""The metrics of a plan: what third-party code gives is looked at, and blamed on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolkit.contracts import Facts, ImageSpec
from toolkit.errors import PluginError
from toolkit.plugin.registry import Entry
from toolkit.recipe.plan import Choice
from toolkit.recipe.scores import ALWAYS, TAKEN, Score, metric_named, score_named
from toolkit.score import metrics
from toolkit.score.measures import Measure, Measures, build_measure, try_measures

FACTS = Facts(("a", "b", "c"), (1, 1, 1), ImageSpec(64), seed=0)
TRUTH = np.array([0, 1, 2, 1])
P = np.eye(3, dtype=np.float32)[[0, 1, 1, 1]]


class Cost:
    """What a wrong row costs."""

    name = "expected cost"
    higher_is_better = False
    bounds = (0.0, None)
    answer: Any = None

    def __call__(self, truth: Any, probabilities: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        wrong = float((probabilities.argmax(1) != truth).mean())
        return wrong if self.answer is None else self.answer


def choice_of(metric: Any) -> Choice:
    def factory(facts: Facts, /) -> Any:
        return metric

    entry = Entry("metric", "acme.cost", "acme.metrics:cost", "cost", "acme", "acme-vision", "1.2")
    object.__setattr__(entry, "load", lambda: factory)
    return Choice("acme.cost", entry, {})


def measure_of(**changes: Any) -> Measure:
    metric = type("Cost", (Cost,), changes)()
    return build_measure("acme.cost", choice_of(metric), FACTS)


def test_a_measure_knows_which_of_two_scores_is_better() -> None:
    cost = measure_of()
    assert cost.ask("here", TRUTH, P) == 0.25
    assert cost.sign == -1
    assert measure_of(higher_is_better=True).sign == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (float("nan"), "gives nan, which is no number, for fold 0, epoch 3"),
        (float("inf"), "gives inf, which is no number, for fold 0, epoch 3"),
        (-0.5, "gives -0.5, outside of its bounds 0.0 to None, for fold 0, epoch 3"),
        ("0.5", "gives a str, expected a number, for fold 0, epoch 3"),
        (np.array([0.5]), "gives a ndarray, expected a number, for fold 0, epoch 3"),
        (True, "gives a bool, expected a number, for fold 0, epoch 3"),
        (ValueError("no cost table"), "fails on fold 0, epoch 3: ValueError: no cost table"),
    ],
)
def test_what_is_no_score_is_an_error_that_names_the_metric(answer: Any, said: str) -> None:
    with pytest.raises(PluginError) as error:
        measure_of(answer=answer).ask("fold 0, epoch 3", TRUTH, P)
    assert str(error.value).startswith(f"metric acme.cost: {said}")
    assert "(acme-vision 1.2, " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("answer", [np.float64(0.5), np.float32(0.5), 0, np.int64(1)])
def test_any_kind_of_number_will_do(answer: Any) -> None:
    found = measure_of(answer=answer).ask("here", TRUTH, P)
    assert type(found) is float


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "its name is ''"),
        ({"name": 3}, "its name is 3"),
        ({"higher_is_better": "no"}, "higher_is_better is 'no', expected True or False"),
        ({"bounds": (1.0, 0.0)}, "expected the lowest value first"),
        ({"bounds": [0, 1]}, r"expected \(lowest, highest\)"),
        ({"bounds": (0.0, float("nan"))}, "expected numbers, or None"),
    ],
)
def test_what_is_no_metric_is_refused_when_it_is_built(changes: Any, said: str) -> None:
    with pytest.raises(PluginError, match=f"metric acme.cost: .*{said}"):
        measure_of(**changes)


def test_what_cannot_be_called_is_refused_when_it_is_built() -> None:
    class Bare:
        name, higher_is_better = "cost", False

    with pytest.raises(PluginError, match=r"a Bare cannot be called with \(truth, probabilities\)"):
        build_measure("acme.cost", choice_of(Bare()), FACTS)


def test_a_metric_cannot_change_what_the_next_one_sees() -> None:
    def spoil(self: Any, truth: Any, probabilities: Any) -> float:
        probabilities[:] = 0
        return 0.0

    with pytest.raises(PluginError, match="read-only"):
        measure_of(__call__=spoil).ask("here", TRUTH, P)
    assert P.sum() == 4


def test_a_metric_that_one_class_breaks_is_found_before_anything_trains() -> None:
    def recall(self: Any, truth: Any, probabilities: Any) -> float:
        with np.errstate(invalid="ignore"):
            right = np.bincount(truth[probabilities.argmax(1) == truth], minlength=3)
            return float((right / np.bincount(truth, minlength=3)).mean())

    measures = Measures({"acme.cost": measure_of(__call__=recall)}, Score("clean", "acme.cost"))
    with pytest.raises(PluginError, match=r"gives nan, .* a first try with rows of one class"):
        try_measures(measures, 3)


def test_a_third_party_is_blamed_for_a_draw_of_the_bootstrap_too() -> None:
    def seldom(self: Any, truth: Any, probabilities: Any) -> float:
        return float("nan") if len(np.unique(truth)) < 3 else 0.5

    measures = Measures({"acme.cost": measure_of(__call__=seldom)}, Score("clean", "acme.cost"))
    with pytest.raises(PluginError, match="the out-of-fold rows, as the bootstrap draws them"):
        measures.intervals("the out-of-fold rows", TRUTH, P, np.arange(4), seed=0)


def test_one_score_has_one_name_however_it_is_written() -> None:
    assert {
        score_named(text).name for text in ("clean_f1", "clean_macro_f1", "macro_f1", "f1")
    } == {"clean_f1"}
    assert score_named("clean_acme.cost") == score_named("acme.cost") == Score("clean", "acme.cost")
    assert Score("robust", "macro_f1").name == "robust_f1"  # a variant is an addition
    assert Score("robust", "kappa").name == "robust_kappa"


def test_no_metric_in_the_box_is_called_as_another_key_of_a_run() -> None:
    from toolkit.plugin.host import load_host

    names = load_host({"TOOLKIT_PLUGINS": ""}).registry.names("metric")
    assert not TAKEN & set(names)
    assert all(metric_named(name) == name for name in names)
    assert set(ALWAYS) <= set(names)
    assert metrics.ALWAYS.keys() == set(ALWAYS)
