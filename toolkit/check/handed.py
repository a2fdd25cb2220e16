"""Data that are handed over in Python: a pandas table, or a folder; found out as `init` does."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.builtin.handed import TEST, TRAIN, rows_of
from toolkit.builtin.sources import table as table_source
from toolkit.check.ask import Chosen, Unclear
from toolkit.check.labels import Labels, labels_of
from toolkit.check.lineage import group_of, parent_of, split_of
from toolkit.check.survey import survey
from toolkit.check.vocabulary import IDS
from toolkit.check.words import survey_lines
from toolkit.data.table import Frames
from toolkit.errors import DataError, did_you_mean, listed

Columns = Mapping[str, Any]
"""What is known of the columns: path, id, label (a list of 0/1 columns is one label), group,
parent, split; None says that there is none."""

_PROBED = 500  # cells of a column that decide whether it names files
_LEAST = 0.3  # share of them that are files
_OPTIONS = {"label": "label", "group": "group", "split-column": "split", "id": "path"}
_KEYS = {
    "path": "path_column",
    "id": "id_column",
    "group": "group_column",
    "parent": "parent_column",
    "split": "split_column",
}


@dataclass(frozen=True)
class Given:
    """What a run is handed."""

    section: Mapping[str, Any]
    """The `[data]` section that says so."""
    said: tuple[str, ...]
    """What was chosen and why, a line each."""
    frames: Frames | None = None


def given(
    data: object,
    test: pd.DataFrame | None,
    root: str | Path | None,
    columns: Columns,
    known: Mapping[str, Any],
) -> Given:
    """How to read what `toolkit.run(table=)` was handed.

    Args:
        data: a pandas table, or the path of a folder or an archive.
        test: a pandas table of test rows.
        root: where the table's paths start from.
        columns: what is known of the columns.
        known: the recipe's own `[data]` section; of a run of a table it says the columns, too.

    Raises `DataError` where columns cannot be told apart, with what to say.
    """
    strange = [key for key in columns if key not in (*_KEYS, "label")]
    if strange:
        raise DataError(
            f"columns: there is no {strange[0]!r} (path, id, label, group, parent, split)."
            f"{did_you_mean(strange[0], [*_KEYS, 'label'])}"
        )
    try:
        if isinstance(data, pd.DataFrame):
            read = _of_table(data, test, root, _recorded(known) | dict(columns))
            told = columns.get("label") is not None or known.get("combinations") is True
            return replace(read, section={**read.section, "combinations": told})
        if isinstance(data, str | os.PathLike):
            return _of_folder(Path(data), test, root, columns)
    except Unclear as unclear:
        raise _in_python(unclear) from unclear
    raise DataError(f"table: expected a pandas DataFrame or a folder, found {type(data).__name__}")


def _recorded(known: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that the recipe of a run of a table says."""
    if known.get("use") != "table":
        return {}
    columns = {key: known[option] for key, option in _KEYS.items() if known.get(option)}
    label = known.get("label_columns") or known.get("target_column")
    return columns | ({"label": label} if label else {})


def _in_python(unclear: Unclear) -> DataError:
    """The question with the argument that answers it."""
    key = _OPTIONS.get(unclear.option.removeprefix("--"), "label")
    lines = [f'  columns={{"{key}": {_code(c.answer)}}}    {c.means}' for c in unclear.choices]
    return DataError(f"{unclear.question}; say which:", *lines)


def _code(answer: str) -> str:
    return "None" if answer == "none" else json.dumps(answer, ensure_ascii=False)


def _of_folder(
    path: Path, test: pd.DataFrame | None, root: str | Path | None, columns: Columns
) -> Given:
    if test is not None or root is not None:
        raise DataError("test and root go with a pandas table; a folder says both itself")
    label = columns.get("label")
    found = survey(
        path,
        Chosen(
            label=label if isinstance(label, str | None) else ",".join(label),
            id=columns.get("path", columns.get("id")),
            group=columns["group"] or "none" if "group" in columns else None,
            split_column=columns["split"] or "none" if "split" in columns else None,
        ),
    )
    lines = [line.strip() for line in survey_lines(found)]
    # The source tells its notes itself, when the run reads it.
    said = tuple(f"{path}: {line}" for line in lines if line not in found.table.notes)
    return Given(found.source, said)


