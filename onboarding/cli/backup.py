"""``onboarding backup``: a copy of a live database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; it must not exist.", show_default=False)],
) -> None:
    """Copy a live SQLite database, marked as a copy.

    A worker may run meanwhile. The copy is checked and on the disk when this ends; the key is not
    in it. Opened in the place of the original, the copy calls nobody until a person releases it.

    PostgreSQL has programs of its own for this: pg_dump and pg_basebackup.

    Example:
        onboarding backup /backup/onboarding-2026-03-02.db
    """
    from onboarding.cli.output import cell, say
    from onboarding.cli.session import settings_of
    from onboarding.engine.backing_up import back_up

    settings = settings_of(ctx)
    made = back_up(settings, file)
    say(f"copied to {cell(made.file)}: {made.size / 1024:.0f} KiB, checked, marked as a copy")
    kept = "ONBOARDING_SECRET_KEY" if settings.secret_key else settings.key_file()
    say(f"the key is not in it; keep a copy of it elsewhere: {cell(kept)}")
