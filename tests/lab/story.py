"""One scenario under way: who holds, what was broken when, what the client saw, what is wrong."""

import re
import time

from faults import Faults
from netns import LabError, now_us, wait_for
from watch import KINDS, Watch

PLANNED_US = 100_000      # a move that the holder takes part in, or a repair in place
STARTING_US = 300_000     # nothing moves, but an etcd member that starts takes the cores
SLACK_DEATH_US = 500_000  # over the ttl, when the holder cannot take part
SLACK_CHECK_US = 100_000  # over the detection, when a check fails
ASKED_US = 50_000         # clients ask as often: what begins later may come of what is done next
NEW_OUTAGE_US = 200_000   # the service must not break again after the move
PATIENCE_S = 5            # how far past its bound a move is waited for, to have a figure

# of the configuration in config.py: interval, timeout in us; both fall after 2
CHECKS = {"proxy": (2_000_000, 4_000_000), "docservice": (1_000_000, 1_000_000)}
FALL = 2


def detection_us(check, hangs=False):
    """The longest that a check may need: fall times the interval and, if it hangs, the timeout."""
    interval_us, timeout_us = CHECKS[check]
    return FALL * (interval_us + (timeout_us if hangs else 0))


class Ears:
    """What the agents of a lab say from now on."""

    def __init__(self, lab):
        self.lab = lab
        self.before = {node.name: len(self.lines(node)) for node in lab.nodes}

    def lines(self, node):
        """All that its agents ever said."""
        return self.lab.process(node, "agent").tail(0x10000)

    def said(self, node, text=""):
        """The lines with text in them."""
        return [line.removeprefix("ooha-agent: ")
                for line in self.lines(node)[self.before[node.name]:] if text in line]

    def count(self, node, pattern):
        return sum(re.match(pattern, line) is not None for line in self.said(node))


