"""The metrics of a recipe: what decides, what is reported, and `[metric.NAME]` for options.

`[validate] report = ["kappa", "top_3"]` names metrics. `[metric.top_3]` gives one its options, and
with `use = "top_k"` says which component it is, where that has another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from toolkit.errors import did_you_mean
from toolkit.plugin.host import Host
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import Recipe
from toolkit.recipe.lookup import Lookup
from toolkit.recipe.plan import Choice
from toolkit.recipe.scores import (
    ALWAYS,
    BLEND,
    CLEAN,
    TAKEN,
    VARIANTS,
    Score,
    guess_score,
    metric_named,
    score_named,
)
from toolkit.recipe.sections import Tune, Validate
from toolkit.recipe.slots import METRIC, Slot
from toolkit.recipe.twins import TWINS, asks_for_twins, taught_twins

MONITOR = "monitor"
"""What `tune.objective` says for the score of `validate.monitor`."""


class Planner(Protocol):
    """What of the planner is needed here."""

    recipe: Recipe
    lookup: Lookup
    sections: dict[Keys, BaseModel]
    choices: dict[Keys, Choice]
    notes: list[str]

    def table(self, keys: Keys) -> dict[str, Any]: ...
    def problem(self, keys: Keys, text: str) -> None: ...
    def component(self, keys: Keys, slot: Slot) -> None: ...


@dataclass
class Metrics:
    """What of a recipe's metrics was found."""

    monitor: Score = field(default_factory=lambda: Score(CLEAN, ALWAYS[0]))
    choices: dict[str, Choice] = field(default_factory=dict)
    """Every metric that scores the run, by its name: those of every run, the monitor's, and those
    that are only reported."""

    def tables(self) -> dict[str, dict[str, Any]]:
        """`[metric]` with every default written out."""
        return {
            name: {"use": choice.use, **choice.options}
            for name, choice in self.choices.items()
            if choice.options or choice.use != name
        }


def choose_metrics(planner: Planner) -> Metrics:
    """Check what a recipe says of metrics, and write their names in one way into its sections."""
    return _Chooser(planner).metrics()


