"""`toolkit cache`."""

from __future__ import annotations

import typer

app = typer.Typer(help="Decoded images: show or clear them.", invoke_without_command=True)


@app.callback()
def show(context: typer.Context) -> None:
    """Show the packs of decoded images, the folder and the limit."""
    if context.invoked_subcommand is not None:
        return
    from datetime import datetime

    from toolkit.cli.console import print_table
    from toolkit.data.cache import FOLDER_VARIABLE, cache_folder
    from toolkit.data.evict import LIMIT_VARIABLE, limit_gb, packs

    found = packs(cache_folder())
    total = sum(pack.gigabytes for pack in found)
    typer.echo(
        f"{cache_folder()} ({FOLDER_VARIABLE} moves it): {total:.2f} of "
        f"{limit_gb():g} GB ({LIMIT_VARIABLE} sets the limit)"
    )
    rows = [
        (
            p.key,
            str(p.images),
            f"{p.gigabytes:.2f}",
            "in use" if p.in_use else f"{datetime.fromtimestamp(p.used):%Y-%m-%d %H:%M}",
        )
        for p in found
    ]
    if rows:
        print_table(("pack", "images", "GB", "last used"), rows)


@app.command("clear")
def clear() -> None:
    """Remove every pack that no process uses. Runs decode again what they need."""
    from toolkit.cli.console import counted
    from toolkit.data.cache import cache_folder
    from toolkit.data.evict import clear as clear_cache
    from toolkit.data.evict import packs

    removed = clear_cache(cache_folder())
    gigabytes = sum(pack.gigabytes for pack in removed)
    typer.echo(f"removed {counted(len(removed), 'pack')}, {gigabytes:.2f} GB")
    for pack in packs(cache_folder()):
        typer.echo(f"{pack.key}: stays, a process uses it ({pack.gigabytes:.2f} GB)")
