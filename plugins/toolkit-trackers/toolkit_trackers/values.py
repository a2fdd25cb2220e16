"""Turns what a run tells into what trackers take: flat names, plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flat(values: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Nested tables as one: `{"loss": {"use": "focal"}}` is `{"loss.use": "focal"}`."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            inner = flat(value, separator)
            found |= {f"{name}{separator}{key}": item for key, item in inner.items()}
        else:
            found[name] = value
    return found


def numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers among nested values, `{"oof/clean/macro_f1": 0.5}`; what is no number is left
    out."""
    return {
        f"{prefix}{name}": float(value)
        for name, value in flat(values, "/").items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def curves(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The metrics of an epoch; the epoch itself is their step."""
    return numbers({name: value for name, value in metrics.items() if name != "epoch"}, prefix)


def run_scores(report: Mapping[str, Any]) -> dict[str, float]:
    """The scores of a whole run, `oof/clean/macro_f1`, ..., from `report.json`."""
    return numbers(report["scores"]["oof"], "oof/")


def failure(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip(": ")
