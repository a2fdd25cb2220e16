"""What a recipe's `[labels]` makes of a table: patched labels, and classes as groups.

Both come before the folds are cut. The files of the data stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.contracts import Table
from toolkit.data.groups import Grouping, grouped, grouping_of
from toolkit.data.patches import Correction, Patch, read_patch
from toolkit.errors import did_you_mean, listed
from toolkit.recipe.plan import Plan


def with_labels(table: Table, plan: Plan) -> Table:
    """The table with its labels as `[labels]` wants them; `table.labels` records what was done.

    What is wrong with patches and groups joins the table's problems, and nothing is changed then.
    """
    if not plan.patches and not plan.relabel:
        return table
    groups, problems = grouping_of(table, plan)
    patches = [read_patch(file) for file in plan.patches]
    work = _Work(table, groups)
    for patch in patches:
        problems += patch.problems
        work.apply(patch)
    problems += work.problems
    if problems:
        return replace(table, problems=(*table.problems, *problems))
    notes = [work.note(patch) for patch in patches]
    patched = replace(table, train=work.train(), notes=(*table.notes, *notes))
    done = {"patches": [work.record(patch) for patch in patches]}
    if not plan.relabel:
        return replace(patched, labels=done)
    return replace(grouped(patched, groups, work.moved), labels={**done, **groups.record(table)})


@dataclass
class _Work:
    """Applies patches, in order, to the names of a table's labels."""

    table: Table
    groups: Grouping
    problems: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """ID to the class of its row, as patched so far."""
    moved: dict[str, str] = field(default_factory=dict)
    """ID to the group of rows whose patch names groups, not classes."""
    last: dict[str, Correction] = field(default_factory=dict)
    """ID to the correction that was applied last."""
    counts: dict[str, int] = field(default_factory=dict)
    """File to the rows that it changed."""

    def __post_init__(self) -> None:
        train, classes = self.table.train, self.table.classes
        known = range(len(classes))
        labels = zip(train["id"], train["label"], strict=True)
        self.names = {i: classes[c] if c in known else "" for i, c in labels}
        self.before = dict(self.names)
        self.parents = dict(zip(train["id"], train["parent"], strict=True))
        test = self.table.test
        self.tested = set() if test is None else set(test["id"])

    def apply(self, patch: Patch) -> None:
        self.counts.setdefault(patch.file, 0)
        for row in patch.rows:
            fault = self._fault(row)
            if fault:
                self.problems.append(f"{row.where}: {fault}")
            elif not self._known(row):
                self._apply(row)

    def _known(self, row: Correction) -> bool:
        """Whether an earlier row says the same."""
        earlier = self.last.get(row.id)
        return earlier is not None and (row.before, row.after) == (earlier.before, earlier.after)

    def _apply(self, row: Correction) -> None:
        if self._of_groups(row):
            self.moved[row.id] = row.after
        else:
            self.moved.pop(row.id, None)
            self.names[row.id] = row.after
        self.last[row.id] = row
        self.counts[row.file] += row.before != row.after

    def _of_groups(self, row: Correction) -> bool:
        """Whether a row speaks of groups: a patch of a run with groups does."""
        classes, groups = self.table.classes, self.groups.names
        is_class = row.before == self.names[row.id] and row.after in classes
        return not is_class and row.before in groups and row.after in groups

    def _fault(self, row: Correction) -> str:
        """What keeps a row from being applied; empty where nothing does."""
        if row.id not in self.names:
            tested = "; it is a test image" if row.id in self.tested else ""
            return f'no training row has the ID "{row.id}"{tested}'
        if self.parents[row.id] != row.id:
            return (
                f'"{row.id}" was made from "{self.parents[row.id]}", whose label it has; patch that'
            )
        known = {*self.table.classes, *self.groups.names}
        unknown = [name for name in (row.before, row.after) if name not in known]
        if unknown:
            return "; ".join(self._no_class(name, known) for name in dict.fromkeys(unknown))
        if not self._of_groups(row) and not {row.before, row.after} <= {*self.table.classes}:
            return f'"{row.before}" and "{row.after}" are a class and a group; name two of a kind'
        earlier = self.last.get(row.id)
        now = self._now(row)
        if self._known(row) or row.before == now:
            twice = earlier is not None and earlier.file == row.file and not self._known(row)
            return self._contradicts(row, earlier) if twice and earlier else ""
        if earlier is not None:
            return self._contradicts(row, earlier)
        return (
            f'"{row.id}" is "{now}", and not "{row.before}" as the patch has it; take the row out'
        )

    def _now(self, row: Correction) -> str:
        """What a row is so far, in the words of a correction."""
        if row.id in self.moved:
            return self.moved[row.id]
        name = self.names[row.id]
        return self.groups.of[name] if self._of_groups(row) else name

    def _contradicts(self, row: Correction, earlier: Correction) -> str:
        return (
            f'"{row.id}" becomes "{row.after}" from "{row.before}", but {earlier.where} makes it '
            f'"{earlier.after}" from "{earlier.before}"; keep one of the two'
        )

    def _no_class(self, name: str, known: set[str]) -> str:
        if name in (targets := [str(target) for target in self.table.targets]):
            meant = self.table.classes[targets.index(name)]
            return f'there is no class "{name}"; a patch names classes: "{meant}"'
        return f'there is no class "{name}".{did_you_mean(name, known)}'

    def train(self) -> Any:
        """The training rows with the patched labels; what was made from a row follows it."""
        label = {name: number for number, name in enumerate(self.table.classes)}
        rows, found = self.table.train, []
        for i, parent, old in zip(rows["id"], rows["parent"], rows["label"], strict=True):
            source = parent if self.before.get(parent) == self.before[i] else i
            changed = self.names[source] != self.before[source]
            found.append(label[self.names[source]] if changed else old)
        return rows.assign(label=found).astype({"label": rows["label"].dtype})

    def note(self, patch: Patch) -> str:
        changed = self.counts[patch.file]
        ids = [row.id for row in patch.rows if row.before != row.after]
        rows = "1 label is" if changed == 1 else f"{changed} labels are"
        return (
            f"{patch.file}: {rows} patched ({listed(ids)})"
            if ids
            else f"{patch.file}: patches no label"
        )

    def record(self, patch: Patch) -> Mapping[str, Any]:
        return {"file": patch.file, "sha256": patch.digest, "rows": self.counts[patch.file]}
