"""What the exit codes of the program mean; ``--help`` and the reference are made from it."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
PROBLEMS_FOUND = 9
FAULT = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

#: 1 to 8 are the ``exit_code`` of the classes in ``onboarding.errors``.
EXIT_CODES = {
    OK: "done",
    FAILED: "it failed in a way that has no code of its own",
    USAGE: "what was given cannot be accepted; nothing was stored",
    3: "a setting, a key or a file is missing or wrong",
    4: "no such onboarding or account",
    5: "it contradicts what is stored, or the state does not allow it; nothing happened",
    6: "the database cannot be used as it is",
    7: "a history does not verify",
    8: "Meta refused a call, or could not be reached",
    PROBLEMS_FOUND: "a check found at least one problem (doctor, drift)",
    10: "a channel did not take a message",
    FAULT: "a fault of the program itself",
    INTERRUPTED: "interrupted (Ctrl-C)",
    BROKEN_PIPE: "whoever read the output went away",
}
