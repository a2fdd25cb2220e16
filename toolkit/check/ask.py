"""What a person may have chosen, and the question where two readings are as good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from toolkit.errors import DataError, in_shell


@dataclass(frozen=True)
class Chosen:
    """Options of `toolkit init`: what need not be found out."""

    label: str | None = None
    id: str | None = None
    images: str | None = None
    group: str | None = None
    split_column: str | None = None
    source: str | None = None
    table: str | None = None
    """The table that `init` was given, below the root."""

    def with_answer(self, option: str, answer: str) -> Chosen:
        return replace(self, **{option.removeprefix("--").replace("-", "_"): answer})


@dataclass(frozen=True)
class Choice:
    """An answer, and what it would mean."""

    answer: str
    means: str


class Unclear(DataError):
    """Two readings are as good. Asked on a terminal, else refused with the option that chooses."""

    def __init__(
        self, question: str, option: str, choices: Sequence[Choice], *, named: bool = True
    ) -> None:
        lines = [f"  {option} {in_shell(c.answer)}    {c.means}" for c in choices]
        super().__init__(f"{question}; say which:", *lines)
        self.question, self.option, self.choices = question, option, tuple(choices)
        self.named = named  # False where no candidate has more for it than that it could be one

    def worded(self, words: Callable[[str], str]) -> Unclear:
        """The same in other words."""
        choices = [Choice(words(c.answer), words(c.means)) for c in self.choices]
        return Unclear(words(self.question), self.option, choices, named=self.named)
