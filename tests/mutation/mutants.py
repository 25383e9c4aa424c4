"""What is taken out of the program, a part of the guarantee at a time, as exact text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One replacement: the text must be in the file, once."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Make the replacement in a copy.

        Raises:
            LookupError: the text is not there, or more than once: the mutant must be written anew.
        """
        path = root / self.file
        text = path.read_text()
        if (times := text.count(self.old)) != 1:
            raise LookupError(f"{self.file} has {times} times, not once: {self.old!r}")
        path.write_text(text.replace(self.old, self.new))


_INDEX_IN_MIGRATION = """        "uq_operation_onboarding_id_open",
        "operation",
        ["onboarding_id"],
        unique=True,
"""
_INDEX_IN_TABLES = """        "uq_operation_onboarding_id_open",
        "onboarding_id",
        unique=True,
"""

#: By the part that is taken out.
MUTANTS: dict[str, tuple[Edit, ...]] = {
    "the-intent-journal": (
        Edit(
            file="onboarding/engine/intents.py",
            old="    journaled = journal.insert_intents("
            "conn, [op for _, _, _, op in planned], ctx.worker)\n",
            new="    journaled = {op.id for _, _, _, op in planned}\n",
        ),
    ),
    "the-intent-that-is-refused": (
        Edit(
            file="onboarding/engine/intents.py",
            old="        if operation.id in journaled\n",
            new="",
        ),
    ),
    "the-settle-window": (
        Edit(
            file="onboarding/engine/intents.py",
            old="        settle_at=now + ctx.policy.settle,\n",
            new="        settle_at=now,\n",
        ),
    ),
    "the-send-guard": (
        Edit(
            file="onboarding/graph/loop.py",
            old="return call.send_before is not None and time.monotonic() >= call.send_before",
            new="return False",
        ),
    ),
    "the-fence": (
        Edit(
            file="onboarding/store/onboardings.py",
            old="is_as_read = [t.c.id == rows.c.id, t.c.version == rows.c.version]\n    if grows:",
            new="is_as_read = [t.c.id == rows.c.id]\n    if False:",
        ),
    ),
    "the-one-open-operation-index": (
        Edit(
            file="alembic/versions/0001_first_schema.py",
            old=_INDEX_IN_MIGRATION,
            new=_INDEX_IN_MIGRATION.replace("True", "False"),
        ),
        Edit(
            file="onboarding/store/tables/journal.py",
            old=_INDEX_IN_TABLES,
            new=_INDEX_IN_TABLES.replace("True", "False"),
        ),
    ),
}
