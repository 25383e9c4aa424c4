"""Where commands get what does not belong on a command line: secrets, codes, payloads."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

#: What stands for standard input where a file can be named.
STDIN = "-"


def ask_secret(what: str) -> str:
    """Return a line that is typed unseen, or the first line of standard input.

    Raises:
        InputError: nothing was given.
    """
    if sys.stdin.isatty():
        text = typer.prompt(what, hide_input=True, default="", show_default=False, err=True)
    else:
        text = sys.stdin.readline()
    if not (text := text.strip()):
        from onboarding.errors import InputError

        raise InputError(f"no {what} was given", hint="type it, or pipe it to standard input")
    return str(text)


def read_text(file: str) -> str:
    """Return the text of a file, or of standard input for ``-``.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    from onboarding.errors import InputError

    try:
        if file == STDIN:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(file).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from None
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}", hint="check the path"
        ) from None
