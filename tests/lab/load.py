#!/usr/bin/python3
"""The neighbour that takes time from everybody, and the one who feels it.

  load.py burn   computes half of the time, in bursts
  load.py feel   sleeps a little and works a little again and again; a line each time that both
                 together took 20 ms longer than they had to:
                 {"t_us": when it was through, "late_us": by how much}
"""

import json
import sys
import time

BURST_S, REST_S = 0.4, 0.4
SLEEP_US, WORK_US, LATE_US = 20_000, 1_000, 20_000


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def burn():
    while True:
        until = time.monotonic() + BURST_S
        while time.monotonic() < until:
            pass
        time.sleep(REST_S)


def feel():
    while True:
        due_us = now_us() + SLEEP_US + WORK_US
        time.sleep(SLEEP_US / 1e6)
        until = time.thread_time() + WORK_US / 1e6
        while time.thread_time() < until:
            pass
        through_us = now_us()
        if through_us - due_us >= LATE_US:
            print(json.dumps({"t_us": through_us, "late_us": through_us - due_us}), flush=True)


if __name__ == "__main__":
    {"burn": burn, "feel": feel}[sys.argv[1]]()
