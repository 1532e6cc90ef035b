"""What is shown of a holder that is booted: a client asks the VIP every 2 ms, the judge looks for a
second holder, and its journal says why."""

import time

from container import UNIT  # finds the lab's modules, too
from netns import now_us, wait_for
from proofs import Proof
from watch import Watch

NOTHING_US = 20_000   # what a restart may cost a client
PLANNED_US = 500_000  # what a hand-over may, asking systemd in vain included; silence takes 3 s
# how long addresses stay without an agent, at a ttl of 3 s
RESTARTED_US = 1_000_000
CRASHED_US = 500_000
SETTLE_S = 0.5        # for what would go wrong in an adoption to show


class Booted(Proof):
    """lab: one for all tests; a, box: the holder when begin() is called, and its container; vip."""

    lab = a = box = vip = None

    def setUp(self):
        self.watch = None
        self.lab.await_settled()

    def begin(self):
        """Starts the watchers; what follows is held against how things are now."""
        if self.watch is not None:
            self.watch.abandon()
        self.watch = Watch(self.lab, self.lab.directory / "watch" / str(now_us()), [self.vip])
        self.addCleanup(self.watch.abandon)
        self.watch.start()
        self.watch.wait_served()
        self.epoch = self.lab.claim()["epoch"]
        self.n_lines = len(self.box.journal())
        self.n_told = len(self.box.told())
        self.pid = self.box.property("MainPID")
        return now_us()

    # -- what is so

    def said(self):
        if not self.box.process.is_alive():
            return []
        return [text for _, text in self.box.journal()[self.n_lines:]]

    def wait_said(self, text):
        wait_for(lambda: any(text in line for line in self.said()), 10,
                 lambda: f"'{text}' in {self.said()}")

    def wait_adopted(self):
        """Returns when the next agent had adopted."""
        self.wait_said("reclaiming -> active")
        return max(at_us for at_us, text in self.box.journal() if "reclaiming -> active" in text)

    def told(self):
        """What systemd has said of the unit since."""
        return [text for _, text in self.box.told()[self.n_told:]]

    def check_ended_well(self):
        self.assertEqual([text for text in self.told() if "with result" in text], [])

    def outage_us(self, since_us):
        return self.watch.outage_us(self.vip, "echo", since_us)

    def check_watch(self):
        self.watch.stop()
        self.assertEqual(self.watch.doubles(), [], "two holders")
        self.assertEqual(self.watch.verdict, 0, "two holders")

    def check_kept(self, since_us, lasts_us):
        """Another agent holds, and nobody has noticed. lasts_us: how long the addresses stay
        without an agent; a machine that is slower than that to start the next one loses them."""
        slow_us = self.wait_adopted() - since_us - lasts_us
        time.sleep(SETTLE_S)
        self.check_watch()  # stopped, it knows of an outage that still lasts
        self.assertNotEqual(self.box.property("MainPID"), self.pid)
        self.assertLess(self.outage_us(since_us), NOTHING_US + max(0, slow_us), self.said())
        self.assertEqual(self.lab.claim()["epoch"], self.epoch)
        self.assertEqual(self.lab.holders(), [self.a])

    def wait_moved(self, since_us, seconds=10):
        """The client's line of the first answer from another node; that one holds."""
        line = wait_for(
            lambda: self.watch.switch_after(self.vip, "echo", since_us, self.a.name), seconds,
            lambda: f"another node serves; {self.a.name} says {self.said()}")
        self.assertEqual(self.lab.holders(), [self.lab.node(line["to"])])
        self.assertEqual(self.lab.claim()["epoch"], self.epoch + 1)
        return line
