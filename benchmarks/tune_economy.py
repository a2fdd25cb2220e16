"""Does `toolkit tune` save compute? Replays its sampler and pruning over recorded scores.

    python benchmarks/tune_economy.py             replay the table, print the ratio
    python benchmarks/tune_economy.py --record    train every configuration and write the table

The table, `tune_economy.csv`, holds real scores and CPU seconds of every epoch of 60 random
configurations of the default space (learning rate and alpha), three folds each. Its recipe is
`quickstart`, made smaller (`OVERRIDES`): a drawn competition, so anyone can record it again.

The question: 24 random trials, each trained in full, reach a best score. How many seconds does
the search need to complete a trial with that score? It starts with the recipe as it is, asks the
sampler, takes the nearest recorded configuration that it has not tried, and pays for the epochs
that the pruner lets it train. The answer is a ratio of seconds, the median over 20 seeds.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from toolkit.tune.objective import curve_of, epoch_step, fold_step
from toolkit.tune.sampler import make_sampler
from toolkit.tune.stopping import Pruner

TABLE = Path(__file__).with_suffix(".csv")
RECIPE = "toolkit:quickstart"
OVERRIDES = {"data.scale": 0.2, "image.size": 64, "train.epochs": 4, "train.batch_size": 8}
CONFIGURATIONS, FOLDS, EPOCHS = 60, 3, 4
LR = (1e-5, 3e-3)
ALPHA = (0.0, 1.0)
INCUMBENT = (2e-3, 0.5)  # the recipe as it is
RANDOM_TRIALS, SEEDS = 24, 20
ALLOWED = 0.4
HEAD = ("configuration", "lr", "alpha", "fold", "epoch", "clean_f1", "seconds", "fold_f1", "oof_f1")


@dataclass(frozen=True)
class Configuration:
    """What was recorded of one: scores and seconds of each fold and epoch."""

    lr: float
    alpha: float
    epochs: tuple[tuple[float, ...], ...]
    seconds: tuple[tuple[float, ...], ...]
    folds: tuple[float, ...]
    oof: float

    @property
    def cost(self) -> float:
        """CPU seconds of all its folds."""
        return sum(map(sum, self.seconds))

    def distance(self, lr: float, alpha: float) -> float:
        """In the unit square of the space."""
        across = (math.log(self.lr) - math.log(lr)) / (math.log(LR[1]) - math.log(LR[0]))
        return math.hypot(across, self.alpha - alpha)


def read_table(file: Path) -> list[Configuration]:
    rows: dict[str, list[Mapping[str, str]]] = {}
    with file.open(encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            rows.setdefault(row["configuration"], []).append(row)
    found = []
    for own in rows.values():
        by_fold = [[r for r in own if r["fold"] == str(fold)] for fold in range(FOLDS)]
        found.append(
            Configuration(
                float(own[0]["lr"]),
                float(own[0]["alpha"]),
                tuple(tuple(float(r["clean_f1"]) for r in fold) for fold in by_fold),
                tuple(tuple(float(r["seconds"]) for r in fold) for fold in by_fold),
                tuple(float(fold[-1]["fold_f1"]) for fold in by_fold),
                float(own[0]["oof_f1"]),
            )
        )
    return found


def random_search(table: list[Configuration], seed: int) -> tuple[float, float]:
    """The best score of random full trials, and their seconds."""
    chosen = np.random.default_rng(seed).choice(len(table), RANDOM_TRIALS, replace=False)
    return max(table[i].oof for i in chosen), sum(table[i].cost for i in chosen)


def our_search(
    table: list[Configuration], target: float, seed: int, *, sampler: str, pruner: Pruner
) -> float:
    """Seconds until a completed trial reaches the target."""
    study = optuna.create_study(
        direction="maximize", sampler=make_sampler(sampler, seed, conditional=False)
    )
    left = list(table)
    asked, spent = INCUMBENT, 0.0
    while left:
        tried = min(left, key=lambda c: c.distance(*asked))
        left.remove(tried)
        state, kept, seconds = _trial(tried, study, pruner, incumbent=asked == INCUMBENT)
        spent += seconds
        if state == TrialState.COMPLETE and tried.oof >= target:
            return spent
        study.add_trial(
            optuna.create_trial(
                state=state,
                value=tried.oof if state == TrialState.COMPLETE else None,
                params={"lr": tried.lr, "alpha": tried.alpha},
                distributions=DISTRIBUTIONS,
                intermediate_values=kept,
            )
        )
        trial = study.ask(DISTRIBUTIONS)
        asked = (trial.params["lr"], trial.params["alpha"])
        study.tell(trial, state=TrialState.FAIL)  # a question only: the sampler ignores it
    return spent


DISTRIBUTIONS: dict[str, optuna.distributions.BaseDistribution] = {
    "lr": optuna.distributions.FloatDistribution(*LR, log=True),
    "alpha": optuna.distributions.FloatDistribution(*ALPHA),
}


def _trial(
    tried: Configuration, study: optuna.Study, pruner: Pruner, *, incumbent: bool
) -> tuple[TrialState, dict[int, float], float]:
    """Train one configuration as far as the pruner lets it."""
    others = [
        curve_of(t.intermediate_values)
        for t in study.get_trials(deepcopy=False)
        if t.state != TrialState.FAIL
    ]
    kept: dict[int, float] = {}
    spent = 0.0
    for fold in range(FOLDS):
        for epoch in range(EPOCHS):
            spent += tried.seconds[fold][epoch]
            kept[epoch_step(fold, epoch + 1)] = tried.epochs[fold][epoch]
            if fold == 0 and not incumbent and pruner.reason(curve_of(kept), others):
                return TrialState.PRUNED, kept, spent
        kept[fold_step(fold)] = tried.folds[fold]
        if not incumbent and pruner.reason(curve_of(kept), others):
            return TrialState.PRUNED, kept, spent
    return TrialState.COMPLETE, kept, spent


def replay(table: list[Configuration], *, sampler: str, pruner: Pruner) -> list[float]:
    """The ratio of seconds for each seed."""
    ratios = []
    for seed in range(SEEDS):
        target, seconds = random_search(table, seed)
        spent = our_search(table, target, seed, sampler=sampler, pruner=pruner)
        ratios.append(spent / seconds)
    return ratios


def default_pruner(prune: str = "percentile") -> Pruner:
    """With the defaults of a recipe's `[tune]`."""
    from toolkit.recipe.sections import Tune

    tune = Tune()
    rule: Any = prune
    return Pruner(rule, tune.percentile, tune.startup, FOLDS, EPOCHS)


