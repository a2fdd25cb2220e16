"""The checks that the toolkit makes of every source."""

import tempfile

import pytest
from PIL import Image
from toolkit.testing import conformance

from toolkit_synthdocs import draw as drawing_module
from toolkit_synthdocs.files import Drawing

# All checks share one drawing, whose name is settled before any fixture runs.
ROOT = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

test_conformance = conformance(
    "synthdocs",
    options={"source:synthdocs.documents": {"root": ROOT.name, "scale": 0.001}},
)


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw tiny images in no time: no check looks at them."""

    def draw_missing(drawing: Drawing, *_: object) -> None:
        for row in drawing.missing():
            Image.new("RGB", (8, 8)).save(drawing.image(row))

    monkeypatch.setattr(drawing_module, "draw_missing", draw_missing)
