"""The page in a real browser: nothing on the console, every image drawn, Korean as glyphs, and no
sideways scrolling on a phone."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest

from toolkit.report.page import draw_page
from toolkit.runs.folder import RunFolder

Make = Callable[..., RunFolder]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = "koreanize-matplotlib"  # brings NanumGothic
KOREAN = ("진단서", "처방전", "소견서", "입퇴원 확인서", "임신·출산 진료비 지급 신청서")

# Reports to the page around it. A glyph that a font lacks is drawn as a box, the same for each.
PROBE = """
<script>
const faults = [];
addEventListener("error", event => faults.push(event.message || "a resource is missing"), true);
addEventListener("load", async () => {
  await document.fonts.ready;
  const pixels = letter => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 48;
    const pen = canvas.getContext("2d");
    pen.font = "32px " + getComputedStyle(document.querySelector("tbody th .name")).fontFamily;
    pen.fillText(letter, 4, 36);
    return [...pen.getImageData(0, 0, 48, 48).data].filter((_, k) => k % 4 === 3).join("");
  };
  const text = [...document.querySelectorAll(".classes th .name")].map(n => n.textContent).join("");
  const letters = [...new Set(text.match(/[가-힣]/g))];
  const root = document.documentElement;
  parent.postMessage(JSON.stringify({
    faults,
    images: [...document.images].map(image => image.naturalWidth),
    letters: letters.length,
    drawn: new Set(letters.map(pixels)).size,
    boxes: letters.filter(letter => pixels(letter) === pixels("\\u{10ff00}")).length,
    width: root.clientWidth,
    scrolls: root.scrollWidth,
    wide: [...document.querySelectorAll("body *")]
      .filter(e => !e.closest(".box, .hidden, .skip"))
      .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
      .map(e => e.outerHTML.slice(0, 120)),
  }), "*");
});
</script>
"""
FRAME = """<!doctype html><meta charset="utf-8"><pre id="told"></pre>
<script>addEventListener("message", event => { told.textContent = event.data; });</script>
<iframe src="probed.html" style="width: WIDTHpx; height: 800px; border: 0"></iframe>
"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} on the path")
    return found


@pytest.fixture(scope="module")
def fonts() -> Path:
    """The folder of the NanumGothic fonts."""
    try:
        listed = files(FONTS) or []
    except PackageNotFoundError:
        pytest.skip(f"needs the fonts of {FONTS}")
    return next(Path(str(f.locate())).parent for f in listed if f.name == "NanumGothic.ttf")


@pytest.fixture
def chromium(browser: str, fonts: Path, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """`chromium(file, *options)`: what it printed and what it said, with NanumGothic alone."""
    config = tmp_path / "fonts.conf"
    config.write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{html.escape(str(fonts))}</dir>'
        f"<cachedir>{html.escape(str(tmp_path / 'fonts-cache'))}</cachedir></fontconfig>"
    )

    def run(file: Path, *options: str) -> tuple[str, str]:
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"]
        command += ["--virtual-time-budget=20000", *options, file.as_uri()]
        environment = {**os.environ, "FONTCONFIG_FILE": str(config)}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, check=True
        )
        return done.stdout, done.stderr

    return run


@pytest.fixture
def page(make_run: Make) -> Path:
    """A report with Korean class names, mistakes and a scored test set."""
    folder = make_run(KOREAN, rows=100, skill=1.0, test=50, scored=True)
    return draw_page(folder)


def probed(page: Path, chromium: Callable[..., tuple[str, str]], width: int) -> dict[str, Any]:
    """What the probe saw of the page at a width, CSS pixels."""
    text = page.read_text(encoding="utf-8")
    text, found = re.subn(
        r'<meta http-equiv="Content-Security-Policy"[^>]*>', lambda _: PROBE, text
    )
    assert found == 1
    page.with_name("probed.html").write_text(text, encoding="utf-8")
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    dom, _ = chromium(frame, "--dump-dom")
    told = re.search(r'<pre id="told">(.+?)</pre>', dom, re.DOTALL)
    assert told, dom
    seen: dict[str, Any] = json.loads(html.unescape(told[1]))
    return seen


@pytest.mark.slow
def test_nothing_is_told_on_the_console(
    page: Path, chromium: Callable[..., tuple[str, str]]
) -> None:
    dom, said = chromium(page, "--dump-dom")
    assert "진단서" in dom
    assert not [line for line in said.splitlines() if "CONSOLE" in line]


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
def test_images_load_korean_is_drawn_and_nothing_is_wider_than_the_screen(
    page: Path, chromium: Callable[..., tuple[str, str]], width: int
) -> None:
    seen = probed(page, chromium, width)
    assert seen["faults"] == []
    assert len(seen["images"]) == 24
    assert min(seen["images"]) > 0
    assert seen["letters"] == len(set("".join(KOREAN)) - set(" ·"))
    assert seen["drawn"] == seen["letters"]
    assert seen["boxes"] == 0
    assert seen["wide"] == []
    assert seen["scrolls"] <= seen["width"] <= width
