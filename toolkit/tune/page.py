"""`tune.html`: a study on one page, drawn from its `tune.json` alone with the report's charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from markupsafe import Markup

from toolkit.plugin.schema import toml_text
from toolkit.recipe.ranges import choices_of
from toolkit.report.charts import bars
from toolkit.report.scatter import Axis, Folds, Point, fold_chart, key_mark, scatter_chart
from toolkit.report.template import rendered
from toolkit.runs.atomic import write_text
from toolkit.tune.best import summary
from toolkit.tune.few_folds import again
from toolkit.tune.folder import StudyFolder
from toolkit.tune.gain import reach, whole_trials
from toolkit.tune.objective import Curve
from toolkit.tune.space import tried
from toolkit.tune.stopping import noise

_MARGIN = 0.06  # of the scores' span, above and below
_TALL = 40  # rows; a longer table scrolls inside its own box

Row = Mapping[str, Any]


def draw_page(folder: StudyFolder, facts: Mapping[str, Any]) -> None:
    """Write the study's `tune.html`.

    Args:
        facts: what `tune.json` holds.
    """
    best = folder.best.read_text(encoding="utf-8") if facts["winner"] is not None else ""
    write_text(folder.page, page_text(folder.path.name, facts, best))


def page_text(folder: str, facts: Mapping[str, Any], best: str) -> str:
    """The page as text; the same facts give the same bytes.

    Args:
        folder: name of the study's folder.
        best: text of `best.toml`; empty where no trial is complete.
    """
    rows: list[Row] = facts["trials"]
    ended = [row for row in rows if row["state"] != "running"]
    winner = next((row for row in rows if row["trial"] == facts["winner"]), None)
    own = next((row for row in rows if row["trial"] == facts["incumbent"]), None)
    kinds = {_kind(row, facts) for row in ended}
    paths = list(facts["space"])
    given = {
        "folder": folder,
        "facts": facts,
        "given": facts.get("given"),
        "again": again(facts.get("given")),
        "lines": [] if winner is None else summary(facts["objective"], facts),
        "best": best,
        "winner": winner,
        "own": own,
        "rows": rows,
        "counts": {state: sum(r["state"] == state for r in rows) for state in _STATES},
        "paths": paths,
        "marks": [(key_mark(kind), text) for kind, text in _KINDS.items() if kind in kinds],
        "folds": _fold_scores(facts, winner, own),
        "history": _history(facts, ended),
        "keys": [(path, _of_key(path, facts, ended)) for path in paths] if _heights(ended) else [],
        "shares": _shares(facts["importance"]["values"]),
        "tall": _TALL,
    }
    return rendered("toolkit.tune", given, {"toml": toml_text})


_STATES = ("complete", "pruned", "failed", "running")
_KINDS = {
    "recipe": "the recipe as it is",
    "winner": "the best",
    "complete": "complete",
    "pruned": "stopped early, at what it had",
    "failed": "failed, without a score",
}


def _kind(row: Row, facts: Mapping[str, Any]) -> str:
    """What a trial's point looks like; where the recipe is the best, it looks like the recipe."""
    if row["incumbent"] and row["score"] is not None:
        return "recipe"
    return "winner" if row["trial"] == facts["winner"] else str(row["state"])


def _height(row: Row) -> float | None:
    """A trial's score, or what it had where it was stopped early."""
    found: float | None = row["score"] if row["score"] is not None else row.get("so_far")
    if found is None and row["state"] == "pruned" and row["folds"]:  # a study of an older version
        return fmean(row["folds"])
    return found


def _heights(rows: Sequence[Row]) -> list[float]:
    return [height for row in rows if (height := _height(row)) is not None]


def _said(row: Row, facts: Mapping[str, Any]) -> str:
    name = f"trial {row['trial']}{' (the recipe)' if row['incumbent'] else ''}"
    height = _height(row)
    if row["score"] is not None:
        name += f": {row['score']:.4f}"
    elif height is not None:
        name += f": stopped early at {height:.4f}"
    else:
        name += f": {row['state']}"
    return f"{name}; {tried(row['values'])}" if row["values"] else name


