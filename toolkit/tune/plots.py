"""Optuna's own plots as SVG: no script, no network, the same bytes for the same trials.

They are drawn by matplotlib: plotly's would carry four megabytes of script into every page.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

TRUSTED = 20
"""Complete trials below which fANOVA's trees see mostly chance."""


@dataclass(frozen=True)
class Plot:
    """A picture of the study."""

    name: str
    title: str
    text: str
    """What it shows, for those who see it and for those who do not."""
    svg: str


def plots(study: optuna.Study) -> Iterator[Plot]:
    """The plots that the trials so far allow."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 2:
        return
    import matplotlib
    from optuna.visualization import matplotlib as drawn

    common = set.intersection(*(set(trial.params) for trial in complete))
    calls: list[tuple[str, str, str, Callable[[], Any]]] = [
        (
            "history",
            "History",
            "The score of each complete trial, and the best so far.",
            lambda: drawn.plot_optimization_history(study),
        )
    ]
    if len(complete) >= 4 and len({trial.value for trial in complete}) > 1:
        text = (
            "How much of the difference between good and bad trials each key explains, estimated "
            f"from {len(complete)} complete trials"
            + (": too few to trust." if len(complete) < TRUSTED else ".")
        )
        calls.append(
            ("importance", "Importance", text, lambda: drawn.plot_param_importances(study))
        )
    if common:
        calls.append(
            (
                "slice",
                "Slices",
                "The score against each searched key; later trials are darker.",
                lambda: drawn.plot_slice(study, params=sorted(common)),
            )
        )
    if len(common) > 1:
        text = "Each line is a complete trial: its values, and its score on the left."
        calls.append(
            (
                "parallel",
                "Parallel coordinates",
                text,
                lambda: drawn.plot_parallel_coordinate(study, params=sorted(common)),
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        with matplotlib.rc_context():
            matplotlib.use("agg", force=True)
            for name, title, text, draw in calls:
                yield Plot(name, title, text, _svg(name, draw))


def _svg(name: str, draw: Callable[[], Any]) -> str:
    import matplotlib
    from matplotlib import pyplot

    # The IDs inside come from the salt; without a date the same trials give the same bytes.
    matplotlib.rcParams["svg.hashsalt"] = name
    axes = draw()
    first = axes.ravel()[0] if hasattr(axes, "ravel") else axes
    figure = first.figure
    width = 4.0 * len(axes) if hasattr(axes, "__len__") else 8.0
    figure.set_size_inches(max(8.0, width), 4.5)
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return file.getvalue()
