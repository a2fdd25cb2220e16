"""The doctor on real pages and on drawn documents: whoever looks alike is no copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.check.doctor import Checkup, examine
from toolkit.contracts import ignore
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan

ROOT = Path(__file__).parents[2]
PAGES = ROOT.parent / "shared" / "data" / "texdocs"

RECIPE = """
name = "real"
[data]
use = "{source}"
root = "{root}"
{options}
[image]
size = 128
[augment.train]
use = "light"
[backbone]
use = "test_resnet"
pretrained = false
"""


def checked(folder: Path, source: str, root: Path, options: str = "") -> Checkup:
    file = folder / "real.toml"
    file.write_text(RECIPE.format(source=source, root=root, options=options))
    host = load_host()
    return examine(make_plan(load_recipe(file, {}, host), host), folder / "cache", ignore)


@pytest.mark.slow
@pytest.mark.skipif(not PAGES.is_dir(), reason="the real pages are not at hand")
def test_pages_of_templates_are_joined_where_they_are_the_same_page_alone(tmp_path: Path) -> None:
    found = checked(tmp_path, "csv", PAGES, 'group_column = "document"')
    # Looked at, all of them: one example in several documents, in other colours or with a word
    # more. None joins two classes, which look-alike pages of one template would.
    assert 100 <= len(found.near.apart) <= 180
    assert found.near.conflicts == ()
    assert {f.about for f in found.findings if f.weight == "grave"} == {
        "near-duplicates",
        "test leak",
        "shift",
    }
    assert found.shift is not None
    said = found.shift.sentence()
    for words in ("turned by some degrees", "turned by a quarter", "framed in black", "darker"):
        assert words in said


@pytest.mark.slow
def test_drawn_documents_raise_no_false_alarm(tmp_path: Path) -> None:
    pytest.importorskip("toolkit_synthdocs", reason="toolkit-synthdocs is not installed")
    found = checked(tmp_path, "synthdocs.documents", tmp_path / "drawn", "scale = 0.05")
    assert (found.near.apart, found.near.conflicts, found.near.test) == ((), (), ())
    assert {f.about for f in found.findings if f.weight == "grave"} <= {"shift"}
