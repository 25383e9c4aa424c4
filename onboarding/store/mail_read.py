"""Messages of mailboxes that were looked at, so that none is handed in twice, whoever reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from onboarding.store.rowset import insert_rows
from onboarding.store.tables import mail_read


def load_read(conn: Connection, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> set[int]:
    """Return which of these messages were looked at before."""
    query = select(mail_read.c.uid).where(
        mail_read.c.mailbox == mailbox,
        mail_read.c.uidvalidity == uidvalidity,
        mail_read.c.uid.in_(uids),
    )
    return set(conn.execute(query).scalars())


def claim_mail(
    conn: Connection, mailbox: str, uidvalidity: int, uid: int, *, now: datetime, result: str
) -> bool:
    """Note that a message is looked at now; ``False`` if somebody else was first."""
    row = {
        "mailbox": mailbox, "uidvalidity": uidvalidity, "uid": uid, "read_at": now,
        "result": result,
    }  # fmt: skip
    return bool(insert_rows(conn, mail_read, [row], skip_conflicts=True, returning=mail_read.c.uid))


def forget_mail(conn: Connection, before: datetime) -> None:
    """Forget messages that are too old to be looked at again."""
    conn.execute(delete(mail_read).where(mail_read.c.read_at < before))
