"""What an ensembler must hold: `fit(oof, truth)`, then `combine(members)`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.contracts import Ensembler, Floats, Ints, Predictions
from toolkit.testing.subject import NotApplicable, Subject, require

MEMBERS, OOF_ROWS, ROWS = 3, 60, 9

ADVICE = "dataclasses.replace(members[0], probabilities=...) keeps the rest"


def interface(subject: Subject) -> None:
    """It has `needs_fit`, `fit` and `combine`; `fit` gives what combines."""
    ensembler = subject.build(subject.facts)
    needs_fit = getattr(ensembler, "needs_fit", None)
    require(isinstance(needs_fit, bool), f"needs_fit is {needs_fit!r}, expected true or false")
    for method in ("fit", "combine"):
        require(callable(getattr(ensembler, method, None)), f"has no method {method}")
    fitted = ensembler.fit(*_oof(subject))
    require(
        callable(getattr(fitted, "combine", None)),
        f"fit gives {type(fitted).__name__}, expected what combines; return self",
    )


def ids_order_and_classes(subject: Subject) -> None:
    """Every image is predicted once, in the members' order, with their classes."""
    members = _members(subject)
    joined = _fitted(subject).combine(members)
    require(
        isinstance(joined, Predictions),
        f"combine gives a {type(joined).__name__}, expected Predictions; {ADVICE}",
    )
    require(
        tuple(joined.ids) == members[0].ids,
        f"its IDs are {tuple(joined.ids)[:4]}, ..., expected the members': {members[0].ids[:4]}, "
        f"...; {ADVICE}",
    )
    require(
        tuple(joined.classes) == members[0].classes,
        f"its classes are {joined.classes}, expected {members[0].classes}; {ADVICE}",
    )


def rows_sum_to_one(subject: Subject) -> None:
    """Rows are probabilities `(n, C)`, also where members are certain and contradict."""
    ensembler, shape = _fitted(subject), (ROWS, len(subject.facts.classes))
    for what, members in (
        ("", _members(subject)),
        (" where members are certain", _certain_members(subject)),
    ):
        found = np.asarray(ensembler.combine(members).probabilities)
        require(
            found.shape == shape,
            f"gives probabilities of shape {found.shape}, expected {shape}{what}",
        )
        sums = found.sum(axis=1)
        require(
            bool(
                np.isfinite(found).all() and (found > -1e-6).all() and (abs(sums - 1) < 1e-4).all()
            ),
            f"rows sum to {sums.min():.4g} - {sums.max():.4g}{what}, least value "
            f"{found.min():.4g}; divide each row by its sum, and clip before a logarithm",
        )


def one_member_is_identity(subject: Subject) -> None:
    """One member alone comes out as it went in; `identity = False` opts out."""
    ensembler = _fitted(subject)
    if ensembler.needs_fit:
        raise NotApplicable("it is fitted on two members or more")
    if not getattr(ensembler, "identity", True):
        raise NotApplicable("its class says identity = False")
    (member, *_) = _members(subject)
    found = ensembler.combine([member]).probabilities
    difference = float(np.abs(found - member.probabilities).max())
    require(
        difference < 1e-5,
        f"changes the probabilities of a single member by up to {difference:.3g}; leave them, or "
        "say so with the class attribute identity = False",
    )


def nan_rejected(subject: Subject) -> None:
    """A NaN of a member raises, or stays a NaN for the host to reject: it becomes no number."""
    first, *others = _members(subject)
    broken = first.probabilities.copy()
    broken[2] = np.nan
    ensembler = _fitted(subject)
    try:
        joined = ensembler.combine([replace(first, probabilities=broken), *others])
    except Exception:  # noqa: BLE001 - any refusal will do
        return
    require(
        not np.isfinite(joined.probabilities[2]).all(),
        f"turns a row with NaN into {joined.probabilities[2].round(3).tolist()}; raise "
        "toolkit.errors.DataError where a member has NaN: nan_to_num and nanmean hide it, and "
        "a sort puts it last, where a trimmed mean or a middle row leaves it out",
    )


def member_order(subject: Subject) -> None:
    """The order of the members does not matter, as long as `fit` saw the same order."""
    straight = _fitted(subject).combine(_members(subject)).probabilities
    turned = _fitted(subject, turned=True).combine(_members(subject)[::-1]).probabilities
    difference = float(np.abs(straight - turned).max())
    require(
        difference < 1e-3,
        f"probabilities differ by {difference:.3g} when members come in another order; treat "
        "members alike, or by what fit learned of them",
    )