class _Chooser:
    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.own = planner.table(METRIC)
        registered = planner.lookup.host.registry.names("metric")
        self.known = list(dict.fromkeys([*registered, *self.own]))
        self.found = Metrics()

    def metrics(self) -> Metrics:
        planner, found = self.planner, self.found
        for name, given in self.own.items():
            self.defined(name, given)
        validate, tune = planner.sections.get(("validate",)), planner.sections.get(("tune",))
        for name in ALWAYS:
            self.scored(name, (*METRIC, name))
        if isinstance(validate, Validate):
            monitor = self.named(validate.monitor, ("validate", "monitor"))
            found.monitor = monitor or found.monitor
            reported = list(self.reported(validate.report))
            names = {"monitor": found.monitor.name, "report": reported}
            planner.sections[("validate",)] = validate.model_copy(update=names)
        if isinstance(tune, Tune) and tune.objective != MONITOR:
            update = {"objective": self.objective(tune.objective)}
            planner.sections[("tune",)] = tune.model_copy(update=update)
        for keys, text in taught_twins(planner.choices):
            planner.problem(keys, text)
        for name in self.own:
            keys = (*METRIC, name)
            if planner.choices.pop(keys, None) is not None and name not in found.choices:
                where = planner.recipe.origin(keys)
                text = "scores nothing; name it in validate.report or validate.monitor"
                planner.notes.append(f"{where}: [metric.{name}] {text}")
        return found

    def defined(self, name: str, given: Any) -> None:
        """A table `[metric.NAME]`."""
        planner, keys = self.planner, (*METRIC, name)
        registered = planner.lookup.host.registry.get("metric", name) is not None
        if not isinstance(given, dict):
            planner.problem(keys, f"expected a table [metric.{name}] with options")
        elif registered and given.get("use", name) != name:
            planner.problem((*keys, "use"), f"{name} is a metric itself; choose another name")
        elif not registered and (problem := _name_problem(name)):
            planner.problem(keys, problem)
        elif not registered and "use" not in given:
            _, problem = planner.lookup.find("metric", name)
            planner.problem(keys, f"{problem} Or say which it is with `use`.")
        else:
            planner.component(keys, Slot("metric", name))

    def named(self, text: str, keys: Keys) -> Score | None:
        """The score that a text names, and that is scored then; None where there is none."""
        score = Score(CLEAN, text) if text in self.known else score_named(text)
        if score.metric not in self.known:
            self.planner.problem(keys, self.unknown(text, score, keys))
            return None
        self.require_twins(score, keys)
        return score if self.scored(score.metric, keys) else None

    def require_twins(self, score: Score, keys: Keys) -> None:
        """A score of twins, where the recipe draws none, is none."""
        problem = asks_for_twins(score)
        if problem is not None and not self.planner.table(TWINS):
            self.planner.problem(keys, problem)

    def unknown(self, text: str, score: Score, keys: Keys) -> str:
        if "." in score.metric:  # a plugin's, which may be missing, or set aside
            return str(self.planner.lookup.find("metric", score.metric)[1])
        alone = keys[-1] == "report"
        guess = did_you_mean(text, self.known) if alone else guess_score(text, self.known)
        names = self.known if alone else [*(Score(CLEAN, name).name for name in self.known), BLEND]
        known = guess or f" Known: {', '.join(names)}."
        return f'there is no {"metric" if alone else "score"} "{text}".{known}'

    def scored(self, name: str, keys: Keys) -> bool:
        """Choose a metric. Its faults stand where its options are, or where it is named."""
        planner, own = self.planner, (*METRIC, name)
        if name not in self.found.choices:
            if name not in self.own:
                planner.component(own, Slot("metric", name))
            choice = planner.choices.get(own)
            if choice is None:
                return False
            if name not in self.own:
                del planner.choices[own]
            self.found.choices[name] = choice
        return True

    def reported(self, texts: list[str]) -> Iterator[str]:
        """The names of `validate.report`, whole."""
        keys, seen = ("validate", "report"), set()
        for text in texts:
            score = self.named(text, keys)
            if score is None:
                continue
            if score.metric in seen:
                self.planner.problem(keys, f'"{text}" is named twice')
            seen.add(score.metric)
            yield score.metric

    def objective(self, text: str) -> str:
        """The name of what a search looks at: a score that every trial has."""
        keys = ("tune", "objective")
        score = Score(CLEAN, text) if text in self.known else score_named(text)
        if score.metric in self.found.choices:
            self.require_twins(score, keys)
            return score.name
        if score.metric in self.known:
            text = f'"{text}" is not scored; add it: [validate] report = ["{score.metric}"]'
            self.planner.problem(keys, text)
        else:
            self.named(text, keys)
        return score.name


def _name_problem(name: str) -> str | None:
    """Why a metric cannot be called so."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        if "." in name:
            return None  # a plugin's: whether there is one, the look-up says
        return f'"{name}": a name is lower-case letters, digits and underscores'
    if name in TAKEN or metric_named(name) != name:
        return f'"{name}" stands for something else in a run\'s files; choose another name'
    variant = next((v for v in VARIANTS if name.startswith(f"{v}_")), None)
    if variant is not None:
        return f'"{name}" would read as a score of the {variant} images; choose another name'
    return None


def recorded_metrics(
    recipe: Mapping[str, Any], host: Host
) -> tuple[dict[str, Choice], dict[str, str]]:
    """The metrics of a resolved recipe, as a run folder keeps it: by name those that are installed
    here, and why the others cannot be had."""
    validate, tables = recipe.get("validate", {}), recipe.get("metric", {})
    monitor = score_named(validate.get("monitor", ALWAYS[0])).metric
    found, missing, lookup = {}, {}, Lookup(host)
    for name in dict.fromkeys((*ALWAYS, monitor, *validate.get("report", ()))):
        options = dict(tables.get(name, {}))
        entry, problem = lookup.find("metric", options.pop("use", name))
        if entry is None:
            missing[name] = str(problem)
        else:
            found[name] = Choice(entry.name, entry, options)
    return found, missing
