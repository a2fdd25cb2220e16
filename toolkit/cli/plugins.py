"""`toolkit plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.errors import PluginError, UserError, did_you_mean

if TYPE_CHECKING:
    from toolkit.plugin.host import Host

app = typer.Typer(help="Registered components: list or explain them.", invoke_without_command=True)


@app.callback()
def list_components(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option("--check", help="Load everything that plugins offer; say what is wrong."),
    ] = False,
) -> None:
    """List every component, and every plugin that was set aside."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.cli.console import print_table
    from toolkit.plugin.host import load_host

    host = load_host()
    if check:
        _check(host)
        return
    rows = [(e.kind, e.name, f"{e.package} {e.version}", e.help) for e in host.registry]
    rows += [("command", c.full_name, f"{c.package} {c.version}", c.help) for c in host.commands]
    print_table(("kind", "name", "from", "what it does"), rows)
    for aside in host.set_aside:
        typer.echo(f"set aside: {aside.plugin} ({aside.package}): {aside.reason}")
    for plugin in host.loaded:
        if plugin.warning is not None:
            typer.echo(f"warning: {plugin.plugin} ({plugin.package}): {plugin.warning}")


def _check(host: Host) -> None:
    """Raises `PluginError` with a line for everything that is wrong."""
    from toolkit.cli.plugin_check import plugin_problems, summary

    problems = list(plugin_problems(host))
    if problems:
        raise PluginError(*problems)
    typer.echo(summary(host))


@app.command("show")
def show(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[KIND] NAME",
            help="The component, as a recipe names it; its kind where two share a name.",
        ),
    ],
) -> None:
    """Explain a component: its options with types, bounds, defaults and meaning."""
    import inspect

    from toolkit.cli.console import print_table
    from toolkit.plugin.host import load_host
    from toolkit.plugin.registry import KINDS
    from toolkit.plugin.schema import options, options_model

    host = load_host()
    kind, name = _asked(words, host)
    if kind not in KINDS:
        raise UserError(
            f'there is no kind "{kind}".{did_you_mean(kind, KINDS)} Kinds: {", ".join(KINDS)}'
        )
    entry, family = host.registry.get(kind, name), host.registry.family(kind)
    if entry is None and family is not None and name in family.family_names():
        entry = family
    if entry is None:
        names = host.registry.names(kind)
        why = host.reason_for(name) if "." in name else None
        text = f"its plugin was set aside: {why}" if why else did_you_mean(name, names).strip()
        raise UserError(f'there is no {kind} "{name}". {text}'.rstrip())
    typer.echo(f"{entry.kind} {entry.name}, from {entry.package} {entry.version}")
    typer.echo(f"\n{inspect.getdoc(entry.load()) or entry.help}\n")
    rows = [(o.name, o.type, o.bounds, o.default, o.meaning) for o in options(options_model(entry))]
    if rows:
        print_table(("option", "type", "bounds", "default", "meaning"), rows)
    else:
        typer.echo("It has no options.")


def _asked(words: list[str], host: Host) -> tuple[str, str]:
    """Kind and name. A name alone is looked up; one that nobody registered may be timm's."""
    if len(words) > 2:
        raise UserError("name one component: toolkit plugins show [KIND] NAME")
    if len(words) == 2:
        return words[0], words[1]
    from toolkit.plugin.registry import KINDS

    (name,) = words
    kinds = [entry.kind for entry in host.registry if entry.name == name]
    if len(kinds) == 1:
        return kinds[0], name
    if kinds:
        raise UserError(
            f"{name} is {' and '.join(kinds)}; say which: toolkit plugins show {kinds[0]} {name}"
        )
    if name in KINDS:
        known = [entry.name for entry in host.registry if entry.kind == name and not entry.names]
        raise UserError(f"name a {name}, too: {', '.join(known)}")
    names = [entry.name for entry in host.registry if not entry.names]
    family = host.registry.family("backbone")
    if "." not in name and family is not None:
        if name in family.family_names():
            return "backbone", name
        names += family.family_names()
    why = host.reason_for(name)
    text = f"its plugin was set aside: {why}" if why else did_you_mean(name, names).strip()
    raise UserError(f'there is no component "{name}". {text}'.rstrip())


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The plugin's name: `acme` in `acme.poly`.")],
    loss: Annotated[
        bool, typer.Option("--loss", help="With a loss (so without any flag).")
    ] = False,
    backbone: Annotated[bool, typer.Option("--backbone", help="With a backbone.")] = False,
    augmentation: Annotated[
        bool, typer.Option("--augmentation", help="With an augmentation.")
    ] = False,
    ensembler: Annotated[bool, typer.Option("--ensembler", help="With an ensembler.")] = False,
    sampler: Annotated[bool, typer.Option("--sampler", help="With a sampler.")] = False,
    source: Annotated[bool, typer.Option("--source", help="With a source.")] = False,
    tracker: Annotated[bool, typer.Option("--tracker", help="With a tracker.")] = False,
    command: Annotated[bool, typer.Option("--command", help="With a command.")] = False,
) -> None:
    """Make the package of a new plugin in ./NAME-plugin: examples, their test, a README."""
    from pathlib import Path

    from toolkit.plugin.host import load_host
    from toolkit.plugin.scaffold import new_package
    from toolkit.plugin.scaffold_texts import DRAWN

    asked = {
        "loss": loss,
        "backbone": backbone,
        "augmentation": augmentation,
        "ensembler": ensembler,
        "sampler": sampler,
        "source": source,
        "tracker": tracker,
        "command": command,
    }
    kinds = [kind for kind, chosen in asked.items() if chosen] or ["loss"]
    host = load_host()
    drawn = host.registry.get("source", DRAWN) is not None
    folder = new_package(name, kinds, _taken_names(host), Path(), drawn=drawn)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        typer.echo(file)
    typer.echo(f'Next: pip install -e "./{folder}[test]", then python -m pytest {folder}')


def _taken_names(host: Host) -> dict[str, str]:
    """Plugin names that a new plugin cannot have, with who has them."""
    from toolkit.cli.plugin_commands import own_commands
    from toolkit.plugin.hooks import BUILTIN
    from toolkit.plugin.host import PACKAGE

    # A plugin of that name could not add a command: ours is looked up first.
    taken = {name: f"the command `toolkit {name}`" for name in own_commands()}
    taken |= {aside.plugin: aside.package for aside in host.set_aside}
    taken |= {plugin.plugin: plugin.package for plugin in host.loaded}
    return taken | {BUILTIN: PACKAGE}
