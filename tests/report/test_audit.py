"""The label audit of a run: its table, its page, and the patch that the page exports."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chromium import Browser
from PIL import Image

import toolkit
from toolkit.cli import run_command
from toolkit.contracts import ignore
from toolkit.data.rare import table_for
from toolkit.plugin.host import Host, load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.report.audit import Audit, audit_run
from toolkit.runs.opened import Run

ODD = ('<b>bold</b>, "quoted"', "</script><img src=x onerror=alert(1)>", "진단서 & 처방전")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def host() -> Host:
    return load_host({"TOOLKIT_PLUGINS": ""})


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Run:
    """A run whose class names and IDs are markup."""
    root = tmp_path_factory.mktemp("odd")
    rng = np.random.default_rng(0)
    lines = ["id,label"]
    for number in range(18):
        name = "__proto__" if number == 0 else f"<i id={number}>'" if number == 1 else f"p{number}"
        page = Image.fromarray(rng.integers(0, 255, (40, 30, 3), dtype=np.uint8))
        page.save(root / name, "PNG")
        quoted = ODD[number % 3].replace('"', '""')
        lines.append(f'"{name}","{quoted}"')
    (root / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = root / "odd.toml"
    recipe.write_text(
        f'name = "odd"\n[data]\nuse = "csv"\nroot = "{root}"\nid_column = "id"\n'
        'target_column = "label"\ntrain_images = "."\nmeta = ""\nsample = ""\n'
        '[split]\nfolds = 2\n[image]\nsize = 32\n[backbone]\nuse = "test_resnet"\n'
        "pretrained = false\n[train]\nepochs = 1\n",
        encoding="utf-8",
    )
    return toolkit.run(recipe, runs=root / "runs", host=host)


@pytest.fixture
def audited(finished: Run, host: Host, tmp_path: Path) -> tuple[Run, Audit]:
    """A copy of the finished run, audited."""
    copy = tmp_path / "runs" / finished.path.name
    shutil.copytree(finished.path, copy)
    run = Run(copy)
    return run, audit_run(run, host, author="Ann")


def test_the_table_ranks_every_validated_label_and_the_page_shows_the_first(
    audited: tuple[Run, Audit],
) -> None:
    run, audit = audited
    table = pd.read_csv(audit.table)
    assert sorted(table["id"]) == sorted(set(run.oof["id"]))
    assert table["rank"].tolist() == list(range(1, 25))
    page = audit.page.read_text(encoding="utf-8")
    assert re.findall(r'data-id="([^"]+)"', page) == table["id"].tolist()[: audit.shown]
    assert page.count('src="data:image/jpeg;base64,') == audit.shown == 24
    assert audit.lacking == ""
    assert 'value="Ann"' in page


def test_the_page_has_one_script_whose_hash_its_policy_names(audited: tuple[Run, Audit]) -> None:
    page = audited[1].page.read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert page.count("<script") == 1
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_names_that_are_markup_stay_text(odd: Run, host: Host) -> None:
    page = audit_run(odd, host).page.read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script") == 1
    assert "<b>bold" not in page
    assert "<img src=x" not in page
    assert "<i id=1" not in page


def test_an_audit_without_the_data_says_what_the_page_lacks(
    finished: Run, host: Host, tmp_path: Path
) -> None:
    copy = tmp_path / "runs" / finished.path.name
    shutil.copytree(finished.path, copy)
    recipe = copy / "recipe.toml"
    recipe.write_text(re.sub(r'root = ".*?"', 'root = "/nowhere"', recipe.read_text()))
    audit = audit_run(Run(copy), host, top=3)
    assert audit.lacking.startswith("the images cannot be had: ")
    page = audit.page.read_text(encoding="utf-8")
    assert page.count("no picture") == audit.shown == 3


@pytest.mark.slow
def test_labels_are_judged_by_keyboard_kept_over_a_reload_and_exported(
    odd: Run, host: Host, tmp_path: Path
) -> None:
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} on the path")
    audit = audit_run(odd, host, author='Ann "A" Lee')
    table = pd.read_csv(audit.table)
    status = "document.getElementById('told').textContent"
    here = "document.querySelector('.item.here').dataset.id"
    with Browser(program, tmp_path) as browser:
        browser.open(audit.page)
        assert browser.ask("[...document.images].every(i => i.naturalWidth > 0)")
        assert browser.ask("document.images.length") == 18
        assert browser.ask(here) == table["id"][0]
        browser.press("a")  # 1: as suggested
        browser.press("f")  # 2: fine
        browser.press("c")  # 3: another class
        for letter in "진단":
            browser.press(letter)
        browser.press("Enter")
        browser.press("j")
        browser.press("k")
        browser.press("a")  # 4, and taken back
        browser.press("u")
        assert browser.ask(here) == table["id"][3]
        browser.press("j")
        before = browser.ask(status)
        assert before.startswith("3 of 18 judged")
        browser.call("Page.reload")
        browser.until("document.readyState === 'complete'")
        browser.until(f"{status} === {before!r}")
        assert browser.ask(here) == table["id"][4]
        browser.press("e")
        text = browser.downloaded("labels.patch.csv")
        assert browser.told == []
    patch = tmp_path / "downloads" / "labels.patch.csv"
    rows = pd.read_csv(patch, dtype=str, keep_default_na=False)
    assert text.splitlines()[0] == "id,from,to,reason,author,date"
    expected = [table["suggested"][0]] + [ODD[2]] * (table["given"][2] != ODD[2])
    assert rows["to"].tolist() == expected
    assert rows["id"].tolist() == table["id"].tolist()[:3:2][: len(expected)]
    assert set(rows["author"]) == {'Ann "A" Lee'}
    assert rows["date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    laid = {"labels.patches": [str(patch)]}
    plan = make_plan(load_recipe(odd.folder.recipe, laid, host), host)
    patched = table_for(plan, ignore)
    assert patched.problems == ()
    assert patched.labels["patches"][0]["rows"] == len(expected)


def test_the_command_prints_the_first_labels_and_where_the_rest_is(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "runs" / finished.path.name
    shutil.copytree(finished.path, copy)
    assert run_command(["audit", str(copy), "--top", "3", "--method", "normalized_margin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("labels are flagged, ranked by normalized_margin")
    assert lines[1].split() == ["rank", "id", "given", "suggested", "p", "given", "p", "suggested"]
    assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
    assert lines[5:] == [
        f"{copy / 'audit.csv'}: every label, ranked",
        f"{copy / 'audit.html'}: the first 3 to judge; open it in a browser",
    ]