class Story:
    """What a scenario function works with. Problems are collected; the first stops nothing."""

    def __init__(self, lab, directory):
        self.lab, self.faults = lab, Faults(lab)
        self.directory = directory
        self.watch = None
        self.ears = None        # what the agents say since the story began
        self.holder = None      # when the story begins
        self.epoch = None       # then
        self.hooks_before = {}  # node name -> how many had run then
        self.fault_us = None    # of the last fault expected to show
        self.first_us = None    # of the first
        self.served_us = None   # since when the service must not break again
        self.bound_us = None
        self.gaps_us = {}       # kind -> the longest
        self.moved = ""
        self.kinds = list(KINDS)
        self.pinned = False     # a node has addresses that were made to stay: only answers count
        self.stays = []         # what is measured again at the end; see note_outage
        self.doubles = None     # what the judge saw that must not be; known at the end
        self.problems = []
        self.use_ttl(lab.options.ttl_ms)

    def use_ttl(self, ttl_ms):
        self.ttl_us = ttl_ms * 1000
        self.death_us = self.ttl_us + SLACK_DEATH_US

    def begin(self, vips=None, stranger=None):
        """Starts judge and clients (for the first virtual address if none are named).
        stranger: the MAC of a host that is no node and may answer for the addresses, too."""
        self.lab.await_settled()
        self.holder = self.lab.holders()[0]
        self.epoch = self.lab.claim()["epoch"]
        self.hooks_before = {node.name: len(self.lab.hooks(node)) for node in self.lab.nodes}
        self.watch = Watch(self.lab, self.directory, vips or self.lab.vips[:1])
        self.watch.stranger = stranger
        self.watch.start()
        self.watch.wait_served()
        self.served_us = now_us()
        self.ears = Ears(self.lab)

    def standbys(self):
        return [node for node in self.lab.nodes if node is not self.holder]

    def problem(self, text):
        self.problems.append(text)

    def check(self, is_so, text):
        if not is_so:
            self.problem(text)

    def note_fault(self, fault_us, bound_us):
        self.fault_us, self.bound_us = fault_us, bound_us
        self.first_us = self.first_us or fault_us

    def note_gap(self, kind, gap_us):
        self.gaps_us[kind] = max(gap_us, self.gaps_us.get(kind, 0))
        if gap_us > self.bound_us:
            self.problem(f"{kind}: {gap_us / 1000:.0f} ms, bound {self.bound_us / 1000:.0f} ms")

    def note_outage(self, vip, kind, since_us):
        """Notes the longest outage from since_us until now. One that lasts now is not known yet:
        all that began before now are measured again when the watch is stopped."""
        until_us = now_us() - ASKED_US
        gap_us = self.watch.outage_us(vip, kind, since_us)
        self.note_gap(kind, gap_us)
        self.stays.append((vip, kind, since_us, until_us, max(gap_us, self.bound_us)))

    def await_switch(self, vip, kind):
        seconds = (self.fault_us + self.bound_us - now_us()) / 1e6 + PATIENCE_S
        return wait_for(
            lambda: self.watch.switch_after(vip, kind, self.fault_us, self.holder.name),
            max(seconds, PATIENCE_S), f"{vip} answers {kind} from another node than "
            f"{self.holder.name}")

    def expect_move(self, fault_us, bound_us):
        """The virtual addresses move; the client is served by another node within bound_us of
        the fault. Returns the new holder."""
        self.note_fault(fault_us, bound_us)
        targets = set()
        for vip in self.watch.vips:
            for kind in self.kinds:
                line = self.await_switch(vip, kind)
                targets.add(line["to"])
                self.note_gap(kind, line["t_us"] - fault_us)
                self.served_us = max(self.served_us, line["t_us"])
        self.moved = f"{self.holder.letter} -> {', '.join(sorted(t[-1] for t in targets))}"
        if len(targets) != 1:
            raise LabError(f"different nodes answer: {sorted(targets)}")
        target = self.lab.node(targets.pop())
        self.expect_held_by(target)
        return target

    def expect_stay(self, fault_us, seconds, bound_us=PLANNED_US):
        """For some seconds the holder stays and the client sees no outage longer than bound_us."""
        self.note_fault(fault_us, bound_us)
        self.moved = self.holder.letter
        time.sleep(seconds)  # that nothing happens takes time to see
        for vip in self.watch.vips:
            for kind in self.kinds:
                line = self.watch.switch_after(vip, kind, fault_us, self.holder.name)
                if line is not None:
                    self.moved = f"{self.holder.letter} -> {line['to'][-1]}"
                    self.problem(f"{vip} moved to {line['to']} "
                                 f"{(line['t_us'] - fault_us) / 1000:.0f} ms after the fault")
                self.note_outage(vip, kind, fault_us)
        self.served_us = now_us()
        self.expect_held_by(self.holder)

    def expect_held_by(self, node):
        for vip in self.lab.vips:
            names = [holder.name for holder in self.lab.holders(vip)
                     if not (self.pinned and holder is self.holder)]
            self.check(names == [node.name], f"{vip} is on {names or 'no node'}, not {node.name}")

    def hooks(self, node):
        return self.lab.hooks(node)[self.hooks_before[node.name]:]

    def expect_hooks(self, node, *told):
        """The hooks of the node ran as told since the beginning, and no others.
        told: (event, peer, epoch) each."""
        wait_for(lambda: len(self.hooks(node)) >= len(told), 5,
                 lambda: f"{len(told)} hooks of {node.name} have run: {self.hooks(node)}")
        ran = self.hooks(node)
        short = [(line["EVENT"], line["PEER"], line["EPOCH"]) for line in ran]
        wanted = [(event, peer.name, str(epoch)) for event, peer, epoch in told]
        self.check(short == wanted, f"hooks of {node.name} were told {short}, not {wanted}")
        same = {"GROUP": "office", "NODE": node.name, "CLUSTER": "office",
                "VIPS": " ".join(self.lab.options.vips)}
        for line in ran:
            wrong = {name: line[name] for name, value in same.items() if line[name] != value}
            self.check(not wrong and line["REASON"], f"a hook of {node.name} was told {line}")

    def expect_moved_hooks(self, target):
        """Each end of one move was told of it, once."""
        self.expect_hooks(self.holder, ("demoted", target, self.epoch))
        self.expect_hooks(target, ("promoted", self.holder, self.epoch + 1))

    def settle(self):
        """The story's last scene: some time in which the service must not break again."""
        time.sleep(0.5)

    def is_safe(self):
        """No second holder was seen, and the judge saw everything."""
        verdicts = (0, 1) if self.pinned else (0,)
        return self.watch is None or (self.watch.verdict in verdicts and self.doubles == [])

    def end(self):
        """Stops the watchers and holds the whole story against the rules that always apply."""
        if self.watch is None:
            return
        self.watch.stop()
        self.doubles = [line for line in self.watch.doubles()
                        if not (self.pinned and "double" in line)]
        for line in self.doubles[:3]:
            self.problem(f"judge: {line}")
        self.check(self.watch.verdict == (1 if self.pinned else 0),
                   f"the judge's verdict is {self.watch.verdict}")
        for vip, kind, since_us, until_us, at_most_us in self.stays:
            gap_us = self.watch.outage_us(vip, kind, since_us, until_us)
            self.check(gap_us <= at_most_us, f"{vip} {kind}: {gap_us / 1000:.0f} ms, and it was to "
                       f"stay; at most {at_most_us / 1000:.0f} ms")
        for vip in self.watch.vips:
            for kind in self.kinds:
                again_us = self.watch.outage_us(vip, kind, self.served_us)
                self.check(again_us <= NEW_OUTAGE_US,
                           f"{vip} {kind}: away again for {again_us / 1000:.0f} ms")
