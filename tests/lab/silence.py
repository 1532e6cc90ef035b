"""Scenarios of a holder that can do nothing any more: who is answered by it, and until when.

The addresses' lifetimes are taken away, which would remove them long before: the fence is alone."""

import random
import time

from faults import spin
from netns import LabError, now_us, prefixes, run, wait_for
from scenarios import scenario

BEAT = "/ooha/office/groups/office/beat"
TRIES = 5
ASKED = {4: ("arp", "icmp", "tcp"), 6: ("nd", "icmp6")}


def beat_revision(story):
    return dict((key, revision) for key, _, revision in story.lab.range(BEAT)[1])[BEAT]


def break_holder(story, act):
    """Breaks the holder somewhere between two renewals. Returns when it did, and by when at the
    latest the last of its renewals was sent: etcd has shown it by then."""
    renew_s = story.ttl_us / 1e6 / 6
    for _ in range(TRIES):
        before = beat_revision(story)
        wait_for(lambda: beat_revision(story) != before, 5, "the holder renews")
        last, sent_us = beat_revision(story), now_us()
        time.sleep(random.uniform(0, renew_s * 0.8))
        if beat_revision(story) != last:
            continue  # slept too long
        fault_us = act()
        if beat_revision(story) == last:
            return fault_us, sent_us
        raise LabError("the holder renewed as it was broken")
    raise LabError("no moment between two renewals was found")


def is_spinning(pid):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as handle:
        return handle.read().strip() == "running"


def answered(story, since_us):
    """{(address, kind): when the last question was asked that the old holder answered}."""
    last_us = {}
    for line in story.watch.judge_lines():
        if line["t_us"] >= since_us and line.get("last") == story.holder.mac:
            key = line["answers"], line["kind"]
            last_us[key] = max(line["last_us"], last_us.get(key, 0))
    return last_us


def pin(story):
    """Makes the addresses stay on the holder for ever, as they are: another prefix length would be
    another address to the kernel."""
    story.pinned = True
    there = prefixes(story.holder.namespace)
    for vip in story.lab.vips:
        run("ip", "-n", story.holder.namespace, "addr", "change", f"{vip}/{there[vip]}",
            "dev", "eth0", "valid_lft", "forever", "preferred_lft", "forever", "noprefixroute")


def expect_silence(story, fault_us, sent_us):
    """Nobody is answered by the old holder later than a ttl after its last renewal, however asked,
    and the judge has seen that it was answering until the fault."""
    pin(story)
    story.expect_move(fault_us, story.death_us)
    time.sleep(1)  # for an answer that comes when all is thought to be over
    last_us = answered(story, fault_us)
    for vip in story.lab.vips:
        story.check(story.holder in story.lab.holders(vip), f"{vip} did not stay")
        for kind in ASKED[6 if ":" in vip else 4]:
            if (vip, kind) not in last_us:
                story.problem(f"the judge did not see the holder fall silent: {vip} by {kind}")
                continue
            late_us = last_us[vip, kind] - (sent_us + story.ttl_us)
            story.check(late_us <= 0, f"{vip}: the old holder answered {kind} "
                        f"{late_us / 1000:.0f} ms past its ttl")
    for line in story.watch.judge_lines():  # it must not come back, either
        story.check(line["t_us"] <= sent_us + story.ttl_us
                    or line.get("mac") != story.holder.mac, f"it answers again: {line}")


@scenario
def frozen_holder_is_silent(story):
    """The holder's agent is stopped: past its ttl nobody is answered by it, however asked."""
    story.begin(vips=story.lab.vips)
    expect_silence(story, *break_holder(
        story, lambda: story.faults.freeze(story.holder, "agent")))


@scenario
def killed_holder_is_silent(story):
    """The holder's agent is killed and stays dead: past its ttl nobody is answered by its node."""
    story.begin(vips=story.lab.vips)
    expect_silence(story, *break_holder(
        story, lambda: story.faults.kill(story.holder, "agent")))


@scenario
def stuck_holder_is_silent(story):
    """The holder's agent runs in a circle: past its ttl nobody is answered by it, however asked."""
    story.begin(vips=story.lab.vips)
    agent = story.lab.process(story.holder, "agent")
    try:
        fault_us, sent_us = break_holder(story, lambda: spin(agent.pid))
        expect_silence(story, fault_us, sent_us)
        story.check(agent.is_alive() and is_spinning(agent.pid), "the agent is not stuck")
    finally:
        story.faults.kill(story.holder, "agent")
