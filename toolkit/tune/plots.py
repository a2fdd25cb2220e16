"""Optuna's own plots as SVG: no script, no network, the same bytes for the same trials.

They are drawn by matplotlib: plotly's would carry four megabytes of script into every page.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from toolkit.tune.result import evaluator, judged_study
from toolkit.tune.space import Space


@dataclass(frozen=True)
class Plot:
    """A picture of the study."""

    name: str
    title: str
    text: str
    """What it shows, for those who see it and for those who do not."""
    svg: str


Call = tuple[str, str, str, Callable[[], Any]]
"""Name, title and text of a plot, and what draws it."""


def plots(study: optuna.Study, space: Space, importance: Mapping[str, Any]) -> Iterator[Plot]:
    """The plots that the trials so far allow.

    Args:
        importance: what `tune.json` says of it.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 2:
        return
    import matplotlib

    calls = list(_calls(study, space, importance))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Optuna sets equal limits where the score, or a key, took one value.
        warnings.filterwarnings("ignore", "Attempting to set identical", UserWarning)
        with matplotlib.rc_context():
            matplotlib.use("agg", force=True)
            for name, title, text, draw in calls:
                yield Plot(name, title, text, _svg(name, draw))


def _calls(study: optuna.Study, space: Space, importance: Mapping[str, Any]) -> Iterator[Call]:
    from optuna.visualization import matplotlib as drawn

    text = "The score of each complete trial, and the best so far."
    yield "history", "History", text, lambda: drawn.plot_optimization_history(study)
    judged, always = judged_study(study, space)
    if importance["values"] is not None:
        text = (
            f"What each key explains of the score's variance by itself ({importance['estimator']}, "
            f"from {importance['trials']} complete trials), in shares that add up to 1."
        )
        if importance["not_judged"]:
            text += f" Not in every trial, so not judged: {', '.join(importance['not_judged'])}."
        yield (
            "importance",
            "Importance",
            text,
            lambda: drawn.plot_param_importances(judged, evaluator=evaluator(), params=always),
        )
    if len(judged.get_trials(deepcopy=False)) < 2 or not always:
        return
    text = "The score against each searched key; later trials are darker."
    yield "slice", "Slices", text, lambda: drawn.plot_slice(judged, params=sorted(always))
    if len(always) > 1:
        text = "Each line is a complete trial: its values, and its score on the left."
        yield (
            "parallel",
            "Parallel coordinates",
            text,
            lambda: drawn.plot_parallel_coordinate(judged, params=sorted(always)),
        )


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
