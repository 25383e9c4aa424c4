"""django-fsm-2 with django-fsm-log: a transition of a model, saved and logged.

As its documentation advises: the state is protected against concurrent transitions, and saved
within ``transaction.atomic()``. The models are read beforehand, and the reading is not timed.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from benchmarks.measure import seconds_of, tell_rate

_MODELS, _FIRST = 1_000, 40


def set_up(url: str) -> None:
    """Configure Django for the database, and make its tables."""
    parts = urlsplit(url)
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django_fsm_log",
            "benchmarks.peers.django_app",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path[1:],
                "HOST": parts.hostname,
                "PORT": parts.port,
                "USER": parts.username,
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


def main(url: str) -> None:
    """Take each model one step, one after the other."""
    set_up(url)
    onboarding = apps.get_model("django_app", "Onboarding")
    onboarding.objects.bulk_create(onboarding() for _ in range(_MODELS + _FIRST))
    rows = list(onboarding.objects.all())

    def steps(wanted: int) -> None:
        for row in [rows.pop() for _ in range(wanted)]:
            with transaction.atomic():
                row.number_created()
                row.save()

    steps(_FIRST)
    taken = seconds_of(lambda: steps(_MODELS))
    logged = apps.get_model("django_fsm_log", "StateLog").objects.count()
    assert logged == _MODELS + _FIRST
    tell_rate(_MODELS, taken)


if __name__ == "__main__":
    main(sys.argv[-1])
