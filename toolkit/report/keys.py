"""What the keys of a run's files mean: `report.json`, `history.csv`, and what trackers are told.

`scores.folds[].seconds` is the key `seconds` of each item of `scores.folds`. A test holds the lists
against a finished run.
"""

from __future__ import annotations

from toolkit.recipe.scores import ALWAYS, CLEAN, Score

INTERVAL = "95% interval, resampling units: [low, high]"

REPORT = {
    "name": "the recipe's name",
    "plan": "the plan's hash",
    "monitor": "what decides, `validate.monitor`",
    "metrics[].name": "of each metric: as scores are called, those of every run first",
    "metrics[].title": "as people read it",
    "metrics[].help": "what it is",
    "metrics[].higher_is_better": "its direction",
    "metrics[].bounds": "[lowest, highest], null for an open end",
    "select.epoch": "which epoch's weights were kept, `train.select`",
    "select.meaning": "what that means for the scores, in a sentence",
    "precision.training": "the precisions that the folds were trained in",
    "precision.prediction": "the precision of every prediction",
    **{f"scores.oof.clean.{name}": f"out-of-fold: {name}" for name in ALWAYS},
    **{f"scores.oof.clean.intervals.{name}": INTERVAL for name in ALWAYS},
    "scores.oof.clean.*": "out-of-fold: each other metric of `[validate]`, by its name",
    "scores.oof.clean.intervals.*": f"{INTERVAL}; null where the data is too large for it",
    "scores.folds[].fold": "number of the fold, from 0",
    **{f"scores.folds[].{name}": f"of the fold's validation rows: {name}" for name in ALWAYS},
    "scores.folds[].*": "of the fold's validation rows: each other metric, by its name",
    "scores.folds[].best_epoch": "epoch of the best monitor, from 1: the highest, or the lowest",
    "scores.folds[].selected_epoch": "epoch whose weights were kept",
    "scores.folds[].epochs": "epochs trained",
    "scores.folds[].seconds": "of the whole fold, over all of its starts",
    "scores.folds[].images_per_second": "in training",
    "scores.folds[].precision": "that it was trained in",
    "scores.folds[].drawn[]": "rows of each class that its first epoch drew, copies included",
    "scores.folds[].training": "hash of all that changes how it is trained",
    "scores.folds[].predictions": "hash of all that its predictions depend on",
    "scores.folds[].run": "the run that trained it, where this one took it over",
    "classes[].class": "name; classes stand in the order of their labels",
    "classes[].precision": "of the out-of-fold predictions",
    "classes[].recall": "of the out-of-fold predictions",
    "classes[].f1": "of the out-of-fold predictions",
    "classes[].support": "validated rows of the class",
    "classes[].predicted": "validated rows that were read as the class",
    "classes[].train": "training rows of the class, those made from others included",
    "classes[].drawn": "rows of the class that an epoch draws, copies included, mean of the folds; "
    "null where an older version trained",
    "confusion": "counts: a row a true class, a column a predicted class",
    "split.given": "the split of the data that validated, `split.given`; null where folds did",
    "split.meaning": "what that means for the scores, in a sentence or two",
    "rows.train": "training rows; beside a given split, without its rows",
    "rows.validated": "originals, each predicted once",
    "rows.units": "units: rows that share a parent, a group or a file's content stay together",
    "rows.test": "test rows; 0 where there are none",
    "copies.train": "training originals whose file's content an earlier one has",
    "copies.conflicts": "contents that have several IDs with different labels",
    "copies.test": "test images whose file's content a training image has",
    "submission": "null without test rows",
    "submission.rows": "rows of submission.csv",
    "submission.columns": "its ID column, and that of the label where it has one",
    "submission.classes[].class": "name",
    "submission.classes[].target": "what the file says for the class",
    "submission.classes[].predicted_share": "share of the test rows that were read as the class",
    "submission.classes[].training_share": "share of the training rows",
    "set_aside[].id": "a training image that --skip-bad set aside",
    "set_aside[].reason": "why",
    "trackers_dropped[].tracker": "a tracker that failed and was told no more",
    "trackers_dropped[].hook": "where",
    "trackers_dropped[].reason": "why",
    "warnings": "sentences: a class that a fold could not train or validate",
    "seconds.folds": "of all folds together, over all starts",
    "seconds.*": "of each stage of the last start",
    "images_per_second": "mean over the folds, in training",
}

HISTORY = {
    "epoch": "from 1",
    "lr": "learning rate at its start",
    "train_loss": "mean over the rows of the epoch",
    **{Score(CLEAN, n).name: f"{n} of the fold's validation rows" for n in ALWAYS},
    "clean_*": "each other metric of `[validate]`, by its name: `clean_kappa`",
    "images": "rows trained",
    "seconds": "of training, validation left out",
    "images_per_second": "in training",
    "best_epoch": "epoch of the best monitor so far",
    "selected_epoch": "epoch whose weights are kept so far",
}
"""A row an epoch; `metrics` of `toolkit_epoch_end`."""

PREDICTIONS = {
    "id": "of the image",
    "parent": "the ID of the original that it was made from; its own for an original",
    "fold": "whose model predicted it; 0 where a split was given; -1 in the joined test table",
    "variant": "`clean`: the image as it is",
    "view": "`mean` of the views, or the name of one",
    "p_0 ... p_{C-1}": "probability of each class, in the order of the labels; a row sums to 1",
}
"""Columns of oof.parquet and test.parquet."""
