"""Drawing to disk and reading back: interrupted, contended, and with the truth out of reach."""

import hashlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from toolkit.builtin.sources import csv
from toolkit.contracts import Event, ignore
from toolkit.data.table import read_table, table_problems
from toolkit.errors import DataError, ToolkitError

from toolkit_synthdocs import draw as drawing_module
from toolkit_synthdocs.classes import CLASSES
from toolkit_synthdocs.draw import draw
from toolkit_synthdocs.files import VERSION, Drawing
from toolkit_synthdocs.rows import Row
from toolkit_synthdocs.source import Documents, documents

TINY = 0.001  # 85 training and 170 test images


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """A drawing whose images are stand-ins, so that drawing it takes no time."""
    source = documents(root=str(tmp_path_factory.mktemp("data")), scale=TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing_module, "draw_missing", stand_ins)
        source.prepare(ignore)
    return source


def stand_ins(drawing: Drawing, *_: object) -> None:
    for row in drawing.missing():
        Image.new("RGB", (8, 8), (row.label, 0, 0)).save(drawing.image(row))


def nearly_drawn(root: Path, left: int = 8) -> Drawing:
    """A drawing that lacks `left` images, spread over both splits: the others are stand-ins."""
    drawing = Drawing(root, TINY, 0)
    for split in ("train", "test"):
        (drawing.folder / split).mkdir(parents=True)
    stand_ins(drawing)
    rows = drawing.rows()
    for row in rows[:: len(rows) // left][:left]:
        drawing.image(row).unlink()
    return drawing


def hashes(drawing: Drawing) -> dict[str, str]:
    files = (file for file in drawing.folder.rglob("*") if file.is_file())
    return {
        str(file.relative_to(drawing.folder)): hashlib.blake2b(file.read_bytes()).hexdigest()
        for file in files
    }


def test_reading_before_drawing_says_what_to_do(tmp_path: Path) -> None:
    source = documents(root=str(tmp_path))

    for read in (source.read, source.test_labels):
        with pytest.raises(DataError, match=r"(?s)not drawn yet.*prepare"):
            read()


def test_the_table_passes_the_hosts_checks(finished: Documents) -> None:
    table = read_table(finished)

    assert table_problems(table, folds=4) == []
    assert (len(table.train), len(table.test)) == (85, 170)  # type: ignore[arg-type]
    assert table.classes == CLASSES
    assert [table.target_of(label) for label in range(17)] == list(range(17))
    assert table.columns == ("ID", "target")
    assert all(Path(path).is_file() for path in [*table.train["path"], *table.test["path"]])  # type: ignore[index]


def test_the_csv_source_reads_the_same_table(finished: Documents) -> None:
    ours, theirs = (
        read_table(source) for source in (finished, csv(root=str(finished.drawing.folder)))
    )

    pd.testing.assert_frame_equal(ours.train, theirs.train)
    pd.testing.assert_frame_equal(ours.test, theirs.test)
    assert ours.classes == theirs.classes
    assert ours.targets == theirs.targets
    assert ours.columns == theirs.columns


def test_the_truth_about_the_test_images_is_no_part_of_the_table(finished: Documents) -> None:
    table, truth = finished.read(), finished.drawing.test_labels
    kept = truth.read_bytes()
    truth.unlink()
    try:
        again = finished.read()
    finally:
        truth.write_bytes(kept)

    pd.testing.assert_frame_equal(again.test, table.test)
    assert list(table.test.columns) == ["id", "path"]  # type: ignore[union-attr]
    sample = pd.read_csv(finished.drawing.sample)
    assert set(sample["target"]) == {0}


def test_the_true_labels_follow_the_submissions_order(finished: Documents) -> None:
    truth = finished.test_labels()

    assert list(truth.columns) == ["id", "label"]
    assert list(truth["id"]) == list(finished.read().test["id"])  # type: ignore[index]
    rows = {row.id: row.label for row in finished.drawing.rows() if row.split == "test"}
    assert dict(zip(truth["id"], truth["label"], strict=True)) == rows


def test_wrong_training_labels_are_in_the_table_and_listed_apart(finished: Documents) -> None:
    train = finished.read().train
    told = dict(zip(train["id"], train["label"], strict=True))
    truth = {row.id: row.label for row in finished.drawing.rows() if row.split == "train"}
    listed = pd.read_csv(finished.drawing.wrong_labels)

    differing = {(name, told[name], truth[name]) for name in truth if told[name] != truth[name]}
    assert differing == set(listed.itertuples(index=False, name=None))
    assert len(differing) == 1


def test_seeds_and_scales_lie_beside_each_other(tmp_path: Path) -> None:
    folders = {
        documents(root=str(tmp_path), scale=scale, seed=seed).drawing.folder.name
        for scale, seed in [(0.5, 0), (0.5, 1), (1.0, 0), (1, 0), (0.50000001, 0)]
    }

    assert folders == {f"{name}-v{VERSION}" for name in ("0.5-0", "0.5-1", "1.0-0", "0.50000001-0")}


def test_a_finished_drawing_is_left_alone(
    finished: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing_module, "draw_missing", None)  # would raise
    finished.drawing.lock.unlink()  # not even that is written: the disk may be read-only
    before = hashes(finished.drawing)
    finished.prepare(ignore)

    assert hashes(finished.drawing) == before


def test_progress_counts_every_image(tmp_path: Path) -> None:
    drawing, events = nearly_drawn(tmp_path, left=2), list[Event]()
    draw(drawing, events.append, workers=1)

    assert [(event.stage, event.done, event.total) for event in events] == [
        ("prepare", done, 255) for done in (253, 254, 255)
    ]


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    one, two = (nearly_drawn(tmp_path / name) for name in ("one", "two"))
    draw(one, ignore, workers=1)
    draw(two, ignore, workers=2)

    assert hashes(one) == hashes(two)


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte_of_a_whole_drawing(tmp_path: Path) -> None:
    one, three = Drawing(tmp_path / "one", TINY, 0), Drawing(tmp_path / "three", TINY, 0)
    draw(one, ignore, workers=1)
    draw(three, ignore, workers=3)

    assert hashes(one) == hashes(three)
    assert len(hashes(one)) == 85 + 170 + 5 + 2  # images, tables, marker and lock


def test_a_drawing_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    undisturbed, killed = nearly_drawn(tmp_path / "whole"), nearly_drawn(tmp_path / "killed")
    draw(undisturbed, ignore)
    # No `__main__` guard: a program may ask for a drawing at its top level.
    program = (
        "import sys; from toolkit.contracts import ignore; "
        "from toolkit_synthdocs.source import documents; "
        f"documents(root=sys.argv[1], scale={TINY}).prepare(ignore)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(killed.root)])
    while len(killed.missing()) == 8:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()

    assert not killed.finished
    first = {
        row.id: killed.image(row).stat().st_mtime_ns for row in killed.rows() if drawn(killed, row)
    }
    (killed.folder / "train" / ".left.jpg.1.tmp").touch()  # a worker died over this one
    draw(killed, ignore)
    assert hashes(killed) == hashes(undisturbed)
    now = {row.id: killed.image(row).stat().st_mtime_ns for row in killed.rows()}
    assert first.items() <= now.items()


def drawn(drawing: Drawing, row: Row) -> bool:
    return drawing.image(row).is_file()


def test_two_that_want_one_drawing_take_turns(tmp_path: Path) -> None:
    drawing, events = nearly_drawn(tmp_path), list[Event]()
    threads = [
        threading.Thread(target=draw, args=(drawing, events.append), kwargs={"workers": 1})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert drawing.finished
    told = [event.done for event in events if event.stage == "prepare"]
    assert told == list(range(247, 256))  # by one of them
    assert sum("waiting" in event.text for event in events) == 1


def test_a_worker_that_fails_fails_the_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = nearly_drawn(tmp_path)
    failing = [sys.executable, "-c", "raise SystemExit('no paper')"]
    monkeypatch.setattr(drawing_module, "worker_command", lambda *_: failing)

    with pytest.raises(ToolkitError, match="no paper"):
        draw(drawing, ignore)
    assert not drawing.finished


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match=r"cannot draw there"):
        documents(root=str(tmp_path / "file")).prepare(ignore)
