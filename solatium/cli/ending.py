"""SIGINT and SIGTERM end a command within seconds, whatever it is doing.

Python hears a signal only between two of its own steps. An engine that computes for minutes in
other languages would keep it deaf for as long, so a thread hears it too: it gives the work some
seconds to end by itself, then gives the lease back and ends the process. What was written and not
committed is taken back by the next run.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SECONDS = 3.0  # in which the work may end by itself


class Ended(BaseException):
    """A signal that ends the process; `exit_status` is that of docs/rules.md section 10."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


def listen() -> None:
    """From now on SIGINT and SIGTERM end the process, the second one at once."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, _end)
    threading.Thread(target=_wait, args=(heard,), daemon=True, name="signals").start()


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)


def _wait(heard: int) -> None:
    while (number := os.read(heard, 1)[0]) not in _SIGNALS:
        pass
    threading.Timer(_SECONDS, _leave, args=(number,)).start()
    while (number := os.read(heard, 1)[0]) not in _SIGNALS:
        pass
    _leave(number)


def _leave(number: int) -> None:
    """Ends the process as it is, once its lease is given back and all who watch it know."""
    from solatium.cli import work
    from solatium.storage import lease

    status = 128 + number
    lease.give_all_back()
    # those who hear of it may take their time, but not more than this
    threading.Timer(2 * _SECONDS, os._exit, args=(status,)).start()
    work.end_all(status, signal.Signals(number).name)
    sys.stderr.write(f"solatium: ended by {signal.Signals(number).name}\n")
    sys.stderr.flush()
    os._exit(status)
