"""Which suffixes count as images: what the installed Pillow reads, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as PIL

from toolkit.builtin.formats import IMAGE_SUFFIXES, names_an_image
from toolkit.data.images import decode

# Handed to another program or a handler, or only named by Pillow and not read.
NOT_READ = {".eps", ".ps", ".wmf", ".emf", ".mpg", ".mpeg", ".bufr", ".grib", ".h5", ".hdf"}
# A photo CD is rare beside point clouds, FITS without its s beside sports watches, .iim is text.
SOMETHING_ELSE = {".pcd", ".fit", ".iim"}
# Read as JPEG, or by the plugin pillow-heif.
NOT_REGISTERED = {".mpo", ".heic", ".heif", ".hif"}


def test_every_suffix_that_pillow_reads_is_an_image() -> None:
    PIL.init()
    read = {s for s, kind in PIL.registered_extensions().items() if kind in PIL.OPEN}
    assert read - NOT_READ - SOMETHING_ELSE - NOT_REGISTERED == IMAGE_SUFFIXES - NOT_REGISTERED


SAVED = ["jfif", "jpe", "mpo", "apng", "ppm", "pgm", "pnm", "jp2", "j2k", "avif", "tga", "pcx"]
SAVED += ["sgi", "qoi", "dib", "dds", "ico"]


@pytest.mark.parametrize("suffix", SAVED)
def test_such_files_are_decoded(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    image = PIL.new("L" if suffix == "pgm" else "RGB", (32, 32), "white")
    image.save(file, "BMP" if suffix == "dib" else None)
    assert decode(file).shape == (32, 32, 3)
    assert decode(file).min() > 250
    assert names_an_image(file.name.upper())
