"""Other hosts that have a virtual address: before it comes up, while it is held, and forged."""

import contextlib
import os
import socket
import struct
import time

from etcd_faults import EtcdFaults
from hands import expect_back
from netns import inside, now_us, run, set_link, wait_for
from scenarios import scenario
from story import PLANNED_US

MAC = "02:00:0a:4d:00:66"  # the stranger's
FREED_US = 1_400_000       # from a stranger that leaves to the address being up: 3 rounds of 0.3 s
STRANGER_FLAP_S = 0.5      # two rounds at most
NODE_FLAP_S = 1.5          # more than three rounds, less than a hold
DEFENDED_US = 1_100_000    # from a claim that is not the first one to the client's next answer
DROPPED_US = 50_000        # from the other holder's first frame to the address being gone
FORGED_PER_S = 10_000
FORGED_CPU_S = 0.6         # of the agent, for 3 s of that
ALL_NODES = bytes.fromhex("333300000001")


def packed(mac):
    return bytes.fromhex(mac.replace(":", ""))


def arp_claim(vip, mac, to=b"\xff" * 6, target=None):
    """A frame that says vip is at mac."""
    sender = socket.inet_aton(vip)
    return (to + packed(MAC) + struct.pack(">HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + sender
            + bytes(6) + (target or sender))


def na_claim(vip, mac):
    """An unsolicited neighbour advertisement with Override."""
    target = socket.inet_pton(socket.AF_INET6, vip)
    group = socket.inet_pton(socket.AF_INET6, "ff02::1")
    message = struct.pack(">BBHI", 136, 0, 0, 0x20000000) + target + b"\x02\x01" + mac
    pseudo = target + group + struct.pack(">II", len(message), 58) + message
    total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    message = message[:2] + struct.pack(">H", ~total & 0xffff) + message[4:]
    return (ALL_NODES + packed(MAC) + struct.pack(">HIHBB", 0x86dd, 6 << 28, len(message), 58, 255)
            + target + group + message)


class Stranger:
    """A host on the nodes' link that is none of the cluster."""

    def __init__(self, lab):
        self.lab, self.namespace, self.port = lab, lab.stranger, "p-st"
        run("ip", "netns", "add", self.namespace)
        run("ip", "link", "add", "eth0", "address", MAC, "netns", self.namespace, "type", "veth",
            "peer", "name", self.port, "netns", lab.switch)
        run("ip", "-n", lab.switch, "link", "set", self.port, "master", "br0", "up")
        run("ip", "-n", self.namespace, "-batch", "-", stdin="link set lo up\nlink set eth0 up\n")
        self.speaker = inside(self.namespace, self.open_speaker)

    @staticmethod
    def open_speaker():
        speaker = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        speaker.bind(("eth0", 0))
        return speaker

    def leave(self):
        self.speaker.close()
        run("ip", "netns", "del", self.namespace)

    def take(self, *vips):
        for vip in vips:
            options = ("/64", "nodad") if ":" in vip else ("/24",)
            run("ip", "-n", self.namespace, "addr", "add", vip + options[0], "dev", "eth0",
                *options[1:])

    def give(self, *vips):
        before_us = now_us()
        for vip in vips:
            run("ip", "-n", self.namespace, "addr", "del",
                vip + ("/64" if ":" in vip else "/24"), "dev", "eth0")
        return before_us

    def flap(self, seconds):
        set_link(self.lab.switch, self.port, False)
        time.sleep(seconds)
        set_link(self.lab.switch, self.port, True)

    def announce(self, *vips):
        before_us = now_us()
        for vip in vips:
            self.speaker.send((na_claim if ":" in vip else arp_claim)(vip, packed(MAC)))
        return before_us


@contextlib.contextmanager
def stranger_of(story):
    stranger = Stranger(story.lab)
    try:
        yield stranger
    finally:
        stranger.leave()


def vips_of(story, node):
    _, status = story.lab.status(node)
    return {vip["address"].partition("/")[0]: vip for vip in status["groups"][0]["vips"]}


@scenario
def stranger_has_addresses(story):
    """A stranger has two of three addresses at a move: they are refused, and added when it left."""
    taken = story.lab.vips[1:]
    with stranger_of(story) as stranger:
        story.begin(stranger=MAC)
        stranger.take(*taken)
        story.note_fault(story.faults.terminate(story.holder, "agent"), PLANNED_US)
        line = story.await_switch(story.lab.vips[0], "echo")
        story.note_gap("echo", line["t_us"] - story.fault_us)
        target = story.lab.node(line["to"])
        story.moved = f"{story.holder.letter} -> {target.letter}"
        stranger.flap(STRANGER_FLAP_S)
        other = next(node for node in story.standbys() if node is not target)
        story.faults.standin(other, "false")  # nobody is better than a node without carrier
        wait_for(lambda: other in story.lab.ineligible(), 15, "the other is not eligible")
        story.faults.link_down(target)
        time.sleep(NODE_FLAP_S)
        story.faults.link_up(target)
        time.sleep(0.7)  # it is asked again meanwhile
        code, status = story.lab.status(target)
        story.check(code == 2 and MAC in status["problems"][0],
                    f"`ooha status` exits {code}: {status['problems']}")
        for vip in taken:
            said = f"{vip} is in use by {MAC} on eth0: not added"
            story.check(not story.lab.holders(vip), f"{vip} is on a node")
            state = vips_of(story, target)[vip]
            story.check(state["error"] == said and not state["up"], f"the status says {state}")
            lines = story.ears.said(target, said)
            story.check(len(lines) == 1, f"the log says it {len(lines)} times: {lines}")
        freed_us = stranger.give(*taken)
        wait_for(lambda: all(story.lab.holders(vip) for vip in taken), 5, "they are added")
        took_us = now_us() - freed_us
        story.check(took_us <= FREED_US, f"added {took_us / 1000:.0f} ms after they were free")
        for vip, state in vips_of(story, target).items():
            story.check(state["up"] and state["error"] is None, f"{vip}: the status says {state}")
        story.served_us = now_us()
        story.expect_held_by(target)
        time.sleep(0.5)


@scenario
def stranger_comes_while_interface_is_away(story):
    """A hold lapses, the interface goes, a stranger comes: refused when all is back."""
    vip, etcd = story.lab.vips[1], EtcdFaults(story.lab, story.faults)
    with stranger_of(story) as stranger:
        story.begin(stranger=MAC)
        for standby in story.standbys():
            story.faults.standin(standby, "false")
        wait_for(lambda: len(story.lab.ineligible()) == len(story.standbys()), 15,
                 "the standbys are not eligible")
        story.note_fault(etcd.kill_all(), 2 * story.ttl_us)
        wait_for(lambda: not any(story.lab.holders(vip) for vip in story.lab.vips),
                 story.ttl_us / 1e6 + 2, "the addresses are gone")
        stranger.take(vip)
        story.faults.interface_delete(story.holder)
        time.sleep(0.1)
        story.faults.interface_restore(story.holder)
        etcd.start_all()
        wait_for(lambda: story.lab.holders(), 15, "an address is back")
        time.sleep(1)
        story.check(not story.lab.holders(vip), f"{vip} is on a node")
        state = vips_of(story, story.lab.holders()[0])[vip]
        story.check(state["error"] is not None and MAC in state["error"],
                    f"the status says {state}")
        stranger.give(vip)
        wait_for(lambda: story.lab.holders(vip), 5, "it is added")
        story.moved = f"{story.holder.letter} -> {story.lab.holders()[0].letter}"
        story.served_us = now_us()


@scenario
def stranger_takes_address(story):
    """A stranger takes addresses that are held: the client comes back at once, the MAC is named."""
    vips = [story.lab.vips[0], story.lab.vips[2]]
    with stranger_of(story) as stranger:
        story.begin(vips=vips, stranger=MAC)
        before = vips_of(story, story.holder)
        stranger.take(*vips)
        fault_us = stranger.announce(*vips)
        story.expect_stay(fault_us, 0.8)
        for _ in range(2):
            fault_us = stranger.announce(*vips)
            story.expect_stay(fault_us, 1.3, DEFENDED_US)
        after = vips_of(story, story.holder)
        for vip in vips:
            state = after[vip]
            story.check(state["conflicts"] - before[vip]["conflicts"] >= 3
                        and state["conflict_mac"] == MAC and state["conflict_at"],
                        f"the status says {state}")
        untouched = after[story.lab.vips[1]]
        story.check(untouched["conflicts"] == before[story.lab.vips[1]]["conflicts"],
                    f"the status says {untouched}")
        lines = story.ears.said(story.holder, f"another host, {MAC}")
        story.check(1 <= len(lines) <= 6, f"the log says {lines}")
        stranger.give(*vips)
        time.sleep(0.5)


def move_away(story, node):
    """Its interface visits another namespace, and comes back with the same index and MAC."""
    def index():
        shown = run("ip", "-n", node.namespace, "-o", "link", "show", "eth0")
        return shown.stdout.partition(":")[0]
    before, away = index(), f"{story.lab.options.name}-away"
    run("ip", "netns", "add", away)
    try:
        run("ip", "-n", node.namespace, "link", "set", "eth0", "netns", away)
        time.sleep(0.1)
        run("ip", "-n", away, "link", "set", "eth0", "netns", node.namespace)
    finally:
        run("ip", "netns", "del", away)
    story.check(index() == before, f"eth0 was number {before}, is {index()}")
    return story.faults.interface_up(node)


@scenario
def stranger_after_interface_was_away(story):
    """The holder's interface goes and comes back with its index: a stranger is heard as before."""
    vip = story.lab.vips[0]
    with stranger_of(story) as stranger:
        story.begin(stranger=MAC)
        expect_back(story, lambda: move_away(story, story.holder))
        before = vips_of(story, story.holder)[vip]["conflicts"]
        stranger.announce(vip)
        wait_for(lambda: vips_of(story, story.holder)[vip]["conflicts"] > before, 2,
                 "the stranger is not heard")
        story.served_us = now_us()


@scenario
def second_holder(story):
    """Another holder writes its claim and speaks for the address: dropped at its first frame."""
    with stranger_of(story) as stranger:
        story.begin(stranger=MAC)
        key = "/ooha/office/groups/office/leader"
        claim = story.lab.claim()
        other = story.standbys()[0]
        text = story.lab.keys(key)[key].replace(claim["nonce"], "f" * len(claim["nonce"]))
        story.lab.put(key, text.replace(f'"{story.holder.name}"', f'"{other.name}"'))
        fault_us = stranger.announce(story.lab.vips[0])
        wait_for(lambda: story.holder not in story.lab.holders(), 2, "the address is gone")
        down_us = next(line["t_us"] for line in story.watch.judge_lines()
                       if line.get("event") == "down" and line["node"] == story.holder.name
                       and line["vip"] == story.lab.vips[0])
        story.check(down_us - fault_us <= DROPPED_US,
                    f"gone {(down_us - fault_us) / 1000:.0f} ms after the frame")
        # that holder never says more: its claim is taken over, be it by the node that lost it
        story.note_fault(fault_us, story.death_us)
        story.lab.await_settled()
        story.watch.wait_served()
        for kind in story.kinds:
            story.note_outage(story.lab.vips[0], kind, fault_us)
        story.moved = f"{story.holder.letter} -> {story.lab.holders()[0].letter}"
        story.served_us = now_us()


def cpu_s(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@scenario
def forged_claims(story):
    """10,000 forged claims a second for 3 s, sent to the holder: nothing moves, little is spent."""
    with stranger_of(story) as stranger:
        story.begin(stranger=MAC)
        agent = story.lab.process(story.holder, "agent")
        n_lines, before_s = len(agent.tail(0x10000)), cpu_s(agent)
        began = time.monotonic()
        fault_us, n_sent = now_us(), 0
        while time.monotonic() < began + 3:
            for _ in range(int((time.monotonic() - began) * FORGED_PER_S) - n_sent):
                n_sent += 1
                stranger.speaker.send(arp_claim(
                    story.lab.vips[n_sent % 2], b"\x02\x66" + n_sent.to_bytes(4, "big"),
                    to=packed(story.holder.mac), target=socket.inet_aton(story.holder.address)))
            time.sleep(0.001)
        used_s = cpu_s(agent) - before_s
        story.expect_stay(fault_us, 0.5)
        print(f"    {n_sent} forged frames cost the agent {used_s:.2f} s of CPU in 3 s")
        story.check(n_sent >= FORGED_PER_S, f"only {n_sent} frames could be sent")
        story.check(used_s <= FORGED_CPU_S, f"the agent used {used_s:.2f} s of CPU")
        said = agent.tail(0x10000)[n_lines:]
        story.check(len(said) <= 8, f"the agent says {len(said)} lines: {said}")
