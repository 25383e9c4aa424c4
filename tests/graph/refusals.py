"""What each refusal of Meta means, written from Meta's rules and independent of the code.

A line is: call, code, subcode, HTTP status, class, effect, and after a bar words of the message.
"""

from __future__ import annotations

from typing import NamedTuple

from onboarding.model import Endpoint, Operation, Read


class Case(NamedTuple):
    """One refusal and what it means."""

    endpoint: Endpoint
    code: int
    subcode: int | None
    status: int
    recovery: str
    effect: str
    message: str


def _read(line: str) -> Case:
    words, _, message = line.partition(" | ")
    call, code, subcode, status, recovery, effect = words.split()
    endpoint = Operation(call) if call in set(Operation) else Read(call)
    number = None if subcode == "-" else int(subcode)
    return Case(endpoint, int(code), number, int(status), recovery, effect, message)


_GENERAL = """
list_numbers 0 - 401 reauth refused
register 1 - 400 transient unknown
register 2 - 503 transient unknown
create_number 2 - 500 transient unknown
create_number 3 - 500 human refused
list_numbers 4 - 400 throttle_app refused
list_numbers 4 2446079 429 throttle_app refused
create_number 4 2446080 429 throttle_app refused
register 4 2446079 429 throttle_app refused | Application request limit reached
register 4 2446079 429 wait refused | Registration rate limit exceeded
deregister 4 2446079 429 wait refused | Rate limit exceeded for deregistration requests
verify_code 4 2446079 429 wait refused | Too many verification attempts
create_number 10 - 403 human refused
list_numbers 17 - 400 throttle_token refused
list_numbers 17 2446079 429 throttle_token refused
list_numbers 32 - 400 throttle_app refused
read_number 33 - 400 permanent refused
register 100 - 400 human refused | (#100) Invalid parameter
register 100 33 400 reconcile refused | Unsupported post request.
read_number 100 33 400 reconcile refused | Unsupported get request.
exchange_code 100 - 400 human refused | This authorization code has expired.
exchange_code 100 - 400 human refused | This authorization code has been used.
list_numbers 102 - 401 reauth refused
list_numbers 104 - 400 bug refused
list_numbers 190 - 401 reauth refused
list_numbers 190 456 401 reauth refused
list_numbers 190 457 401 reauth refused
list_numbers 190 458 401 reauth refused
list_numbers 190 459 401 human refused
list_numbers 190 460 401 reauth refused
list_numbers 190 461 401 reauth refused
list_numbers 190 462 401 reauth refused
register 190 463 401 reauth refused
list_numbers 190 464 401 human refused
list_numbers 190 465 401 human refused
list_numbers 190 466 401 reauth refused
list_numbers 190 467 401 reauth refused
list_numbers 190 468 401 reauth refused
list_numbers 190 492 401 human refused
list_numbers 190 999 401 reauth refused
create_number 192 - 400 permanent refused
list_numbers 200 - 403 human refused
list_numbers 200 1349174 403 human refused
read_number 200 1349175 403 human refused
create_number 200 1349175 403 human refused
list_numbers 200 1349176 403 human refused
list_numbers 254 - 403 human refused
create_number 300 - 400 transient unknown
list_numbers 341 - 400 throttle_app refused
register 368 - 403 human refused
create_number 506 - 400 reconcile refused
request_code 613 - 422 throttle_waba refused
read_number 803 - 404 permanent refused
list_numbers 80007 - 400 throttle_waba refused
list_numbers 80007 2446079 429 throttle_waba refused
list_numbers 80008 - 400 throttle_waba refused
list_numbers 80004 - 400 throttle_waba refused
register 130429 - 400 transient refused
register 130429 2494055 400 transient refused
create_number 1752041 - 400 reconcile done
"""

_WHATSAPP = """
register 131000 - 500 transient unknown
register 131005 - 403 human refused
register 131008 - 400 bug refused
register 131009 - 400 bug refused
register 131016 - 500 transient unknown
register 131021 - 400 bug refused
register 131031 - 403 human refused
register 131037 - 400 wait refused
register 131042 - 400 human refused
register 131045 - 500 human refused
register 131057 - 500 transient refused
list_numbers 131059 - 400 transient refused
register 130497 - 403 human refused
register 135000 - 400 human refused
"""

