"""What robust scores say that clean ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

import toolkit

pytest.importorskip("toolkit_synthdocs")

RECIPE = """
name = "drawn"

[data]
use = "synthdocs.documents"
scale = 0.12
root = "{root}"

[split]
folds = 2

[image]
size = 96

[augment.train]
use = "{augment}"

[validate.twins]
use = "scanned"

[backbone]
use = "test_resnet"
pretrained = false

[optimizer]
lr = 5e-3

[train]
epochs = 12
batch_size = 16
"""


@pytest.mark.slow
def test_a_recipe_without_augmentation_scores_clearly_lower_on_twins(tmp_path: Path) -> None:
    """The interval of the robust score lies below that of the clean one: the model knows pages as
    they lie in training, and no others."""
    recipe = tmp_path / "drawn.toml"
    recipe.write_text(RECIPE.format(root=tmp_path / "pages", augment="none"))
    run = toolkit.run(recipe, runs=tmp_path / "runs")
    clean, robust = (run.report["scores"]["oof"][v] for v in ("clean", "robust"))
    print(
        {
            v: (s["macro_f1"], s["intervals"]["macro_f1"])
            for v, s in run.report["scores"]["oof"].items()
        }
    )
    assert robust["intervals"]["macro_f1"][1] < clean["intervals"]["macro_f1"][0]
    assert robust["macro_f1"] < clean["macro_f1"] - 0.1
