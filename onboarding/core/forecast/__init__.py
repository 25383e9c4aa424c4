"""What the coming weeks bring: the engine's own rules, run ahead of time in memory."""
