"""What people say of the codes to come: that the holder can read one, and how they go out."""

from __future__ import annotations

from collections.abc import Mapping

from onboarding.core.code_choice import choose
from onboarding.core.code_ledger import CODE_STATES
from onboarding.core.steps import Move
from onboarding.errors import ConflictError, TransitionRefusedError
from onboarding.model import CodeMethod, Onboarding


def require_code_needed(row: Onboarding) -> None:
    """Refuse whatever is about codes where none is needed.

    Raises:
        TransitionRefusedError: the number is past its code, or the onboarding is over.
    """
    if row.state not in CODE_STATES:
        raise TransitionRefusedError(
            f"no code is needed while the onboarding is '{row.state}'",
            hint=f"see: onboarding show {row.id}",
        )


def ready(row: Onboarding, detail: Mapping[str, str] | None = None) -> Move:
    """Return the step that a person's word leads to: one code is asked for.

    Raises:
        TransitionRefusedError: no code is needed.
    """
    require_code_needed(row)
    return Move(
        note="code_ready",
        reason="the holder can read a code",
        changes={"code_ready": True},
        detail=detail or {},
    )


def chosen_anew(row: Onboarding, method: CodeMethod | None, language: str | None) -> Move:
    """Return the step after which codes go out otherwise, from the next one on.

    Args:
        row: the onboarding.
        method: SMS or a call; ``None``: as before.
        language: like ``pt_BR``; ``None``: as before.

    Raises:
        ConflictError: they go out like that already.
        TransitionRefusedError: no code is needed.
    """
    require_code_needed(row)
    choice = choose(
        row.phone_number,
        row.region,
        method=method or row.code_method,
        language=language or row.code_language,
    )
    if (choice.method, choice.language) == (row.code_method, row.code_language):
        raise ConflictError(
            f"codes go out by {choice.method} in {choice.language} already",
            field="code_language" if method is None else "code_method",
            hint=f"see: onboarding code {row.id} --attempts",
        )
    by = "as asked for" if method else "as before"
    spoken = "as asked for" if language else "as before"
    return Move(
        note="code_choice_changed",
        reason=f"the next code goes out by {choice.method} in {choice.language}",
        changes={"code_method": choice.method, "code_language": choice.language},
        detail={"code_choice": f"{choice.method}: {by}; {choice.language}: {spoken}"},
    )
