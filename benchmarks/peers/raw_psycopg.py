"""The floor: a fenced UPDATE and a history row by hand, with psycopg and nothing else.

No rules are asked and the history is no chain. Nothing is claimed or journaled, but by
``in_three``, which writes no history.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.measure import seconds_of, tell_rate

_ROWS, _BATCH, _ONE_BY_ONE = 10_000, 100, 2_000
_LEASE = timedelta(minutes=2)
_REASON = "the display name is APPROVED"

_SCHEMA = """
    CREATE TABLE onboarding (
        id bigint PRIMARY KEY, version integer NOT NULL, state text NOT NULL,
        next_due_at timestamptz
    );
    CREATE TABLE history (
        onboarding_id bigint NOT NULL, seq integer NOT NULL,
        at timestamptz NOT NULL, source text NOT NULL, dest text NOT NULL, reason text NOT NULL,
        PRIMARY KEY (onboarding_id, seq)
    );
    CREATE TABLE operation (
        id bigint PRIMARY KEY, onboarding_id bigint NOT NULL REFERENCES onboarding,
        name text NOT NULL, status text NOT NULL
    );
    CREATE INDEX ON onboarding (next_due_at);
"""
_FILL = """
    INSERT INTO onboarding SELECT n, 1, 'name_review', now() FROM generate_series(1, %s) AS n
"""
_UPDATE = """
    UPDATE onboarding SET version = version + 1, state = %s, next_due_at = %s
    WHERE id = %s AND version = %s
"""
_INSERT = "INSERT INTO history VALUES (%s, %s, %s, %s, %s, %s)"
_UPDATE_MANY = """
    UPDATE onboarding AS o SET version = o.version + 1, state = n.state, next_due_at = n.due_at
    FROM unnest(%s::bigint[], %s::integer[], %s::text[], %s::timestamptz[])
        AS n (id, version, state, due_at)
    WHERE o.id = n.id AND o.version = n.version
"""
_INSERT_MANY = """
    INSERT INTO history SELECT * FROM unnest(
        %s::bigint[], %s::integer[], %s::timestamptz[], %s::text[], %s::text[], %s::text[]
    )
"""
_CLAIM = """
    UPDATE onboarding SET version = version + 1, next_due_at = %s
    WHERE id = (
        SELECT id FROM onboarding WHERE next_due_at <= %s
        ORDER BY next_due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, version
"""
_INTENT = "INSERT INTO operation VALUES (%s, %s, 'create_number', 'pending')"


def in_three(conn: psycopg.Connection) -> int:
    """Take rows one by one, in three transactions of one statement: claim, intent, outcome.

    Between the last two a call would be made, so that nothing that survives a crash between any
    two of them can commit less often.
    """
    for operation in range(1, _ONE_BY_ONE + 1):
        now = datetime.now(UTC)
        with conn.transaction():
            claimed = conn.execute(_CLAIM, (now + _LEASE, now)).fetchone()
        assert claimed is not None
        id_, version = claimed
        with conn.transaction():
            conn.execute(_INTENT, (operation, id_))
        with conn.transaction():
            updated = conn.execute(_UPDATE, ("created", now + _LEASE, id_, version))
            assert updated.rowcount == 1
    return _ONE_BY_ONE


def one_by_one(conn: psycopg.Connection) -> int:
    """Take rows one after the other, in a transaction each."""
    for id_ in range(1, _ONE_BY_ONE + 1):
        now = datetime.now(UTC)
        with conn.transaction():
            updated = conn.execute(_UPDATE, ("register_deadline", now, id_, 1))
            assert updated.rowcount == 1
            conn.execute(_INSERT, (id_, 2, now, "name_review", "register_deadline", _REASON))
    return _ONE_BY_ONE


def set_based(conn: psycopg.Connection) -> int:
    """Take rows 100 at a time: one UPDATE and one INSERT in a transaction."""
    for first in range(1, _ROWS + 1, _BATCH):
        ids, now = list(range(first, first + _BATCH)), datetime.now(UTC)
        ones, twos, nows = [1] * _BATCH, [2] * _BATCH, [now] * _BATCH
        sources, dests = ["name_review"] * _BATCH, ["register_deadline"] * _BATCH
        with conn.transaction():
            updated = conn.execute(_UPDATE_MANY, (ids, ones, dests, nows))
            assert updated.rowcount == _BATCH
            conn.execute(_INSERT_MANY, (ids, twos, nows, sources, dests, [_REASON] * _BATCH))
    return _ROWS


def main(how: str, url: str) -> None:
    """Fill the table and take its rows one step."""
    step = {"in_three": in_three, "one_by_one": one_by_one, "set_based": set_based}[how]
    done: list[int] = []
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_SCHEMA)
        conn.execute(_FILL, (_ROWS,))
        conn.execute("VACUUM ANALYZE onboarding")
        taken = seconds_of(lambda: done.append(step(conn)))
    tell_rate(done[0], taken)


if __name__ == "__main__":
    main(*sys.argv[1:])
