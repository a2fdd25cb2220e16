"""How far colour and layout alone go: `python benchmarks/linear.py FOLDER`.

Out-of-fold macro-F1 of a logistic regression on 16 x 16 thumbnails of the clean training images,
five folds. FOLDER is a finished drawing (the folder with drawing.json in it). The classes should
not be separable so cheaply: the aim is at most 0.60 at full scale.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIDE = 16


def thumbnails(folder: Path, ids: list[str]) -> np.ndarray:
    """(n, SIDE * SIDE * 3), 0..1."""
    pixels = [
        np.asarray(Image.open(folder / name).resize((SIDE, SIDE), Image.Resampling.BOX))
        for name in ids
    ]
    return np.stack(pixels).reshape(len(ids), -1) / 255


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how separable thumbnails are.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows = pd.read_csv(folder / "train.csv")
    names = list(pd.read_csv(folder / "meta.csv")["class_name"])
    features = thumbnails(folder / "train", list(rows["ID"]))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    guessed = cross_val_predict(model, features, rows["target"], cv=folds)
    print(classification_report(rows["target"], guessed, target_names=names, zero_division=0))
    print(f"macro-F1 {f1_score(rows['target'], guessed, average='macro'):.3f}, {len(rows)} images")


if __name__ == "__main__":
    main()
