#!/usr/bin/python3
"""Loads a disk as a busy neighbour does, and measures it: small writes, each with fdatasync, as a
database's log; beside them bursts of some MB, each with fsync. Both are bounded, so that the machine
stays of use to others. Ended, it removes its files.

  disk_load.py DIRECTORY MEGABYTES_A_SECOND

Writes on standard output, every ten seconds, {"t_us", "log_ms", "burst_ms"}, of each the longest sync;
for each sync of the log that took 50 ms or more {"t_us": its end, "slow_ms"}; with SIGTERM, at last,
{"log_ms": [median, p99, max], "burst_ms": [...], "n"}.
"""

import json
import os
import pathlib
import signal
import sys
import threading
import time

LOG_BYTES, LOG_EVERY_S = 4096, 0.05
LOG_FILE_BYTES = 4 << 20  # written round and round
BURST_EVERY_S, BURST_FILE_BYTES = 0.5, 32 << 20
REPORT_EVERY_S = 10
SLOW_MS = 50


def say(**what):
    print(json.dumps(what), flush=True)


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Writer(threading.Thread):
    """One file that is written again and again, and how long each sync took, in ms."""

    def __init__(self, path, length, every_s, wrap, sync):
        super().__init__(daemon=True)
        self.tells_slow = sync is os.fdatasync
        self.path, self.data, self.every_s = path, os.urandom(length), every_s
        self.wrap, self.sync = max(wrap, length), sync
        self.took_ms, self.longest_ms = [], 0

    def run(self):
        handle = os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600)
        at = 0
        while True:
            began = time.monotonic()
            os.pwrite(handle, self.data, at)
            self.sync(handle)
            took_ms = (time.monotonic() - began) * 1000
            self.took_ms.append(took_ms)
            if self.tells_slow and took_ms >= SLOW_MS:
                say(t_us=now_us(), slow_ms=round(took_ms))
            self.longest_ms = max(self.longest_ms, took_ms)
            at = (at + len(self.data)) % self.wrap
            time.sleep(max(0, self.every_s - took_ms / 1000))

    def take_longest(self):
        longest_ms, self.longest_ms = self.longest_ms, 0
        return round(longest_ms, 1)

    def summary(self):
        sorted_ms = sorted(self.took_ms)
        return [round(sorted_ms[int(len(sorted_ms) * share)], 2) for share in (0.5, 0.99)] + [
            round(sorted_ms[-1], 1)]


def main():
    directory, megabytes = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    log = Writer(directory / "log", LOG_BYTES, LOG_EVERY_S, LOG_FILE_BYTES, os.fdatasync)
    burst = Writer(directory / "burst", int(megabytes * BURST_EVERY_S * (1 << 20)), BURST_EVERY_S,
                   BURST_FILE_BYTES, os.fsync)
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    log.start()
    burst.start()
    while not over.wait(REPORT_EVERY_S):
        say(t_us=now_us(), log_ms=log.take_longest(), burst_ms=burst.take_longest())
    say(log_ms=log.summary(), burst_ms=burst.summary(), n=[len(log.took_ms), len(burst.took_ms)])
    for writer in (log, burst):
        writer.path.unlink()


if __name__ == "__main__":
    main()
