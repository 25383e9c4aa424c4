"""Where and when steps run: loops in this process, on the real clock or on a simulator's."""
