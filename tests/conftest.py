"""What holds for all tests."""

from __future__ import annotations

import signal

# A shell starts what runs in the background with SIGINT ignored (POSIX, Shell Command Language,
# 2.11), and Python leaves it at that: no Ctrl-C of a test would arrive, nor at what a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
