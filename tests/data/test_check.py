"""The data check: all faults of rows and pixels in one error, or set aside on request."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

from toolkit.contracts import Event, ImageSpec, Table, ignore
from toolkit.data.check import Data, check_data
from toolkit.data.images import decode, to_working
from toolkit.errors import DataError

MakeTable = Callable[..., Table]
SOUND = [("a0", 0), ("a1", 0), ("a2", 0), ("b0", 1), ("b1", 1), ("b2", 1)]


@pytest.fixture
def check(tmp_path: Path, spec: ImageSpec) -> Callable[..., Data]:
    def check(table: Table, **options: bool) -> Data:
        return check_data(table, 2, spec, tmp_path / "cache", ignore, **options)

    return check


def path_of(table: Table, i: str) -> Path:
    rows = table.train if i in set(table.train["id"]) else table.test
    assert rows is not None
    return Path(rows.loc[rows["id"] == i, "path"].iloc[0])


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_every_row_finds_its_own_pixels(
    make_table: MakeTable, check: Callable[..., Data], spec: ImageSpec
) -> None:
    table = make_table(SOUND, test=["t1", "t0"])
    data = check(table)
    assert data.set_aside == ()
    assert data.test_rows is not None
    assert table.test is not None
    paths = [*table.train["path"], *table.test["path"]]
    for path, row in zip(paths, [*data.train_rows, *data.test_rows], strict=True):
        np.testing.assert_array_equal(data.pack.images[row], to_working(decode(path), spec))


def test_images_with_the_same_content_share_a_row(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(SOUND, test=["t"])
    path_of(table, "t").write_bytes(path_of(table, "b1").read_bytes())
    data = check(table)
    assert data.test_rows is not None
    assert data.test_rows.tolist() == [data.train_rows[4]]
    assert len(data.pack.index) == len(SOUND)


def test_a_table_without_test_rows_has_no_test_pixels(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    assert check(make_table(SOUND)).test_rows is None


def test_all_faults_are_shown_together(make_table: MakeTable, check: Callable[..., Data]) -> None:
    rows = [
        *SOUND,
        ("a0", 0),
        ("single", 3),
        ("orphan", 0, "gone"),
        ("child", 0, "a1"),
        ("grandchild", 0, "child"),
    ]
    table = make_table(rows, classes=("a", "b", "c", "d"), test=["t", "t", "u"])
    missing, cut, bad_test = (path_of(table, i) for i in ("b0", "b1", "u"))
    missing.unlink()
    truncate(cut)
    bad_test.write_text("no picture")
    with pytest.raises(DataError) as error:
        check(table)
    lines = error.value.lines
    for line in (
        "1 training IDs appear twice (a0); keep one row an ID",
        "1 test IDs appear twice (t); keep one row an ID",
        "1 training rows name a parent that is no training row (orphan)",
        "1 training rows have a parent with a parent (grandchild)",
        'class "c" has no training image; add images, or take it out of the classes (in meta.csv, '
        "say)",
        'class "d" has 1 images, fewer than the 2 folds; merge it with another class, take it '
        "out, or add images",
        f"{missing}: there is no such file",
        f"{bad_test}: is no image that can be read",
        "  --skip-bad sets unreadable training images aside and goes on",
    ):
        assert line in lines
    assert any(line.startswith(f"{cut}: cannot be read: ") for line in lines)
    assert lines[-1].startswith(
        "  a test image is never set aside, since the submission would lack"
    )
    assert len(lines) == 11


def test_two_broken_files_with_the_same_content_are_both_named(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    """An interrupted download leaves many empty files: each must be found."""
    table = make_table(SOUND)
    empty = [path_of(table, i) for i in ("a0", "b0")]
    for file in empty:
        file.write_bytes(b"")
    with pytest.raises(DataError) as error:
        check(table)
    for file in empty:
        assert f"{file}: is no image that can be read" in error.value.lines


def test_a_fifo_among_the_images_is_named_and_not_waited_for(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(SOUND, test=["t"])
    for i in ("a0", "t"):
        path_of(table, i).unlink()
        os.mkfifo(path_of(table, i))
    with pytest.raises(DataError) as error:
        check(table)
    for i in ("a0", "t"):
        line = f"{path_of(table, i)}: is a FIFO; only regular files are read"
        assert line in error.value.lines


def test_a_long_list_of_broken_files_is_cut_and_counted(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table([(f"{label}{n}", label) for label in (0, 1) for n in range(13)])
    for file in table.train["path"][:23]:
        Path(file).unlink()
    with pytest.raises(DataError) as error:
        check(table)
    assert sum("there is no such file" in line for line in error.value.lines) == 20
    assert "  and 3 more training images that cannot be read" in error.value.lines


def test_bad_training_images_and_what_was_made_of_them_are_set_aside_on_request(
    make_table: MakeTable, check: Callable[..., Data], spec: ImageSpec
) -> None:
    rows = [*SOUND, ("a0-copy", 0, "a0"), ("a1-copy", 0, "a1"), ("b0-copy", 1, "b0")]
    table = make_table(rows, test=["t"])
    path_of(table, "a0").unlink()
    truncate(path_of(table, "b0-copy"))
    data = check(table, skip_bad=True)
    reasons = dict(data.set_aside)
    assert list(reasons) == ["a0", "a0-copy", "b0-copy"]
    assert reasons["a0"] == f"{path_of(table, 'a0')}: there is no such file"
    assert reasons["a0-copy"] == "its parent a0 was set aside"
    assert reasons["b0-copy"].startswith(f"{path_of(table, 'b0-copy')}: cannot be read: ")
    kept = data.table.train
    assert kept["id"].tolist() == ["a1", "a2", "b0", "b1", "b2", "a1-copy"]
    assert kept.index.tolist() == list(range(6))
    for path, row in zip(kept["path"], data.train_rows, strict=True):
        np.testing.assert_array_equal(data.pack.images[row], to_working(decode(path), spec))


def test_a_second_start_that_sets_images_aside_decodes_nothing(
    make_table: MakeTable, tmp_path: Path, spec: ImageSpec
) -> None:
    """Also where what was made of a bad image is set aside with it."""
    table = make_table([*SOUND, ("a0-copy", 0, "a0")], test=["t"])
    truncate(path_of(table, "a0"))
    events: list[Event] = []
    first, second = (
        check_data(table, 2, spec, tmp_path / "cache", events.append, skip_bad=True)
        for _ in range(2)
    )
    assert [(e.stage, e.done) for e in events] == [("decode", n) for n in range(1, 9)]
    assert [i for i, _ in first.set_aside] == ["a0", "a0-copy"]
    assert second.set_aside == first.set_aside
    assert second.fingerprint == first.fingerprint
    assert second.pack == first.pack
    with pytest.raises(DataError) as error:
        check_data(table, 2, spec, tmp_path / "cache", events.append)
    assert len(error.value.lines) == 2
    assert len(events) == 8


def test_a_file_that_was_mended_is_decoded(
    make_table: MakeTable, check: Callable[..., Data], spec: ImageSpec
) -> None:
    table = make_table(SOUND)
    whole = path_of(table, "b0").read_bytes()
    truncate(path_of(table, "b0"))
    check(table, skip_bad=True)
    path_of(table, "b0").write_bytes(whole)
    data = check(table, skip_bad=True)
    assert data.set_aside == ()
    np.testing.assert_array_equal(
        data.pack.images[data.train_rows[3]], to_working(decode(path_of(table, "b0")), spec)
    )


def test_verifying_finds_a_content_that_changed_behind_an_old_time(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(SOUND)
    one, other = path_of(table, "a0"), path_of(table, "a1")
    for file in (one, other):
        os.utime(file, (1000, 1000))
    before = check(table)
    one.write_bytes(one.read_bytes()[:-1] + b"!")  # behind the pixels
    os.utime(one, (1000, 1000))
    assert check(table).fingerprint == before.fingerprint
    verified = check(table, verify=True)
    assert verified.fingerprint != before.fingerprint
    assert check(table).fingerprint == verified.fingerprint


def test_what_is_left_must_still_be_enough(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(SOUND)
    path_of(table, "b0").unlink()
    path_of(table, "b1").unlink()
    with pytest.raises(DataError) as error:
        check(table, skip_bad=True)
    (line,) = error.value.lines
    assert line.startswith('class "b" has 1 images, fewer than the 2 folds; ')


def test_a_bad_test_image_always_stops(make_table: MakeTable, check: Callable[..., Data]) -> None:
    table = make_table(SOUND, test=["t"])
    path_of(table, "t").unlink()
    path_of(table, "a0").unlink()
    with pytest.raises(DataError) as error:
        check(table, skip_bad=True)
    fault, way_on = error.value.lines  # the training image alone would be set aside
    assert fault == f"{path_of(table, 't')}: there is no such file"
    assert "take its ID out of the sample submission" in way_on


def test_the_fingerprint_is_that_of_what_is_kept(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(SOUND)
    path_of(table, "a0").unlink()
    without = make_table(SOUND[1:], folder="without")
    assert check(table, skip_bad=True).fingerprint == check(without).fingerprint


def test_a_relabelled_pixel_perfect_copy_has_another_fingerprint(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    relabelled = [("a0", 1), *SOUND[1:]]
    assert check(make_table(SOUND)).fingerprint != check(make_table(relabelled)).fingerprint


def test_checking_leaves_the_images_as_they_were(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(SOUND)
    before = [Path(path).read_bytes() for path in table.train["path"]]
    check(table)
    assert [Path(path).read_bytes() for path in table.train["path"]] == before
    with PIL.open(table.train["path"][0]) as image:
        assert image.size == (12, 9)
