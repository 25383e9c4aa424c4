"""Channels: how people and programs hear of what happened, behind one small Protocol.

Receivers of the signed webhook need ``verify`` alone::

    from onboarding.notify import verify

    message = verify(body, headers, [secret])   # raises SignatureError
"""

from onboarding.notify.signing import Verified, verify

__all__ = ["Verified", "verify"]
