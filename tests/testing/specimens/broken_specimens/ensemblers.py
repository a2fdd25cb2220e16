"""Ensemblers: each breaks the check of its name, and that one alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np


class Mean:
    """An ensembler in order: the mean of the members."""

    needs_fit = False

    def fit(self, oof, truth):
        return self

    def combine(self, members):
        found = self.join(np.stack([member.probabilities for member in members]))
        return replace(members[0], probabilities=found)

    def join(self, stacked):  # (M, n, C) -> (n, C)
        return stacked.mean(axis=0)


def normalized(scores):
    return scores / scores.sum(axis=-1, keepdims=True)


class Forgetful(Mean):
    def fit(self, oof, truth):
        pass


def interface(facts, /):
    """Its fit gives nothing back."""
    return Forgetful()


class Sorted(Mean):
    def combine(self, members):
        joined = super().combine(members)
        return replace(joined, ids=tuple(sorted(joined.ids, reverse=True)))


def ids_order_and_classes(facts, /):
    """Puts the IDs into an order of its own."""
    return Sorted()


class Product(Mean):
    def join(self, stacked):
        return stacked.prod(axis=0)


def rows_sum_to_one(facts, /):
    """Multiplies, and does not normalize."""
    return Product()


class Sharpened(Mean):
    def join(self, stacked):
        return normalized(stacked.mean(axis=0) ** 2)


def one_member_is_identity(facts, /):
    """Sharpens a single member too, without saying so."""
    return Sharpened()


class Mended(Mean):
    def join(self, stacked):
        return normalized(np.nan_to_num(stacked).mean(axis=0))


def nan_rejected(facts, /):
    """Takes a NaN for a 0."""
    return Mended()


class Favourite(Mean):
    def join(self, stacked):
        weights = 0.5 ** np.arange(len(stacked))
        return np.tensordot(weights / weights.sum(), stacked, axes=1)


def member_order(facts, /):
    """The first member weighs most."""
    return Favourite()


class Alternating(Mean):
    def join(self, stacked):
        found = stacked.mean(axis=0)
        found[1::2] = normalized(stacked.max(axis=0))[1::2]
        return found


def row_order(facts, /):
    """Every second row in another way."""
    return Alternating()


class Rebalanced(Mean):
    identity = False

    def join(self, stacked):
        mean = stacked.mean(axis=0)
        return normalized(mean / (mean.mean(axis=0) + 1e-6))


def fit_never_sees_test_rows(facts, /):
    """Learns the classes' frequencies from the rows that it joins."""
    return Rebalanced()


class Rounded(Mean):
    def combine(self, members):
        for member in members:
            member.probabilities[:] = member.probabilities.round(5)
        return super().combine(members)


def inputs_unmodified(facts, /):
    """Rounds in the members' own arrays."""
    return Rounded()
