"""Every name of Meta's documents is mapped, and the code and the tests that are named exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from onboarding.graph.rules import RULES
from tests.docs.reading import ROOT, page

TEXT = page("reference/graph-coverage.md")
REFERENCES = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))

#: What Meta's documents name for these calls.
PARAMETERS = ["fields", "filtering", "sort", "limit", "after", "before"]
FILTERS = ["account_mode", "messaging_limit_tier", "is_official_business_account"]
ORDERS = [
    f"{key}.{way}" for key in ("creation_time", "last_onboarded_time") for way in ("asc", "desc")
]
CREATE = ["cc", "phone_number", "verified_name", "migrate_phone_number", "preverified_id"]
FIELDS = [
    "id", "display_phone_number", "verified_name", "status", "quality_rating", "country_code",
    "country_dial_code", "code_verification_status", "unified_cert_status", "account_mode",
    "host_platform", "messaging_limit_tier", "is_official_business_account", "username",
    "name_status", "new_name_status",
]  # fmt: skip
VALUES = [
    "TIER_50", "TIER_250", "TIER_1K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", "APPROVED",
    "DECLINED", "EXPIRED", "PENDING_REVIEW", "NONE", "VERIFIED", "NOT_VERIFIED",
]  # fmt: skip
PAGING = ["data", "paging", "cursors", "next", "previous"]
HEADERS = ["User-Agent", "Authorization", "Version", "WABA-ID", "access_token"]
ERROR = [
    "message", "type", "code", "error_subcode", "fbtrace_id", "is_transient", "error_user_title",
    "error_user_msg",
]  # fmt: skip
STATUSES = [200, 400, 401, 403, 404, 409, 422, 429, 500]
CODES = [100, 102, 104, 190, 200, 300, 200000]
OTHERS = ["messaging_product", "pin", "POST /{business}/add_phone_numbers", "+1 (631) 555-1000"]


@pytest.mark.parametrize(
    "name",
    dict.fromkeys(
        [
            *PARAMETERS,
            *FILTERS,
            *ORDERS,
            *CREATE,
            *FIELDS,
            *VALUES,
            *PAGING,
            *HEADERS,
            *ERROR,
            *OTHERS,
        ]
    ),
)
def test_every_name_of_the_documents_is_mapped(name: str) -> None:
    assert f"`{name}" in TEXT


@pytest.mark.parametrize("number", [*STATUSES, *CODES])
def test_every_status_and_code_of_the_documents_is_mapped(number: int) -> None:
    assert re.search(rf"^\| {number} \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_in_the_recovery_table(code: int) -> None:
    assert any(rule.code == code for rule in RULES)


@pytest.mark.parametrize(("path", "name"), REFERENCES, ids=lambda part: part)
def test_every_reference_exists(path: str, name: str) -> None:
    file = ROOT / path if path.startswith("tests/") else ROOT / "onboarding" / path
    assert name in defined_in(str(file))


@cache
def defined_in(file: str) -> frozenset[str]:
    """Return the names that a file defines at its top level."""
    body = ast.parse(Path(file).read_text()).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {node.name for node in body if isinstance(node, kinds)}
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


def test_each_row_of_code_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and ".py::" in line]
    assert len(REFERENCES) > 80
    assert sum("tests/" in row for row in rows) > 40
