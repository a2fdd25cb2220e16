"""What was found and decided, in words: a line for each thing that a wrong guess would show in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolkit.check.faults import duplicates
from toolkit.check.survey import Survey
from toolkit.contracts import Submission, Table
from toolkit.errors import listed

_CLASSES = 12  # classes that are named with their counts


def survey_lines(found: Survey) -> Iterator[str]:
    """The lines of `toolkit init`, the summary first, without its data's name."""
    table = found.table
    test = "no" if table.test is None else len(table.test)
    yield (
        f"source {found.source['use']}, {len(table.train)} training images, "
        f"{len(table.classes)} classes, {test} test images"
    )
    for line in found.why:
        yield f"  {line}"
    yield f"  classes: {_classes(table)}"
    if found.repeating and "group_column" not in found.source:
        named = [f"{column} ({values})" for column, values in found.repeating.items()]
        yield (
            f"  columns whose values repeat: {listed(named)}; if images of one value belong "
            "together: --group COLUMN"
        )
    yield f"  {found.opened}"
    yield from (f"  {line}" for line in _duplicates(table))
    yield from (f"  {line}" for line in _submission(table))
    for note in (*table.notes, *found.left):
        yield f"  {note}"
    if found.skipped:
        what = ", ".join(
            f"{n} {suffix or 'without a suffix'}" for suffix, n in found.skipped.items()
        )
        yield f"  left out: files that are no images ({what})"


def _classes(table: Table) -> str:
    """Every class with its images, the most frequent first."""
    counts = table.train["label"].value_counts()
    ranked = sorted(range(len(table.classes)), key=lambda k: (-int(counts.get(k, 0)), k))
    named = [f"{_one_line(table.classes[k])} {int(counts.get(k, 0))}" for k in ranked[:_CLASSES]]
    rest = ranked[_CLASSES:]
    if rest:
        images = [int(counts.get(k, 0)) for k in rest]
        few, many = min(images), max(images)
        size = f"{few} to {many} images" if few < many else f"{many} image{'s' * (many != 1)}"
        named.append(f"and {len(rest)} more of {size} each")
    return ", ".join(named)


def _one_line(name: str) -> str:
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."


def _duplicates(table: Table) -> Iterator[str]:
    found = duplicates(table)
    if found is None:
        yield "duplicates: not looked for, since there are many files; `toolkit run` does"
        return
    if found.train:
        yield (
            f"duplicates: {found.train} training files have the content of another; equal files "
            "stay in one fold"
        )
    yield from (f"duplicates: {line}" for line in found.warnings())


def _submission(table: Table) -> Iterator[str]:
    """What the submission will look like."""
    if table.test is None:
        return
    form = table.submission
    if form is None:
        yield f"submission: columns {', '.join(table.columns)}; the class of each image"
    elif not form.problem:
        yield f"submission: {_form(form, table)}, as the sample has it"


def _some(labels: Sequence[str]) -> str:
    return listed([_one_line(label) for label in labels], 3)


def _form(form: Submission, table: Table) -> str:
    parts = []
    of_class = [column for column in form.columns if column.means == "probability"]
    for column in form.columns:
        if column.means == "id":
            parts.append(f"{column.name} (ID)")
        elif column.means == "label":
            parts.append(f"{column.name} (class: {_some(form.labels)})")
        elif column.means == "confidence":
            parts.append(f"{column.name} (its probability)")
        elif column.means == "kept":
            parts.append(f"{column.name} (kept)")
        elif len(of_class) == 1 and column.label is not None:
            parts.append(f"{column.name} (probability of {_one_line(table.classes[column.label])})")
    if len(of_class) > 1:
        parts.append(f"a probability for each of {len(of_class)} classes")
    return "columns " + ", ".join(parts)
