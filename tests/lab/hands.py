"""Somebody else's hands: addresses that are taken away, interfaces that go, change and come back."""

import time

from faults import other_mac
from netns import batch, neighbours, nft, now_us, run, set_link, wait_for
from scenarios import scenario
from story import PLANNED_US

PUT_BACK_US = 50_000     # from an address that is gone to its being back
GLITCH_US = 150_000      # a carrier lost for less than what counts
ASK_AGAIN_US = 1_000_000 # the node's kernel forgot its neighbours with the carrier, and asks each 1 s
OTHER_MAC = "02:00:0a:4d:00:77"


def events_of(story, vip, since_us):
    """The judge's lines of vip on the holder, (time, "up" or "down")."""
    return [(line["t_us"], line["event"]) for line in story.watch.judge_lines()
            if line["t_us"] >= since_us and line.get("vip") == vip and "event" in line
            and line["node"] == story.holder.name]


def expect_put_back(story, since_us):
    """Each VIP was gone from the holder, and back within the bound each time."""
    for vip in story.lab.vips:
        events = events_of(story, vip, since_us)
        downs = [at for at, event in events if event == "down"]
        story.check(downs, f"the judge did not see {vip} go")
        for down_us in downs:
            ups = [at for at, event in events if event == "up" and at >= down_us]
            took_us = ups[0] - down_us if ups else None
            story.check(took_us is not None and took_us <= PUT_BACK_US,
                        f"{vip} was put back after {took_us} us")


def vip_of(story, node):
    """What the node's status says of its VIPs."""
    return story.lab.status(node)[1]["groups"][0]["vips"]


@scenario
def vip_deleted(story):
    """The addresses are deleted by hand, each: the holder puts them back within 50 ms."""
    story.begin()
    repairs = [vip["repairs"] for vip in vip_of(story, story.holder)]
    fault_us = story.faults.delete_vip(story.holder)
    story.expect_stay(fault_us, 2)
    expect_put_back(story, fault_us)
    for vip, before in zip(vip_of(story, story.holder), repairs):
        story.check(vip["repairs"] == before + 1 and vip["removed_by"] is not None,
                    f"the status says {vip}")


@scenario
def interface_flushed(story):
    """All addresses go at once, the node's own, too: the VIPs are back within 50 ms, and a suspect
    is named."""
    story.begin()
    text = "taken off eth0 by somebody else"
    if any(text in line for line in story.ears.lines(story.holder)):
        time.sleep(10)  # said at most each 10 s
    fault_us = batch(story.holder.namespace, "addr flush dev eth0", *story.holder.home)
    story.expect_stay(fault_us, 3)
    expect_put_back(story, fault_us)
    lines = story.ears.said(story.holder, text)
    story.check(len(lines) == 1 and "by a person or a script" in lines[0]
                and "and 2 more" in lines[0], f"the agent says {lines}")


def expect_back(story, act, gone=None):
    """Nobody is better, act takes the holder's interface away and returns when it is back: so are the
    VIPs, within the bound, and nobody is accused. gone: the VIPs that must go off it meanwhile
    (default: all)."""
    for standby in story.standbys():
        story.faults.standin(standby, "false")
    wait_for(lambda: len(story.lab.ineligible()) == len(story.standbys()), 15,
             "the standbys are not eligible")
    repairs = [vip["repairs"] for vip in vip_of(story, story.holder)]
    story.note_fault(now_us(), PLANNED_US)
    back_us = act()
    time.sleep(2)
    story.moved = story.holder.letter
    for vip in story.lab.vips:
        events = events_of(story, vip, story.fault_us)
        if not events and gone is not None and vip not in gone:
            continue
        ups = [at for at, event in events if event == "up"]
        story.check(any(event == "down" for _, event in events), f"{vip} was not seen to go")
        story.check(ups and ups[0] <= back_us + PUT_BACK_US,
                    f"{vip} is up {[(at - back_us) / 1000 for at in ups]} ms after the interface")
    for kind in story.kinds:
        story.note_outage(story.watch.vips[0], kind, back_us)
    story.served_us = now_us()
    story.expect_held_by(story.holder)
    after = [vip["repairs"] for vip in vip_of(story, story.holder)]
    story.check(after == repairs, f"repairs were {repairs}, are {after}")


@scenario
def interface_recreated(story):
    """The holder's interface is deleted, with the cable, and made again, and nobody is better: the
    VIPs are on it within 50 ms."""
    story.begin()

    def act():
        story.faults.interface_delete(story.holder)
        time.sleep(0.1)
        return story.faults.interface_restore(story.holder)
    expect_back(story, act)


@scenario
def interface_set_down(story):
    """The holder's interface is set down, which takes IPv6 addresses along, and up again, and nobody
    is better: the VIPs are on it within 50 ms."""
    story.begin()

    def act():
        story.faults.interface_down(story.holder)
        time.sleep(0.1)
        return story.faults.interface_up(story.holder)
    expect_back(story, act, gone=story.lab.vips[2:])


