"""A number as Meta tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """What Meta says about one number (list or node). ``None`` means: not told.

    Enum fields hold Meta's value; the spellings UNVERIFIED (ownership), NON_EXISTS, LINKED and
    UNLINKED are mapped to their live twins and UNKNOWN to ``None`` when the answer is parsed.
    """

    id: str
    display_phone_number: str | None = None
    verified_name: str | None = None
    status: str | None = None
    code_verification_status: str | None = None
    name_status: str | None = None
    new_display_name: str | None = None
    new_name_status: str | None = None
    platform_type: str | None = None
    throughput_level: str | None = None
    account_mode: str | None = None
    quality_rating: str | None = None
    messaging_limit_tier: str | None = None
    is_on_biz_app: bool | None = None
    is_official_business_account: bool | None = None
    is_pin_enabled: bool | None = None
    country_code: str | None = None
    country_dial_code: str | None = None
    unified_cert_status: str | None = None
    host_platform: str | None = None
    username: str | None = None
    last_onboarded_time: datetime | None = None
