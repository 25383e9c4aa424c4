"""No setting of the machine that runs the tests reaches a demo."""

from tests.engine.conftest import _own_settings

__all__ = ["_own_settings"]
