"""Storms over real processes; nothing of this machine's settings reaches them."""

from tests.engine.conftest import _own_settings, deployments

__all__ = ["_own_settings", "deployments"]