_REGISTRATION = """
register 133000 - 500 reconcile refused
register 133001 - 500 human refused
register 133002 - 500 human refused
register 133003 - 500 human refused
register 133004 - 503 transient unknown
register 133005 - 400 human refused | (#133005) Two step verification PIN Mismatch
register 133005 2388001 400 human refused
register 133006 - 400 reconcile refused
register 133007 - 403 human refused
register 133008 - 400 wait refused
register 133009 - 400 wait refused
register 133010 - 400 reconcile refused
register 133015 - 400 wait refused
register 133016 - 400 wait refused
deregister 133016 - 400 wait refused
register 133099 - 400 human refused
register 133099 - 500 human unknown
request_code 136024 2388091 400 wait refused | Request code error
request_code 136024 2388367 400 wait refused | Request code error
request_code 136024 - 400 wait refused | Request code error
request_code 136024 - 400 reconcile refused | The number is already verified
request_code 136024 - 400 reconcile refused | has already been verified
verify_code 136025 2388093 400 human refused | Verify code error
verify_code 136025 - 400 human refused | Verify code error
request_code 136099 - 400 human refused
verify_code 100 - 422 human refused | The verification code is invalid
verify_code 100 - 422 human refused | The verification code has expired
verify_code 100 - 422 reconcile refused | This phone number is already verified
request_code 100 - 422 reconcile refused | This phone number has already been verified
request_code 100 - 422 wait refused | The number is not eligible for verification at this time
register 100 - 400 permanent refused | Register endpoint is not available for SMB businesses.
deregister 100 - 400 permanent refused | Not available for API solution for SMB businesses.
register 100 - 400 permanent refused | Not available for API solution for SMB accounts
register 100 - 400 human refused | (#100) Missing Permission
deregister 100 2207051 400 reconcile done | not registered
deregister 100 - 400 reconcile done | Phone number is not currently linked in Facebook Hosted System
register 2494100 - 400 wait refused
register 100 - 422 reconcile refused | Phone number is already registered or in invalid state
register 100 - 400 bug refused | Invalid PIN format. PIN must be exactly 6 digits
read_number 100 - 422 transient refused | Phone number information is temporarily unavailable.
"""

_PARAMETERS = """
register 100 2388001 400 wait refused | Cannot Create Certificate
request_code 100 2388001 400 human refused
create_number 100 2388012 400 reconcile refused
create_number 2388012 - 400 reconcile refused
request_code 100 2388091 400 wait refused
verify_code 100 2388093 400 human refused
create_number 100 2388093 400 human refused
create_number 100 2388103 400 human refused
create_number 100 2388103 400 reconcile refused | Webhooks are not configured
create_number 100 2388103 400 permanent refused | It can be added without migration
create_number 100 2388103 400 permanent refused | Add the number directly
create_number 100 2388103 400 human refused | The verified name must be approved
create_number 100 2388103 400 human refused | The source account is misconfigured
create_number 100 2388103 400 human refused | There is no payment account
create_number 100 2388103 400 transient refused | Something failed, try again later
create_number 100 2388103 400 human refused | It is on a different Business Manager
create_number 100 2388103 400 human refused | The destination account is not approved
create_number 100 2388103 400 human refused | The messaging for request is open
create_number 200000 3095008 400 human refused
create_number 200000 - 400 reconcile refused
list_numbers 200005 - 400 human refused
list_numbers 200006 - 400 human refused
list_numbers 200007 - 400 human refused
create_number 2593079 - 400 human refused
create_number 2593085 - 400 human refused
create_number 2593107 - 400 permanent refused
create_number 2593108 - 400 permanent refused
create_number 2593109 - 400 permanent refused
create_number 100 2388019 400 human refused
create_number 100 2388040 400 human refused
create_number 100 2388047 400 human refused
create_number 100 2388072 400 human refused
create_number 100 2388073 400 human refused
create_number 100 2388293 400 human refused
create_number 100 2388299 400 human refused
list_numbers 100 - 400 bug refused | (#100) Tried accessing nonexisting field (x)
list_numbers 100 - 422 bug refused | The requested fields are not available for this account
subscribe_app 100 - 400 reconcile refused | (#100) Before override the current callback uri
set_callback 2200 - 400 human refused | (#2200) Callback verification failed
list_numbers 100 - 400 bug refused | Invalid appsecret_proof provided in the API argument
list_numbers 104 - 400 bug refused | API calls from the server require an appsecret_proof argument
list_numbers 100 - 400 bug refused | API calls from the server require an appsecret_proof argument
list_numbers 100 - 400 bug refused | Invalid parameter: filtering must be valid JSON
verify_code 100 - 400 bug refused | Missing required parameter: code
create_number 100 - 400 bug refused | Invalid parameter: phone_number must be in E.164 format
create_number 100 - 422 permanent refused | Phone number validation failed: invalid format
create_number 100 - 400 permanent refused | (#100) Invalid phone number
register 100 - 400 bug refused | (#100) Param pin must be 6 digits
request_code 100 - 400 bug refused | (#100) The parameter language is required.
read_number 100 - 400 bug refused | Invalid field requested. Available fields: name_status
create_number 100 - 409 reconcile refused | Phone number is already registered with WhatsApp
create_number 100 - 422 human refused | Maximum number of phone numbers per business exceeded
"""

_POOL = """
add_preverified 100 - 400 permanent refused | Invalid phone number
add_preverified 100 - 422 permanent refused | Phone number validation failed: invalid format
add_preverified 100 - 422 human refused | Maximum number of phone numbers exceeded
add_preverified 100 - 409 reconcile refused | Phone number is already registered with WhatsApp
request_preverified_code 100 - 422 reconcile refused | The phone number has already been verified
request_preverified_code 136024 - 400 wait refused | Request code error
request_preverified_code 613 - 422 wait refused | Too many verification code requests
verify_preverified 100 - 422 human refused | The code is invalid or expired
verify_preverified 100 - 422 reconcile refused | The phone number is already verified
share_preverified 100 - 422 human refused | The phone number is already shared
unshare_preverified 100 - 422 human refused | The partner relationship is invalid
delete_preverified 100 - 422 reconcile refused | The phone number is in use
"""

CASES = [
    _read(line)
    for table in (_GENERAL, _WHATSAPP, _REGISTRATION, _PARAMETERS, _POOL)
    for line in table.strip().splitlines()
]
