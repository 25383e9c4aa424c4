"""No secret, in clear or encrypted, is in anything that a command prints or logs."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.cli.harness import NUMBER, PIN, TOKEN, WABA, Deployment, Meta, pass_until_idle
from tests.cli.test_reading import READS

#: What is told of a number that waits, beside what ``READS`` tell of any.
OF_A_WAITING_ONE = (
    ("due",),
    ("why", NUMBER),
    ("code", "list"),
    ("code", NUMBER, "--attempts"),
    ("link", "list"),
    ("name", "list", NUMBER),
    ("plan",),
    ("events",),
    ("outbox", "list"),
)


def _sealed(deployment: Deployment) -> list[str]:
    """Return every ciphertext and keyed digest in the database."""
    query = (
        "SELECT token_sealed FROM account UNION SELECT code_sealed FROM onboarding "
        "UNION SELECT pin_sealed FROM onboarding UNION SELECT pin_pending_sealed FROM onboarding "
        "UNION SELECT code_mac FROM onboarding UNION SELECT next_token_sealed FROM account "
        "UNION SELECT verify_token_sealed FROM account UNION SELECT token_sealed FROM business"
    )
    with closing(sqlite3.connect(deployment.database)) as conn:
        return [value for (value,) in conn.execute(query) if value]


def test_no_output_holds_a_secret(meta: Meta) -> None:
    deployment = meta.deployment
    id_ = deployment.request(NUMBER, "Lucky Shrub", "--code-ready")
    with meta.engine() as engine:
        pass_until_idle(engine)
    code = meta.last_code()
    link = deployment.ok("link", "make", id_).out.strip()
    token_file = str(deployment.folder / "token.txt")
    commands = [
        ("business", "add", "506914307656634", "--token-file", token_file),
        ("account", "callback", WABA, "https://hooks.example"),
        ("secrets", "set-pin", id_),
        ("code", id_, code),
        ("account", "add", WABA, "--token-file", token_file),
    ]
    (deployment.folder / "token.txt").write_text(TOKEN)
    outputs = [deployment.run("--verbose", *command, stdin=PIN) for command in commands]
    secrets = [
        TOKEN,
        PIN,
        code,
        link,
        *_sealed(deployment),
        deployment.key_file.read_text().strip(),
    ]
    assert len(secrets) >= 8
    for command in (*READS, *OF_A_WAITING_ONE):
        outputs += [deployment.run("--verbose", *command), deployment.run(*command, "--json")]
    assert all(outcome.code == 0 for outcome in outputs)
    told = "".join(outcome.out + outcome.err for outcome in outputs)
    assert NUMBER in told
    assert not [secret for secret in secrets if secret in told]


def test_a_refused_import_repeats_no_pin(deployment: Deployment) -> None:
    file = deployment.folder / "numbers.csv"
    file.write_text(f"waba_id,phone_number,display_name,pin\n{WABA},{NUMBER},Shop,27182\n")
    outcome = deployment.run("import", str(file))
    assert outcome.code == 2
    assert "27182" not in outcome.out + outcome.err
