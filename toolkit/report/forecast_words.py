"""What a forecast says in words, on the console and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_TRUST = "no forecast can be trusted here"


def forecast_basis(found: Mapping[str, Any]) -> list[str]:
    """What the figures rest on, a sentence each."""
    twins = found["calibrated_on"] != "clean"
    of = "degraded twins of the validation images" if twins else "clean out-of-fold images"
    rows = found["calibration_rows"]
    said = [
        f"Each fold's threshold of confidence is of its own {of}, {rows:,} rows together "
        "(average thresholded confidence)."
    ]
    agree, gain = found["agreement"]["folds"], found["gain"]
    if agree is not None:
        said.append(
            f"Two folds agree on {agree:.1%} of the test images; joining all of them is taken to "
            f"add {gain:.3f} to the accuracy of one."
        )
    if found["agreement"]["views"] is not None:
        said.append(f"The views of a test image agree on {found['agreement']['views']:.1%}.")
    said += [
        f"Tried where the truth is known: on the {check['variant']} images the same thresholds "
        f"forecast an accuracy of {check['forecast']:.3f}, and it is {check['truth']:.3f}."
        for check in found["checks"]
    ]
    said.append(
        "The interval covers chance in the images at hand and choices of the method, not images "
        "of another kind than those of the thresholds, nor other frequencies of the classes."
    )
    return said


def held_against(found: Mapping[str, Any], test: Mapping[str, Any] | None) -> dict[str, str]:
    """Whether the truth, where `toolkit score` knows it, lies in the interval."""
    said = {}
    for name, (low, high) in found["intervals"].items():
        if test is not None and name in test and test["rows"] == found["rows"]:
            inside = low <= test[name] <= high
            said[name] = (
                f"the test score, {test[name]:.3f}, is {'in' if inside else 'outside of'} it"
            )
    return said
