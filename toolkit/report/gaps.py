"""What lies between the scores of a run: clean images, their twins, the test set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from toolkit.report.metrics import metrics_of

_GAP = 0.1  # macro-F1


def of_test(report: Mapping[str, Any], test: Mapping[str, Any] | None) -> Markup | None:
    """Where the test score lies outside of what validation said."""
    if test is None:
        return None
    # Where there are twins, they are what the test images were expected to be.
    of = "robust" if "robust" in report["scores"]["oof"] else "clean"
    oof, decides = report["scores"]["oof"][of], metrics_of(report)[0].name
    interval, score = oof["intervals"][decides], test.get(decides)
    if interval is None or score is None or interval[0] <= score <= interval[1]:
        return None
    low, high = interval
    side = "below" if score < low else "above"
    return Markup(
        "The test score ({:.3f}) is {} the interval of the {}out-of-fold score ({:.3f} to {:.3f}): "
        "the test images differ from the {}, and validation does not show it."
    ).format(
        score,
        side,
        "robust " if of == "robust" else "",
        low,
        high,
        "twins" if of == "robust" else "training images",
    )


def of_twins(report: Mapping[str, Any]) -> Markup | None:
    """Where twins are read much worse than the images as they are."""
    oof = report["scores"]["oof"]
    if "robust" not in oof:
        return None
    clean, robust = oof["clean"]["macro_f1"], oof["robust"]["macro_f1"]
    if robust >= clean - _GAP:
        return None
    return Markup(
        "On degraded twins of the same images macro-F1 is {:.3f}, on the images as they are "
        "{:.3f}: stronger training augmentation, or more of it, may close the gap."
    ).format(robust, clean)
