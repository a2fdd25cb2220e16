"""Run folders made of drawn predictions: no image is decoded and no model is trained."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.folder import RunFolder
from toolkit.score.counts import confusion, per_class
from toolkit.score.intervals import intervals
from toolkit.score.metrics import ALWAYS, scores

Make = Callable[..., RunFolder]

PACKAGES = {"recipe-toolkit": "0.1.0", "torch": "2.6.0", "timm": "1.0.31"}


@pytest.fixture
def make_run(tmp_path: Path) -> Make:
    """`make_run(classes, ...)` writes a finished run folder; see `write_run`."""

    def make(classes: Sequence[str], name: str = "drawn", **options: Any) -> RunFolder:
        return write_run(tmp_path / "runs" / f"{name}-20260708-1f3a9c20", classes, **options)

    return make


def write_run(
    path: Path,
    classes: Sequence[str],
    *,
    rows: int = 60,
    skill: float = 2.0,
    test: int = 0,
    scored: bool = False,
    folds: int = 3,
    epochs: int = 8,
    counts: Sequence[int] | None = None,
    thumbnails: Sequence[str] = (),
    origins: dict[str, str] | None = None,
) -> RunFolder:
    """A finished run of `rows` images; the higher `skill`, the fewer mistakes.

    Args:
        test: test images; 0 for a run without.
        scored: with the test set's score.
        counts: images of each class, in place of equal shares.
        thumbnails: data URIs for the mistakes, in place of a drawn one.
    """
    folder = RunFolder(path)
    path.mkdir(parents=True)
    rng = np.random.default_rng(7)
    c = len(classes)
    truth = np.repeat(np.arange(c), counts) if counts is not None else np.arange(rows) % c
    p = _probabilities(rng, truth, c, skill)
    matrix = confusion(truth, p.argmax(1), c)
    train = np.bincount(truth, minlength=c)
    of_rows = intervals(truth, p, np.arange(len(truth)), 1, ALWAYS)
    clean = {**scores(truth, p, ALWAYS), "intervals": of_rows}
    fold_rows = []
    for fold in range(folds):
        history = _history(rng, epochs)
        best = int(history["clean_f1"].idxmax()) + 1
        folder.fold(fold).path.mkdir(parents=True)
        write_text(folder.fold(fold).history, csv_text(history))
        done = {
            "macro_f1": clean["macro_f1"] * (1 - 0.02 * fold),
            "best_epoch": best,
            "epochs": epochs,
        }
        fold_rows.append({"fold": fold, **done, "seconds": 61.5, "images_per_second": 12.3})
    submission = None
    if test:
        answers = rng.integers(0, c, test)
        guessed = _probabilities(rng, answers, c, skill * 0.7)
        shares = np.bincount(guessed.argmax(1), minlength=c) / test
        submission = {
            "rows": test,
            "columns": ["ID", "target"],
            "classes": [
                {
                    "class": name,
                    "target": k,
                    "predicted_share": round(float(shares[k]), 4),
                    "training_share": round(float(train[k] / train.sum()), 4),
                }
                for k, name in enumerate(classes)
            ],
        }
        if scored:
            found = intervals(answers, guessed, np.arange(test), 1, ALWAYS)
            of_test = confusion(answers, guessed.argmax(1), c)
            score = {"labels": "answers.csv", "rows": test, "of": test}
            score |= scores(answers, guessed, ALWAYS)
            score |= {"intervals": found, "classes": per_class(of_test, tuple(classes))}
            write_json(folder.test_score, score)
    report = {
        "name": path.name.partition("-")[0],
        "plan": "1f3a9c20" * 4,
        "monitor": "clean_f1",
        "scores": {"oof": {"clean": clean}, "folds": fold_rows},
        "classes": [
            {**row, "train": int(n)}
            for row, n in zip(per_class(matrix, tuple(classes)), train, strict=True)
        ],
        "confusion": matrix.tolist(),
        "rows": {"train": len(truth), "validated": len(truth), "units": len(truth), "test": test},
        "submission": submission,
        "set_aside": [{"id": "torn.png", "reason": "is no image that can be read"}],
        "trackers_dropped": [],
        "warnings": [f'fold 0: class "{classes[0]}" has no validation image'],
        "seconds": {"plan": 0.8, "decode": 2.0, "train": 7386.0, "join": 0.2, "folds": 7385.9},
        "images_per_second": 12.3,
    }
    write_json(folder.mistakes, _mistakes(truth, p, classes, thumbnails))
    write_json(
        folder.plan, {"hash": report["plan"], "recipe": RECIPE, "origins": origins or ORIGINS}
    )
    write_json(folder.manifest, MANIFEST)
    write_json(folder.report, report)
    return folder


def _probabilities(rng: Any, truth: Any, classes: int, skill: float) -> Any:
    """Softmax of noise, with the true class raised by `skill`."""
    logits = rng.normal(0, 1, (len(truth), classes))
    logits[np.arange(len(truth)), truth] += skill
    p = np.exp(1.5 * logits)
    return (p / p.sum(1, keepdims=True)).astype(np.float32)


def _history(rng: Any, epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    rising = 0.85 * (1 - np.exp(-epoch / 3)) + rng.normal(0, 0.015, epochs)
    falling = 2.4 * np.exp(-epoch / 3) + 0.3 + rng.normal(0, 0.03, epochs)
    return pd.DataFrame({"epoch": epoch, "train_loss": falling, "clean_f1": rising})


def _mistakes(truth: Any, p: Any, classes: Sequence[str], thumbnails: Sequence[str]) -> Any:
    wrong = np.flatnonzero(p.argmax(1) != truth)
    surest = wrong[np.argsort(-p[wrong].max(1), kind="stable")][:24]
    shown = [
        {
            "id": f"page{row:05d}.jpg",
            "fold": int(row % 3),
            "truth": classes[truth[row]],
            "predicted": classes[p[row].argmax()],
            "probability": round(float(p[row].max()), 4),
            "probability_of_truth": round(float(p[row, truth[row]]), 4),
            "top": [[classes[k], round(float(p[row, k]), 4)] for k in np.argsort(-p[row])[:3]],
            "thumbnail": thumbnails[n % len(thumbnails)] if thumbnails else drawn_thumbnail(n),
        }
        for n, row in enumerate(surest)
    ]
    confident = int((p[wrong].max(1) >= 0.9).sum())
    return {"rows": len(truth), "mistakes": len(wrong), "confident": confident, "shown": shown}


def drawn_thumbnail(number: int) -> str:
    """A grey page as a data URI; the shape differs from number to number."""
    file = io.BytesIO()
    page = Image.new("RGB", (90 + 7 * (number % 9), 120), (200, 200, 205))
    page.save(file, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


RECIPE: dict[str, Any] = {
    "name": "drawn",
    "seed": 42,
    "data": {"use": "csv", "root": "data/documents", "suffix": ""},
    "split": {"folds": 3},
    "image": {"size": 380, "fit": "letterbox"},
    "augment": {
        "train": {"use": "document", "rotate": 180.0},
        "tta": {"views": ["identity", "rot180"]},
    },
    "validate": {"monitor": "clean_f1"},
    "backbone": {"use": "efficientnet_b4", "pretrained": True},
    "loss": {"use": "focal", "gamma": 2.0, "alpha": 0.5},
    "optimizer": {"use": "adam", "lr": 0.001},
    "schedule": {"use": "cosine"},
    "train": {"epochs": 8, "batch_size": 20},
    "tune": {"trials": 20, "space": {"optimizer.lr": {"low": 1e-05, "high": 0.003, "log": True}}},
}
ORIGINS = {
    "name": "b4.toml:1",
    "data.root": "b4.toml:5",
    "image.size": "base.toml:12",
    "loss.gamma": "--set loss.gamma=2.0",
    "loss.alpha": "default",
    "tune.space.optimizer.lr": "toolkit:base:31",
}
MANIFEST = {
    "created": "2026-07-08T09:05:00+00:00",
    "plan": "1f3a9c20" * 4,
    "data": "0badcafe" * 4,
    "components": [
        {"kind": "loss", "name": "focal", "package": "recipe-toolkit", "version": "0.1.0"}
    ],
    "python": "3.11.9",
    "packages": PACKAGES,
    "git": "4c6543e0a1b2c3d4e5f60718293a4b5c6d7e8f90+changes",
    "platform": "Linux-6.8-x86_64",
    "processor": "AMD EPYC 7763",
    "cores": 8,
    "threads": 8,
    "device": "NVIDIA H100 80GB HBM3",
}