@scenario
def interface_renamed(story):
    """The holder's interface gets another name: the VIPs go off it and move; it gets its name back."""
    story.begin()
    node = story.holder
    fault_us = story.faults.interface_rename(node)
    try:
        target = story.expect_move(fault_us, PLANNED_US)
        shown = run("ip", "-n", node.namespace, "addr", "show", "dev", "lan0").stdout
        story.check(not any(vip in shown for vip in story.lab.vips), f"left on lan0: {shown}")
        reason = story.lab.status(node)[1]["groups"][0]["reason"]
        story.check(reason == "interface eth0 is gone", f"the status says {reason}")
    finally:
        story.faults.interface_restore(node)
    wait_for(lambda: not story.lab.ineligible(), 5, "it is eligible again")
    story.expect_held_by(target)


@scenario
def carrier_glitch(story):
    """A carrier lost for a moment moves nothing, and is announced after; a longer loss counts."""
    story.begin()
    standby, agent = story.standbys()[0], story.holder
    sent = vip_of(story, agent)[0]["announcements"]
    fault_us = story.faults.link_down(agent)
    time.sleep(GLITCH_US / 1e6)
    up_us = story.faults.link_up(agent)
    time.sleep(0.3)
    more = vip_of(story, agent)[0]["announcements"] - sent
    # 5 rounds, two IPv4 addresses in two forms and one IPv6 address
    story.check(more >= 25, f"{more} announcements after the glitch")
    story.expect_stay(fault_us, 1, up_us - fault_us + ASK_AGAIN_US + PLANNED_US)
    story.check(not story.ears.said(agent, "has no carrier"), "the glitch counted")
    set_link(story.lab.switch, standby.port, False)
    wait_for(lambda: story.ears.said(standby, "interface eth0 has no carrier"), 2,
             "the standby says that it has no carrier")
    set_link(story.lab.switch, standby.port, True)
    wait_for(lambda: story.ears.said(standby, "link again"), 5, "the standby says that it is back")
    story.expect_held_by(agent)


@scenario
def interface_changed(story):
    """The holder's MAC changes, then its MTU: neighbours learn it at once, IPv4 and IPv6."""
    story.begin(vips=story.lab.vips)
    node = story.holder

    def follow(mac):
        fault_us = story.faults.change_mac(node, mac)
        wait_for(lambda: {neighbours(story.lab.client).get(vip) for vip in story.lab.vips} == {mac},
                 2, lambda: f"the client knows {mac}: {neighbours(story.lab.client)}")
        return fault_us
    try:
        story.expect_stay(follow(other_mac(node)), 1)
        sent = vip_of(story, node)[0]["announcements"]
        fault_us = story.faults.change_mtu(node)
        story.expect_stay(fault_us, 0.5)
        more = vip_of(story, node)[0]["announcements"] - sent
        story.check(more >= 25, f"{more} announcements after the MTU changed")
    finally:
        story.faults.interface_restore(node)
    story.expect_stay(now_us(), 0.5)


@scenario
def interface_renamed_for_a_moment(story):
    """The holder's interface gets another name, and nobody is better: the VIPs go off it, and are
    back on it within 50 ms of its having its name again."""
    story.begin()
    node = story.holder

    def vips_left():
        shown = run("ip", "-n", node.namespace, "addr", "show", "dev", "lan0").stdout
        return [vip for vip in story.lab.vips if vip in shown]

    def act():
        story.faults.interface_rename(node)
        try:
            wait_for(lambda: not vips_left(), 0.5, lambda: f"{vips_left()} are taken off lan0")
            time.sleep(0.6)  # a renewal, which must not bring them back
            story.check(not vips_left(), f"{vips_left()} are on lan0 again")
        finally:
            back_us = story.faults.interface_restore(node)
        return back_us
    expect_back(story, act)


# -- neighbours

# A namespace that does not hear announcements, ARP and ND; who is asked, still answers.
DEAF = """table netdev ooha_lab_deaf {
    chain in { type filter hook ingress device "eth0" priority 0; policy accept;
        ether daddr ff:ff:ff:ff:ff:ff arp operation { request, reply } drop
        ether daddr 33:33:00:00:00:01 icmpv6 type nd-neighbor-advert drop
    }
}
"""
HEARING = "add table netdev ooha_lab_deaf\ndelete table netdev ooha_lab_deaf\n"

def neighbours_of(story, vip, node):
    """What the status of node says of how the others see a VIP: {node: (mac, agrees)}."""
    for entry in vip_of(story, node):
        if entry["address"].partition("/")[0] == vip:
            return {seen["node"]: (seen["mac"], seen["agrees"]) for seen in entry["neighbours"]}
    return {}


def set_neighbour(node, vip, mac, state):
    return batch(node.namespace, f"neigh replace {vip} lladdr {mac} dev eth0 nud {state}")


