"""Whether test images are like training images: a classifier is asked to tell them apart.

A classifier two-sample test (Lopez-Paz and Oquab 2017): cross-validated over units, so that pages
of one document are on one side; an AUC of .5 says that the features cannot tell. It speaks of the
features alone, not of what is on the pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.check.measure import MEASURES, column, filled
from toolkit.contracts import Floats, Ints
from toolkit.data.features import NAMES

FEWEST = 20
"""Units on a side; of fewer, nothing is said."""
MOST = 4_000
"""Rows on a side that are compared, spread over all."""

_FOLDS = 5
_RESAMPLES = 200
_NOTABLE = 0.2  # effect; smaller ones are listed, not said in words
_SURE = 4.0  # standard errors

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """One feature of training and test images."""

    name: str
    effect: float
    """Of two images, one of each: how much more often the test image has more of it, -1 to 1."""
    spread: float
    """The same of the distance from the middle of the training images."""
    train: float
    """Median."""
    test: float
    sure: bool
    """Whether either is beyond the noise of so many units."""

    @property
    def strength(self) -> float:
        return max(abs(self.effect), self.spread)

    @property
    def words(self) -> str:
        """What test images are: `darker`."""
        measure = MEASURES[self.name]
        if self.spread > 2 * abs(self.effect):
            return measure.varied
        return measure.more if self.effect > 0 else measure.less


@dataclass(frozen=True)
class Shift:
    """How training and test images differ."""

    auc: float
    low: float
    high: float
    """The middle 95% of the AUC over resampled units."""
    told: tuple[Told, ...]
    """Every feature, the most telling first."""
    rows: tuple[int, int]

    @property
    def apart(self) -> bool:
        """Whether the test tells them apart beyond chance."""
        return self.low > 0.5 and self.auc > 0.55

    @property
    def suffers(self) -> tuple[Told, ...]:
        """The features that tell, in order."""
        return tuple(t for t in self.told if t.sure and t.strength >= _NOTABLE)

    def sentence(self) -> str:
        """What was found, in one line."""
        figures = f"AUC {self.auc:.2f}, 95% interval {self.low:.2f} to {self.high:.2f}"
        if not self.apart:
            return f"test images cannot be told from training images by cheap features ({figures})"
        often = next(text for above, text in _OFTEN if self.auc >= above)
        ways = list(dict.fromkeys(told.words for told in self.suffers))
        are = f": test images are {'; '.join(ways)}" if ways else ""
        return f"test images are {often} told from training images ({figures}){are}"


_OFTEN = ((0.95, "nearly always"), (0.8, "mostly"), (0.65, "often"), (0.0, "sometimes"))


def shift_of(
    train: Floats, test: Floats, train_units: Ints, test_units: Ints, seed: int = 0
) -> Shift | None:
    """The shift between the features of training and of test images; None where there are fewer
    units than `FEWEST` on a side.

    Args:
        train, test: `(n, F)`.
        train_units, test_units: of each row; a unit may have rows on both sides.
    """
    few = min(len(np.unique(train_units)), len(np.unique(test_units)))
    if few < FEWEST:
        return None
    (train, train_units), (test, test_units) = (
        (x[_spread(len(x))], u[_spread(len(x))])
        for x, u in ((train, train_units), (test, test_units))
    )
    features = filled(np.concatenate([train, test]))
    truth = np.repeat([0, 1], [len(train), len(test)])
    unit = np.concatenate([train_units, test_units])
    scores = _scores(features, truth, unit, seed)
    low, high = _interval(truth, scores, unit, seed)
    told = [_told(name, train, test, train_units, test_units) for name in NAMES]
    told.sort(key=lambda one: -one.strength)
    return Shift(_auc(truth, scores), low, high, tuple(told), (len(train), len(test)))


def _spread(rows: int) -> Ints:
    return np.unique(np.linspace(0, rows - 1, min(rows, MOST)).round().astype(np.int64))


def _scores(features: Floats, truth: Ints, unit: Ints, seed: int) -> Doubles:
    """How surely each row is a test row, by trees that saw none of its unit."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.zeros(len(truth))
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for known, asked in splitter.split(features, truth, unit):
        trees = ExtraTreesClassifier(
            150, min_samples_leaf=3, class_weight="balanced", random_state=seed
        )
        trees.fit(features[known], truth[known])
        found[asked] = trees.predict_proba(features[asked])[:, 1]
    return found


def _auc(truth: Ints, scores: Doubles, weight: Doubles | None = None) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores, sample_weight=weight))


def _interval(truth: Ints, scores: Doubles, unit: Ints, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    names, place = np.unique(unit, return_inverse=True)
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        weight = drawn[place].astype(np.float64)
        if all(weight[truth == side].sum() > 0 for side in (0, 1)):
            found.append(_auc(truth, scores, weight))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _told(name: str, train: Floats, test: Floats, train_units: Ints, test_units: Ints) -> Told:
    a, b = column(train, name).astype(np.float64), column(test, name).astype(np.float64)
    middle = float(np.median(a))
    effect, spread = dominance(a, b), dominance(np.abs(a - middle), np.abs(b - middle))
    # Of a rank test where nothing differs, rows of a unit counted once.
    n, m = len(np.unique(train_units)), len(np.unique(test_units))
    error = float(np.sqrt((n + m + 1) / (3 * n * m)))
    sure = max(abs(effect), spread) > _SURE * error
    return Told(name, effect, spread, middle, float(np.median(b)), sure)


def dominance(some: Doubles, others: Doubles) -> float:
    """How much more often one of the others is the greater than the smaller of two, -1 to 1
    (Cliff 1993)."""
    below = np.searchsorted(np.sort(some), others, "left")
    not_above = np.searchsorted(np.sort(some), others, "right")
    return float((below + not_above - len(some)).mean() / len(some))


def in_words(told: Sequence[Told]) -> list[str]:
    """What test images are, without what is said twice."""
    return list(dict.fromkeys(one.words for one in told))
