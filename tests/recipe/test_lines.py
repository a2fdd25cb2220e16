"""Every key of a TOML file knows its line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from toolkit.recipe.lines import key_lines, split_key
from toolkit.recipe.shipped import shipped_recipes

Path = tuple[str, ...]

HARD = '''# a comment with [brackets] and key = "value"
name = "a # b = [c]" # an apostrophe isn't a string
[ data ] # spaces around
"root folder" = 'C:\\new\\'
nothing=""
[data."sub.table".'x y']
deep . er = 1
text = """
[not.a.table]
not_a_key = 1 \\""" still text
ends in a quote""""
raw = \'\'\'
[neither] = "this"
\'\'\'
after = true
numbers = [
    1, # ], not the end
    { low = 0.5, "a.b" = [ "]", "}" ] },
]
when = 2020-01-01 10:00:00
[[step]]
use = "a"
[[step]]
use = "b"
[step.more]
x = 1
[[step.part]]
y = 2
[[step.part]]
y = 3
[last]
inline = { one = 1, two = { three = 3 } }
"""quoted""" = 1
'''.replace('"""quoted"""', '"quo\\"ted"')


def leaves(value: Any, at: Path = ()) -> Iterator[Path]:
    """The path of every value in a parsed file; tables in arrays carry their index."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
        return
    items = list(enumerate(value)) if isinstance(value, list) else []
    tables = [(index, item) for index, item in items if isinstance(item, dict)]
    for index, item in tables:
        yield from leaves(item, (*at, str(index)))
    if not tables:
        yield at


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\n\nb = 2", {("a",): 1, ("b",): 3}),
        ("[s]\na = 1\n[t]\na = 2\n", {("s",): 1, ("s", "a"): 2, ("t",): 3, ("t", "a"): 4}),
        ("\n[s.t]\na = 1\n", {("s",): 2, ("s", "t"): 2, ("s", "t", "a"): 3}),
        ("s.a = 1\ns.b = 2\n", {("s",): 1, ("s", "a"): 1, ("s", "b"): 2}),
        (
            '[tune.space]\n"optimizer.lr" = { low = 1e-5 }\n',
            {
                ("tune",): 1,
                ("tune", "space"): 1,
                ("tune", "space", "optimizer.lr"): 2,
                ("tune", "space", "optimizer.lr", "low"): 2,
            },
        ),
        ("a = '''\nb = 1\n'''\nc = 1\n", {("a",): 1, ("c",): 4}),
        ('a = """x\\"""\n[b]\n"""\nc = 1', {("a",): 1, ("c",): 4}),
        ('a = ["x", # ]\n  "]"\n]\nc = 1', {("a",): 1, ("c",): 4}),
        ("# [s]\n# a = 1\nb = 1 # c = 2\n", {("b",): 3}),
        ("a = 1\r\n[s]\r\nb = 2 # x\r\n", {("a",): 1, ("s",): 2, ("s", "b"): 3}),
        (
            '[[t]]\nuse = "a"\n\n[[t]]\nuse = "b"\n',
            {
                ("t",): 1,
                ("t", "0"): 1,
                ("t", "0", "use"): 2,
                ("t", "1"): 4,
                ("t", "1", "use"): 5,
            },
        ),
        ("a = [{ b = 1 },\n{ b = 2 }]", {("a",): 1, ("a", "0"): 1, ("a", "0", "b"): 1}
         | {("a", "1"): 2, ("a", "1", "b"): 2}),
        ("", {}),
        ("# only a comment", {}),
    ],
)  # fmt: skip
def test_each_way_to_write_a_key_has_its_line(text: str, lines: dict[Path, int]) -> None:
    tomllib.loads(text)  # the scanner is only promised valid TOML
    assert key_lines(text) == lines


def test_hard_toml_is_scanned_as_tomllib_reads_it() -> None:
    rows = HARD.splitlines()
    lines = key_lines(HARD)
    expected = set(leaves(tomllib.loads(HARD)))
    assert expected - lines.keys() == set()
    for path in expected:
        written = path[-1].replace('"', '\\"')
        assert written in rows[lines[path] - 1], path
    tables = {path[:depth] for path in expected for depth in range(1, len(path))}
    assert lines.keys() == expected | tables  # and no key that is not there


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_value_of_a_shipped_recipe_stands_on_its_line(name: str) -> None:
    text = shipped_recipes()[name].read_text(encoding="utf-8")
    rows = text.splitlines()
    lines = key_lines(text)
    found = list(leaves(tomllib.loads(text)))
    assert found
    for path in found:
        assert path[-1] in rows[lines[path] - 1], path


def test_lines_of_a_windows_file_are_those_of_a_unix_file() -> None:
    assert key_lines(HARD.replace("\n", "\r\n")) == key_lines(HARD)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("seed", ("seed",)),
        (" loss . alpha ", ("loss", "alpha")),
        ('tune.space."optimizer.lr"', ("tune", "space", "optimizer.lr")),
        ("tune.space.'loss.alpha'.low", ("tune", "space", "loss.alpha", "low")),
        ('"say \\"hi\\""', ('say "hi"',)),
        ('"\\u00e9t\\u00e9"', ("été",)),
    ],
)
def test_a_dotted_key_is_split_where_toml_splits_it(text: str, parts: tuple[str, ...]) -> None:
    assert split_key(text) == parts


@pytest.mark.parametrize("text", ["", " ", "loss.", ".alpha", "loss..alpha", "a b", "a=1", '"open'])
def test_what_is_no_key_is_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a key; write section\.key"):
        split_key(text)
