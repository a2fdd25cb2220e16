"""`report.html`: everything is there, nothing is loaded, and no name becomes markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from toolkit.errors import RunError
from toolkit.report.page import draw_page, page_text
from toolkit.report.words import seconds_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.opened import Run

Make = Callable[..., RunFolder]

KOREAN = ("진단서", "처방전", "소견서")
VOID = {"meta", "link", "br", "img", "input", "wbr", "hr"}


class Page(HTMLParser):
    """The page's text, tags with their attributes, and whether every tag closes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def page(folder: RunFolder) -> Page:
    return Page(page_text(folder))


def report_of(folder: RunFolder) -> dict[str, Any]:
    return json.loads(folder.report.read_text())


def test_a_finished_run_has_a_page_and_redrawing_it_gives_the_same_bytes(finished: Run) -> None:
    folder = finished.folder
    before = folder.page.read_bytes()
    folder.page.unlink()
    assert draw_page(folder) == folder.page
    assert folder.page.read_bytes() == before
    assert "3 classes" in page(folder).text


def test_the_page_needs_nothing_but_a_few_small_files(make_run: Make) -> None:
    folder = make_run(KOREAN, test=20)
    needed = {"plan.json", "manifest.json", "report.json", "mistakes.json", "history.csv"}
    before = page_text(folder)
    for file in folder.path.rglob("*"):
        if file.is_file() and file.name not in needed:
            file.unlink()
    assert page_text(folder) == before


def test_every_class_name_is_text_in_any_script(make_run: Make) -> None:
    for classes in (KOREAN, [f"class_{k}" for k in range(120)]):
        folder = make_run(classes, name=f"n{len(classes)}", rows=600)
        text = page(folder).text
        assert all(name in text for name in classes)


@pytest.mark.parametrize("classes", [2, 60])
def test_names_and_ids_never_become_markup(make_run: Make, classes: int) -> None:
    evil = "<script>alert('1')</script>\"&<img src=x onerror=alert(2)>"
    names = [evil, *(f"c{k}" for k in range(1, classes))]
    folder = make_run(names, rows=240, skill=0.5, test=20, scored=True)
    mistakes = json.loads(folder.mistakes.read_text())
    mistakes["shown"][0]["id"] = f'"><b onclick="{evil}'
    folder.mistakes.write_text(json.dumps(mistakes))
    report = report_of(folder)
    report["warnings"] = [f"<i>{evil}"]
    report["set_aside"] = [{"id": evil, "reason": evil}]
    report["trackers_dropped"] = [{"tracker": evil, "hook": "toolkit_run_end", "reason": evil}]
    folder.report.write_text(json.dumps(report))
    drawn = page(folder)
    tags = {tag for tag, _ in drawn.tags}
    assert not tags & {"script", "i"}
    assert all(not key.startswith("on") for _, attributes in drawn.tags for key in attributes)
    assert all((a["src"] or "").startswith("data:image/") for t, a in drawn.tags if t == "img")
    assert evil in drawn.text


def test_what_was_dropped_or_set_aside_is_counted_at_the_top_and_told_below(
    make_run: Make,
) -> None:
    folder = make_run(KOREAN)
    report = report_of(folder)
    assert "1 warning, 1 image set aside" in page(folder).text
    dropped = {"tracker": "acme.log", "hook": "toolkit_epoch_end", "reason": "OSError: disk full"}
    del report["trackers_dropped"]  # as in reports of before there was such a list
    folder.report.write_text(json.dumps(report))
    assert "1 warning, 1 image set aside" in page(folder).text
    report |= {"warnings": [], "trackers_dropped": [dropped]}
    folder.report.write_text(json.dumps(report))
    text = page(folder).text
    assert "1 image set aside, 1 tracker dropped" in text
    assert "acme.log: toolkit_epoch_end: OSError: disk full" in text


def test_the_page_loads_nothing(make_run: Make) -> None:
    folder = make_run(KOREAN, test=20, scored=True)
    drawn = page(folder)
    for tag, attributes in drawn.tags:
        for key in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
    html = page_text(folder)
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in html


def test_the_figures_of_the_page_are_those_of_report_json(make_run: Make) -> None:
    folder = make_run(KOREAN, skill=1.0)
    report, text = report_of(folder), page(folder).text
    clean = report["scores"]["oof"]["clean"]
    for measure in ("macro_f1", "accuracy", "log_loss"):
        low, high = clean["intervals"][measure]
        assert f"{clean[measure]:.3f} out-of-fold" in text
        assert f"95% interval {low:.3f} to {high:.3f}" in text
    for row in report["classes"]:
        figures = (f"{row[key]:.3f}" for key in ("f1", "precision", "recall"))
        f1, precision, recall = figures
        support = row["support"]
        expected = rf"{row['class']} ?{f1} ?{precision} ?{recall} ?{support}"
        assert re.search(expected, text), expected
    for fold in report["scores"]["folds"]:
        assert f"macro-F1 {fold['macro_f1']:.3f}, best epoch {fold['best_epoch']} of 8" in text


