"""The parts of ``Engine``, by what they are about."""
