"""Recipe to Plan: everything is checked, and all mistakes are shown at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, create_model

from toolkit.errors import PluginError, RecipeError, did_you_mean
from toolkit.plugin.api import BUILTIN
from toolkit.plugin.code import loaded_code
from toolkit.plugin.host import Host
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import options_model
from toolkit.recipe.execute import Execute
from toolkit.recipe.given import given_notes, given_problems
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import DEFAULT, Origin, Recipe
from toolkit.recipe.lookup import Lookup, optimizer_problem
from toolkit.recipe.metrics import choose_metrics
from toolkit.recipe.names import safe_name
from toolkit.recipe.offline import Offline
from toolkit.recipe.plan import Choice, Plan
from toolkit.recipe.problems import validate
from toolkit.recipe.ranges import split_path
from toolkit.recipe.sections import (
    SCHEDULES,
    TTA,
    Optimizer,
    Proxy,
    Schedule,
    Split,
    SubmissionSection,
    Top,
    Train,
    Tune,
    Validate,
)
from toolkit.recipe.slots import FIXED, METRIC, SECTIONS, SLOTS, Slot, leaves
from toolkit.recipe.space_check import Known, resolved_space, space_problems
from toolkit.recipe.twins import TWINS, Twins

S = TypeVar("S", bound=BaseModel)


def make_plan(recipe: Recipe, host: Host) -> Plan:
    """Check a recipe against what is installed.

    Raises `RecipeError` with a line for every mistake, in the order of the files.
    """
    return _Planner(recipe, host).plan()


def make_choices(recipe: Recipe, host: Host, sections: Sequence[Keys]) -> Mapping[Keys, Choice]:
    """The components of these sections alone. Raises as `make_plan` does."""
    planner = _Planner(recipe, host)
    for keys in sections:
        planner.component(keys, SLOTS[keys])
    planner.require_no_problem()
    return planner.choices


class _Planner:
    def __init__(self, recipe: Recipe, host: Host) -> None:
        self.recipe, self.host, self.lookup = recipe, host, Lookup(host)
        self.problems: list[tuple[Origin, str]] = []
        self.sections: dict[Keys, BaseModel] = {}
        self.models: dict[Keys, type[BaseModel]] = {}
        self.choices: dict[Keys, Choice] = {}
        self.notes: list[str] = []

    def plan(self) -> Plan:
        top = self.top()
        for keys, model in FIXED.items():
            self.fixed(keys, model, self.own(keys))
        self.schedule(self.table(("schedule",)))
        for keys, slot in SLOTS.items():
            self.component(keys, slot)
        metrics = choose_metrics(self)
        self.choices |= {(*METRIC, name): choice for name, choice in metrics.choices.items()}
        self.rules()
        own = {keys: self.resolved(keys) for keys in self.models if self.in_order(keys)}
        known = Known(self.models, self.lookup.model_of, self.lookup.chooses, own)
        for key, text in space_problems(self.space(), known):
            self.problem(("tune", "space", *key), text)
        self.require_no_problem()
        assert top is not None
        values: dict[str, Any] = top.model_dump()
        for keys in SECTIONS:
            self.resolve(values, keys)
        values.pop("metric", None)
        values |= {"metric": tables} if (tables := metrics.tables()) else {}
        values["tune"]["space"] = resolved_space(self.space(), known)
        schedule = self.sections[("schedule",)]
        assert isinstance(schedule, Schedule)
        return Plan(
            path=self.recipe.path,
            values=values,
            origins={keys: self.recipe.origins.get(keys, DEFAULT) for keys in leaves(values)},
            choices=self.choices,
            split=self.section(("split",), Split),
            tta=self.section(("augment", "tta"), TTA),
            validate=self.section(("validate",), Validate),
            optimizer=self.section(("optimizer",), Optimizer),
            schedule=schedule,
            train=self.section(("train",), Train),
            submission=self.section(("submission",), SubmissionSection),
            tune=self.section(("tune",), Tune),
            proxy=self.section(("tune", "proxy"), Proxy),
            execute=self.section(("execute",), Execute),
            monitor=metrics.monitor,
            offline=self.optional(("augment", "offline"), Offline),
            twins=self.optional(TWINS, Twins),
            shipped=tuple(self.recipe.shipped),
            notes=tuple(self.notes),
        )

    def section(self, keys: Keys, kind: type[S]) -> S:
        """A fixed section that was found to be right."""
        found = self.sections[keys]
        assert isinstance(found, kind)
        return found

    def optional(self, keys: Keys, kind: type[S]) -> S | None:
        return self.section(keys, kind) if keys in self.sections else None

    def require_no_problem(self) -> None:
        if self.problems:
            ordered = sorted(self.problems, key=lambda p: (p[0].where, p[0].line or 0))
            raise RecipeError(*(f"{origin}: {text}" for origin, text in ordered))

    def problem(self, keys: Keys, text: str) -> None:
        self.problems.append((self.recipe.origin(keys), f"{'.'.join(keys)}: {text}"))

    def table(self, keys: Keys) -> dict[str, Any]:
        """The section's table as it was given; empty where it is absent or not a table."""
        found: Any = self.recipe.values
        for key in keys:
            found = found.get(key, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}

    def own(self, keys: Keys) -> dict[str, Any]:
        """The section's own keys, without the sections inside it."""
        inner = {k[len(keys)] for k in SECTIONS if len(k) > len(keys) and k[: len(keys)] == keys}
        return {key: value for key, value in self.table(keys).items() if key not in inner}

    def top(self) -> Top | None:
        """The keys above the sections, and whether every section is one that exists."""
        given = {k: v for k, v in self.recipe.values.items() if not isinstance(v, dict)}
        given.setdefault("name", safe_name(Path(self.recipe.path.rpartition(":")[2]).stem))
        sections = {".".join(keys) for keys in SECTIONS}
        heads = {
            keys[0]: {k[1] for k in SECTIONS if len(k) > 1 and k[0] == keys[0]} for keys in SECTIONS
        }
        for name in [name for name in given if name in heads]:
            self.problem((name,), f"expected a table [{name}], found a value")
            del given[name]
        for name, value in self.recipe.values.items():
            if not isinstance(value, dict):
                continue
            if name not in heads:
                self.section_problem((name,), sections | heads.keys())
            for inner in value if heads.get(name) else ():
                if inner not in heads[name] and (name,) in SECTIONS:
                    continue  # a key of the section itself
                if inner not in heads[name]:
                    self.section_problem((name, inner), heads[name])
                elif not isinstance(value[inner], dict):
                    self.problem((name, inner), f"expected a table [{name}.{inner}]")
        checked: Top | None = self.checked(Top, given, ())
        return checked

    def section_problem(self, keys: Keys, known: set[str]) -> None:
        self.problem(keys, f"unknown section.{did_you_mean(keys[-1], known)}")

    def checked(self, model: type[Any], given: Mapping[str, Any], keys: Keys) -> Any:
        checked, problems = validate(model, given)
        for option, text in problems:
            self.problem((*keys, option), text)
        return checked

    def fixed(self, keys: Keys, model: type[BaseModel], given: Mapping[str, Any]) -> None:
        self.models[keys] = model
        checked = self.checked(model, given, keys)
        if checked is not None:
            self.sections[keys] = checked

    def schedule(self, given: Mapping[str, Any]) -> None:
        use = given.get("use", "cosine")
        if isinstance(use, str) and use in SCHEDULES:
            self.fixed(("schedule",), SCHEDULES[use], given)
        else:
            guess = did_you_mean(str(use), SCHEDULES)
            text = f'there is no schedule "{use}" ({", ".join(SCHEDULES)}).{guess}'
            self.problem(("schedule", "use"), text)

    def component(self, keys: Keys, slot: Slot) -> None:
        given = self.table(keys)
        if slot.optional and not given:
            return
        use = given.get("use", slot.default)
        if use is None:
            family = self.host.registry.family(slot.kind)
            known = self.host.registry.names(slot.kind)
            names = [name for name in known if not family or name != family.name]
            more = [family.help] if family else []
            self.problem(keys, f"name a {slot.kind} with `use`: {', '.join([*names, *more])}")
            return
        entry = self.entry((*keys, "use"), slot.kind, use)
        if entry is None:
            return
        meant = entry.family_aliases().get(use, use)
        if meant != use:
            where = self.recipe.origin((*keys, "use"))
            self.notes.append(f'{where}: {".".join(keys)}.use: "{use}" is now called {meant}')
            use = meant
        ours = entry.plugin == BUILTIN
        code = "" if ours else loaded_code(entry.target.partition(":")[0])  # before it is imported
        try:
            model = options_model(entry)
        except PluginError as error:
            self.problem((*keys, "use"), str(error))
            return
        if slot.host is not None:
            taken = slot.host.model_fields.keys() & model.model_fields.keys()
            if taken:
                text = f"{use} cannot stand here: its option {', '.join(taken)} is the section's"
                self.problem((*keys, "use"), text)
                return
            model = create_model(use, __base__=(slot.host, model))
        self.models[keys] = model
        checked = self.checked(model, {k: v for k, v in given.items() if k != "use"}, keys)
        if checked is not None:
            options = checked.model_dump()
            if slot.host is not None:
                own = slot.host.model_fields
                self.sections[keys] = slot.host(**{key: options.pop(key) for key in own})
            self.choices[keys] = Choice(use, entry, options, code)

    def entry(self, keys: Keys, kind: str, use: Any) -> Entry | None:
        entry, problem = self.lookup.find(kind, use)
        if problem is not None:
            self.problem(keys, problem)
        return entry

    def space(self) -> dict[str, Any]:
        """The ranges of `[tune.space]`, without those of a section whose component was not found:
        that has its line already, and nobody knows its options."""
        absent = {keys for keys, slot in SLOTS.items() if slot.optional and not self.table(keys)}
        unknown = {("schedule",), *SLOTS} - self.models.keys() - absent
        space = self.table(("tune", "space"))
        return {path: entry for path, entry in space.items() if split_path(path)[0] not in unknown}

    def rules(self) -> None:
        """What single values cannot tell."""
        optimizer, tta = self.sections.get(("optimizer",)), self.sections.get(("augment", "tta"))
        split, proxy = self.sections.get(("split",)), self.sections.get(("tune", "proxy"))
        proxy = proxy if isinstance(proxy, Proxy) else None
        if isinstance(split, Split):
            for keys, found in given_problems(self.recipe, split, proxy):
                self.problem(keys, found)
            self.notes += given_notes(self.recipe, split)
            if proxy is not None and not split.given and (proxy.folds or 0) > split.folds:
                found = f"expected at most split.folds = {split.folds}, found {proxy.folds}"
                self.problem(("tune", "proxy", "folds"), found)
        offline = self.sections.get(("augment", "offline"))
        if isinstance(offline, Offline) and offline.balance_to is not None and offline.copies > 1:
            where = self.recipe.origin(("augment", "offline", "copies"))
            self.notes.append(f"{where}: augment.offline.copies is not used: balance_to decides")
        if isinstance(optimizer, Optimizer) and (text := optimizer_problem(optimizer.use)):
            self.problem(("optimizer", "use"), text)
        if isinstance(tta, TTA):
            if len(set(tta.views)) != len(tta.views):
                self.problem(("augment", "tta", "views"), "a view is named twice")
            if "identity" not in tta.views:
                self.problem(("augment", "tta", "views"), 'must contain "identity"')

    def in_order(self, keys: Keys) -> bool:
        return keys in self.choices or (keys in self.sections and keys not in SLOTS)

    def resolved(self, keys: Keys) -> dict[str, Any]:
        """A section, defaults included."""
        own = self.sections[keys].model_dump() if keys in self.sections else {}
        if keys in self.choices:
            return {"use": self.choices[keys].use, **own, **self.choices[keys].options}
        return own if keys in self.sections else self.table(keys)

    def resolve(self, values: dict[str, Any], keys: Keys) -> None:
        """Write a section, defaults included, into the resolved recipe."""
        section = self.resolved(keys)
        if section.get("given") and keys == ("split",):  # it takes the place of folds
            del section["folds"]
        if not section:
            return
        table = values
        for key in keys[:-1]:
            table = table.setdefault(key, {})
        table[keys[-1]] = section