def _scores(facts: Mapping[str, Any], values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    margin = _MARGIN * (high - low) or 0.01
    return Axis(facts["objective"], low - margin, high + margin)


def _point(row: Row, x: float, facts: Mapping[str, Any]) -> Point:
    return Point(x, _height(row), _kind(row, facts), _said(row, facts))


def _history(facts: Mapping[str, Any], ended: Sequence[Row]) -> Markup | None:
    """Every trial in its order, and the best score so far as a line."""
    heights = _heights(ended)
    if not heights:
        return None
    sign = 1 if facts["direction"] == "maximize" else -1
    last = max(row["trial"] for row in ended)
    line: list[tuple[float, float]] = []
    best: float | None = None
    for row in sorted(ended, key=lambda row: row["trial"]):
        if row["score"] is None or (best is not None and sign * row["score"] <= sign * best):
            continue
        line += [] if best is None else [(row["trial"], best)]
        line.append((row["trial"], row["score"]))
        best = row["score"]
    line += [(last, best)] if best is not None else []
    points = [_point(row, row["trial"], facts) for row in ended]
    x = Axis("trial", -0.5, max(last, 1) + 0.5)
    return scatter_chart(x, _scores(facts, heights), _in_order(points), line=line)


def _in_order(points: Sequence[Point]) -> list[Point]:
    """What matters most is drawn last, on top of the others."""
    order = ("failed", "pruned", "complete", "winner", "recipe")
    return sorted(points, key=lambda point: order.index(point.kind))


def _of_key(path: str, facts: Mapping[str, Any], ended: Sequence[Row]) -> Markup | None:
    """The scores against the values of one key; None where no trial has one."""
    having = [row for row in ended if path in row["values"]]
    if not _heights(having):
        return None
    entry = facts["space"][path]
    values = [row["values"][path] for row in having]
    axis, places = _key_axis(path, entry, values)
    points = [_point(row, place, facts) for row, place in zip(having, places, strict=True)]
    return scatter_chart(axis, _scores(facts, _heights(ended)), _in_order(points))


def _key_axis(path: str, entry: Row, values: Sequence[Any]) -> tuple[Axis, list[float]]:
    """The scale of a key, and where each value stands on it. The recipe's own value may lie
    outside of its range."""
    texts = [value if isinstance(value, str) else toml_text(value) for value in values]
    offered = choices_of(entry)
    if offered or not all(_is_number(value) for value in values):
        names = [c if isinstance(c, str) else toml_text(c) for c in offered]
        names += sorted(set(texts) - set(names))
        return Axis(path, names=tuple(names)), [float(names.index(text)) for text in texts]
    low, high = min(entry["low"], *values), max(entry["high"], *values)
    axis = Axis(path, low, high, log=bool(entry.get("log")) and low > 0)
    if axis.log:
        room = (high / low) ** 0.04
        return replace(axis, low=low / room, high=high * room), [float(v) for v in values]
    room = 0.04 * (high - low)
    return replace(axis, low=low - room, high=high + room), [float(v) for v in values]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fold_scores(facts: Mapping[str, Any], winner: Row | None, own: Row | None) -> Markup | None:
    """The folds of the best beside the recipe's, and of both on fresh folds."""
    if winner is None:
        return None
    found = [("the recipe", own, False)] if own is not None and own is not winner else []
    best = "the recipe" if winner is own else f"trial {winner['trial']}"
    found.append((best, winner, False))
    scored = {row["of"]: row for row in facts["rescore"]["trials"] if row["score"] is not None}
    for name, row in [(name, row) for name, row, _ in found]:
        if row is not None and row["trial"] in scored:
            found.append((f"{name} {again(facts.get('given'))}", scored[row["trial"]], True))
    rows = list(_rows(facts, [(n, r, f) for n, r, f in found if r is not None and r["folds"]]))
    if not rows:
        return None
    ends = [end for row in rows for end in (*row.scores, row.low, row.high) if end is not None]
    return fold_chart(_scores(facts, ends), rows)


def _rows(facts: Mapping[str, Any], found: Sequence[tuple[str, Row, bool]]) -> Iterator[Folds]:
    for name, row, fresh in found:
        scores = tuple(row["folds"])
        beside = facts["rescore"]["trials"] if fresh else facts["trials"]
        whole = whole_trials(beside, len(scores))
        alone = noise([Curve((), tuple(folds)) for folds in whole], len(scores))
        mean, half = fmean(scores), reach(alone, len(whole), len(scores))
        low, high = (None, None) if half != half else (mean - half, mean + half)  # NaN
        kind = "recipe" if name.startswith("the recipe") else "complete"
        yield Folds(name, scores, mean, low, high, kind)


def _shares(values: Mapping[str, float] | None) -> list[tuple[str, float, Markup]]:
    found = values or {}
    top = max(found.values(), default=0.0)
    return [(path, share, bars([("oof", share)], top)) for path, share in found.items()]