def record(file: Path) -> None:
    """Train every configuration that the table lacks, on one thread, and append its rows."""
    import torch

    from toolkit.contracts import ignore
    from toolkit.plugin.host import load_host
    from toolkit.runs.folder import RunFolder
    from toolkit.tune.asked import Question
    from toolkit.tune.bench import Bench
    from toolkit.tune.objective import objective_of

    torch.set_num_threads(1)
    host = load_host()
    question = Question(RECIPE, OVERRIDES)
    bench = Bench(question, host, ignore)
    bench.prepare(question.plan(host))
    if not file.is_file():
        file.write_text(",".join(HEAD) + "\n", encoding="utf-8")
    with file.open(encoding="utf-8") as opened:
        there = {row["configuration"] for row in csv.DictReader(opened)}
    rng = np.random.default_rng(0)
    for number in range(CONFIGURATIONS):
        lr = float(f"{math.exp(rng.uniform(*np.log(LR))):.4g}")
        alpha = float(f"{rng.uniform(*ALPHA):.4g}")
        if str(number) in there:
            continue
        plan = question.plan(host, {"optimizer.lr": lr, "loss.alpha": alpha})
        with tempfile.TemporaryDirectory(prefix="toolkit-economy-") as scratch:
            job = bench.job(plan, RunFolder(Path(scratch)))
            watch = _Stopwatch()
            bench.train(job, range(FOLDS), watch)
            oof = bench.score(job, range(FOLDS), objective_of(plan, bench.facts(plan)))
        with file.open("a", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            for fold, epoch, f1, seconds in watch.rows:
                scores = (round(watch.folds[fold], 6), round(oof, 6))
                row = (number, lr, alpha, fold, epoch, round(f1, 6), round(seconds, 3))
                writer.writerow((*row, *scores))
        spent = sum(row[3] for row in watch.rows)
        print(f"{number}: lr {lr}, alpha {alpha}: {oof:.4f}, {spent:.0f} s", flush=True)


class _Stopwatch:
    """CPU seconds of each epoch; what a fold needs before and behind its epochs is theirs too."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.folds: dict[int, float] = {}
        self.since = time.process_time()

    def lap(self) -> float:
        now = time.process_time()
        seconds, self.since = now - self.since, now
        return seconds

    def epoch(self, fold: int, metrics: Mapping[str, float], /) -> bool:
        self.rows.append([fold, int(metrics["epoch"]), metrics["clean_f1"], self.lap()])
        return True

    def fold(self, fold: int, scores: Mapping[str, float], /) -> bool:
        self.rows[-1][3] += self.lap()
        self.folds[fold] = scores["macro_f1"]
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--record", action="store_true", help="train, and write the table")
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.table)
        return 0
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = read_table(arguments.table)
    scores = [c.oof for c in table]
    print(f"{len(table)} configurations, {sum(c.cost for c in table):.0f} CPU seconds in full")
    print(f"oof macro-F1 {min(scores):.4f} - {max(scores):.4f}, median {np.median(scores):.4f}")
    print(f"seconds to the best score of {RANDOM_TRIALS} random full trials, as a share of theirs")
    print("search                         median  quartiles    worst")
    ours = float("nan")
    for title, sampler, prune in (
        ("toolkit tune (tpe, pruning)", "tpe", "percentile"),
        ("gp, pruning", "gp", "percentile"),
        ("random, pruning", "random", "percentile"),
        ("tpe, no pruning", "tpe", "none"),
        ("random, no pruning", "random", "none"),
    ):
        ratios = replay(table, sampler=sampler, pruner=default_pruner(prune))
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{title:29}  {middle:.3f}   {low:.3f}-{high:.3f}  {max(ratios):.3f}")
        ours = middle if title.startswith("toolkit") else ours
    print(f"{'reached' if ours <= ALLOWED else 'NOT reached'}: at most {ALLOWED} was asked")
    return 0 if ours <= ALLOWED else 1


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    sys.exit(main())
