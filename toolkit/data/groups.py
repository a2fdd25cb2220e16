"""Classes as groups: `[labels.relabel]`, before the folds are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.contracts import Submission, SubmissionColumn, Table
from toolkit.errors import did_you_mean, listed
from toolkit.recipe.labels import REST
from toolkit.recipe.plan import Plan


@dataclass(frozen=True)
class Grouping:
    """The group of every class of a table."""

    of: Mapping[str, str]
    """Class to group, in the order of the classes."""
    kept: tuple[str, ...] = ()
    """Classes that no key names; each keeps its name."""

    @property
    def names(self) -> tuple[str, ...]:
        """The groups, each at the place of its first class."""
        return tuple(dict.fromkeys(self.of.values()))

    def record(self, table: Table) -> dict[str, Any]:
        """What `manifest.json` keeps, a class a row; `toolkit score` reads truth by it."""
        rows = [
            {"class": name, "target": str(table.target_of(label)), "group": self.of[name]}
            for label, name in enumerate(table.classes)
        ]
        return {"classes": rows}


def grouping_of(table: Table, plan: Plan) -> tuple[Grouping, list[str]]:
    """The groups that a recipe asks for, and a line for every key that is no class."""
    asked = plan.relabel
    rest = asked.get(REST)
    problems = [
        f'{plan.origins[("labels", "relabel", name)]}: labels.relabel: there is no class "{name}".'
        f"{did_you_mean(name, table.classes)}"
        for name in asked
        if name != REST and name not in table.classes and not (table.problems and not table.classes)
    ]
    kept = tuple(name for name in table.classes if name not in asked and rest is None)
    of = {name: asked.get(name, name if rest is None else rest) for name in table.classes}
    return Grouping(of, kept if asked else ()), problems


def grouped(table: Table, groups: Grouping, moved: Mapping[str, str]) -> Table:
    """The table whose classes are the groups.

    Args:
        moved: ID to group, of rows whose patch names a group.
    """
    number = {name: label for label, name in enumerate(groups.names)}
    label_of = [number[groups.of[name]] for name in table.classes]
    train = table.train
    known = train["label"].between(0, len(label_of) - 1)  # others are told as faults
    labels = [
        number[moved[parent]] if parent in moved else label_of[label] if fine else label
        for parent, label, fine in zip(train["parent"], train["label"], known, strict=True)
    ]
    own = [name for name, group in groups.of.items() if name != group]
    form, note = (table.submission, "") if not own else _form(table, groups, number)
    sizes = Counter(groups.of.values())
    told = listed((f'"{name}" of {sizes[name]}' for name in number if sizes[name] > 1), limit=10)
    line = f"labels.relabel: {len(table.classes)} classes are {len(number)} groups" + (
        f" ({told} classes)" if told else ""
    )
    if groups.kept:
        line += f"; {len(groups.kept)} keep their names ({listed(groups.kept)})"
    return replace(
        table,
        train=train.assign(label=labels).astype({"label": train["label"].dtype}),
        classes=tuple(number),
        targets=() if own else table.targets,
        submission=form,
        notes=(*table.notes, line, *([note] if note else [])),
    )


def _form(
    table: Table, groups: Grouping, number: Mapping[str, int]
) -> tuple[Submission | None, str]:
    """The submission's form for the groups, and what of the sample cannot be written."""
    form = table.submission
    if form is None or form.problem:
        return form, ""
    names = tuple(number)
    sizes = Counter(groups.of.values())
    asked = [c for c in form.columns if c.label is not None]
    joined = [c.name for c in asked if sizes[groups.of[table.classes[c.label or 0]]] > 1]
    if joined:
        (own,) = [c for c in form.columns if c.means == "id"]
        only = own, SubmissionColumn(table.columns[1], "label")
        note = (
            f"the sample wants probabilities of classes that are joined ({listed(joined)}), which "
            f"cannot be written; submission.csv has {own.name} and {table.columns[1]}, the group"
        )
        return Submission(only, form.ids, names, "name"), note
    columns = tuple(
        c if c.label is None else replace(c, label=number[groups.of[table.classes[c.label]]])
        for c in form.columns
    )
    return replace(form, columns=columns, labels=names, form="name"), ""
