"""What a study leaves: the best recipe, every number, and a page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from toolkit.errors import ToolkitError
from toolkit.plugin.schema import toml_key, toml_text
from toolkit.recipe.lines import Keys, split_key
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import is_shipped
from toolkit.runs.atomic import write_json, write_text
from toolkit.tune.importance import importance
from toolkit.tune.page import draw_page
from toolkit.tune.rows import best_of, candidates, rows_of
from toolkit.tune.space import value_at
from toolkit.tune.trial import Study, fresh_seed


def write_result(study: Study, hash_: str) -> None:
    """Write `best.toml`, `tune.json` and `tune.html` from the trials so far."""
    facts = result(study, hash_)
    if facts["winner"] is not None:
        trial = study.study.get_trials(deepcopy=False)[facts["winner"]]
        write_text(study.folder.best, best_recipe(study, trial, facts))
        _check_best(study, trial)
    write_json(study.folder.report, facts)
    draw_page(study, facts)


def result(study: Study, hash_: str) -> dict[str, Any]:
    """What `tune.json` holds.

    `best` is the trial with the best score of the search, `winner` the one whose values
    `best.toml` has: where several were scored again, the best on fresh folds.
    """
    trials = study.study.get_trials(deepcopy=False)
    rows = rows_of(study, trials)
    again = rows_of(study, study.final.get_trials(deepcopy=False))
    again = [row for row in again if row["state"] != "running"]
    fresh = {row["of"]: row["score"] for row in again if row["score"] is not None}
    best = best_of(trials, study.objective)
    incumbent = next((row for row in rows if row["incumbent"] and row["score"] is not None), None)
    seconds = [row["seconds"] or 0.0 for row in [*rows, *again]]
    return {
        "study": hash_,
        "name": study.study.study_name,
        "recipe": study.bench.question.recipe,
        "overrides": dict(study.bench.question.overrides),
        "objective": study.objective.name,
        "direction": study.objective.direction,
        "space": study.plan.values["tune"]["space"],
        "proxy": study.plan.values["tune"]["proxy"] if study.plan.proxy else None,
        "trials": rows,
        "rescore": {"seed": fresh_seed(study.plan.split.seed), "trials": again},
        "best": None if best is None else best.number,
        "winner": _winner(study, trials, fresh, {row["of"] for row in again}),
        "importance": importance(study.study, study.space),
        "incumbent": None if incumbent is None else incumbent["trial"],
        "seconds": round(sum(seconds), 1),
        "set_aside": [
            {"id": name, "reason": reason}
            for name, reason in study.bench.data(study.plan).set_aside
        ],
    }


def _winner(
    study: Study, trials: list[FrozenTrial], fresh: Mapping[int, float], settled: set[int]
) -> int | None:
    """The best on fresh folds, once all have a score there or failed there for good."""
    numbers = [trial.number for trial in candidates(study, trials)]
    again = [number for number in numbers if number in fresh]
    if len(numbers) > 1 and again and settled.issuperset(numbers):
        return max(again, key=lambda number: study.objective.sign * fresh[number])
    best = best_of(trials, study.objective)
    return None if best is None else best.number


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
    yield from _table((), values)
    for section in dict.fromkeys(keys[:-1] for keys in values if len(keys) > 1):
        yield ""
        yield "[" + ".".join(map(toml_key, section)) + "]"
        yield from _table(section, values)
    unused = [e.path for e in study.space.entries if e.path not in study.values(trial)]
    if unused:
        yield ""
        yield f"# Searched, but not used by this trial: {', '.join(unused)}"


def _found(study: Study, trial: FrozenTrial) -> dict[Keys, tuple[Any, str]]:
    """Every searched value, with where it came from."""
    overrides, own = study.overrides(trial), study.space.of_recipe(study.plan, study.facts)
    found: dict[Keys, tuple[Any, str]] = {}
    for entry in study.space.entries:
        if entry.path not in study.values(trial):
            continue
        before = value_at(study.plan.values, entry.keys)
        value = overrides.get(".".join(entry.keys), before)
        if value is None:
            continue
        to = study.values(trial)[entry.path]
        was = own.get(entry.path)
        shown = f"{entry.path} " if entry.classes else ""
        if value == before or to == was:
            note = f"{shown}unchanged"
        else:
            note = f"{shown}from {'nothing' if was is None else toml_text(was)}"
            note += f" to {toml_text(to)}" if entry.classes else ""
        _, notes = found.get(entry.keys, (None, ""))
        found[entry.keys] = (value, f"{notes}, {note}" if notes else note)
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
    fresh = {row["of"]: row["score"] for row in facts["rescore"]["trials"]}
    lines.append("This score is optimistic: it is the best of many on the same folds.")
    if fresh.get(winner["trial"]) is not None:
        seed, score = facts["rescore"]["seed"], fresh[winner["trial"]]
        text = f"On fresh folds (split.seed {seed}) it is {score:.4f}"
        if not winner["incumbent"] and fresh.get(facts["incumbent"]) is not None:
            text += f", the recipe itself {fresh[facts['incumbent']]:.4f}"
        lines[-1] += f" {text}."
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


def _check_best(study: Study, trial: FrozenTrial) -> None:
    """What was written must be what was tried."""
    question, host = study.bench.question, study.bench.host
    written = make_plan(load_recipe(study.folder.best, host=host), host).values
    tried = question.plan(host, study.overrides(trial)).values
    aside = ("name", "tune", "track")
    wrong = [k for k in tried if k not in aside and written.get(k) != tried[k]]
    if wrong:
        raise ToolkitError(f"{study.folder.best}: is not what was tried in {', '.join(wrong)}")
