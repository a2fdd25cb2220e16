"""Images above the bound are refused, or read at a smaller scale; no library warns of them."""

from __future__ import annotations

import threading
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

from toolkit.contracts import ImageSpec
from toolkit.data.cache import open_pack
from toolkit.data.digests import content_digests
from toolkit.data.images import decode, image_size, to_working
from toolkit.data.picture import with_picture
from toolkit.errors import DataError

SPEC = ImageSpec(size=16)  # working size 18


def smooth(height: int, width: int) -> np.ndarray:
    """A picture without detail, which looks the same at any scale."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return (np.stack([rows, columns, 1 - rows], axis=2) * 255).astype(np.uint8)


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own bound as a test can reach it: it warns above 100 pixels, raises above 200."""
    monkeypatch.setattr(PIL, "MAX_IMAGE_PIXELS", 100)


@pytest.mark.usefixtures("small_bound")
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "gif"])
def test_our_bound_counts_and_not_pillows(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    PIL.fromarray(smooth(20, 30)).save(file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(file, replace(SPEC, max_pixels=600)).shape == (20, 30, 3)
        assert image_size(file) == (30, 20)
    assert PIL.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "gif", "jp2", "bmp"])
def test_an_image_above_the_bound_is_refused_with_its_size_and_the_option(
    tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"a.{suffix}"
    PIL.fromarray(smooth(20, 30)).save(file)
    with pytest.raises(DataError) as error:
        decode(file, replace(SPEC, max_pixels=599))
    assert str(error.value) == (
        f"{file}: has 30 x 20 pixels, above the bound image.max_pixels = 599; raise it "
        "(--set image.max_pixels=600), or make the image smaller"
    )


def test_the_default_bound_is_the_size_at_which_pillow_refuses() -> None:
    assert PIL.MAX_IMAGE_PIXELS is not None
    assert ImageSpec(16).max_pixels == 2 * PIL.MAX_IMAGE_PIXELS


def test_a_size_alone_is_refused_as_the_image_is(tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        PIL.fromarray(smooth(20, 30)).save(tmp_path / f"a.{suffix}")
    with pytest.raises(DataError, match=r"30 x 20 pixels, above the bound"):
        image_size(tmp_path / "a.png", 599)
    assert image_size(tmp_path / "a.jpg", 599) == (30, 20)  # read at a smaller scale


def test_a_large_header_alone_is_refused_without_its_pixels(tmp_path: Path) -> None:
    file = tmp_path / "huge.png"
    PIL.new("1", (14_000, 14_000)).save(file)
    with pytest.raises(DataError, match=r"14000 x 14000 .* image.max_pixels=196000000"):
        decode(file)


@pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
def test_a_large_jpeg_is_read_reduced_and_looks_the_same(tmp_path: Path, fit: str) -> None:
    file = tmp_path / "a.jpg"
    PIL.fromarray(smooth(400, 600)).save(file, quality=95)
    spec = replace(SPEC, fit=fit)  # type: ignore[arg-type]
    reduced = decode(file, replace(spec, max_pixels=20_000))
    assert reduced.shape[0] * reduced.shape[1] <= 20_000
    assert min(reduced.shape[:2]) >= spec.working_size
    whole = to_working(decode(file, spec), spec).astype(int)
    assert np.abs(to_working(reduced, spec) - whole).max() <= 6


def test_a_large_jpeg_is_refused_where_the_working_size_allows_no_less(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    PIL.fromarray(smooth(400, 600)).save(file)
    with pytest.raises(DataError, match=r"600 x 400 pixels"):
        decode(file, replace(ImageSpec(500), max_pixels=20_000))


def test_a_jpeg_at_the_bound_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    PIL.fromarray(smooth(40, 60)).save(file)
    np.testing.assert_array_equal(decode(file, replace(SPEC, max_pixels=2400)), decode(file))


def test_a_turned_large_jpeg_comes_out_upright(tmp_path: Path) -> None:
    exif = PIL.Exif()
    exif[274] = 6
    file = tmp_path / "a.jpg"
    PIL.fromarray(smooth(400, 600)).save(file, exif=exif, quality=95)
    reduced = decode(file, replace(SPEC, max_pixels=20_000))
    assert reduced.shape[0] > reduced.shape[1]


def test_a_raised_bound_reads_what_was_refused_before(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    PIL.fromarray(smooth(20, 30)).save(file)
    digests = content_digests([str(file)], lambda event: None)
    files = {content: path for path, content in digests.items() if content is not None}
    low, high = replace(SPEC, max_pixels=599), replace(SPEC, max_pixels=600)
    assert len(open_pack(files, low, lambda e: None, tmp_path / "packs")[1]) == 1
    assert open_pack(files, high, lambda e: None, tmp_path / "packs")[1] == {}


def test_readers_in_several_threads_leave_pillow_and_warnings_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    PIL.fromarray(smooth(20, 30)).save(file)
    bound, filters = PIL.MAX_IMAGE_PIXELS, list(warnings.filters)
    inside = threading.Barrier(2)

    def read(out_first: threading.Event, out: threading.Event) -> None:
        def work(image: PIL.Image) -> None:
            inside.wait()
            out_first.wait()

        with file.open("rb") as content:
            with_picture(content, 600, lambda size: size, work)
        out.set()

    now, first, second = threading.Event(), threading.Event(), threading.Event()
    now.set()
    readers = [
        threading.Thread(target=read, args=(now, first)),
        threading.Thread(target=read, args=(first, second)),
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert second.is_set()
    assert bound == PIL.MAX_IMAGE_PIXELS
    assert list(warnings.filters) == filters