def row_order(subject: Subject) -> None:
    """A row's answer stays with its row when rows come in another order."""
    ensembler, members = _fitted(subject), _members(subject)
    order = np.random.default_rng(4).permutation(ROWS)
    straight = ensembler.combine(members).probabilities[order]
    turned = ensembler.combine([_take(m, order) for m in members]).probabilities
    difference = float(np.abs(straight - turned).max())
    require(
        difference < 1e-5,
        f"probabilities differ by {difference:.3g} when rows come in another order; work on each "
        "row alike",
    )


def fit_never_sees_test_rows(subject: Subject) -> None:
    """`fit` learns from out-of-fold rows only; `combine` learns nothing from what it joins."""
    ensembler, members = _fitted(subject), _members(subject)
    alone = [_take(member, np.array([0])) for member in members]
    before = ensembler.combine(alone).probabilities[0]
    among = ensembler.combine(members).probabilities[0]
    after = ensembler.combine(alone).probabilities[0]
    difference = float(max(np.abs(before - among).max(), np.abs(before - after).max()))
    require(
        difference < 1e-5,
        f"a row's probabilities change by {difference:.3g} with the other rows of the test set; "
        "learn in fit, from out-of-fold rows, and keep no state in combine",
    )


def inputs_unmodified(subject: Subject) -> None:
    """Members and truth are left as they were."""
    members, (oof, truth) = _members(subject), _oof(subject)
    _fit(_build(subject), oof, truth).combine(members)
    given = [*members, *oof]
    kept = all(
        np.array_equal(a.probabilities, b.probabilities)
        for a, b in zip(given, [*_members(subject), *_oof(subject)[0]], strict=True)
    )
    require(
        kept and np.array_equal(truth, _oof(subject)[1]),
        "changes what it is given in place; work on a copy: np.stack makes one",
    )


CHECKS = (
    interface,
    ids_order_and_classes,
    rows_sum_to_one,
    one_member_is_identity,
    nan_rejected,
    member_order,
    row_order,
    fit_never_sees_test_rows,
    inputs_unmodified,
)


def _build(subject: Subject) -> Ensembler:
    ensembler: Any = subject.build(subject.facts)
    for name in ("needs_fit", "fit", "combine"):
        if not hasattr(ensembler, name):
            raise NotApplicable(f"it has no {name}; see interface")
    found: Ensembler = ensembler
    return found


def _fitted(subject: Subject, *, turned: bool = False) -> Ensembler:
    """The ensembler, fitted as the host would where it wants to be."""
    ensembler = _build(subject)
    if not ensembler.needs_fit:
        return ensembler
    oof, truth = _oof(subject)
    return _fit(ensembler, oof[::-1] if turned else oof, truth)


def _fit(ensembler: Ensembler, oof: list[Predictions], truth: Ints) -> Ensembler:
    fitted = ensembler.fit(oof, truth)
    if not hasattr(fitted, "combine"):
        raise NotApplicable("its fit gives nothing that combines; see interface")
    return fitted


def _oof(subject: Subject) -> tuple[list[Predictions], Ints]:
    """Out-of-fold predictions of three members, better than chance, and the truth."""
    truth = np.arange(OOF_ROWS) % len(subject.facts.classes)
    return [_member(subject, "oof", truth, seed) for seed in range(MEMBERS)], truth


def _members(subject: Subject) -> list[Predictions]:
    """Predictions of the same three members for test rows."""
    truth = np.arange(ROWS) % len(subject.facts.classes)
    return [_member(subject, "test", truth, 10 + seed) for seed in range(MEMBERS)]


def _member(subject: Subject, name: str, truth: Ints, seed: int) -> Predictions:
    rng, classes = np.random.default_rng(seed), subject.facts.classes
    scores = rng.gamma(1.0, size=(len(truth), len(classes))) + 0.01
    scores[np.arange(len(truth)), truth] += 1
    probabilities: Floats = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    return Predictions(tuple(f"{name}{n:03d}" for n in range(len(truth))), probabilities, classes)


def _certain_members(subject: Subject) -> list[Predictions]:
    """Members that give each row one class alone, and no two of them the same."""
    certain = np.eye(len(subject.facts.classes), dtype=np.float32)
    rows = np.arange(ROWS) % len(certain)
    return [
        replace(member, probabilities=np.roll(certain, number, axis=1)[rows])
        for number, member in enumerate(_members(subject))
    ]


def _take(member: Predictions, rows: Ints) -> Predictions:
    ids = tuple(member.ids[row] for row in rows)
    return replace(member, ids=ids, probabilities=member.probabilities[rows])
