"""A study on a given split says what one fold cannot tell, and how it is done instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import CLASSES, RECIPE, draw
from toolkit.contracts import Event
from toolkit.plugin.host import load_host
from toolkit.recipe.plan import Plan
from toolkit.tune.asked import Asked, Question
from toolkit.tune.few_folds import limits
from toolkit.tune.search import tune

Planned = Callable[..., Plan]


def test_what_needs_several_folds_is_said_with_what_is_done(plan_with: Planned) -> None:
    lines = list(limits(plan_with("", '[split]\ngiven = "valid"\n[tune]\nprune = "wilcoxon"\n')))
    assert len(lines) == 4
    assert all(line.startswith('split.given = "valid": ') for line in lines)
    assert "compared by its epochs alone" in lines[1]
    assert "any rise counts for tune.patience = 20" in lines[2]
    assert "scored again with a fresh seed on the same split" in lines[3]


def test_a_proxy_of_one_fold_says_so_too(plan_with: Planned) -> None:
    more = '[tune]\nprune = "wilcoxon"\n[tune.proxy]\nfolds = 1\n'
    lines = list(limits(plan_with("", more)))
    assert [line.partition(":")[0] for line in lines] == ["tune.proxy.folds = 1"] * 2


def test_several_folds_need_no_words(plan_with: Planned) -> None:
    assert list(limits(plan_with(""))) == []


def test_a_study_scores_on_the_given_split_alone(tmp_path: Path) -> None:
    root = tmp_path / "pages"
    for split, count in (("train", 3), ("val", 2)):
        for kind, name in enumerate(CLASSES):
            for number in range(count):
                (root / split / name).mkdir(parents=True, exist_ok=True)
                image = draw(kind, 20 * kind + number + 100 * count)
                image.save(root / split / name / f"{number}.png")
    recipe = tmp_path / "given.toml"
    text = RECIPE.format(root=root).replace('"csv"', '"folder"').replace("epochs = 2", "epochs = 1")
    space = '[tune.space]\n"optimizer.lr" = { low = 1e-4, high = 1e-2, log = true }\n'
    recipe.write_text(text.replace("folds = 2", 'given = "valid"') + space)
    host, question, told = (
        load_host({"TOOLKIT_PLUGINS": ""}),
        Question(str(recipe), {}),
        list[Event](),
    )
    folder = tune(
        question,
        question.plan(host),
        host,
        asked=Asked(2),
        runs=tmp_path / "runs",
        notify=told.append,
    )
    facts = json.loads(folder.report.read_text())
    assert facts["given"] == "valid"
    assert [len(row["folds"]) for row in facts["trials"]] == [1, 1]
    assert all(row["folds"] == [row["score"]] for row in facts["trials"])
    assert facts["rescore"]["trials"][0]["score"] is not None
    best = folder.best.read_text()
    assert 'it is the best of many on the same split, "valid".' in best
    assert "A given split has no fresh folds" in best
    assert "fresh folds" not in best.replace("has no fresh folds", "")
    page = folder.page.read_text()
    assert "With a fresh seed on the same split" in page
    assert "On fresh folds" not in page
    assert any("there are no fresh folds" in event.text for event in told)
