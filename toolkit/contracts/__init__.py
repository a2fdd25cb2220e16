"""Facts and protocols that every part shares. Importing this module imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from toolkit.contracts.arrays import Floats as Floats
from toolkit.contracts.arrays import Image as Image
from toolkit.contracts.arrays import Ints as Ints
from toolkit.contracts.arrays import Texts as Texts
from toolkit.contracts.tables import TEST_COLUMNS as TEST_COLUMNS
from toolkit.contracts.tables import TRAIN_COLUMNS as TRAIN_COLUMNS
from toolkit.contracts.tables import Predictions as Predictions
from toolkit.contracts.tables import Submission as Submission
from toolkit.contracts.tables import SubmissionColumn as SubmissionColumn
from toolkit.contracts.tables import Table as Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Fit = Literal["letterbox", "stretch", "crop"]
Interpolation = Literal["area", "linear", "cubic"]
Range = tuple[float, float]

# The cache keeps images a little larger than the model sees them, so that a rotation or a zoom
# still finds detail: one resampling from 1.15 x size costs what one from 1.0 x size does.
WORKING_MARGIN = 1.15


@dataclass(frozen=True)
class Levels:
    """The values of files of more than 8 bits, or of floats, that become black and white."""

    integers: Range = (0.0, 65535.0)
    """Of files of 16 or 32 bits."""
    floats: Range = (0.0, 1.0)


Depth = Literal["auto", "full"] | Range | Levels

MAX_PIXELS = 178_956_970
"""Larger images are refused: the bound that Pillow has by default, half a gigabyte of RGB."""


@dataclass(frozen=True)
class ImageSpec:
    """How an image of any shape becomes the model's square."""

    size: int
    """Side of the model's input, pixels."""
    fit: Fit = "letterbox"
    """letterbox: whole image, padded; stretch: whole image, distorted; crop: central square."""
    fill: int = 0
    """Grey level (0-255) of the padding."""
    interpolation: Interpolation = "area"
    """Resampling filter from the file to the working size."""
    max_pixels: int = MAX_PIXELS
    """Larger images are refused, or read at a smaller scale where their format allows it."""
    depth: Depth = "full"
    """Which values of deep files are black and white; `Levels` where this was resolved."""

    @property
    def working_size(self) -> int:
        """Side of the decoded image in the cache, pixels; augmentations receive this size."""
        return round(self.size * WORKING_MARGIN)


@dataclass(frozen=True)
class InputSpec:
    """What a backbone expects of its input: channel mean and std on the 0-1 scale, native size."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Of each channel, RGB."""
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Of each channel, RGB."""
    size: int | None = None
    """The side that it was made for, pixels; None for any."""


@dataclass(frozen=True)
class Preprocess:
    """The one preprocessing spec: resolved once, stored beside the weights, used everywhere."""

    image: ImageSpec
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self.image), "mean": list(self.mean), "std": list(self.std)}


@dataclass(frozen=True)
class Facts:
    """What the host knows when it builds a component."""

    classes: tuple[str, ...]
    """Class names; index = label."""
    counts: tuple[int, ...]
    """Training rows of each class (of the fold, inside a fold)."""
    image: ImageSpec
    seed: int
    trained: bool = False
    """Whether a run's weights follow: a backbone then fetches none, whatever its options say."""


def as_list(value: Any, facts: Facts, /) -> Sequence[float] | None:
    """A list as it is; nothing where the value is none."""
    return value if isinstance(value, list) else None


@dataclass(frozen=True)
class PerClass:
    """Says of a factory's option, in its `Annotated[...]`, that it has a place for each class:
    `toolkit tune` then searches single classes, `"loss.alpha[3]"`.

    >>> alpha: Annotated[float | list[float], PerClass(class_weights), Field(ge=0)] = 0.5
    """

    weights: Callable[[Any, Facts], Sequence[float] | None] = as_list
    """The list, a number a class, that a value of the option stands for; None where it stands for
    no list, which is 1 for each class. Needed where the option takes more than lists."""
    words: Mapping[str, float] = field(default_factory=dict)
    """The number that a word of the option is the same as: `{"none": 0.0}`."""


