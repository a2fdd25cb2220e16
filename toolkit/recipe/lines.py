"""Where each key of a TOML file stands. `tomllib` reads the values but forgets the lines.

The text has been accepted by `tomllib`, so this scanner may assume that it is valid TOML; it
walks keys and skips values, and understands just enough of a value to know where it ends.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

Keys = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def key_lines(text: str) -> dict[Keys, int]:
    """The 1-based line of every key and table header, by its path.

    Tables inside arrays carry their index: `("augment", "train", "1", "use")`.
    """
    return _Scanner(text).scan()


def split_key(text: str) -> Keys:
    """The parts of a dotted key: `tune.space."optimizer.lr"` has three.

    Raises `ValueError` where the text is no TOML key.
    """
    path: list[str] = []
    try:
        nested: Any = tomllib.loads(f"{text} = 0")
        while isinstance(nested, dict):
            ((part, nested),) = nested.items()
            path.append(part)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a key; write section.key") from error
    return tuple(path)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Keys, int] = {}
        self.arrays: dict[Keys, int] = {}

    def scan(self) -> dict[Keys, int]:
        table: Keys = ()
        while self.skip(_SPACE) < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
        return self.lines

    def header(self) -> Keys:
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        line = self.line()
        parts = self.key()
        self.at += brackets
        path: Keys = ()
        for depth, part in enumerate(parts, start=1):
            path = (*path, part)
            if depth == len(parts) and brackets == 2:
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:  # a header means the last table of an array
                path = (*path, str(self.arrays[path]))
        self.note(path, line)
        return path

    def pair(self, table: Keys) -> None:
        line = self.line()
        path = table + self.key()
        self.note(path, line)
        self.skip(_BLANK)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def key(self) -> Keys:
        parts: list[str] = []
        while True:
            self.skip(_BLANK)
            if self.text[self.at : self.at + 1] in ('"', "'"):
                start = self.at
                self.string()
                parts.append(_unquoted(self.text[start : self.at]))
            else:
                match = _BARE.match(self.text, self.at)
                if match is None:
                    return ()
                parts.append(match.group())
                self.at = match.end()
            self.skip(_BLANK)
            if self.text[self.at : self.at + 1] != ".":
                return tuple(parts)
            self.at += 1

    def value(self, path: Keys) -> None:
        first = self.text[self.at]
        if first in "\"'":
            self.string()
        elif first == "{":
            self.items("}", path)
        elif first == "[":
            self.items("]", path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}#\r\n":
                self.at += 1

    def items(self, close: str, path: Keys) -> None:
        self.at += 1
        index = 0
        while self.skip(_SPACE) < len(self.text) and self.text[self.at] != close:
            if close == "}":
                self.pair(path)
            else:
                self.value((*path, str(index)))
                index += 1
            self.skip(_SPACE)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def string(self) -> None:
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(fence)
        while len(fence) == 3 and self.text[self.at : self.at + 1] == quote:
            self.at += 1  # a multi-line string may end in up to two quotes of its own

    def skip(self, blank: re.Pattern[str]) -> int:
        match = blank.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def note(self, path: Keys, line: int) -> None:
        for depth in range(1, len(path)):
            self.lines.setdefault(path[:depth], line)
        self.lines[path] = line


def _unquoted(text: str) -> str:
    return str(tomllib.loads(f"key = {text}")["key"])
