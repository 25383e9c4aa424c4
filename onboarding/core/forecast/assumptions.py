"""What a forecast assumes of Meta and of people; every one of it is told with the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from onboarding.core.story import length
from onboarding.core.timing import DAY, HOUR, MINUTE
from onboarding.model import Owner

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """How long Meta and people take; ``None``: they never do it.

    Attributes:
        review: from the submission of a display name, or from now, until it is approved.
        holder: from the request until the holder is ready, or gives a PIN.
        partner: until a new display name is given, or Embedded Signup is finished.
        operator: until a hold is released, or an account is mended.
        reading: from a code that was sent until it is handed in.
        answer: until a call is answered.
        connecting: from an accepted registration until Meta shows CONNECTED.
    """

    review: timedelta | None = 3 * DAY
    holder: timedelta | None = 4 * HOUR
    partner: timedelta | None = 2 * DAY
    operator: timedelta | None = DAY
    reading: timedelta = 2 * MINUTE
    answer: timedelta = 2 * SECOND
    connecting: timedelta = MINUTE

    def of(self, owner: Owner) -> timedelta | None:
        """Return how long a person takes; ``None``: for ever."""
        spans = {
            Owner.HOLDER: self.holder, Owner.PARTNER: self.partner, Owner.OPERATOR: self.operator,
        }  # fmt: skip
        return spans.get(owner)

    def told(self) -> Iterator[str]:
        """Yield them in sentences."""
        approved = (
            f"are approved {length(self.review)}"
            if self.review is not None
            else "are never approved"
        )
        yield f"Names in review {approved} after now, or after they are submitted."
        yield "The name of a number that is created here is available without review."
        for who, span in (
            ("Holders", self.holder),
            ("Partners", self.partner),
            ("Operators", self.operator),
        ):
            when = f"{length(span)} after they are asked" if span is not None else "never"
            yield f"{who} answer {when}; asked before, they count from now."
        yield f"A code is handed in {length(self.reading)} after it was sent."
        yield "Every call succeeds at once; Meta refuses and throttles nothing more."
        yield f"A number is connected {length(self.connecting)} after its registration."
        yield "Paused batches stay paused, the others begin now, and no slot comes free."
        yield "Banned numbers, and those in the Business app, stay as they are."
