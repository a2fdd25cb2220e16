"""`tune.html`: every trial is seen, in the report's own charts."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest

from toolkit.tune.page import page_text

SPACE = {
    "optimizer.lr": {"low": 2e-4, "high": 1e-2, "log": True},
    "loss.use": {"choices": ["focal", "cross_entropy"]},
    "loss.gamma": {"low": 0.0, "high": 5.0, "when": {"loss.use": "focal"}},
    "image.tta": {"choices": [["identity"], ["identity", "hflip"]]},
}


def row(trial: int, state: str = "complete", **more: Any) -> dict[str, Any]:
    folds = [0.6 + 0.01 * trial, 0.7, 0.65]
    values = {
        "optimizer.lr": 1e-3,
        "loss.use": "focal",
        "loss.gamma": 2.0,
        "image.tta": ["identity"],
    }
    whole = state == "complete"
    found = {
        "trial": trial,
        "of": None,
        "state": state,
        "incumbent": trial == 0,
        "values": values,
        "folds": folds if whole else [],
        "score": sum(folds) / 3 if whole else None,
        "so_far": None,
        "seconds": 61.0,
        "threads": 1,
        "plan": f"plan{trial}",
        "reason": "",
    }
    return {**found, **more}


@pytest.fixture
def facts() -> dict[str, Any]:
    """The recipe, a better trial, one without gamma, one stopped early, one that failed, and one
    under way."""
    plain = {"optimizer.lr": 3e-3, "loss.use": "cross_entropy", "image.tta": ["identity", "hflip"]}
    trials = [
        row(0),
        row(1),
        row(2, values=plain, folds=[0.5, 0.6, 0.5], score=0.53),
        row(3, "pruned", so_far=0.41, reason="epoch 2 of fold 1: 0.41 is below 0.58"),
        row(4, "failed", reason="RuntimeError: <no memory>"),
        row(5, "running"),
    ]
    return {
        "name": "tiny-0123abcd",
        "recipe": "tiny.toml",
        "objective": "clean_f1",
        "direction": "maximize",
        "space": SPACE,
        "proxy": None,
        "trials": trials,
        "rescore": {"seed": 1000045, "trials": [row(0, of=1, values={})]},
        "best": 1,
        "winner": 1,
        "importance": {
            "estimator": "fANOVA",
            "trials": 3,
            "values": None,
            "reason": "too few complete trials: 3 of at least 20",
            "not_judged": ["loss.gamma"],
        },
        "incumbent": 0,
        "seconds": 305.0,
        "set_aside": [],
    }


def charts(text: str) -> dict[str, str]:
    """The charts of points, by the names of their two axes."""
    found = re.findall(
        r'<svg [^>]*aria-label="(\S+ against \S+):[^"]*">(.*?)</svg>', text, re.DOTALL
    )
    return dict(found)


def test_pruned_and_failed_trials_are_seen_on_every_chart(facts: dict[str, Any]) -> None:
    drawn = charts(page_text("tune-tiny", facts, "x = 1"))
    keys = [f"clean_f1 against {key}" for key in ("trial", *SPACE)]
    assert list(drawn) == keys
    for name, chart in drawn.items():
        kinds = re.findall(r'<g class="(\w+)">', chart)
        without = ["complete"] * (name != "clean_f1 against loss.gamma")
        assert sorted(kinds) == sorted(["recipe", "winner", "pruned", "failed", *without])
    assert "trial 3: stopped early at 0.4100; optimizer.lr 0.001" in drawn[keys[0]]
    assert "trial 4: failed; optimizer.lr 0.001" in drawn[keys[0]]
    assert "trial 5" not in drawn[keys[0]]  # it is under way


def test_the_page_is_of_one_style_with_the_report_and_loads_nothing(facts: dict[str, Any]) -> None:
    text = page_text("tune-tiny", facts, "x = 1")
    assert "prefers-color-scheme: dark" in text
    assert "matplotlib" not in text
    assert not re.search(r"<img|<script|src=|data:image|url\(", text)
    assert "RuntimeError: &lt;no memory&gt;" in text
    assert text == page_text("tune-tiny", deepcopy(facts), "x = 1")


def test_the_folds_of_the_best_stand_beside_the_recipes(facts: dict[str, Any]) -> None:
    text = page_text("tune-tiny", facts, "x = 1")
    said = re.search(r'aria-label="(the recipe: mean [^"]*)"', text)
    assert said is not None
    names = [part.partition(":")[0] for part in said[1].split("; ")]
    assert names == ["the recipe", "trial 1", "trial 1 on fresh folds"]
    assert said[1].count(" to ") == 2  # one trial on fresh folds says nothing of chance
    assert "Its folds are 0.0033 better than the recipe&#39;s on average (95% interval" in text
    assert "no more than the noise of the folds." in text
    assert "is not estimated: too few complete trials: 3 of at least 20." in text


def test_a_study_of_an_older_version_is_drawn_too(facts: dict[str, Any]) -> None:
    for each in (*facts["trials"], *facts["rescore"]["trials"]):
        del each["so_far"]
    facts["trials"][3]["folds"] = [0.44]
    drawn = charts(page_text("tune-tiny", facts, "x = 1"))["clean_f1 against trial"]
    assert "trial 3: stopped early at 0.4400" in drawn


def test_a_value_of_the_recipe_outside_of_its_range_is_on_the_chart(facts: dict[str, Any]) -> None:
    facts["trials"][0]["values"] |= {"optimizer.lr": 0.1, "loss.use": "poly"}
    drawn = charts(page_text("tune-tiny", facts, "x = 1"))
    assert ">0.1</text>" in drawn["clean_f1 against optimizer.lr"]
    assert ">poly</text>" in drawn["clean_f1 against loss.use"]
    for chart in drawn.values():
        places = re.findall(r'<circle [^>]*cx="([\d.]+)"', chart)
        assert all(46 <= float(x) <= 292 for x in places)


def test_shares_of_importance_are_a_table(facts: dict[str, Any]) -> None:
    facts["importance"] |= {"values": {"optimizer.lr": 0.8, "loss.use": 0.2}, "trials": 20}
    text = page_text("tune-tiny", facts, "x = 1")
    assert "(fANOVA, from 20 complete trials)" in text
    assert "so not judged: loss.gamma" in text
    assert re.search(r"<code>optimizer.lr</code></th><td class=\"num\">0.80</td>", text)


def test_a_study_in_which_all_failed_has_a_page(facts: dict[str, Any]) -> None:
    facts |= {"trials": [row(0, "failed", reason="boom")], "winner": None, "incumbent": None}
    facts["rescore"]["trials"] = []
    text = page_text("tune-tiny", facts, "")
    assert "No trial is complete yet." in text
    assert charts(text) == {}
    assert "boom" in text
