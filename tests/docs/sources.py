"""What the program's source says about itself: names that appear nowhere as data."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "onboarding"


def trees(*folders: str) -> Iterator[ast.Module]:
    """Yield the parsed files of folders of the package, or of all of it."""
    for folder in folders or ("",):
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            yield ast.parse(file.read_text())


def history_notes() -> set[str]:
    """Return the names of notes that can appear in a history; ``{}`` stands for an operation."""
    found = {"requested"}  # the first entry has no trigger of the lifecycle
    both = list(trees("core", "engine"))
    positions = {name: place for tree in both for name, place in _positions_of("note", tree)}
    for tree in both:
        for call in _calls(tree):
            found |= _texts_of_note(call, positions)
            if _name_of(call) in ("HistoryEntry", "Entry"):
                found |= _texts_given("trigger", call)
        found |= set(_texts_assigned("note", tree))
    return found - {""}


def _texts_assigned(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield what a variable of this name is set to, alone or as one of several."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield from _texts(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target_of, value in zip(targets, values, strict=True):
                    if isinstance(target_of, ast.Name) and target_of.id == name:
                        yield from _texts(value)


def _texts_of_note(call: ast.Call, positions: dict[str, int]) -> set[str]:
    found = _texts_given("note", call)
    place = positions.get(_name_of(call))
    if place is not None and place < len(call.args):
        found |= set(_texts(call.args[place]))
    return found


def _texts_given(name: str, call: ast.Call) -> set[str]:
    return {text for k in call.keywords if k.arg == name for text in _texts(k.value)}


def _positions_of(parameter: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield which functions of a file take a parameter of this name, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [each.arg for each in node.args.args]
            if parameter in names:
                yield node.name, names.index(parameter)


def log_events() -> set[str]:
    """Return the names of the events that can appear in the log."""
    return {
        text
        for tree in trees()
        for call in _calls(tree)
        if _is_log(call) and call.args
        for text in _texts(call.args[0])
    }


def _is_log(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "level"
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "log"
    )


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can be."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)
        case _:
            return