@dataclass(frozen=True)
class SearchRange:
    """The range of a factory's option that `"section.option" = {}` in `[tune.space]` takes; it
    stands in the option's `Annotated[...]`.

    >>> temperature: Annotated[float, SearchRange(0.5, 8.0, log=True), Field(gt=0)] = 1.0
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()
    """Instead of low and high."""
    by_default: bool = False
    """Searched, too, where a recipe names no space at all."""
    times: tuple[float, float] | None = None
    """Instead of low and high: factors of the recipe's value, as far as the option allows."""


@dataclass(frozen=True)
class RunInfo:
    """What a tracker is told of the run, or of the study of runs, that it observes."""

    name: str
    """The recipe's name; of a study, its folder's."""
    folder: str
    """Its folder, which exists; a tracker may write there."""
    plan: str
    """The plan's hash."""
    recipe: Mapping[str, Any]
    """The resolved recipe, nested."""


@dataclass(frozen=True)
class TrialInfo:
    """What a tracker is told of one trial of `toolkit tune`."""

    number: int
    """Counts from 0, in the order of the starts."""
    state: Literal["complete", "pruned", "failed"]
    params: Mapping[str, Any]
    """What was tried, by the recipe's dotted keys: `{"optimizer.lr": 3e-4}`."""
    value: float | None
    """The trial's score, by the study's monitor; None where it has none."""
    intermediate: Mapping[int, float] = field(default_factory=dict)
    """The scores on the way there, by step, which pruning looked at."""
    plan: str = ""
    """The hash of what was trained; empty where it came to no plan."""
    folder: str = ""
    """Where its predictions and histories are; empty where it came to no plan."""
    reason: str = ""
    """Why it was stopped early, or failed."""


@dataclass(frozen=True)
class Event:
    """One step of progress, told to the caller's `notify`; never a way to change a number."""

    stage: str
    """stage, prepare, decode, drawn, train, epoch, predict, or message."""
    text: str = ""
    """What a person reads."""
    done: int = 0
    """Of `total`."""
    total: int = 0
    """0 where nobody knows."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Fold, epoch, and figures, by name."""


Notify = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A `notify` that nobody listens to."""


class Source(Protocol):
    """Provides images and labels."""

    def read(self) -> Table:
        """The table; called once at every start, behind `prepare`."""


@runtime_checkable
class Prepares(Protocol):
    """A source that makes or fetches what `read` needs; called before it, at every start."""

    def prepare(self, notify: Notify, /) -> None:
        """Skip what is there already. Progress is `Event("prepare", text, done, total)`."""


@runtime_checkable
class KnowsTestLabels(Protocol):
    """A source that knows the truth of its test rows. Only `toolkit score` asks for it."""

    def test_labels(self) -> pd.DataFrame:
        """`id, label` of the test rows; `label` indexes the table's classes."""


@runtime_checkable
class LayerGroups(Protocol):
    """A backbone that names its layers. timm's models say the same with `group_matcher`."""

    def layer_groups(self) -> list[list[str]]:
        """Names of parameters, group by group from the input to the head; each of them once."""


class Augmentation(Protocol):
    """Changes one image: `(H, W, 3)` uint8 in, `(h, w, 3)` uint8 out, input left as it was."""

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image: ...


class RowOrder(Protocol):
    """A sampler's answer that decides the rows of an epoch itself."""

    def __call__(self, rng: np.random.Generator, /) -> Ints: ...


class Ensembler(Protocol):
    """Joins members into one prediction. `needs_fit`: `fit` wants out-of-fold truth first.

    One member alone comes out as it went in; where it does not, the class says
    `identity = False`, and the conformance kit does not ask for it.
    """

    needs_fit: bool

    def fit(self, oof: Sequence[Predictions], truth: Ints, /) -> Ensembler:
        """An ensembler that learned from out-of-fold rows; `truth` `(n,)` in their order."""

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        """One prediction: IDs, order and classes of the members, rows that sum to 1."""
