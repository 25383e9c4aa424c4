"""The control endpoints under ``/_sim``: time, phones, the log, and a hand in Meta's place."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import Field, ValidationError

from onboarding.simulator import by_hand, edits, views
from onboarding.simulator.call_log import calls_after
from onboarding.simulator.clock import Report
from onboarding.simulator.fault_settings import FaultSettings, Settings
from onboarding.simulator.faults import add_fault
from onboarding.simulator.phones import key_of, only_digits
from onboarding.simulator.refusals import Refusal
from onboarding.simulator.scenario import ClockMode, HandSettings, Instant, PortfolioSettings
from onboarding.simulator.signup import SessionEdit, run_session
from onboarding.simulator.snapshot import restore_snapshot, take_snapshot
from onboarding.simulator.timekeeper import Timekeeper

_Model = TypeVar("_Model", bound=Settings)
_CENTURY_S = 3.2e9
_BAD_REQUEST, _NOT_FOUND, _CONFLICT = 400, 404, 409


class ClockEdit(Settings):
    """How time is to move, and where to."""

    mode: ClockMode | None = None
    set: Instant | None = None
    advance_s: Annotated[float, Field(ge=0, le=_CENTURY_S)] | None = None


class ParticipantReport(Settings):
    """What a participant says about itself."""

    participant: Annotated[str, Field(min_length=1)]
    idle: bool
    next_due_at: Instant | None = None
    epoch: int
    ttl_s: Annotated[float, Field(gt=0)]
    changed: bool = False
    wait_s: Annotated[float, Field(ge=0)] = 0.0


class _Query:
    """What a control request gave: the last part of its path, its query and its body."""

    def __init__(self, argument: str, query: Mapping[str, str], body: Any) -> None:
        self.argument = argument
        self.body = body
        self._query = query

    @property
    def after(self) -> int:
        """The sequence number after which to begin; zero without one."""
        text = self._query.get("after", "0")
        return int(text) if text.isascii() and text.isdecimal() else 0

    def read(self, model: type[_Model]) -> _Model:
        """Return the body, checked."""
        return model.model_validate(self.body)


_Handler = Callable[[_Query], Awaitable[Any]]


class Control:
    """Answers control requests; every change starts a new epoch, so that all look again."""

    def __init__(self, timekeeper: Timekeeper) -> None:
        self._timekeeper = timekeeper
        self._handlers: dict[tuple[str, str], _Handler] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._get_clock,
            ("POST", "clock"): self._set_clock,
            ("POST", "clock/report"): self._report,
            ("DELETE", "clock/participants/*"): self._dismiss,
            ("GET", "inbox"): self._get_all_messages,
            ("GET", "inbox/*"): self._get_messages,
            ("GET", "calls"): self._get_calls,
            ("GET", "webhooks"): self._get_webhooks,
            ("GET", "state"): self._get_state,
            ("POST", "embedded_signup"): self._sign_up,
            ("POST", "embedded_signup/session"): self._run_session,
            ("POST", "numbers/*"): self._edit_number,
            ("POST", "businesses/*"): self._edit_business,
            ("POST", "names/*"): self._decide_name,
            ("POST", "by_hand/*"): self._do_by_hand,
            ("POST", "tokens"): self._edit_token,
            ("POST", "elsewhere/*"): self._edit_elsewhere,
            ("GET", "faults"): self._get_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._drop_faults,
            ("DELETE", "faults/*"): self._drop_fault,
            ("GET", "snapshot"): self._take_snapshot,
            ("POST", "snapshot"): self._restore_snapshot,
        }

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer one control request; mistakes are told in ``error``, in one line."""
        name, argument = path.strip("/"), ""
        handler = self._handlers.get((request.method, name))
        if handler is None:
            parent, _, argument = name.rpartition("/")
            handler = self._handlers.get((request.method, f"{parent}/*"))
        if handler is None:
            return _fail(_NOT_FOUND, f"there is no {request.method} {request.path}")
        try:
            text = await request.text()
            body = json.loads(text) if text.strip() else {}
            return web.json_response(await handler(_Query(argument, request.query, body)))
        except edits.EditError as error:
            return _fail(_NOT_FOUND, str(error))
        except Refusal as refusal:
            return _fail(_CONFLICT, f"Meta would refuse this: {refusal.reason}")
        except ValidationError as error:
            told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            return _fail(_BAD_REQUEST, "; ".join(told))
        except ValueError as error:
            return _fail(_BAD_REQUEST, str(error))

    async def _health(self, _query: _Query) -> Any:
        return {"status": "ok", "profile": self._timekeeper.world.scenario.profile}

    async def _get_clock(self, _query: _Query) -> Any:
        return views.show_clock(self._timekeeper)

    async def _set_clock(self, query: _Query) -> Any:
        edit = query.read(ClockEdit)
        advance = None if edit.advance_s is None else timedelta(seconds=edit.advance_s)
        self._timekeeper.set(mode=edit.mode, instant=edit.set, advance=advance)
        return views.show_clock(self._timekeeper)

    async def _report(self, query: _Query) -> Any:
        given = query.read(ParticipantReport)
        report = Report(
            idle=given.idle,
            next_due_at=given.next_due_at,
            epoch=given.epoch,
            lapses_at=time.monotonic() + given.ttl_s,
        )
        await self._timekeeper.report(
            given.participant, report, changed=given.changed, wait_s=given.wait_s
        )
        return views.show_clock(self._timekeeper)

    async def _dismiss(self, query: _Query) -> Any:
        self._timekeeper.dismiss(query.argument)
        return views.show_clock(self._timekeeper)

    async def _get_all_messages(self, query: _Query) -> Any:
        self._timekeeper.now()
        messages = self._timekeeper.world.state.messages
        return views.show_messages(messages[query.after :], query.after)

    async def _get_messages(self, query: _Query) -> Any:
        self._timekeeper.now()
        key = key_of(only_digits(query.argument))
        return views.show_messages(self._timekeeper.world.inbox.get(key, ()), query.after)

    async def _get_calls(self, query: _Query) -> Any:
        return {"calls": calls_after(self._timekeeper.world, query.after)}

    async def _get_webhooks(self, query: _Query) -> Any:
        self._timekeeper.now()
        return views.show_webhooks(self._timekeeper.world.state.webhooks, query.after)

    async def _get_state(self, _query: _Query) -> Any:
        now = self._timekeeper.now()
        return views.show_state(self._timekeeper.world, now)

    async def _sign_up(self, query: _Query) -> Any:
        edit, now = query.read(edits.SignupEdit), self._timekeeper.now()
        number = edits.finish_signup(self._timekeeper.world, edit, now)
        return self._changed(views.show_number(self._timekeeper.world, number))

    async def _run_session(self, query: _Query) -> Any:
        edit, now = query.read(SessionEdit), self._timekeeper.now()
        return self._changed(run_session(self._timekeeper.world, edit, now))

    async def _edit_number(self, query: _Query) -> Any:
        edit, now = query.read(edits.NumberEdit), self._timekeeper.now()
        number = edits.edit_number(self._timekeeper.world, query.argument, edit, now)
        return self._changed(views.show_number(self._timekeeper.world, number))

    async def _edit_business(self, query: _Query) -> Any:
        edit, now = query.read(PortfolioSettings), self._timekeeper.now()
        business = edits.edit_business(self._timekeeper.world, query.argument, edit, now)
        return self._changed(asdict(business))

    async def _decide_name(self, query: _Query) -> Any:
        edit, now = query.read(edits.NameEdit), self._timekeeper.now()
        number = edits.decide_by_hand(self._timekeeper.world, query.argument, edit, now)
        return self._changed(views.show_number(self._timekeeper.world, number))

    async def _do_by_hand(self, query: _Query) -> Any:
        hand, now = query.read(HandSettings), self._timekeeper.now()
        number = edits.find_number(self._timekeeper.world, query.argument)
        by_hand.do(self._timekeeper.world, number, hand, now)
        return self._changed(views.show_number(self._timekeeper.world, number))

    async def _edit_token(self, query: _Query) -> Any:
        token = edits.edit_token(self._timekeeper.world, query.read(edits.TokenEdit))
        return self._changed({"dead": token.is_dead, "subcode": token.subcode})

    async def _edit_elsewhere(self, query: _Query) -> Any:
        edit = query.read(edits.ElsewhereEdit)
        edits.edit_elsewhere(self._timekeeper.world, query.argument, edit)
        return self._changed({"use": edit.use})

    async def _get_faults(self, _query: _Query) -> Any:
        return {"faults": self._show_faults()}

    async def _add_fault(self, query: _Query) -> Any:
        name = add_fault(self._timekeeper.world, query.read(FaultSettings))
        return self._changed({"name": name})

    async def _drop_faults(self, _query: _Query) -> Any:
        self._timekeeper.world.state.faults.clear()
        return self._changed({"faults": {}})

    async def _drop_fault(self, query: _Query) -> Any:
        if self._timekeeper.world.state.faults.pop(query.argument, None) is None:
            raise edits.EditError(f"there is no fault {query.argument}")
        return self._changed({"faults": self._show_faults()})

    async def _take_snapshot(self, _query: _Query) -> Any:
        self._timekeeper.now()
        return take_snapshot(self._timekeeper.world, self._timekeeper.clock)

    async def _restore_snapshot(self, query: _Query) -> Any:
        keeper = self._timekeeper
        keeper.world = restore_snapshot(keeper.world.scenario, query.body, keeper.clock)
        return views.show_clock(self._changed(keeper))

    def _show_faults(self) -> dict[str, Any]:
        faults = self._timekeeper.world.state.faults
        return {
            name: fault.model_dump(mode="json", exclude_defaults=True)
            for name, fault in faults.items()
        }

    def _changed(self, answer: Any) -> Any:
        self._timekeeper.bump()
        self._timekeeper.tick()
        return answer


def _fail(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
