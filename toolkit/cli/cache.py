"""`toolkit cache`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from toolkit.data.evict import PackInfo

app = typer.Typer(
    help="Decoded images and unpacked archives: show or clear them.", invoke_without_command=True
)


@app.callback()
def show(context: typer.Context) -> None:
    """Show the packs of decoded images, the unpacked archives, the folder and the limit."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.cli.console import print_table
    from toolkit.data.cache import FOLDER_VARIABLE, cache_folder
    from toolkit.data.evict import LIMIT_VARIABLE, archives, limit_gb, packs

    found, unpacked = packs(cache_folder()), archives(cache_folder())
    total = sum(pack.gigabytes for pack in (*found, *unpacked))
    typer.echo(
        f"{cache_folder()} ({FOLDER_VARIABLE} moves it): {total:.2f} of "
        f"{limit_gb():g} GB ({LIMIT_VARIABLE} sets the limit)"
    )
    if found:
        rows = [(p.key, str(p.images), f"{p.gigabytes:.2f}", _used(p)) for p in found]
        print_table(("pack", "images", "GB", "last used"), rows)
    if unpacked:
        rows = [(a.archive, str(a.images), f"{a.gigabytes:.2f}", _used(a)) for a in unpacked]
        print_table(("unpacked archive", "files", "GB", "last used"), rows)


def _used(held: PackInfo) -> str:
    from datetime import datetime

    return "in use" if held.in_use else f"{datetime.fromtimestamp(held.used):%Y-%m-%d %H:%M}"


@app.command("clear")
def clear() -> None:
    """Remove every pack and unpacked archive that no process uses, and what is known of files from
    earlier starts. Runs make again what they need."""
    from toolkit.cli.console import counted
    from toolkit.data.cache import cache_folder
    from toolkit.data.evict import archives, packs
    from toolkit.data.evict import clear as clear_cache

    removed = clear_cache(cache_folder())
    gigabytes = sum(pack.gigabytes for pack in removed)
    unpacked = sum(bool(pack.archive) for pack in removed)
    more = f" and {counted(unpacked, 'archive')}" if unpacked else ""
    number = counted(len(removed) - unpacked, "pack")
    typer.echo(f"removed {number}{more}, {gigabytes:.2f} GB")
    for pack in (*packs(cache_folder()), *archives(cache_folder())):
        name = pack.archive or pack.key
        typer.echo(f"{name}: stays, a process uses it ({pack.gigabytes:.2f} GB)")
