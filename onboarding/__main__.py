"""``python -m onboarding``: the same program as the command ``onboarding``."""

from __future__ import annotations

from onboarding.cli.app import main

if __name__ == "__main__":
    main()
