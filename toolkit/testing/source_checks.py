"""What a source must hold: `read()` gives a `Table` that the host can train on.

It reads data, so most sources need `options={"source:acme.pages": {"root": "tests/pages"}}`.
"""

from __future__ import annotations

import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.contracts import KnowsTestLabels, Prepares, Table, ignore
from toolkit.data.form import in_form, submission_problems
from toolkit.data.table import TakesTable, problems_of_test_labels, read_table, table_problems
from toolkit.errors import UserError, cause
from toolkit.testing.subject import CheckFailed, NotApplicable, Subject, require

FOLDS = 2
"""As few as there can be: a test's data is small."""


def table(subject: Subject) -> None:
    """`read` gives a `Table` with the columns and types of `toolkit.contracts.Table`."""
    read = _read(subject)
    require(isinstance(read, Table), f"read gives a {type(read).__name__}, expected a Table")
    found = [line for line in in_form(read)[1] if line not in submission_problems(read)]
    require(not found, "; ".join(found))


def rows_hold_together(subject: Subject) -> None:
    """No ID twice, no parent without its row, no class without an image."""
    elsewhere = submission_problems(_read(subject))
    found = table_problems(_table(subject), FOLDS)
    problems = [line for line in found if line not in elsewhere]
    require(not problems, f"the host would refuse its table: {'; '.join(problems)}")


def files_exist(subject: Subject) -> None:
    """Each path leads to a file, from the working directory."""
    found = _table(subject)
    paths = [*found.train["path"], *([] if found.test is None else found.test["path"])]
    missing = [path for path in paths if not Path(path).is_file()]
    require(
        not missing,
        f"{len(missing)} of {len(paths)} paths lead to no file ({', '.join(missing[:3])}); give "
        "paths that hold from the working directory: str(Path(root) / name)",
    )


def same_table_again(subject: Subject) -> None:
    """Reading twice gives the same table, rows in the same order."""
    first, again = _read(subject), _read(subject)
    same = all(
        _same(getattr(first, field.name), getattr(again, field.name))
        for field in fields(Table)
        if field.compare
    )
    require(
        same,
        "gives another table when it reads again; sort what the file system or a set lists",
    )


def submission(subject: Subject) -> None:
    """`targets` and `columns` say how a submission names classes and columns."""
    _table(subject)
    found = submission_problems(_read(subject))
    require(not found, "; ".join(found))


def labels_of_test_rows(subject: Subject) -> None:
    """`test_labels`, if it has them, are `id, label` of the test rows."""
    source = _built(subject)
    if not isinstance(source, KnowsTestLabels):
        raise NotApplicable("it does not know the labels of its test rows")
    found = _table(subject)
    ids = [] if found.test is None else found.test["id"].tolist()
    problems = problems_of_test_labels(source.test_labels(), ids, len(found.classes))
    require(not problems, f"test_labels: {'; '.join(problems)}")


def missing_data_is_explained(subject: Subject) -> None:
    """Where the data is not, it says so with the path: an error for people, no traceback."""
    if "root" not in subject.model().model_fields:
        raise NotApplicable("it has no option root")
    if isinstance(_built(subject), Prepares):
        raise NotApplicable("it prepares its data itself")
    with tempfile.TemporaryDirectory() as folder:
        nowhere = str(Path(folder) / "no-such-folder")
        elsewhere = replace(subject, given={**subject.given, "root": nowhere})
        try:
            found = read_table(elsewhere.make())
        except UserError as error:
            require(
                nowhere in str(error),
                f"says {str(error)!r} where its root is not there; name the path",
            )
            return
        except Exception as error:
            raise CheckFailed(
                f"raises {cause(error)} where its root is not there; raise DataError "
                "with the path and what belongs there"
            ) from error
    if not found.problems:
        raise CheckFailed(
            f"reads {len(found.train)} rows where its root is not there; raise "
            "toolkit.errors.DataError with the path and what belongs there"
        )


CHECKS = (
    table,
    rows_hold_together,
    files_exist,
    same_table_again,
    submission,
    labels_of_test_rows,
    missing_data_is_explained,
)


def _read(subject: Subject) -> Table:
    source = _built(subject)
    if isinstance(source, Prepares):
        source.prepare(ignore)
    found: Table = source.read()
    return found


def _built(subject: Subject) -> Any:
    source = subject.build()
    if isinstance(source, TakesTable):
        raise NotApplicable("its rows are handed over in Python")
    return source


def _table(subject: Subject) -> Table:
    """The table as the host reads it. A wrong one is the matter of the check `table`."""
    try:
        table(subject)
    except CheckFailed as error:
        raise NotApplicable("its table is not one; see table") from error
    return read_table(subject.build())


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, pd.DataFrame):
        return bool(a.equals(b))
    return bool(a == b)
