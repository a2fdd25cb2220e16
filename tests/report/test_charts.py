"""Charts against values worked by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from toolkit.report import charts


def parsed(chart: str) -> ElementTree.Element:
    """The chart as a tree: markup that is not well-formed raises."""
    return ElementTree.fromstring(chart)


def of_class(chart: str, name: str) -> list[ElementTree.Element]:
    return [e for e in parsed(chart).iter() if name in e.get("class", "").split()]


@pytest.mark.parametrize(
    ("low", "high", "about", "expected"),
    [
        (0, 1, 4, [0, 0.25, 0.5, 0.75, 1]),
        (0, 2.2, 4, [0, 1, 2]),  # 0.55 a step: the next round one is 1
        (0.37, 0.62, 3, [0.4, 0.5, 0.6]),
        (3, 3, 4, [3]),
    ],
)
def test_ticks_are_round_and_inside_the_scale(
    low: float, high: float, about: int, expected: list[float]
) -> None:
    assert charts.ticks(low, high, about) == pytest.approx(expected)


def test_an_interval_lies_where_its_scale_says() -> None:
    # The scale goes from x = 6 to x = 294: 288 px for 0..1, so 0.5 is at 150, 0.25 at 78.
    chart = charts.interval_chart([charts.Mark("out-of-fold", 0.5, 0.25, 0.75, "oof")], 1.0)
    (dot,) = of_class(chart, "dot")
    (band,) = of_class(chart, "band")
    assert dot.get("cx") == "150"
    assert (band.get("x"), band.get("width")) == ("78", "144")
    assert "out-of-fold 0.500 (0.250 to 0.750)" in parsed(chart).get("aria-label", "")


def test_two_values_stand_in_rows_of_their_own_with_their_names() -> None:
    marks = [
        charts.Mark("out-of-fold", 0.9, 0.8, 1, "oof"),
        charts.Mark("test", 0.7, 0.6, 0.8, "test"),
    ]
    chart = charts.interval_chart(marks, 1.0)
    assert [label.text for label in of_class(chart, "label")] == ["out-of-fold", "test"]
    first, second = of_class(chart, "dot")
    assert float(second.get("cy", 0)) > float(first.get("cy", 0))


def test_a_curve_runs_from_the_first_epoch_to_the_last() -> None:
    # Epochs 1..3 over x = 38..288, values 0..1 over y = 116..24.
    own, other = [(1, 0.0), (2, 0.5), (3, 1.0)], [(1, 1.0), (3, 0.0)]
    chart = charts.curve_chart(own, [other], (3, 0, 1), title="Loss", kind="loss", best=2)
    (line,), (behind,) = of_class(chart, "line"), of_class(chart, "other")
    assert line.get("d") == "M38 116 L163 70 L288 24"
    assert behind.get("d") == "M38 24 L288 116"
    (dot,) = of_class(chart, "dot")
    assert (dot.get("cx"), dot.get("cy")) == ("163", "70")
    assert "0.500 in the best epoch, 2" in parsed(chart).get("aria-label", "")


def test_a_single_epoch_is_a_dot_in_the_middle() -> None:
    chart = charts.curve_chart([(1, 0.5)], [], (1, 0, 1), title="F1", kind="oof")
    (dot,) = of_class(chart, "dot")
    assert (dot.get("cx"), dot.get("cy")) == ("163", "70")


def test_a_class_shows_f1_as_a_bar_and_precision_and_recall_on_it() -> None:
    # 0..1 over x = 5..195.
    chart = charts.class_chart(1.0, 0.5, 2 / 3)
    (bar,), (precision,), (recall,) = (of_class(chart, c) for c in ("bar", "precision", "recall"))
    assert bar.get("width") == "126.67"
    assert precision.get("cx") == "195"
    assert recall.get("d", "").startswith("M100 ")
    assert len(of_class(charts.class_chart(1.0, 0.5, 2 / 3, test_f1=0.5), "bar")) == 2


def test_bars_share_a_scale() -> None:
    widths = [bar.get("width") for bar in of_class(charts.bars([("a", 3), ("b", 1.5)], 3), "bar")]
    assert widths == ["200", "100"]
    assert [b.get("width") for b in of_class(charts.bars([("a", 0)], 0), "bar")] == ["0"]


def test_a_heat_map_draws_full_cells_only_and_names_every_class() -> None:
    chart = charts.heat_map([[3, 1], [0, 4]], ["진단서", "b & <c>"])
    assert len(of_class(chart, "hit")) == 2
    (miss,) = of_class(chart, "miss")
    assert miss.find("title").text == "1 of 4 진단서 read as b & <c>"
    assert miss.get("fill-opacity") == "0.44"  # a quarter of the row: 0.25 + 0.75 * 0.25
    texts = {text.text for text in parsed(chart).iter("text")}
    assert {"진단서", "b & <c>"} <= texts
