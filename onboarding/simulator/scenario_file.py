"""Reading a scenario file, and telling what is wrong with it in one line per mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from onboarding.simulator.scenario import Scenario


class ScenarioError(ValueError):
    """A scenario cannot be used; the message names the file, the keys and what is allowed."""


def load_scenario(path: Path | str) -> Scenario:
    """Read a scenario from a YAML file, or a TOML file if its name ends in ``.toml``.

    Raises:
        ScenarioError: the file cannot be read, or something in it is not allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        given = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    return make_scenario({} if given is None else given, source=str(path))


def make_scenario(given: object, *, source: str = "scenario") -> Scenario:
    """Return the scenario that a mapping describes.

    Raises:
        ScenarioError: something is not allowed; ``source`` opens each line of the message.
    """
    if not isinstance(given, Mapping):
        raise ScenarioError(f"{source}: the scenario must be a mapping of keys")
    try:
        return Scenario.model_validate(given)
    except ValidationError as error:
        lines = [f"{source}: {_describe(mistake)}" for mistake in error.errors()]
        raise ScenarioError("\n".join(lines)) from error


def _describe(mistake: Mapping[str, Any]) -> str:
    location: tuple[int | str, ...] = mistake["loc"]
    where = _name(location) or "the scenario"
    if mistake["type"] == "extra_forbidden":
        allowed = ", ".join(_allowed_keys(location[:-1]))
        return f"{where} is not a key here; allowed: {allowed}"
    return f"{where}: {mistake['msg'].removeprefix('Value error, ')}"


def _name(location: tuple[int | str, ...]) -> str:
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    return name.removeprefix(".")


def _allowed_keys(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Scenario
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = next(_models_in(field.annotation), model)
    return sorted(model.model_fields)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
