"""Processes that outlive whoever started them, found again by pid and start time."""

import contextlib
import os
import signal
import subprocess
import time

from netns import LabError, now_us


def stat_fields(pid):
    """State and start time of a process, or None. The start time tells a reused pid apart."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as handle:
            fields = handle.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])


def reap(pid):
    """Takes a dead child of ours away and returns its exit status; None: it lives, or somebody
    else's children are init's."""
    try:
        dead, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if dead else None


def end_as_interrupted():
    """From now on TERM and HUP end this program as ^C does, so that it takes down what it made."""
    def interrupt(*_):
        raise KeyboardInterrupt
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


@contextlib.contextmanager
def uninterrupted():
    """Keeps the signals that end us until the block is through: what is started in it has to be
    known before it can be ended. Main thread only."""
    kept = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: kept.append(number))
              for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in kept:
            signal.raise_signal(number)


class Process:
    """One started process. It leads its own process group, so that its children go with it."""

    def __init__(self, name, pid, started, log):
        self.name, self.pid, self.started, self.log = name, pid, started, log
        self.status = None  # how a child of ours ended, once that was seen

    @classmethod
    def start(cls, name, namespace, command, log, environment=None, nice=0):
        """Starts command in a namespace (None: ours), its output appended to the file log."""
        prefix = ["nice", "-n", str(nice)] if nice else []
        prefix += ["ip", "netns", "exec", namespace] if namespace else []
        with open(log, "ab") as output:
            child = subprocess.Popen(
                prefix + [str(word) for word in command], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
                env=dict(os.environ, **(environment or {})))
        child.returncode = 0  # it is ours to end, not the garbage collector's to complain about
        fields = stat_fields(child.pid)
        return cls(name, child.pid, fields[1] if fields else 0, str(log))

    def as_json(self):
        return {"name": self.name, "pid": self.pid, "started": self.started, "log": self.log}

    @classmethod
    def from_json(cls, state):
        return cls(**state)

    def is_alive(self):
        status = reap(self.pid)
        self.status = self.status if status is None else status
        fields = stat_fields(self.pid)
        return fields is not None and fields[1] == self.started and fields[0] not in "ZX"

    def state(self):
        """running, stopped or ended, for people."""
        fields = stat_fields(self.pid)
        if not self.is_alive() or fields is None:
            return "ended"
        return "stopped" if fields[0] == "T" else "running"

    def signal(self, number, whole_group=False):
        """Sends a signal; returns the time just before, so that gaps are never flattered."""
        before_us = now_us()
        if self.is_alive():
            (os.killpg if whole_group else os.kill)(self.pid, number)
        return before_us

    def wait_dead(self, seconds):
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def end(self, seconds=5.0):
        """TERM, then KILL; a stopped one is continued first, or TERM would never arrive."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if not self.wait_dead(seconds):
            self.signal(signal.SIGKILL, whole_group=True)
            if not self.wait_dead(5):
                raise LabError(f"{self.name} (pid {self.pid}) does not die")

    def wait_exit(self, seconds):
        """Exit status of a child of ours, or None if it is still running."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        return None

    def tail(self, n_lines):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as handle:
                return handle.read().splitlines()[-n_lines:]
        except OSError:
            return []
