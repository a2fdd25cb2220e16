"""Work in processes: what it holds travels once, and a job holds only what is its own."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from toolkit.contracts import ImageSpec, ignore
from toolkit.data import fill, pool
from toolkit.data.cache import open_pack
from toolkit.data.offline import draw_copies
from toolkit.data.pack import Index
from toolkit.data.pool import in_processes
from toolkit.data.table import file_hashes
from toolkit.errors import DataError, UserError

SaveImage = Callable[..., Path]


def prepare() -> None:
    """Nothing."""


@dataclass
class Work:
    """Doubles a number; counts how often it is pickled here."""

    log: list[int] = field(default_factory=list)

    def __call__(self, job: int) -> int:
        if job < 0:
            raise DataError(f"{job} is less than nothing")
        return 2 * job

    def __getstate__(self) -> dict[str, Any]:
        self.log.append(1)
        return {"log": []}


def test_every_job_has_its_result_and_the_work_travels_once() -> None:
    work = Work()
    results = in_processes(work, range(300), 1, prepare, lambda job, seconds: None)
    assert sorted(results) == [2 * job for job in range(300)]
    assert len(work.log) == 1


def test_what_a_job_raises_is_raised() -> None:
    with pytest.raises(DataError, match="-1 is less than nothing"):
        list(in_processes(Work(), [1, -1], 1, prepare, lambda job, seconds: None))


def test_work_that_takes_long_is_told_of_with_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "REPORT_SECONDS", 0.01)  # no process starts so quickly
    told: list[int] = []
    list(in_processes(Work(), [7, 8], 1, prepare, lambda job, seconds: told.append(job)))
    assert told
    assert set(told) == {7}


def test_processes_that_die_are_an_error_in_words() -> None:
    with pytest.raises(UserError, match="the decoding processes died"):
        list(in_processes(os._exit, [1], 1, prepare, lambda job, seconds: None))


def same(spec: ImageSpec) -> Callable[..., Any]:
    return lambda image, rng: image


def test_drawing_copies_sends_neither_index_nor_pixels(
    save_image: SaveImage, spec: ImageSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent for ten images is as large as for forty, a job apart."""

    def sent(count: int) -> tuple[int, int]:
        paths = [str(save_image(f"{n}.png", seed=n)) for n in range(count)]
        hashes = file_hashes(paths)
        contents = [str(hashes[path]) for path in paths]
        source, _ = open_pack(dict(zip(contents, paths, strict=True)), spec, ignore, tmp_path)
        assert source is not None
        sizes: list[tuple[int, int]] = []

        def spied(work: Any, jobs: Any, *rest: Any) -> Any:
            sizes.append((len(pickle.dumps(work)), len(pickle.dumps(jobs[0]))))
            return map(work, jobs)

        with monkeypatch.context() as patch:
            patch.setattr(fill, "_WORTH_A_POOL", 2)
            patch.setattr(fill, "in_processes", spied)
            rows = source.rows(contents)
            numbers = rows.argsort()
            draw_copies(source, rows, numbers, same, {}, 1, spec, 0, tmp_path, ignore)
        return sizes[0]

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert sent(10) == sent(40)


def test_an_index_finds_rows_and_says_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "index.json"
    file.write_text('{"aa": 0, "ab/1": 1, "ab/10": 2, "b": 3}')
    index = Index(file)
    assert index.rows(["b", "aa", "ab/10", "aa"]).tolist() == [3, 0, 2, 0]
    assert index.rows([]).tolist() == []
    assert dict(index) == {"aa": 0, "ab/1": 1, "ab/10": 2, "b": 3}
    assert pickle.loads(pickle.dumps(index)) == index
    for name in ("", "ab", "a", "c"):
        with pytest.raises(KeyError):
            index[name]
