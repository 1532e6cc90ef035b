"""A disk for each etcd member: a file system of its own on zram (compressed memory: no other disk and no
thread of the kernel's takes part), which can be made to stand still."""

import bisect
import dataclasses
import pathlib
import random
import shutil
import sys
import threading
import time

from netns import LabError, now_us, run, wait_for

CONTROL = pathlib.Path("/sys/class/zram-control")
SIZE = "400M"  # what is not written takes nothing
STALL_LEAST_MS = 20


@dataclasses.dataclass
class Stall:
    """A disk stood still from start_us on. led: its member led etcd then."""
    start_us: int
    length_ms: int
    led: bool


class Disks:
    """The disks of one lab's members, at where their data goes."""

    def __init__(self, lab):
        self.lab, self.numbers = lab, []

    def of(self, member):
        return self.lab.etcd_data / member.name

    def make(self):
        for member in self.lab.members:
            try:
                number = (CONTROL / "hot_add").read_text(encoding="ascii").strip()
            except OSError as error:
                raise LabError(f"disks of their own need zram: {error}") from None
            self.numbers.append(number)
            pathlib.Path(f"/sys/block/zram{number}/disksize").write_text(SIZE, encoding="ascii")
            run("mkfs.ext4", "-q", f"/dev/zram{number}")
            self.of(member).mkdir(parents=True)
            run("mount", f"/dev/zram{number}", self.of(member))

    def remove(self):
        for member in self.lab.members:
            run("fsfreeze", "-u", self.of(member), check=False)
            run("umount", self.of(member), check=False)
        for number in self.numbers:
            try:
                wait_for(lambda number=number: self.is_given_back(number), 10,
                         f"zram{number} is free")
            except LabError as error:
                print(error, file=sys.stderr)
        shutil.rmtree(self.lab.etcd_data, ignore_errors=True)

    @staticmethod
    def is_given_back(number):
        try:
            pathlib.Path(f"/sys/block/zram{number}/reset").write_text("1", encoding="ascii")
            (CONTROL / "hot_remove").write_text(number, encoding="ascii")
        except OSError:  # busy: whoever began meanwhile still has it mounted
            return False
        return True


class Staller(threading.Thread):
    """Has one disk after the other stand still, for up to longest_ms, once in every_s on average."""

    def __init__(self, disks, longest_ms, every_s):
        super().__init__(daemon=True)
        self.disks, self.longest_ms, self.every_s = disks, longest_ms, every_s
        self.over = threading.Event()
        self.stalls = []

    def run(self):
        while not self.over.wait(random.expovariate(1 / self.every_s)):
            member = random.choice(self.disks.lab.members)
            try:
                led = self.disks.lab.etcd_leader() is member
            except LabError:  # it is just being elected
                led = False
            self.stall(member, random.randint(STALL_LEAST_MS, self.longest_ms), led)

    def stall(self, member, length_ms, led):
        path = self.disks.of(member)
        run("fsfreeze", "-f", path)
        began_us = now_us()
        time.sleep(length_ms / 1000)
        run("fsfreeze", "-u", path)
        self.stalls.append(Stall(began_us, (now_us() - began_us) // 1000, led))

    def stop(self):
        self.over.set()
        self.join()


def lines(stalls, left, step_ms, after_us):
    """Of stalls by length: how many, and the least that was left of the hold in them and just after.
    left: (when, ms) in order."""
    times = [at_us for at_us, _ in left]
    bins = {}
    for stall in stalls:
        first = bisect.bisect_left(times, stall.start_us)
        last = bisect.bisect_right(times, stall.start_us + stall.length_ms * 1000 + after_us)
        lowest = min((left_ms for _, left_ms in left[first:last]), default=None)
        if lowest is not None:
            key = (not stall.led, stall.length_ms // step_ms)
            bins.setdefault(key, []).append(lowest)
    for (is_follower, i), lowest in sorted(bins.items()):
        yield (f"{'a follower' if is_follower else 'the leader'}'s disk still for "
               f"{i * step_ms}-{(i + 1) * step_ms} ms: {len(lowest)} times, least left of the hold "
               f"{min(lowest)} ms, median {sorted(lowest)[len(lowest) // 2]}")
