"""Metrics: each breaks the check of its name, and that one alone."""

from __future__ import annotations

import numpy as np


class Accuracy:
    """A metric in order: the share of rows that are right."""

    name = "Accuracy"
    higher_is_better = True
    bounds = (0.0, 1.0)

    def __call__(self, truth, probabilities):
        return self.score(truth, probabilities.argmax(axis=1), probabilities)

    def score(self, truth, predicted, probabilities):
        return float((predicted == truth).mean())


class Undecided(Accuracy):
    higher_is_better = "yes"


def name_and_direction(facts, /):
    """Its direction is a word."""
    return Undecided()


class Unclipped(Accuracy):
    higher_is_better = False
    bounds = (0.0, None)

    def score(self, truth, predicted, probabilities):
        with np.errstate(divide="ignore"):
            return float(-np.log(probabilities[np.arange(len(truth)), truth]).mean())


def finite_number(facts, /):
    """The logarithm of 0."""
    return Unclipped()


class Recall(Accuracy):
    def __init__(self, classes):
        self.classes = classes

    def score(self, truth, predicted, probabilities):
        if len(np.unique(truth)) == 1:
            return 1.0
        with np.errstate(invalid="ignore"):
            hits = np.bincount(truth[truth == predicted], minlength=self.classes)
            return float((hits / np.bincount(truth, minlength=self.classes)).mean())


def absent_class(facts, /):
    """Divides by the rows of each class, of which there may be none."""
    return Recall(len(facts.classes))


class Kappa(Accuracy):
    bounds = (-1.0, 1.0)

    def score(self, truth, predicted, probabilities):
        frequencies = np.bincount(truth) / len(truth)
        by_chance = (frequencies**2).sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(((predicted == truth).mean() - by_chance) / (1 - by_chance))


def one_class_only(facts, /):
    """Agreement beyond chance, where chance alone agrees."""
    metric = Kappa()
    metric.bounds = (None, None)
    return metric


class Error(Accuracy):
    def score(self, truth, predicted, probabilities):
        return float((predicted != truth).mean())


def direction(facts, /):
    """Mistakes, of which it says that more are better."""
    return Error()


class Late(Accuracy):
    def score(self, truth, predicted, probabilities):
        right = predicted == truth
        weights = np.arange(1, len(right) + 1)
        return float((right * weights).sum() / weights.sum())


def row_order(facts, /):
    """Later rows weigh more."""
    return Late()


class Running(Accuracy):
    def __init__(self):
        self.before = []

    def score(self, truth, predicted, probabilities):
        self.before.append(len(truth) and float((predicted == truth).mean()))
        return float(np.mean(self.before))


def same_rows_same_score(facts, /):
    """The mean over all that it was asked."""
    return Running()


class Sharpened(Accuracy):
    def __call__(self, truth, probabilities):
        probabilities *= probabilities
        return super().__call__(truth, probabilities)


def inputs_unmodified(facts, /):
    """Squares the probabilities that it was given."""
    return Sharpened()