def test_the_weakest_class_comes_first(make_run: Make) -> None:
    folder = make_run(["a", "b", "c", "d"], skill=1.0)
    table = page_text(folder).partition('<table class="classes">')[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"><bdi class="name">(\w)</bdi>', table)
    by_f1 = sorted(report_of(folder)["classes"], key=lambda row: (row["f1"], row["class"]))
    assert rows == [row["class"] for row in by_f1]
    assert rows != sorted(rows)


def test_the_largest_confusion_is_told_in_words_and_the_matrix_holds_every_count(
    make_run: Make,
) -> None:
    folder = make_run(KOREAN, skill=0.8)
    report, html = report_of(folder), page_text(folder)
    matrix = report["confusion"]
    count, i, j = max((matrix[i][j], i, j) for i in range(3) for j in range(3) if i != j)
    said = f"{count} of {sum(matrix[i])} {KOREAN[i]} were read as {KOREAN[j]}"
    assert said in Page(html).text
    cells = [int(n) for n in re.findall(r'<span class="n">(\d+)</span>', html)]
    assert cells == [n for row in matrix for n in row if n]
    shares = [int(n) for n in re.findall(r'<span class="s">(\d+)</span>', html)]
    assert shares[0] == round(100 * matrix[0][0] / sum(matrix[0]))


def test_mistakes_show_their_image_and_likeliest_classes(make_run: Make) -> None:
    folder = make_run(KOREAN, skill=0.8)
    shown = json.loads(folder.mistakes.read_text())["shown"]
    drawn = page(folder)
    images = [a for tag, a in drawn.tags if tag == "img"]
    assert [a["src"] for a in images] == [m["thumbnail"] for m in shown]
    first = shown[0]
    assert f"{100 * first['probability']:.1f}%" in drawn.text
    assert all(a["alt"] for a in images)


def test_a_run_without_mistakes_says_so(make_run: Make) -> None:
    folder = make_run(["a", "b"], skill=60)
    text = page(folder).text
    assert "There are none: all 60 images were read right." in text
    assert "there is nothing to confuse" in text
    assert "-0.000" not in text


def test_a_test_set_without_a_score_is_told_how_to_get_one(make_run: Make) -> None:
    folder = make_run(KOREAN, test=20)
    assert f"toolkit score {folder.path.name}" in page(folder).text
    assert "toolkit score" not in page(make_run(KOREAN, name="none")).text


def test_a_test_score_stands_beside_the_out_of_fold_score(make_run: Make) -> None:
    folder = make_run(KOREAN, skill=2.5, test=90, scored=True)
    oof = report_of(folder)["scores"]["oof"]["clean"]["macro_f1"]
    test = json.loads(folder.test_score.read_text())["macro_f1"]
    text = page(folder).text
    assert f"{test:.3f} test" in text
    gap = round(oof, 3) - round(test, 3)
    assert f"Test is {gap:.3f} lower than out-of-fold." in text
    assert "held against the labels of answers.csv" in text
    assert "F1 test" in text


def test_another_variants_scores_are_shown_where_there_are_any(make_run: Make) -> None:
    folder = make_run(KOREAN)
    report = report_of(folder)
    report["scores"]["oof"]["robust"] = {"macro_f1": 0.321, "accuracy": 0.4, "log_loss": 1.5}
    folder.report.write_text(json.dumps(report))
    assert "robust: 0.321" in page(folder).text


def test_values_of_the_recipe_say_where_they_came_from(make_run: Make) -> None:
    text = page(make_run(KOREAN)).text
    chosen = text.partition("What was chosen")[2].partition("Every value")[0]
    assert re.search(r"image\.size ?380 ?base\.toml:12", chosen)
    assert "--set loss.gamma=2.0" in chosen
    assert "toolkit:base:31" in chosen
    assert "alpha" not in chosen
    assert re.search(r"alpha ?0\.5 ?default", text)
    every = text.partition("Every value")[2].partition("Environment")[0]
    assert every.count("optimizer.lr") == 1  # in [tune.space], not in [tune] as well


def test_what_an_older_version_did_not_keep_is_said_to_be_missing(make_run: Make) -> None:
    folder = make_run(KOREAN)
    plan = json.loads(folder.plan.read_text())
    folder.plan.write_text(json.dumps({**plan, "origins": None}))
    folder.mistakes.unlink()
    folder.fold(1).history.unlink()
    text = page(folder).text
    assert "has no mistakes.json" in text
    assert "The run folder has no history of this fold." in text
    assert text.count("Training loss") == 2
    assert "did not record where they came from" in text


def test_an_unfinished_run_has_no_page(make_run: Make) -> None:
    folder = make_run(KOREAN)
    folder.report.unlink()
    with pytest.raises(RunError, match=r"has no report\.json; the run is not finished"):
        draw_page(folder)


def test_headings_step_down_and_every_anchor_leads_somewhere(make_run: Make) -> None:
    drawn = page(make_run(KOREAN, test=20))
    levels = [int(tag[1]) for tag, _ in drawn.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    ids = [a["id"] for _, a in drawn.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"] for tag, a in drawn.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    named = [
        a.get(k) for _, a in drawn.tags for k in ("aria-labelledby", "aria-describedby", "for")
    ]
    assert {name for name in named if name} <= set(ids)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8.24, "8.2 s"), (59.96, "60.0 s"), (1586.0, "26 min 26 s"), (11100, "3 h 05 min")],
)
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
