"""Twins: what is drawn, of images of any size, and with whose code."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import toolkit
from toolkit.builtin.degrade.optics import Defocus, Downscale, Motion, Noise, Recompressed
from toolkit.builtin.degrade.photographed import photographed
from toolkit.builtin.degrade.placing import Placing
from toolkit.builtin.degrade.scanned import scanned
from toolkit.builtin.degrade.tones import Daylight, Exposure, ShowThrough
from toolkit.contracts import Augmentation, Image, ImageSpec

SPEC = ImageSpec(48)
Factory = Callable[..., Augmentation]
BOTH = pytest.mark.parametrize("make", [scanned, photographed])


def page(height: int = 120, width: int = 90) -> Image:
    """White, with dark lines that are longer on the left, and a red square at the top left."""
    image = np.full((height, width, 3), 250, np.uint8)
    image[10 : height - 10 : 6, 8 : max(9, width // 2)] = 20
    image[4:12, 4:12] = (200, 30, 30)
    return image


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@BOTH
def test_the_same_generator_gives_the_same_bytes(make: Factory) -> None:
    for seed in range(8):
        first, again = (make(SPEC)(page(), rng(seed)) for _ in range(2))
        assert first.tobytes() == again.tobytes()
        assert first.shape == again.shape
    # Nothing is kept between two calls, and what came before changes nothing.
    one = make(SPEC)
    one(page(40, 200), rng(1))
    assert one(page(), rng(2)).tobytes() == make(SPEC)(page(), rng(2)).tobytes()


@BOTH
def test_most_twins_differ_from_the_image_and_from_each_other(make: Factory) -> None:
    drawn = [make(SPEC)(page(), rng(seed)).tobytes() for seed in range(20)]
    assert len(set(drawn)) >= 18
    assert drawn.count(page().tobytes()) <= 2


@BOTH
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 300), (300, 1), (2, 3), (7, 900), (1, 40_000), (33_000, 2), (2000, 1500)]
)
def test_an_image_of_any_size_has_twins(make: Factory, shape: tuple[int, int]) -> None:
    image = rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    image.flags.writeable = False
    seeds = range(25) if image.size < 100_000 else range(3)
    for each in (0.5, 1.0):
        for seed in seeds:
            found = make(SPEC, each=each)(image, rng(seed))
            assert found.dtype == np.uint8
            assert found.shape[2:] == (3,)
            assert found.size >= 1
            # At most four times the working size, or 1024, and what a moved corner adds.
            assert max(found.shape) <= 1024 * 1.12


@BOTH
def test_the_image_itself_is_left_as_it_is(make: Factory) -> None:
    image = page()
    for seed in range(10):
        make(SPEC, each=1.0)(image, rng(seed))
    assert (image == page()).all()


@BOTH
@pytest.mark.parametrize("level", [0, 17, 128, 255])
def test_an_image_of_one_level_has_twins(make: Factory, level: int) -> None:
    image = np.full((60, 40, 3), level, np.uint8)
    for seed in range(10):
        assert make(SPEC, each=1.0)(image, rng(seed)).dtype == np.uint8


def test_without_strengths_pages_stay_as_they_are() -> None:
    off = scanned(SPEC, turned=0, quarter_turns=0, flips=0, each=0)
    none = scanned(
        SPEC,
        turned=0,
        quarter_turns=0,
        flips=0,
        perspective=0,
        crop=0,
        mix=0,
        brightness=0,
        contrast=0,
        motion=0,
        defocus=0,
        downscale=1,
        noise=0,
        recompress=95,
        each=1.0,
    )
    for seed in range(10):
        assert (off(page(), rng(seed)) == page()).all()
        assert np.abs(none(page(), rng(seed)).astype(int) - page()).mean() < 2  # a JPEG of 95


def test_a_strength_changes_no_other_draw() -> None:
    """Placing comes before noise: the pages lie alike, whatever the noise."""
    for seed in range(10):
        loud, still = (
            scanned(SPEC, each=0, noise=noise)(page(), rng(seed)) for noise in (0.0, 60.0)
        )
        assert loud.tobytes() == still.tobytes()
        shapes = {scanned(SPEC, mix=mix)(page(), rng(seed)).shape for mix in (0.0, 0.5)}
        assert len(shapes) == 1


def test_quarter_turns_and_flips_keep_every_pixel() -> None:
    placing = Placing(0, 0, quarter_turns=0.5, flips=0.5, perspective=0, crop=0, each=0)
    found = {placing(page(), rng(seed)).tobytes() for seed in range(80)}
    ways = {
        np.ascontiguousarray(np.rot90(image, turns)).tobytes()
        for image in (page(), page()[:, ::-1])
        for turns in range(4)
    }
    assert found == ways


def test_upright_photos_are_neither_turned_nor_flipped() -> None:
    """The red square is at the top left of the page, and stays in that quarter of the photo."""
    for seed in range(30):
        draw = photographed(SPEC, each=1.0, noise=0, cast=0, saturation=0, flips=seed % 2)
        found = draw(page() if seed % 2 == 0 else page()[:, ::-1], rng(seed))
        height, width = found.shape[:2]
        red = found[..., 0].astype(int) - found[..., 2]
        row, column = np.unravel_index(red.argmax(), red.shape)
        assert row < height / 2
        assert column < width / 2


def test_a_frame_that_grows_shows_the_whole_page() -> None:
    """A white page that is turned by 45 degrees, on black: as much white as before, in pixels of
    its own size, or cut off at the corners."""
    placing = Placing(1, 45, 0, 0, 0, 0, 0)
    white, shares = np.full((100, 100, 3), 255, np.uint8), []
    for seed in range(200):
        found = placing(white, rng(seed))
        if found.min() == 0:
            shares.append(found.mean() / 255)
    assert min(shares) < 0.56  # 45 degrees in a bed twice as large: half of it is page
    assert max(shares) > 0.8


@pytest.mark.parametrize(
    "step",
    [Motion(0.05, 1.0), Defocus(0.03, 1.0), Downscale(0.2, 1.0)],
    ids=["motion", "defocus", "downscale"],
)
def test_what_blurs_takes_detail_and_keeps_the_light(step: Callable[..., Image]) -> None:
    image = page()
    found = step(image, rng(3))
    assert found.shape == image.shape
    assert _detail(found) < 0.8 * _detail(image)
    assert abs(float(found.mean()) - float(image.mean())) < 4


def test_noise_and_recompression_and_tones_do_what_they_say() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    assert 1 < Noise(30, 1.0)(grey, rng(1)).std() < 33
    assert 0 < np.abs(Recompressed(5, 1.0)(page(), rng(0)).astype(int) - page()).mean() < 40
    lights = [Exposure(0.2, 0.0, 1.0)(grey, rng(seed)).mean() for seed in range(40)]
    assert 128 - 52 <= min(lights) < 100
    assert 156 < max(lights) <= 128 + 52
    cast = Daylight(0, 0.4, 0, 1.0)(grey, rng(0)).mean(axis=(0, 1))
    assert np.ptp(cast) > 4
    assert np.ptp(Daylight(1, 0, 0, 1.0)(grey, rng(0)).mean(axis=(0, 1))) == 0
    mixed = ShowThrough(0.5, 1.0)(page(), rng(2))
    assert (mixed != page()).any()
    assert mixed.min() >= 20


def _detail(image: Image) -> float:
    return float(np.abs(np.diff(image.astype(int), axis=0)).mean())


# The exam and the lessons: who imports what.

PACKAGE = Path(toolkit.__file__).parent
BUILTIN, DEGRADE = PACKAGE / "builtin", PACKAGE / "builtin" / "degrade"
OURS = [BUILTIN / "augmentations.py", BUILTIN / "warp.py", *(BUILTIN / "seventeen").glob("*.py")]
LESSONS = [
    *OURS,
    *(PACKAGE.parent / "plugins" / "toolkit-synthdocs" / "toolkit_synthdocs").glob("*.py"),
]
HERE = "toolkit.builtin.degrade"
IMPORTS = {
    "__init__": set(),
    "chain": {"cv2", "numpy", "toolkit.contracts"},
    "optics": {"math", "cv2", "numpy", "numpy.typing", "toolkit.contracts"},
    "placing": {"math", "cv2", "numpy", "numpy.typing", "toolkit.contracts"},
    "tones": {"cv2", "numpy", "numpy.typing", "toolkit.contracts"},
    **{
        factory: {"pydantic", "toolkit.contracts"}
        | {f"{HERE}.{module}" for module in ("chain", "optics", "placing", "tones")}
        for factory in ("scanned", "photographed")
    },
}
"""What each module of the twins imports, beside the language's own."""
PLAIN = {"__future__", "collections.abc", "dataclasses", "typing"}


