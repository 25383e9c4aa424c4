"""How commands are given a token: never as an argument."""

from __future__ import annotations

import os
from typing import Annotated

import typer

TOKEN_VARIABLE = "ONBOARDING_TOKEN"  # noqa: S105 - the name of a variable

TokenFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file with the token, or - for standard input. "
        f"Without it: {TOKEN_VARIABLE}, else you are asked.",
    ),
]
TokenFrom = Annotated[
    str | None,
    typer.Option(
        metavar="PLACE",
        help="Store the place instead of the token: env:NAME, file:/PATH, keyring:SERVICE/NAME "
        "or command:PROGRAM ARGUMENTS.",
    ),
]


def read_token(file: str | None) -> str:
    """Return the token that a command is given.

    Raises:
        InputError: none is given, or the file cannot be read.
    """
    from onboarding.cli.asking import ask_secret, read_text

    if file is not None:
        return read_text(file).strip()
    return os.environ.get(TOKEN_VARIABLE) or ask_secret("token")


def require_one(*given: str | None) -> None:
    """Refuse two ways to a token at once.

    Raises:
        InputError: more than one is given.
    """
    from onboarding.errors import InputError

    if sum(each is not None for each in given) > 1:
        raise InputError(
            "a token is given in one way", hint="one of --token-file, --token-from, --token-of"
        )
