"""Where the chart of a metric begins and ends."""

from __future__ import annotations

import pytest

from toolkit.report.charts import Mark
from toolkit.report.metrics import Shown
from toolkit.report.pictures import scale_of


@pytest.mark.parametrize(
    ("bounds", "ends", "expected"),
    [
        ((0.0, 1.0), (0.4, 0.6), (0.0, 1.0)),
        ((-1.0, 1.0), (0.2, 0.6), (0.0, 1.0)),  # nothing is below 0: the scale is that of a share
        ((-1.0, 1.0), (-0.1, 0.3), (-1.0, 1.0)),
        ((0.0, None), (0.2, 0.5), (0.0, 1.0)),
        ((0.0, None), (1.0, 2.0), (0.0, 2.2)),
        ((0.0, None), (0.01, 0.02), (0.0, 0.022)),  # on a scale to 1 it would be a point at 0
        ((0.0, None), (0.0, 0.0), (0.0, 1.0)),
        ((None, None), (-2.0, -1.0), (-2.2, 0.0)),
        ((10.0, 20.0), (12.0, 13.0), (10.0, 20.0)),
    ],
)
def test_a_scale_holds_what_is_there_and_ends_at_the_bounds(
    bounds: tuple[float | None, float | None],
    ends: tuple[float, float],
    expected: tuple[float, float],
) -> None:
    low, high = ends
    shown = Shown("acme.cost", "cost", "", False, *bounds)
    assert scale_of(shown, [Mark("oof", low, low, high, "oof")]) == pytest.approx(expected)