def imported(file: Path) -> set[str]:
    """Modules that a file imports, within functions and for the type checker too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides where code comes from"
            found.add(str(node.module))
    return found


def test_twins_import_nothing_of_what_models_train_on() -> None:
    files = {file.stem: file for file in DEGRADE.glob("*.py")}
    assert {name: imported(file) - PLAIN for name, file in files.items()} == IMPORTS


def test_what_models_train_on_imports_nothing_of_the_twins() -> None:
    assert len(LESSONS) > 10
    for file in LESSONS:
        assert not any(name.startswith(HERE) for name in imported(file)), file
    kinds = {"toolkit.builtin.warp", "toolkit.builtin.seventeen"}
    kinds |= {f"toolkit.builtin.seventeen.{part}" for part in ("geometry", "pixels", "pipeline")}
    for file in OURS:
        own = {name for name in imported(file) if name.startswith("toolkit")}
        assert own <= {"toolkit.contracts", "toolkit.errors", *kinds}, file


def test_no_function_of_the_twins_was_copied_from_what_models_train_on() -> None:
    twins = {body for file in DEGRADE.glob("*.py") for body in bodies(file)}
    assert len(twins) > 10
    for file in LESSONS:
        assert not twins & bodies(file), file


def bodies(file: Path) -> set[str]:
    """What each function of a file does."""
    functions = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]
    return {"".join(map(ast.unparse, function.body)) for function in functions}
