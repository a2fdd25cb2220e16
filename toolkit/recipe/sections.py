"""The fixed sections of a recipe. Component sections get their options from signatures instead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from toolkit.contracts import MAX_PIXELS, Fit, Interpolation, SearchRange
from toolkit.plugin.schema import STRICT
from toolkit.recipe.names import PATTERN

View = Literal[
    "identity", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "antitranspose"
]


class Section(BaseModel):
    """Base of the fixed sections: unknown keys, wrong types and infinities are errors."""

    model_config = STRICT


class Top(Section):
    """The keys above the first section."""

    name: Annotated[
        str,
        Field(
            pattern=PATTERN,
            description="names the run folder; by default the file's name",
        ),
    ]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="weights, order, augmentation")] = 42


class Split(Section):
    folds: Annotated[int, Field(ge=2, description="folds of the cross-validation")] = 5
    seed: Annotated[
        int,
        Field(
            ge=0,
            lt=2**32,
            description="cuts the folds; apart from `seed`, so that runs of other weights share "
            "them",
        ),
    ] = 42
    conflicts: Annotated[
        Literal["warn", "error"],
        Field(description="what a file with two IDs and two labels does: a warning, or no run"),
    ] = "warn"
    rare: Annotated[
        Literal["error", "drop", "keep"],
        Field(
            description="classes with fewer images than folds (with given: without a training "
            "image): no run, left out, or trained and validated where they can be"
        ),
    ] = "error"
    given: Annotated[
        str,
        Field(
            description="a split of the data that validates, in one fold, instead of folds: "
            '"valid", in any wording; "": it is joined to training'
        ),
    ] = ""
    group: Annotated[
        Literal["none", "auto"], Field(description="auto: near-duplicates stay in one fold, too")
    ] = "none"
    leaks: Annotated[
        Literal["error", "drop"],
        Field(
            description="training images that share a parent, a group or a file's content with "
            "the given split: no run, or left out"
        ),
    ] = "error"


def _rising(ends: list[float]) -> list[float]:
    if ends[0] >= ends[1]:
        raise ValueError("the first value becomes black and is the smaller one")
    return ends


class ImageSection(Section):
    size: Annotated[int, Field(ge=16, description="side of the model's input, pixels")] = 224
    fit: Annotated[Fit, Field(description="how any shape becomes a square")] = "letterbox"
    fill: Annotated[int, Field(ge=0, le=255, description="grey level of the padding")] = 0
    interpolation: Annotated[
        Interpolation, Field(description="filter from the file to the working size")
    ] = "area"
    max_pixels: Annotated[
        int,
        Field(
            ge=1,
            description="a larger image is refused; a JPEG or JPEG 2000 is read at a half, a "
            "quarter or an eighth of its size where that is enough",
        ),
    ] = MAX_PIXELS
    depth: Annotated[
        Literal["auto", "full"]
        | Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_rising)],
        Field(
            description="which values of files of more than 8 bits a sample, or of floats, become "
            "black and white: full, 0 to 65535, of floats 0 to 1; [low, high]; auto, what the "
            "training files hold"
        ),
    ] = "auto"


class TTA(Section):
    views: Annotated[
        list[View],
        Field(min_length=1, description="averaged views of a predicted image; has identity"),
    ] = ["identity"]


class Validate(Section):
    monitor: Annotated[
        str,
        Field(
            description="decides epoch, early stopping, plateau and search, in its direction: "
            "`clean_` or `robust_` and a metric (`f1`: macro-F1), or `blend`, the mean of both F1"
        ),
    ] = "clean_f1"
    report: Annotated[
        list[str], Field(description="further metrics, which are shown and decide nothing")
    ] = []
    seed: Annotated[
        int,
        Field(
            ge=0,
            lt=2**32,
            description="draws what is frozen for validation: twins, resamples of the intervals; "
            "apart from `seed`, so that runs of other weights are scored alike",
        ),
    ] = 42


class Optimizer(Section):
    use: Annotated[str, Field(description="any optimizer that timm's factory knows")] = "adamw"
    lr: Annotated[
        float,
        SearchRange(times=(0.1, 5.0), by_default=True),
        Field(gt=0, description="peak learning rate"),
    ] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, description="not applied to biases and norms")] = (
        0.01
    )
    momentum: Annotated[float, Field(ge=0, lt=1, description="of sgd and its kin")] = 0.9
    fused: Annotated[bool, Field(description="fused kernels where the optimizer has them")] = True


class Cosine(Section):
    """Linear warm-up, then a cosine down to `min_scale` of the peak, by step."""

    use: Literal["cosine"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0, description="epochs of linear warm-up")] = 1.0
    min_scale: Annotated[
        float, Field(ge=0, le=1, description="last learning rate, as a share of optimizer.lr")
    ] = 0.01


class Plateau(Section):
    """Multiply the rate by `factor` when the monitor got no better for `patience` epochs."""

    use: Literal["plateau"] = "plateau"
    warmup_epochs: Annotated[float, Field(ge=0, description="epochs of linear warm-up")] = 1.0
    factor: Annotated[float, Field(gt=0, lt=1, description="what the rate is multiplied by")] = 0.3
    patience: Annotated[int, Field(ge=0, description="epochs without a gain that are borne")] = 2
    min_scale: Annotated[
        float, Field(ge=0, le=1, description="lowest rate, as a share of optimizer.lr")
    ] = 0.001


class Constant(Section):
    """The same rate throughout, after a warm-up."""

    use: Literal["constant"] = "constant"
    warmup_epochs: Annotated[float, Field(ge=0, description="epochs of linear warm-up")] = 0.0


Schedule = Cosine | Plateau | Constant
SCHEDULES: dict[str, type[Schedule]] = {
    "cosine": Cosine,
    "plateau": Plateau,
    "constant": Constant,
}


class Train(Section):
    epochs: Annotated[int, Field(ge=1, description="at most this many")] = 20
    batch_size: Annotated[
        int,
        Field(
            ge=1,
            description="images a step; one more where one alone cannot train",
        ),
    ] = 16
    accumulate: Annotated[
        int,
        Field(ge=1, description="batches of an optimizer step; its loss is the mean of their rows"),
    ] = 1
    early_stop: Annotated[
        int, Field(ge=0, description="stop after this many epochs without a gain; 0 never")
    ] = 0
    select: Annotated[
        Literal["best", "last"],
        Field(
            description="whose weights are kept: best: the epoch's with the best monitor, chosen "
            "on the rows that the out-of-fold score scores; last: the last epoch's"
        ),
    ] = "best"
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="share of the target spread over all classes")
    ] = 0.0
    clip_grad: Annotated[float, Field(ge=0, description="largest gradient norm; 0 no limit")] = 0.0
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        Field(description="auto: bf16 where the hardware has it, else fp32"),
    ] = "auto"
    deterministic: Annotated[
        bool,
        Field(
            description="only kernels that give the same bits each time, an error where there is "
            "none; matters on a GPU, where it is slower (docs/determinism.md)"
        ),
    ] = False
    channels_last: Annotated[bool, Field(description="NHWC memory: faster convolutions")] = True
    workers: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=0)],
        Field(description="loader processes; auto: none on a CPU, up to 8 beside a GPU"),
    ] = "auto"


class SubmissionSection(Section):
    clip: Annotated[
        float,
        Field(ge=0, lt=0.5, description="least probability that is written; rows still sum to 1"),
    ] = 0.0


class Tune(Section):
    """How `toolkit tune` searches; what it searches is `[tune.space]`."""

    sampler: Annotated[
        Literal["tpe", "gp", "cmaes", "qmc", "random"],
        Field(description="Optuna's sampler that chooses the next trial"),
    ] = "tpe"
    objective: Annotated[
        str, Field(description="the out-of-fold score that counts; monitor: that of [validate]")
    ] = "monitor"
    prune: Annotated[
        Literal["auto", "percentile", "wilcoxon", "none"],
        Field(description="auto: percentile below five folds, wilcoxon from five on"),
    ] = "auto"
    percentile: Annotated[
        float,
        Field(ge=0, lt=100, description="a trial goes on above this percentile of the others"),
    ] = 50.0
    startup: Annotated[
        int, Field(ge=1, description="trials at one point before others are stopped there")
    ] = 3
    patience: Annotated[
        int,
        Field(ge=0, description="trials without a gain beyond the noise that end it; 0 never"),
    ] = 20
    rescore: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=0)],
        Field(description="best trials scored again on fresh folds; auto: 1, or 3 with a proxy"),
    ] = "auto"


class Proxy(Section):
    """Cheaper trials; the best of them are scored again as the recipe says."""

    size: Annotated[
        Annotated[int, Field(ge=16)] | None, Field(description="image.size of a trial")
    ] = None
    epochs: Annotated[
        Annotated[int, Field(ge=1)] | None, Field(description="train.epochs of a trial")
    ] = None
    folds: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(description="folds that a trial trains, of those that the recipe cuts"),
    ] = None

    @property
    def values(self) -> dict[str, int]:
        """What is laid over every trial to make it cheaper, by the recipe's keys."""
        given = {"image.size": self.size, "train.epochs": self.epochs}
        return {key: value for key, value in given.items() if value is not None}

    def __bool__(self) -> bool:
        """Whether trials are cheaper than the recipe."""
        return any(value is not None for value in (self.size, self.epochs, self.folds))
