"""Reads a recipe: the file, those it extends, and overrides, each value with its origin."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toolkit.errors import RecipeError, UserError
from toolkit.files import NoRegularFile, read_text
from toolkit.plugin.host import Host
from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys, key_lines, split_key
from toolkit.recipe.scores import flat_metrics
from toolkit.recipe.shipped import Shipped, find_shipped
from toolkit.recipe.slots import default_use


@dataclass(frozen=True)
class Origin:
    """Where a value came from: a file and line, an override, or the default."""

    where: str
    line: int | None = None

    def __str__(self) -> str:
        return self.where if self.line is None else f"{self.where}:{self.line}"


DEFAULT = Origin("default")


@dataclass
class Recipe:
    """A recipe with everything it extends merged in: what was asked, not yet checked."""

    path: str
    values: dict[str, Any]
    origins: dict[Keys, Origin] = field(default_factory=dict)
    shipped: list[Shipped] = field(default_factory=list)
    """Those of its parts that installed packages ship."""
    layers: dict[Keys, int] = field(default_factory=dict)
    """Which layer set a table or value last: 0 the furthest ancestor, overrides the highest."""

    def origin(self, keys: Keys) -> Origin:
        """Where `keys` was set; for a key that nobody set, the nearest table around it."""
        for depth in range(len(keys), 0, -1):
            if keys[:depth] in self.origins:
                return self.origins[keys[:depth]]
        return Origin(self.path)


def load_recipe(
    path: str | Path, overrides: Mapping[str, Any] | None = None, host: Host | None = None
) -> Recipe:
    """Read and merge a recipe.

    Args:
        path: a TOML file, `toolkit:NAME` for one in the box, or `<plugin>:NAME`.
        overrides: dotted keys and their values, `{"loss.alpha": 0.5}`.
        host: the loaded plugins; loaded only where a plugin's recipe is named without them.

    Raises `RecipeError` where a file is missing, is not TOML, or extends itself.
    """
    layers = _layers(str(path), [], host)
    files = len(layers)
    merged = Recipe(str(path), {})
    # An override of `use` comes first, so that it drops the old options and not other overrides.
    laid = [_override(key, value) for key, value in (overrides or {}).items()]
    layers += sorted(laid, key=lambda layer: not layer.path.endswith(".use"))
    for number, layer in enumerate(layers):
        merged.shipped += layer.shipped
        _drop_ranges(merged, layer)
        _merge(merged, layer.values, layer.origins, ())
        merged.layers.update(dict.fromkeys(layer.origins, min(number, files)))
    return merged


def with_section(recipe: Recipe, name: str, section: Mapping[str, Any], where: str) -> Recipe:
    """The recipe with a section in the place of its own.

    Args:
        where: what gave it, for words.
    """
    kept = {keys: origin for keys, origin in recipe.origins.items() if keys[0] != name}
    given = dict.fromkeys(((name,), *((name, key) for key in section)), Origin(where))
    values = {**recipe.values, name: dict(section)}
    return replace(recipe, values=values, origins=kept | given)


def _override(key: str, value: Any) -> Recipe:
    """One override, as a layer."""
    origin = Origin(f"--set {key}={value if isinstance(value, str) else toml_text(value)}")
    try:
        keys = split_key(key)
    except ValueError as error:
        raise RecipeError(f"{origin}: {error}") from error
    nested: Any = value
    for part in reversed(keys):
        nested = {part: nested}
    return Recipe(".".join(keys), nested, _moved(dict.fromkeys(_paths(nested), origin), nested))


def _moved(origins: dict[Keys, Origin], values: dict[str, Any]) -> dict[Keys, Origin]:
    """The origins of values whose tables of metrics were made flat."""
    found = origins
    for old, new in flat_metrics(values):
        found = {new + k[len(old) :] if k[: len(old)] == old else k: o for k, o in found.items()}
    return found


def _paths(values: Mapping[str, Any], at: Keys = ()) -> Iterator[Keys]:
    """The path of every table and value."""
    for key, value in values.items():
        yield (*at, key)
        if isinstance(value, Mapping):
            yield from _paths(value, (*at, key))


def parse_override(text: str) -> tuple[str, Any]:
    """`"loss.alpha=0.5"` as a key and a TOML value; what is no TOML value is text."""
    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"--set {text}: write --set section.key=value")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def _layers(path: str, seen: list[str], host: Host | None) -> list[Recipe]:
    """The recipe and those it extends, the furthest ancestor first."""
    own = find_shipped(path, host)
    file = Path(path) if own is None else own.file
    identity = str(file.resolve())
    if identity in seen:
        chain = " -> ".join(Path(p).name for p in [*seen, identity])
        raise RecipeError(f"{path}: extends itself: {chain}")
    values, lines = _read(path, file)
    origins = _moved({keys: Origin(path, line) for keys, line in lines.items()}, values)
    parent = values.pop("extends", None)
    layer = Recipe(path, values, origins, [] if own is None else [own])
    if parent is None:
        return [layer]
    if not isinstance(parent, str):
        raise RecipeError(f"{origins[('extends',)]}: extends: expected text, found {parent!r}")
    try:
        shipped = find_shipped(parent, host)
    except UserError as error:
        raise RecipeError(f"{origins[('extends',)]}: extends: {error}") from error
    if shipped is None:
        parent = _beside(path, file, parent)
        if not Path(parent).exists():
            raise RecipeError(f"{origins[('extends',)]}: extends: there is no file {parent}")
    return [*_layers(parent, [*seen, identity], host), layer]


def _beside(path: str, file: Path, parent: str) -> str:
    """`extends` is relative to the file that says it; shown as the user named that file."""
    folder = Path(path).parent if Path(path) == file else file.parent
    return str(folder / parent)


def _read(path: str, file: Path) -> tuple[dict[str, Any], dict[Keys, int]]:
    try:
        text = read_text(file)
    except FileNotFoundError as error:
        raise RecipeError(
            f"{path}: there is no such recipe; `toolkit recipes` lists those in the box"
        ) from error
    except NoRegularFile as error:
        raise RecipeError(f"{path}: cannot be read: it {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from error
    try:
        return tomllib.loads(text), key_lines(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        place = f"{path}:{line.group(1)}" if line else f"{path}:{text.count(chr(10)) + 1}"
        raise RecipeError(f"{place}: not valid TOML: {error}") from error


def _drop_ranges(into: Recipe, layer: Recipe) -> None:
    """Where `layer` changes a `use`, the ranges for the old component's options go with them."""
    tune = into.values.get("tune")
    space = tune.get("space") if isinstance(tune, dict) else None
    if not isinstance(space, dict):
        return
    for keys in _changed_uses(into.values, layer.values):
        if keys == ("optimizer",):
            continue  # every optimizer has the same options
        section = ".".join(keys)
        for path in [p for p in space if p.rpartition(".")[0] == section and p != f"{section}.use"]:
            del space[path]
            for stale in [k for k in into.origins if k[:3] == ("tune", "space", path)]:
                del into.origins[stale]


def _changed_uses(old: Mapping[str, Any], new: Mapping[str, Any], at: Keys = ()) -> Iterator[Keys]:
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if _replaces((*at, key), before, value):
                yield (*at, key)
            yield from _changed_uses(before, value, (*at, key))


def _merge(
    into: Recipe, values: Mapping[str, Any], origins: Mapping[Keys, Origin], at: Keys
) -> None:
    """Lay `values` over `into`. A table whose `use` changes loses its old options."""
    table = into.values
    for key in at:
        table = table[key]
    for key, value in values.items():
        keys = (*at, key)
        old = table.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _replaces(keys, old, value):
            into.origins.update({k: o for k, o in origins.items() if k == keys})
            _merge(into, value, origins, keys)
            continue
        for stale in [k for k in into.origins if k[: len(keys)] == keys]:
            del into.origins[stale]
        table[key] = _copied(value)
        into.origins.update({k: o for k, o in origins.items() if k[: len(keys)] == keys})


def _replaces(keys: Keys, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Another component, or a range of `[tune.space]`, takes the old one's place as a whole."""
    if keys[:2] == ("tune", "space") and len(keys) > 2:
        return True
    return "use" in new and new["use"] != old.get("use", default_use(keys))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return list(value) if isinstance(value, list) else value
