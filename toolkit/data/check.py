"""Checks the data before anything trains: rows and pixels, all faults shown together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from toolkit.contracts import Event, ImageSpec, Ints, Notify, Table
from toolkit.data.cache import cache_folder, open_pack
from toolkit.data.depth import resolve_depth
from toolkit.data.digests import content_digests
from toolkit.data.duplicates import duplicates_of, with_contents
from toolkit.data.evict import evict
from toolkit.data.form import Gap
from toolkit.data.given import split_problems, training, untrained_problems
from toolkit.data.kin import copies_problem, with_near
from toolkit.data.known import Known
from toolkit.data.leaks import leaks_of, without_leaks
from toolkit.data.oddities import odd_images
from toolkit.data.pack import Pack
from toolkit.data.rare import ways_out
from toolkit.data.table import fingerprint, table_problems
from toolkit.data.twins import Twins
from toolkit.errors import DataError
from toolkit.files import why_unreadable
from toolkit.recipe.plan import Plan
from toolkit.recipe.sections import Split

_SHOWN = 20


@dataclass(frozen=True)
class Data:
    """A checked table, its decoded images, and what was set aside on request."""

    table: Table
    pack: Pack
    train_rows: Ints
    """Row of the pack for each training row."""
    test_rows: Ints | None
    fingerprint: str
    image: ImageSpec
    """The spec by which the pack was decoded, its depth resolved."""
    set_aside: tuple[tuple[str, str], ...] = ()
    """(training ID, reason)."""
    warnings: tuple[str, ...] = ()
    """What is odd about the images, a line each."""
    twins: Twins | None = None
    """Of the validation images, where the plan asks for them and they were drawn."""


def check_plan_data(
    plan: Plan,
    table: Table,
    cache: Path,
    notify: Notify,
    *,
    skip_bad: bool = False,
    verify: bool = False,
) -> Data:
    """`check_data`, with what a plan asks of its data."""
    return check_data(
        table,
        plan.folds,
        plan.image,
        cache,
        notify,
        split=plan.split,
        skip_bad=skip_bad,
        verify=verify,
    )


def check_data(
    table: Table,
    folds: int,
    spec: ImageSpec,
    cache: Path,
    notify: Notify,
    *,
    split: Split | None = None,
    skip_bad: bool = False,
    verify: bool = False,
) -> Data:
    """Check rows and decode every image into the cache. What an earlier start read, decoded or
    could not decode is not done again.

    Args:
        skip_bad: set unreadable training images aside instead of stopping. A test row is never
            dropped: without its image there is no submission.
        split: what conflicts, rare classes and leaks do; by default what a recipe without the
            section says.
        verify: read every file's content anew, also where its size and time are as before.

    Raises `DataError` with all the faults of table and images.
    """
    split = split or Split()
    keeps_rare = split.rare == "keep"
    test_paths = [] if table.test is None else table.test["path"].tolist()
    known = Known(cache, notify)
    paths = [path for path in (*table.train["path"], *test_paths) if not isinstance(path, Gap)]
    hashes = content_digests(paths, notify, known, verify=verify)
    files = {content: path for path, content in hashes.items() if content is not None}
    trained = ((hashes.get(path), path) for path in training(table.train)["path"])
    depth_of = {content: path for content, path in trained if content is not None}
    resolved = resolve_depth(depth_of, spec, known, notify)
    pack, decoding = open_pack(files, resolved, notify, cache) if files else (None, {})
    if table.held is not None:  # an archive was unpacked, perhaps just now
        evict(cache_folder())

    def fault(path: str) -> str | None:
        if isinstance(path, Gap):
            return None  # told with the table's faults
        content = hashes[path]
        if content is None:
            return f"{path}: {why_unreadable(path)}"
        found = decoding.get(content)
        # Files with the same content were decoded once, under the path of one of them.
        return found and path + found.removeprefix(files[content])

    bad = _faults(table.train, fault)
    bad_test = {} if table.test is None else _faults(table.test, fault)
    set_aside: tuple[tuple[str, str], ...] = ()
    problems: list[str] = []
    if skip_bad:
        table, set_aside = _without(table, bad) if bad else (table, ())
    else:
        problems += _shown([*bad.values()], "training")
    problems += _shown([*bad_test.values()], "test")
    if bad and not skip_bad:
        problems.append("  --skip-bad sets unreadable training images aside and goes on")
    if bad_test:
        problems.append(_NO_ROW)

    def joined(table: Table) -> Table:
        """The table with what its files say of which rows belong together."""
        there = with_contents(table, hashes)
        good = {content: path for content, path in files.items() if content not in decoding}
        return with_near(there, good, resolved, known, notify) if split.group == "auto" else there

    known_contents = joined(table)
    leaking, left_out = leaks_of(known_contents), list[str]()
    if leaking.trained and split.leaks == "drop":
        table = without_leaks(table, leaking)
        known_contents = joined(table)
        left_out.append(leaking.warning())
        notify(Event("message", f"warning: {left_out[0]}"))
    elif leaking.trained:
        problems.append(str(leaking.problem()))
    problems += split_problems(table)
    others = table_problems(table, 1) + problems
    problems = table_problems(table, 1 if keeps_rare else folds) + problems
    problems += [] if keeps_rare else untrained_problems(table)
    if problems and not others and not set_aside:  # rare classes alone are in the way
        problems += ways_out(table, folds)
    if split.conflicts == "error" and not problems:
        problems += [
            line for line in [duplicates_of(known_contents).conflict()] if line is not None
        ]
    if split.group != "auto" and not problems:
        line = copies_problem(known_contents, files, resolved, known, notify)
        problems += [] if line is None else [line]
    if problems:
        raise DataError(*problems)
    assert pack is not None
    train_rows = pack.rows(str(hashes[path]) for path in table.train["path"])
    test_rows = None
    if table.test is not None:
        test_rows = pack.rows(str(hashes[path]) for path in table.test["path"])
    warnings = odd_images(pack, files, resolved, notify)
    return Data(
        known_contents,
        pack,
        train_rows,
        test_rows,
        fingerprint(known_contents, hashes),
        resolved,
        set_aside,
        (*left_out, *warnings),
    )


_NO_ROW = (
    "  a test image is never set aside, since the submission would lack its row: fetch the file "
    "again, or take its ID out of the sample submission (without one, the file out of its folder)"
)


def _faults(rows: pd.DataFrame, fault: Callable[[str], str | None]) -> dict[str, str]:
    """ID to what is wrong with its file."""
    found = ((i, fault(path)) for i, path in zip(rows["id"], rows["path"], strict=True))
    return {i: text for i, text in found if text is not None}


def _without(table: Table, bad: dict[str, str]) -> tuple[Table, tuple[tuple[str, str], ...]]:
    """The table without bad images and without what was made of them."""
    train = table.train
    reasons = dict(bad)
    for i, parent in zip(train["id"], train["parent"], strict=True):
        if parent in bad and i not in bad:
            reasons[i] = f"its parent {parent} was set aside"
    kept = train[~train["id"].isin(list(reasons))].reset_index(drop=True)
    return replace(table, train=kept), tuple(sorted(reasons.items()))


def _shown(faults: list[str], which: str) -> list[str]:
    more = len(faults) - _SHOWN
    rest = [f"  and {more} more {which} images that cannot be read"] if more > 0 else []
    return faults[:_SHOWN] + rest
