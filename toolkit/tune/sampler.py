"""Optuna's samplers, seeded by the trial: any process, at any restart, draws the same for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from toolkit.errors import UserError

RANDOM_TRIALS = 4
"""Trials before the model-based samplers take over."""


def make_sampler(name: str, seed: int, *, conditional: bool) -> BaseSampler:
    """The sampler of a recipe's `tune.sampler`. What one cannot model (choices and conditional
    entries for "cmaes", "qmc" and "gp") it draws at random.

    Args:
        conditional: whether some entries of the space count in some trials only.

    Raises `UserError` where a package is missing.
    """
    if name == "cmaes" and find_spec("cmaes") is None:
        raise UserError(
            "tune.sampler: \"cmaes\" needs a package: pip install 'recipe-toolkit[cmaes]'"
        )
    if name == "qmc":  # its points are those of one sequence, so its seed is the study's
        qmc: BaseSampler = _quiet(
            lambda: QMCSampler(scramble=True, seed=seed, warn_independent_sampling=False)
        )
        return qmc
    make: dict[str, Callable[[int], BaseSampler]] = {
        "tpe": lambda s: TPESampler(
            seed=s,
            n_startup_trials=RANDOM_TRIALS,
            multivariate=True,
            group=conditional,
            constant_liar=True,
        ),
        "gp": lambda s: GPSampler(
            seed=s,
            n_startup_trials=RANDOM_TRIALS,
            deterministic_objective=False,
            warn_independent_sampling=False,
        ),
        "cmaes": lambda s: CmaEsSampler(
            seed=s, n_startup_trials=RANDOM_TRIALS, warn_independent_sampling=False
        ),
        "random": lambda s: RandomSampler(seed=s),
    }
    return SeededByTrial(seed, make[name])


class SeededByTrial(BaseSampler):
    """A fresh sampler for each trial, from the study's seed and the trial's number.

    A sampler that is seeded once would repeat its first draws after every restart, and two workers
    would draw the same.
    """

    def __init__(self, seed: int, make: Callable[[int], BaseSampler]) -> None:
        self.seed, self.make = seed, make
        self.number = -1
        self.inner: BaseSampler = _quiet(lambda: make(seed))

    def of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number != self.number:
            self.number = trial.number
            entropy = np.random.SeedSequence((self.seed, trial.number))
            seed = int(entropy.generate_state(1, np.uint32)[0])
            self.inner = _quiet(lambda: self.make(seed))
        return self.inner

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self.of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        drawn: dict[str, Any] = _quiet(
            lambda: self.of(trial).sample_relative(study, trial, search_space)
        )
        return drawn

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        inner = self.of(trial)
        return inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self.of(trial).after_trial(study, trial, state, values)


def _quiet(call: Callable[[], Any]) -> Any:
    """Without Optuna's warnings that a feature may change: we pin what we use by our tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return call()
