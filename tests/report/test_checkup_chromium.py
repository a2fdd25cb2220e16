"""The data check's page in a real browser: pictures load, nothing is told on the console, and
nothing is wider than a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.data.pages import copies, page
from toolkit.cli import run_command

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

PROBE = """
<script>
const faults = [];
addEventListener("error", event => faults.push(event.message || "a resource is missing"), true);
addEventListener("load", () => parent.postMessage(JSON.stringify({
  faults,
  images: [...document.images].map(image => image.naturalWidth),
  scrolls: document.documentElement.scrollWidth,
  width: document.documentElement.clientWidth,
  wide: [...document.querySelectorAll("body *")]
    .filter(e => !e.closest(".box, .hidden, .skip"))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 120)),
}), "*"));
</script>
"""
FRAME = """<!doctype html><meta charset="utf-8"><pre id="told"></pre>
<script>addEventListener("message", event => { told.textContent = event.data; });</script>
<iframe src="probed.html" style="width: WIDTHpx; height: 800px; border: 0"></iframe>
"""


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of a small folder of classes with a near-duplicate."""
    for kind in ("bill", "letter"):
        (tmp_path / "pages" / kind).mkdir(parents=True)
    for n in range(24):
        page(n, form=n).save(tmp_path / "pages" / ("bill", "letter")[n % 2] / f"p{n}.png")
    copies(page(3, form=3))["mirrored"].save(tmp_path / "pages" / "letter" / "again.png")
    recipe = tmp_path / "pages.toml"
    recipe.write_text(
        '[data]\nuse = "folder"\nroot = "pages"\n[image]\nsize = 32\n'
        '[backbone]\nuse = "test_resnet"\npretrained = false\n'
    )
    monkeypatch.chdir(tmp_path)
    assert run_command(["check", str(recipe)]) == 0
    return tmp_path / "pages-check.html"


def browse(file: Path, *options: str) -> tuple[str, str]:
    """What the browser made of a file, and what it said."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} on the path")
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={file.parent / 'profile'}", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=20000", *options, file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_pictures_load_and_nothing_is_told_on_the_console(drawn: Path) -> None:
    dom, said = browse(drawn)
    assert "again.png" in dom
    assert not [line for line in said.splitlines() if "CONSOLE" in line]
    for width in (360, 1280):
        seen = probed(drawn, width)
        assert seen["faults"] == []
        assert len(seen["images"]) == 2 + 12
        assert min(seen["images"]) > 0
        assert seen["wide"] == []
        assert seen["scrolls"] <= seen["width"] <= width


def probed(drawn: Path, width: int) -> dict[str, Any]:
    """What the probe saw of the page at a width, CSS pixels."""
    text = drawn.read_text(encoding="utf-8")
    text, found = re.subn(
        r'<meta http-equiv="Content-Security-Policy"[^>]*>', lambda _: PROBE, text
    )
    assert found == 1
    drawn.with_name("probed.html").write_text(text, encoding="utf-8")
    frame = drawn.with_name("frame.html")
    frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    dom, _ = browse(frame)
    told = re.search(r'<pre id="told">(.+?)</pre>', dom, re.DOTALL)
    assert told, dom
    seen: dict[str, Any] = json.loads(html.unescape(told[1]))
    return seen
