"""Hold the simulator's documented profile to Meta's published specification.

    python -m tests.simulator.compare_with_spec PATH_TO_OPENAPI_YAML

Takes a tour through the simulator, looks up each answer's schema by path, method and HTTP
status, and prints what differs. Exits with 1 if anything does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from onboarding.simulator import Simulator
from tests.simulator.harness import Rig, business, scenario
from tests.simulator.tour import Seen, take_tour


def collect_differences(spec: dict[str, Any]) -> tuple[int, list[str]]:
    """Return how many answers were compared, and each difference once."""
    given = {"profile": "documented", "businesses": [business(max_phone_numbers=5)]}
    with Simulator(scenario(given)) as simulator:
        rig = Rig(simulator)
        seen = take_tour(rig)
        rig.http.close()
    differences = [difference for one in seen for difference in _compare(spec, one)]
    return len(seen), list(dict.fromkeys(differences))


def _compare(spec: dict[str, Any], one: Seen) -> Iterator[str]:
    status = str(one.response.status_code)
    where = f"{one.method} {one.template.removeprefix('/{Version}')} {status}"
    operation = spec["paths"].get(one.template, {}).get(one.method.lower())
    if operation is None:
        yield f"{where}: the specification has no such operation"
        return
    answer = operation["responses"].get(status)
    body = one.response.json()
    if answer is None:
        error = body.get("error", {})
        yield f"{where}: a status that the specification does not list (code {error.get('code')})"
        return
    content = answer["content"]["application/json"]
    yield from (f"{where}: {told}" for told in _mistakes(spec, content["schema"], body))
    known = _codes(content)
    code = body.get("error", {}).get("code") if isinstance(body, dict) else None
    if known and code is not None and code not in known:
        yield f"{where}: code {code}, where the examples show {sorted(known)}"


def _mistakes(spec: dict[str, Any], schema: dict[str, Any], body: Any) -> Iterator[str]:
    whole = {"components": spec["components"], **schema}
    validator = jsonschema.Draft202012Validator(whole)
    for error in validator.iter_errors(body):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path)
        yield f"body{place}: {error.message}"


def _codes(content: dict[str, Any]) -> set[int]:
    examples = [content["example"]] if "example" in content else []
    examples += [example["value"] for example in content.get("examples", {}).values()]
    return {example["error"]["code"] for example in examples if "error" in example}


def main(arguments: list[str]) -> int:
    """Compare with the specification at a path; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    spec = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    compared, differences = collect_differences(spec)
    for difference in differences:
        sys.stdout.write(f"{difference}\n")
    sys.stdout.write(f"{compared} answers compared, {len(differences)} differences\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