def forget_neighbours(story):
    for node in story.lab.nodes:
        for vip in story.lab.vips:
            run("ip", "-n", node.namespace, "neigh", "del", vip, "dev", "eth0", check=False)


@scenario
def neighbour_stale(story):
    """A standby's kernel has stale entries, IPv4 and IPv6: they are seen, announced to, right again."""
    story.begin()
    standby, vips = story.standbys()[0], (story.lab.vips[0], story.lab.vips[2])

    def await_seen(vip, mac, agrees):
        wait_for(lambda: neighbours_of(story, vip, story.holder).get(standby.name) == (mac, agrees),
                 5, lambda: f"the holder hears that {standby.name} sees {vip} at {mac}: "
                 f"{neighbours_of(story, vip, story.holder)}")
    # else the next regular announcement might put it right before it is seen
    try:
        nft(standby.namespace, DEAF)
        for vip in vips:
            fault_us = set_neighbour(standby, vip, OTHER_MAC, "stale")
        for vip in vips:
            await_seen(vip, OTHER_MAC, False)
        sent = vip_of(story, story.holder)[0]["announcements"]
        time.sleep(2.2)
        more = vip_of(story, story.holder)[0]["announcements"] - sent
        # two bursts of 5 rounds of 5 packets; the regular ones are at most 3 rounds
        story.check(more >= 50, f"{more} announcements in 2.2 s")
    finally:
        nft(standby.namespace, HEARING)
    for vip in vips:
        await_seen(vip, story.holder.mac, True)
    story.expect_stay(fault_us, 0.5)
    forget_neighbours(story)


@scenario
def neighbour_permanent(story):
    """A standby's entry is permanent: after 30 s the holder names it, and says when it is healed."""
    story.begin()
    standby, vip = story.standbys()[0], story.lab.vips[0]
    fault_us = set_neighbour(standby, vip, OTHER_MAC, "permanent")
    warning = f"{standby.name} still sees {vip} at {OTHER_MAC}"
    try:
        wait_for(lambda: story.ears.said(story.holder, warning), 40, "the holder names the node")
        took_s = (now_us() - fault_us) / 1e6
        story.check(took_s > 29, f"it was named after {took_s:.0f} s")
        code, status = story.lab.status(story.holder)
        story.check(code == 1 and any(standby.name in text for text in status["problems"]),
                    f"`ooha status` exits {code}: {status['problems']}")
        time.sleep(3)
        times = len(story.ears.said(story.holder, warning))
        story.check(times == 1, f"it is named {times} times")
    finally:
        forget_neighbours(story)
    wait_for(lambda: story.ears.said(story.holder, f"{standby.name} no longer sees {vip}"), 5,
             "the holder says that it is over")
    story.expect_stay(fault_us, 0.5)


@scenario
def announcements_lost(story):
    """The announcements of a move do not reach the client and a standby for 2 s: both are put right
    soon after."""
    story.begin()
    old, vip = story.holder, story.lab.vips[0]
    standbys = story.standbys()
    spaces = [story.lab.client] + [node.namespace for node in standbys]
    for node in standbys:
        set_neighbour(node, vip, old.mac, "stale")
    batch(story.lab.client, f"neigh replace {vip} lladdr {old.mac} dev eth0 nud reachable")
    try:
        for space in spaces:
            nft(space, DEAF)
        fault_us = story.faults.terminate(old, "agent")
        wait_for(lambda: [n for n in standbys if n in story.lab.holders(vip)], 5, "it moves")
        target = story.lab.holders(vip)[0]
        other = [node for node in standbys if node is not target][0]
        wait_for(lambda: neighbours_of(story, vip, target).get(other.name) == (old.mac, False), 5,
                 lambda: f"{other.name} is seen to be wrong: {neighbours_of(story, vip, target)}")
        time.sleep(max(0, fault_us / 1e6 + 2 - now_us() / 1e6))
    finally:
        for space in spaces:
            nft(space, HEARING)
    heard_us = now_us()
    story.expect_move(fault_us, heard_us - fault_us + 1_000_000 + PLANNED_US)
    wait_for(lambda: neighbours_of(story, vip, target).get(other.name) == (target.mac, True), 5,
             lambda: f"{other.name} is right again: {neighbours_of(story, vip, target)}")
    forget_neighbours(story)


@scenario
def fence_deleted(story):
    """The fence is deleted by hand: it is put back, which the status counts."""
    story.begin()

    def fence():
        agent = story.lab.status(story.holder)[1]["agent"]
        return agent["fence"], agent["fence_repairs"]
    _, before = fence()
    fault_us = now_us()
    nft(story.holder.namespace, "delete table inet ooha-office\n")
    wait_for(lambda: fence() == (True, before + 1), 5, lambda: f"it is counted: {fence()}")
    story.expect_stay(fault_us, 0.5)
