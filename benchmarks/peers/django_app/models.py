"""The model whose state django-fsm-2 keeps."""

from __future__ import annotations

from django.db import models
from django_fsm import ConcurrentTransitionMixin, FSMField, transition


class Onboarding(ConcurrentTransitionMixin, models.Model):
    """One number."""

    state = FSMField(default="requested", protected=True)
    next_due_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.pk}: {self.state}"

    @transition(field=state, source="requested", target="created")
    def number_created(self) -> None:
        """Meta answered the create call."""