def _of_table(
    frame: pd.DataFrame, test: pd.DataFrame | None, root: str | Path | None, columns: Columns
) -> Given:
    if test is not None and not isinstance(test, pd.DataFrame):
        raise DataError(f"test: expected a pandas DataFrame, found {type(test).__name__}")
    base = "" if root is None else str(root)
    if base and not os.path.isdir(base):
        raise DataError(f"root: {base}: there is no such folder")
    rows = rows_of(TRAIN, frame).frame
    _require(rows, columns)
    if not len(rows):
        raise DataError(f"{TRAIN}: has no rows")
    path, share = _path_column(rows, base, columns.get("path"))
    own = columns.get("id") or path
    labels = _labels(rows, path, own, columns.get("label"))
    taken = {path, own, *labels.columns}
    file = Path(TRAIN)
    split = columns["split"] if "split" in columns else split_of(file, rows, taken, Chosen())
    parent = columns["parent"] if "parent" in columns else parent_of(rows, own, taken)
    taken |= {column for column in (split, parent) if column is not None}
    if "group" in columns:
        group, why_group = columns["group"], "it was chosen"
    else:
        group, why_group = group_of(file, rows, taken, Chosen(), labels.values)
    section: dict[str, Any] = {
        "use": "table",
        "root": base,
        "path_column": path,
        "id_column": None if own == path else own,
        "group_column": group,
        "parent_column": parent,
        "split_column": split,
        "rows": len(rows),
        **({"label_columns": list(labels.columns)} if labels.one_hot else {}),
        **({} if labels.one_hot else {"target_column": labels.columns[0]}),
    }
    said = [
        f"label: {'columns' if labels.one_hot else 'column'} "
        f"{listed([repr(c) for c in labels.columns])}, since {labels.why}",
        f"images: column {path!r}; {share} of {len(rows)} rows name a file from "
        f"{base or os.getcwd()}",
    ]
    if labels.others:
        said.append(f"other columns that could be the label: {listed(list(labels.others))}")
    said += [f"IDs: column {own!r}"] if own != path else []
    said += [f"split: column {split!r}"] if split is not None else []
    said += [f"parents: column {parent!r} names other rows"] if parent is not None else []
    said += [f"groups: column {group!r}, since {why_group}"] if group is not None else []
    lines = [f"{TRAIN}: {line}" for line in said]
    if test is not None:
        section["test_rows"] = len(test)
        tested = rows_of(TEST, test).frame
        if path not in tested:
            raise DataError(
                f"{TEST}: has no column {path!r}, which names the files of {TRAIN} (it has "
                f"{listed(list(tested.columns))}); call its paths so"
            )
        share = _files(list(tested[path]), base)
        lines.append(f"{TEST}: {share} of {len(tested)} rows name a file")
    section = {key: value for key, value in section.items() if value is not None}
    return Given(section, tuple(lines), Frames(frame, test))


def _require(rows: pd.DataFrame, columns: Columns) -> None:
    """Raise `DataError` where a column that was named is not there."""
    names = [str(name) for name in rows.columns]
    for key, value in columns.items():
        for column in [value] if isinstance(value, str | None) else value:
            if column is not None and column not in names:
                raise DataError(
                    f'columns["{key}"]: {TRAIN} has no column {column!r} (it has {listed(names)}).'
                    f"{did_you_mean(str(column), names)}"
                )


def _labels(rows: pd.DataFrame, path: str, own: str, label: Any) -> Labels:
    told = label if isinstance(label, str | None) else ",".join(label)
    others = rows.drop(columns=[own]) if own != path else rows
    found = labels_of(Path(TRAIN), others, path, Chosen(label=told))
    if found is None:
        columns = [str(column) for column in others.columns if column != path]
        raise DataError(
            f"{TRAIN}: no column of it looks like a label (it has {listed(columns) or 'no other'})"
            '; say which: columns={"label": COLUMN}'
        )
    return found


def _path_column(rows: pd.DataFrame, root: str, told: str | None) -> tuple[str, int]:
    """The column that names the images, and how many of its rows do."""
    names = [str(name) for name in rows.columns]
    if told is not None and told in names:
        return told, _files(list(rows[told]), root)
    probed = rows.iloc[:: max(1, len(rows) // _PROBED)]
    hits = {name: _files(list(probed[name]), root) for name in names}
    found = [name for name in names if hits[name] > _LEAST * len(probed)]
    best = max(found, key=lambda name: hits[name], default=None)
    tied = [name for name in found if best is not None and hits[name] == hits[best]]
    if len(tied) > 1 and any(not rows[name].equals(rows[tied[0]]) for name in tied):
        raise DataError(
            f"{TRAIN}: several columns name files ({listed(tied)}); say which: "
            'columns={"path": COLUMN}'
        )
    if best is not None:
        return best, _files(list(rows[best]), root)
    raise DataError(_without_files(rows, names, root))


def _without_files(rows: pd.DataFrame, names: Sequence[str], root: str) -> str:
    named = [name for name in names if set(name.casefold().replace("_", " ").split()) & IDS]
    first = (named or list(names) or [""])[0]
    example = f" ({first!r} has {rows[first].iloc[0]!r})" if len(rows) and first else ""
    return (
        f"{TRAIN}: no column of it names files from {root or os.getcwd()}{example}; say where "
        'paths start from: root=FOLDER, and which column has them: columns={"path": COLUMN}'
    )


def _files(names: list[str], root: str) -> int:
    """How many names are files."""
    if root:
        from toolkit.builtin.said import Said

        source = table_source(root=root)
        paths = source.paths(names, "training", Said())
        return sum(os.path.isfile(path) for path in paths)
    return sum(bool(name) and os.path.isfile(name) for name in names)
