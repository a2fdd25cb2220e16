"""The generated pages say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_generated_page_is_stale(generate: ModuleType) -> None:
    stale = [file.name for file in generate.stale(generate.pages())]
    assert not stale, f"{', '.join(stale)}: run `make docs` and commit what it writes"


def test_a_page_that_differs_or_is_missing_is_stale(generate: ModuleType, tmp_path: Path) -> None:
    good, other, missing = (tmp_path / name for name in ("good.md", "other.md", "missing.md"))
    good.write_text("a\n")
    other.write_text("b\n")
    texts = dict.fromkeys((good, other, missing), "a\n")
    assert generate.stale(texts) == [other, missing]


def test_the_docs_folder_of_the_reference_holds_generated_pages_only(
    generate: ModuleType,
) -> None:
    assert set(generate.FOLDER.iterdir()) <= set(generate.pages())
