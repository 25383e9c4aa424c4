"""Our durable step beside the step of others: one PostgreSQL, interleaved rounds, one run.

Each contestant is a process of its own on an empty database, and prints its steps a second. The
server is as PostgreSQL ships: every commit is on disk before it is confirmed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from benchmarks.measure import Measured
from tests.postgres import PostgresServer, create_database, drop_database

_ROUNDS = 5
_ROOT = Path(__file__).resolve().parent.parent
_PEERS_PYTHON = _ROOT / ".bench" / "bin" / "python"
_TIMEOUT_S = 300
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Who does durable steps, and how it is run.

    Attributes:
        name: as the report says it.
        module: what is run; those under ``peers`` have an environment of their own.
        how: its first argument.
    """

    name: str
    module: str
    how: str = "run"

    def rate(self, server_url: str) -> float:
        """Return how many steps a second it does, on a database that is made for it."""
        python = _PEERS_PYTHON if self.module.startswith("peers.") else Path(sys.executable)
        database = create_database(server_url)
        url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
        command = [str(python), "-m", f"benchmarks.{self.module}", self.how, url]
        done = subprocess.run(  # noqa: S603 - our own program
            command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
        drop_database(database)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name} failed: {done.stderr[-2000:]}")
        return float(done.stdout.splitlines()[-1])


_OBSERVE = Contestant(name="list of 100 changed numbers applied", module="our_step", how="observe")
_ONBOARD = Contestant(
    name="one onboarding at a time, Graph at zero latency", module="our_step", how="onboard"
)
_RAW_SET = Contestant(
    name="psycopg by hand, 100 per transaction", module="peers.raw_psycopg", how="set_based"
)
_RAW_ONE = Contestant(
    name="psycopg by hand, a transaction each", module="peers.raw_psycopg", how="one_by_one"
)
_RAW_THREE = Contestant(
    name="psycopg by hand, claim, intent and outcome, a transaction of one statement each",
    module="peers.raw_psycopg",
    how="in_three",
)
_OBSERVE_AGAIN = Contestant(
    name="the statements of such a list alone, sent by psycopg",
    module="replayed_step",
    how="observe",
)
_OBSERVE_LEAST = Contestant(
    name="only what reads and writes the rows of such a list, sent by psycopg all at once",
    module="replayed_step",
    how="least",
)
_OBSERVE_RULED = Contestant(
    name="only what reads and writes the rows, and the rules in memory",
    module="replayed_step",
    how="ruled",
)
_ONBOARD_AGAIN = Contestant(
    name="the statements of such a step alone, sent by psycopg",
    module="replayed_step",
    how="onboard",
)
_ONBOARD_LEAST = Contestant(
    name="only what claims, reads and writes the rows of such a step, sent by psycopg in its three "
    "transactions, each at once",
    module="replayed_step",
    how="onboard_least",
)
_PGQUEUER = Contestant(name="pgqueuer, batch of 100", module="peers.pgqueuer_drain")
_DBOS = Contestant(name="a DBOS step, one by one", module="peers.dbos_step", how="one_by_one")
_DBOS_8 = Contestant(
    name="DBOS steps of 8 workflows at once", module="peers.dbos_step", how="at_once"
)
_PROCRASTINATE = Contestant(name="Procrastinate, 8 jobs at once", module="peers.procrastinate_run")
_DJANGO = Contestant(name="django-fsm-2 with django-fsm-log", module="peers.django_transition")


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two contestants.

    Attributes:
        ours: whose rate is told,
        theirs: and as a ratio of whose.
        least: what the ratio must be at least; without it, it is told only.
    """

    ours: Contestant
    theirs: Contestant
    least: float | None = None

    @property
    def bound(self) -> str:
        """The bound, in words."""
        return "reported" if self.least is None else f"at least {self.least} x"


_COMPARED = (
    _Compared(_OBSERVE, _RAW_SET, least=0.25),
    _Compared(_OBSERVE, _PGQUEUER, least=1.2),
    _Compared(_OBSERVE, _DBOS, least=20),
    _Compared(_OBSERVE, _DBOS_8),
    # What no program that stores the same rows can be faster than, and our share of it.
    _Compared(_OBSERVE_LEAST, _RAW_SET),
    _Compared(_OBSERVE_LEAST, _PGQUEUER),
    _Compared(_OBSERVE_LEAST, _DBOS),
    _Compared(_OBSERVE, _OBSERVE_LEAST, least=0.2),
    # And with the rules, as they are written here, in memory.
    _Compared(_OBSERVE_RULED, _RAW_SET),
    _Compared(_OBSERVE_RULED, _DBOS),
    # All its statements sent, and nothing computed.
    _Compared(_OBSERVE_AGAIN, _RAW_SET),
    _Compared(_OBSERVE_AGAIN, _PGQUEUER),
    _Compared(_OBSERVE_AGAIN, _DBOS),
    _Compared(_OBSERVE, _OBSERVE_AGAIN),
    _Compared(_ONBOARD, _DBOS, least=2),
    # Its floors: three commits, one after the other; the rows in them; and all its statements.
    _Compared(_RAW_THREE, _DBOS),
    _Compared(_ONBOARD_LEAST, _DBOS),
    _Compared(_ONBOARD_AGAIN, _DBOS),
    _Compared(_ONBOARD, _RAW_THREE),
    _Compared(_ONBOARD, _ONBOARD_AGAIN, least=0.5),
    _Compared(_ONBOARD, _DBOS_8),
    _Compared(_ONBOARD, _PROCRASTINATE),
    _Compared(_ONBOARD, _DJANGO),
    _Compared(_ONBOARD, _RAW_ONE),
)


def measure() -> list[Measured]:
    """Run all contestants in turns, and compare them within each round.

    Raises:
        RuntimeError: the peers' environment is missing, or the server does not write through.
    """
    if not _PEERS_PYTHON.exists():
        raise RuntimeError("the environment of the peers is missing; run: make bench")
    contestants = dict.fromkeys(who for pair in _COMPARED for who in (pair.ours, pair.theirs))
    with PostgresServer() as server:
        _require_durability(server.url())
        rounds = [{each: each.rate(server.url()) for each in contestants} for _ in range(_ROUNDS)]
    return [_line(rounds, pair) for pair in _COMPARED]


def _line(rounds: list[dict[Contestant, float]], pair: _Compared) -> Measured:
    """Return the median of the rounds' ratios: within a round all met the same load."""
    ratio = statistics.median(each[pair.ours] / each[pair.theirs] for each in rounds)
    our_rate, their_rate = (
        statistics.median(each[who] for each in rounds) for who in (pair.ours, pair.theirs)
    )
    return Measured(
        what=f"{pair.ours.name}, beside {pair.theirs.name}",
        value=f"{ratio:.2f} x ({our_rate:,.0f}/s beside {their_rate:,.0f}/s)",
        bound=pair.bound,
        is_met=None if pair.least is None else ratio >= pair.least,
    )


def _require_durability(url: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as conn:
        for setting in _DURABLE:
            row = conn.execute("SELECT current_setting(%s)", (setting,)).fetchone()
            if row != ("on",):
                raise RuntimeError(f"the server's {setting} is not on: nothing durable is measured")
