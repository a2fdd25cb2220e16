"""`best.toml`: an ordinary recipe that extends the one searched, and says what came of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from toolkit.errors import RecipeError, ToolkitError
from toolkit.plugin.schema import toml_key, toml_text
from toolkit.recipe.lines import Keys, split_key
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import is_shipped
from toolkit.tune.gain import gain_of, gain_sentence
from toolkit.tune.space import value_at
from toolkit.tune.study import Study


def best_recipe(study: Study, trial: FrozenTrial, facts: Mapping[str, Any]) -> str:
    """The text of `best.toml`: it extends the original, and says what was found."""
    return "".join(f"{line}\n" for line in _lines(study, trial, facts))


def _lines(study: Study, trial: FrozenTrial, facts: Mapping[str, Any]) -> Iterator[str]:
    question = study.bench.question
    for line in summary(study.objective.name, facts):
        yield f"# {line}"
    yield ""
    yield f"extends = {toml_text(_reference(question.recipe, study.folder.path))}"
    values: dict[Keys, tuple[Any, str]] = {
        split_key(key): (value, "given to the study with --set")
        for key, value in question.overrides.items()
    }
    values.setdefault(("name",), (f"{study.plan.name}-tuned", ""))
    values |= _found(study, trial)
    if not _has_a_space(study, trial):
        space = study.plan.values["tune"]["space"]
        values |= {("tune", "space", path): (entry, "") for path, entry in space.items()}
    yield from _table((), values)
    for section in dict.fromkeys(keys[:-1] for keys in values if len(keys) > 1):
        yield ""
        yield "[" + ".".join(map(toml_key, section)) + "]"
        yield from _table(section, values)
    unused = [e.path for e in study.space.parameters if e.path not in study.values(trial)]
    if unused:
        yield ""
        yield f"# Searched, but not used by this trial: {', '.join(unused)}"


def _has_a_space(study: Study, trial: FrozenTrial) -> bool:
    """Whether the recipe's own ranges can stand around what was found: `times` of a whole number
    that was found small, say, may be no range any more."""
    question, host = study.bench.question, study.bench.host
    try:
        make_plan(
            load_recipe(question.recipe, {**question.overrides, **study.overrides(trial)}, host),
            host,
        )
    except RecipeError:
        return False
    return True


def _found(study: Study, trial: FrozenTrial) -> dict[Keys, tuple[Any, str]]:
    """Every searched value, with where it came from."""
    overrides, own = study.overrides(trial), study.space.of_recipe(study.plan, study.facts)
    found: dict[Keys, tuple[Any, str]] = {}
    for parameter in study.space.parameters:
        if parameter.path not in study.values(trial):
            continue
        before = value_at(study.plan.values, parameter.keys)
        value = overrides.get(".".join(parameter.keys), before)
        if value is None:
            continue
        to = study.values(trial)[parameter.path]
        was = own.get(parameter.path)
        shown = f"{parameter.path} " if parameter.classes else ""
        if value == before or to == was:
            note = f"{shown}unchanged"
        else:
            note = f"{shown}from {'nothing' if was is None else toml_text(was)}"
            note += f" to {toml_text(to)}" if parameter.classes else ""
        _, notes = found.get(parameter.keys, (None, ""))
        found[parameter.keys] = (value, f"{notes}, {note}" if notes else note)
    return found


def summary(objective: str, facts: Mapping[str, Any]) -> list[str]:
    """What was found, in a few lines of prose."""
    rows = {row["trial"]: row for row in facts["trials"]}
    winner = rows[facts["winner"]]
    done = sum(row["state"] in ("complete", "pruned") for row in facts["trials"])
    where = " (cheaper than the recipe)" if facts["proxy"] else ""
    line = f"Trial {winner['trial']} of {done}: {objective} {winner['score']:.4f}{where}"
    incumbent = rows.get(facts["incumbent"])
    if incumbent is not None and incumbent is not winner:
        gain = winner["score"] - incumbent["score"]
        line += f"; the recipe itself {incumbent['score']:.4f}, a gain of {gain:+.4f}."
    else:
        line += "; it is the recipe itself." if winner["incumbent"] else "."
    lines = [line]
    sentence = gain_sentence(gain_of(facts))
    if sentence is not None:
        lines.append(sentence)
    fresh = {row["of"]: row["score"] for row in facts["rescore"]["trials"]}
    given = facts.get("given")
    many = f'the same split, "{given}"' if given else "the same folds"
    lines.append(f"This score is optimistic: it is the best of many on {many}.")
    if fresh.get(winner["trial"]) is not None:
        seed, score = facts["rescore"]["seed"], fresh[winner["trial"]]
        text = f"On fresh folds (split.seed {seed}) it is {score:.4f}"
        if given:
            text = f"With a fresh seed on the same split (seed {seed}) it is {score:.4f}"
        if not winner["incumbent"] and fresh.get(facts["incumbent"]) is not None:
            text += f", the recipe itself {fresh[facts['incumbent']]:.4f}"
        lines[-1] += f" {text}."
        if given:
            lines.append(
                "A given split has no fresh folds: its own luck stays in that score; labels of a "
                "test set (`toolkit score`), or folds (without split.given) tell more."
            )
    lost = sum(row["state"] == "failed" for row in facts["trials"])
    if lost:
        lines.append(f"{lost} more trial{' has' if lost == 1 else 's have'} failed.")
    if winner["threads"] is not None:
        count = f"{winner['threads']} thread{'' if winner['threads'] == 1 else 's'}"
        lines.append(f"The score was made with {count}; another number may change its last digits.")
    return lines


def _reference(recipe: str, folder: Path) -> str:
    """How a recipe in `folder` names the one that it extends."""
    if is_shipped(recipe):
        return recipe
    try:
        return Path(os.path.relpath(recipe, folder)).as_posix()
    except ValueError:  # on Windows, from one drive to another there is no way
        return Path(recipe).absolute().as_posix()


def _table(section: Keys, values: Mapping[Keys, tuple[Any, str]]) -> Iterator[str]:
    for keys, (value, note) in values.items():
        if keys[:-1] == section:
            line = f"{toml_key(keys[-1])} = {toml_text(value)}"
            yield f"{line}  # {note}" if note else line


def check_best(study: Study, trial: FrozenTrial) -> None:
    """What was written must be what was tried."""
    question, host = study.bench.question, study.bench.host
    written = make_plan(load_recipe(study.folder.best, host=host), host).values
    tried = question.plan(host, study.overrides(trial)).values
    aside = ("name", "tune", "track", "execute")
    wrong = [k for k in tried if k not in aside and written.get(k) != tried[k]]
    if wrong:
        raise ToolkitError(f"{study.folder.best}: is not what was tried in {', '.join(wrong)}")
