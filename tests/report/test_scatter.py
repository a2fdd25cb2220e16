"""Charts of points: scales with ticks that can be read, and a shape for each kind of point."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from toolkit.report.charts import WIDTH
from toolkit.report.scatter import Axis, Folds, Point, fold_chart, key_mark, scatter_chart

SCORES = Axis("clean_f1", 0.2, 0.8)


def labels_below(chart: str) -> list[tuple[float, float, str]]:
    """(x, y, text) of the labels that stand in the middle under their ticks."""
    found = re.findall(
        r'<text class="tick" x="([\d.]+)" y="([\d.]+)" text-anchor="middle">([^<]+)<', chart
    )
    return [(float(x), float(y), text) for x, y, text in found]


@pytest.mark.parametrize(
    ("axis", "labels"),
    [
        # Three random trials around 0.002: less than two decades, and no power of ten between.
        (Axis("lr", 2e-4, 1e-2, log=True), ["0.0003", "0.001", "0.003", "0.01"]),
        (Axis("lr", 1e-6, 1.0, log=True), ["1e-6", "0.0001", "0.01", "1"]),
        (Axis("lr", 8, 64, log=True), ["10", "20", "50"]),
        (Axis("lr", 1.1e-3, 1.9e-3, log=True), ["0.0012", "0.0014", "0.0016", "0.0018"]),
        (Axis("alpha", 0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (Axis("use", names=("focal", "poly")), ["focal", "poly"]),
    ],
)
def test_ticks_are_round_and_few(axis: Axis, labels: list[str]) -> None:
    assert [label for _, label in axis.ticks(5)] == labels


@pytest.mark.parametrize(
    "axis",
    [
        Axis("lr", 2e-4, 1e-2, log=True),
        Axis("lr", 1e-9, 1e3, log=True),
        Axis("count", 0, 1_234_567),
        Axis("use", names=("lite.efficientnet_lite0", "test_resnet", "convnext_femto.d1_in1k")),
        Axis("use", names=tuple(f"backbone_of_a_long_name_{n}" for n in range(9))),
    ],
)
def test_labels_touch_neither_each_other_nor_the_edge(axis: Axis) -> None:
    found = labels_below(scatter_chart(axis, SCORES, []))
    assert len(found) >= 2
    spans = sorted((y, x - 3.2 * len(text), x + 3.2 * len(text)) for x, y, text in found)
    for _, left, right in spans:
        assert -0.1 <= left < right <= WIDTH + 0.1
    for (y, _, right), (other, left, _) in pairwise(spans):
        assert y != other or right < left


@pytest.mark.parametrize(("low", "high"), [(2.6e-4, 1.7e-2), (2.6e-5, 4e-3), (8, 64), (1, 3)])
def test_labels_of_a_logarithmic_scale_stand_on_one_line(low: float, high: float) -> None:
    found = labels_below(scatter_chart(Axis("lr", low, high, log=True), SCORES, []))
    assert len(found) >= 3
    assert len({y for _, y, _ in found}) == 1


def test_a_value_stands_where_its_logarithm_does() -> None:
    axis = Axis("lr", 1e-4, 1e-2, log=True)
    assert [axis.at(v) for v in (1e-4, 1e-3, 1e-2)] == pytest.approx([0.0, 0.5, 1.0])
    assert Axis("use", names=("a", "b")).at(1) == 0.75
    assert Axis("one", 2.0, 2.0).at(2.0) == 0.5


def test_each_kind_of_point_has_its_shape_and_both_axes_their_names() -> None:
    kinds = ("recipe", "winner", "complete", "pruned", "failed")
    points = [Point(0.5, None if k == "failed" else 0.5, k, f"a {k} <one>") for k in kinds]
    chart = scatter_chart(Axis("optimizer.lr"), SCORES, points)
    shapes = {key_mark(kind) for kind in kinds}
    assert len(shapes) == len(kinds)
    for kind in kinds:
        assert f'<g class="{kind}">' in chart
        assert f"<title>a {kind} &lt;one&gt;</title>" in chart
    for name in ("optimizer.lr", "clean_f1"):
        assert f">{name}</text>" in chart
    # What has no height stands on the floor of the chart, 150 px down.
    assert re.search(r'class="failed"><path class="cross" d="M[\d.]+ 146l', chart)


def test_folds_are_drawn_beside_their_mean_and_interval() -> None:
    own = Folds("the recipe", (0.5, 0.6), 0.55, 0.4, 0.7, "recipe")
    best = Folds("trial 3", (0.6, 0.7, 0.8), 0.7, None, None, "complete")
    chart = fold_chart(SCORES, [own, best])
    assert chart.count('class="hollow"') == 5
    assert chart.count('class="dot"') == 2
    assert chart.count('class="band"') == 1
    assert "the recipe: mean 0.5500 (0.4000 to 0.7000); trial 3: mean 0.7000" in chart
