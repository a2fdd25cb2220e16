"""Links between a label and how a picture was taken or stored: one class darker, one class from one
scanner. A model may learn the link in the place of what is on the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.check.measure import MEASURES, column, shown
from toolkit.check.shift import dominance
from toolkit.contracts import Floats, Ints

FEWEST = 5
"""Units of a class; rarer classes are not looked at."""

_FOLDS = 3
_RESAMPLES = 200
_BEYOND = 0.25  # of the way from chance to certainty, where a link is told
_GRAVE = 0.75

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """What one property says of the label."""

    name: str
    score: float
    """Balanced accuracy of the label read from the property alone, cross-validated over units."""
    low: float
    high: float
    chance: float
    label: int
    """The class that it tells best."""
    inside: float
    """Median of that class."""
    outside: float

    @property
    def grave(self) -> bool:
        return (self.low - self.chance) / (1 - self.chance) > _GRAVE

    def sentence(self, classes: Sequence[str]) -> str:
        """The link in words."""
        measure = MEASURES[self.name]
        word = measure.more if self.inside > self.outside else measure.less
        return (
            f'"{classes[self.label]}" is {word} than the rest ({measure.title} '
            f"{shown(self.name, self.inside)} against {shown(self.name, self.outside)}): "
            f"{measure.title} alone tells the classes with a balanced accuracy of {self.score:.2f} "
            f"({self.low:.2f} to {self.high:.2f}; chance {self.chance:.2f})"
        )


def links_of(features: Floats, labels: Ints, units: Ints, seed: int = 0) -> tuple[Link, ...]:
    """The links that are beyond chance, the strongest first.

    Args:
        features: `(n, F)` of training originals.
        units: of each row: a unit is on one side of each split.
    """
    pairs = np.unique(np.stack([labels, units]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    kept = np.isin(labels, names[counts >= FEWEST])
    features, labels, units = features[kept], labels[kept], units[kept]
    if len(np.unique(labels)) < 2:
        return ()
    found = _links(features, labels, units, seed)
    return tuple(sorted(found, key=lambda link: -link.score))


def _links(features: Floats, labels: Ints, units: Ints, seed: int) -> Iterator[Link]:
    classes = np.unique(labels)
    chance = 1 / len(classes)
    for name, measure in MEASURES.items():
        values = column(features, name).astype(np.float64)
        if not measure.capture or np.ptp(values) == 0:
            continue
        right = _right(values, labels, units, seed)
        low, high = _interval(right, labels, units, seed)
        if (low - chance) / (1 - chance) < _BEYOND:
            continue
        apart = [abs(dominance(values[labels != k], values[labels == k])) for k in classes]
        label = int(classes[int(np.argmax(apart))])
        own = labels == label
        yield Link(
            name,
            _balanced(right, labels, np.ones(len(labels))),
            low,
            high,
            chance,
            label,
            float(np.median(values[own])),
            float(np.median(values[~own])),
        )


def _right(values: Doubles, labels: Ints, units: Ints, seed: int) -> npt.NDArray[np.bool_]:
    """Which rows a small tree reads rightly that saw none of their unit."""
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.tree import DecisionTreeClassifier

    found = np.zeros(len(labels), dtype=bool)
    leaves = max(4, 2 * len(np.unique(labels)))
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for known, asked in splitter.split(values, labels, units):
        tree = DecisionTreeClassifier(
            max_leaf_nodes=leaves, min_samples_leaf=3, class_weight="balanced", random_state=seed
        )
        tree.fit(values[known, None], labels[known])
        found[asked] = tree.predict(values[asked, None]) == labels[asked]
    return found


def _balanced(right: npt.NDArray[np.bool_], labels: Ints, weight: Doubles) -> float:
    _, place = np.unique(labels, return_inverse=True)
    total = np.bincount(place, weight)
    hits = np.bincount(place, weight * right)
    return float((hits[total > 0] / total[total > 0]).mean())


def _interval(
    right: npt.NDArray[np.bool_], labels: Ints, units: Ints, seed: int
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    names, place = np.unique(units, return_inverse=True)
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        found.append(_balanced(right, labels, drawn[place].astype(np.float64)))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)
