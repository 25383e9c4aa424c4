"""From a refusal to the status and the body that Meta sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from onboarding.simulator.fault_settings import Language
from onboarding.simulator.refusal_table import TABLE
from onboarding.simulator.refusals import OBSERVED, Form, Profile, Reason, Refusal

ErrorBody = dict[str, dict[str, object]]

LOCALISED: dict[Language, tuple[str, str]] = {
    "de": ("Fehler", "Das hat nicht funktioniert. Versuche es später erneut."),
    "es": ("Error", "No se pudo completar la solicitud. Inténtalo de nuevo más tarde."),
    "pt": ("Erro", "Não foi possível concluir a solicitação. Tente novamente mais tarde."),
}
"""Title and message for the user in the language of the token's owner."""


_NO_PLACES: Mapping[str, str] = {}


def form_of(reason: Reason, profile: Profile) -> Form:
    """Return the row's answer in one profile."""
    observed, documented = TABLE[reason]
    return observed if profile == OBSERVED else documented


def render_refusal(
    refusal: Refusal, profile: Profile, trace_id: str, language: Language | None = None
) -> tuple[int, ErrorBody]:
    """Return the HTTP status and the error body of a refusal.

    A refusal may replace code and subcode of its row; only the observed profile shows that,
    the other one keeps to the specification.
    """
    form, places = form_of(refusal.reason, profile), refusal.places
    message = form.message
    if profile == OBSERVED:
        code, subcode = refusal.code or form.code, refusal.subcode or form.subcode
        message = message.replace(f"(#{form.code})", f"(#{code})")
        form = replace(form, code=code, subcode=subcode)
    told = replace(form, message=message.format_map(places))
    return form.status, render_form(told, profile, trace_id, places=places, language=language)


def render_form(
    form: Form,
    profile: Profile,
    trace_id: str,
    *,
    places: Mapping[str, str] = _NO_PLACES,
    language: Language | None = None,
) -> ErrorBody:
    """Return the error body of one form of answer; its message is taken as it stands."""
    error: dict[str, object] = {"message": form.message, "type": form.type, "code": form.code}
    if form.subcode is not None:
        error["error_subcode"] = form.subcode
    if profile == OBSERVED or form.transient:
        error["is_transient"] = form.transient
    error |= _texts(form, places, language)
    if form.details is not None:
        details = form.details.format_map(places)
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return {"error": error | {"fbtrace_id": trace_id}}


def _texts(form: Form, places: Mapping[str, str], language: Language | None) -> dict[str, object]:
    title, user_msg = form.title, form.user_msg
    if language is not None:
        title, user_msg = LOCALISED[language]
    texts: dict[str, object] = {}
    if title is not None:
        texts["error_user_title"] = title
    if user_msg is not None:
        texts["error_user_msg"] = user_msg.format_map(places)
    return texts
