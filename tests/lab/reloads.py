"""Reloads of agents that hold: nothing moves, nobody notices, no hook runs."""

import signal
import time
from contextlib import contextmanager

from netns import addresses, nft, now_us, wait_for
from scenarios import scenario
from story import SLACK_DEATH_US

GAP_US = 20_000
STAY_S = 1.0
BEAT = "/ooha/office/groups/office/beat"
# what is sent to etcd arrives, but no answer
DEAF = """table inet oohadeaf {
    chain in { type filter hook input priority -10; tcp sport 2379 drop; }
}
"""


def write(node, text):
    (node.directory / f"{node.name}.yaml").write_text(text, encoding="utf-8")


def read(node):
    return (node.directory / f"{node.name}.yaml").read_text(encoding="utf-8")


def reload(story, node, answer="reloaded "):
    """SIGHUP; returns when, once the agent has answered as it should."""
    before = len(story.ears.said(node, answer))
    fault_us = story.lab.process(node, "agent").signal(signal.SIGHUP)
    wait_for(lambda: len(story.ears.said(node, answer)) > before, 5,
             lambda: f"{node.name} says '{answer}' to a reload: {story.ears.said(node)}")
    return fault_us


@contextmanager
def changed(story, *nodes):
    """The nodes' configurations may be written and reloaded; afterwards they are as they were."""
    texts = {node: read(node) for node in nodes}
    try:
        yield
    finally:
        for node in nodes:
            write(node, texts[node])
            reload(story, node)


def change(story, node, *replacements, answer="reloaded "):
    """Replaces each (old, new) in the node's configuration, and has it reloaded."""
    text = read(node)
    for old, new in replacements:
        story.check(old in text, f"the configuration of {node.name} has no '{old}'")
        text = text.replace(old, new, 1)
    write(node, text)
    return reload(story, node, answer)


def expect_untouched(story, fault_us, seconds=STAY_S):
    """Nothing that a client, a hook or another node could have noticed."""
    story.expect_stay(fault_us, seconds, GAP_US)
    epoch = story.lab.claim()["epoch"]
    story.check(epoch == story.epoch, f"the epoch was {story.epoch}, and is {epoch}")
    for node in story.lab.nodes:
        story.expect_hooks(node)


def await_claim(story, ttl_ms):
    wait_for(lambda: story.lab.claim()["ttl_ms"] == ttl_ms, 3, f"the claim says {ttl_ms} ms")


def expect_problem(story, node, text):
    _, status = story.lab.status(node)
    problems = status["problems"]
    story.check(any(text in problem for problem in problems) == bool(text),
                f"the status of {node.name} says {problems}, not '{text}'")


@scenario
def reload_of_ttl(story):
    """Shorter and longer ttls: the holder says them in a fresh claim, and holds on."""
    story.begin()
    ttl_ms = story.lab.options.ttl_ms
    with changed(story, *story.lab.nodes):
        for now_ms in (ttl_ms // 2, ttl_ms * 3):
            for node in [story.holder, *story.standbys()]:
                before = read(node).split("\nlease:\n  ttl: ")[1].split("\n")[0]
                fault_us = change(story, node, (f"ttl: {before}", f"ttl: {now_ms}ms"))
            await_claim(story, now_ms)
            expect_untouched(story, fault_us)
    await_claim(story, ttl_ms)


@scenario
def reload_and_deaf(story):
    """A holder that was given a shorter ttl, and never hears that the claim which says so is in:
    it lets go by that one, though it was promised three times as long before."""
    story.begin()
    node = story.holder

    def beat():
        return story.lab.keys(BEAT)[BEAT]
    with changed(story, node):
        try:
            change(story, node, ("ttl: 3000ms", "ttl: 9000ms"))
            await_claim(story, 9000)
            last = beat()
            wait_for(lambda: beat() != last, 3, "a renewal")  # the next is due in 1.5 s
            nft(node.namespace, DEAF)
            fault_us = change(story, node, ("ttl: 9000ms", "ttl: 2500ms"))
            story.expect_move(fault_us, 2_500_000 + SLACK_DEATH_US)
        finally:
            nft(node.namespace, "table inet oohadeaf\ndelete table inet oohadeaf\n")


@scenario
def reload_of_vips(story):
    """A VIP is taken out of a group that is held, and put in again: the others do not notice."""
    story.begin()
    gone = story.lab.vips[1]
    entry = f"      - address: {gone}/24\n        interface: eth0\n"

    def has_it():
        return gone in addresses(story.holder.namespace)
    with changed(story, *story.lab.nodes):
        fault_us = change(story, story.holder, (entry, ""))
        story.check(not has_it(), f"{gone} is still there")
        story.note_fault(fault_us, GAP_US)
        time.sleep(STAY_S)
        story.note_outage(story.watch.vips[0], "echo", fault_us)
        fault_us = change(story, story.holder, ("    vips:\n", "    vips:\n" + entry))
        wait_for(has_it, 1, f"{gone} is up again")
        expect_untouched(story, fault_us)


@scenario
def reload_of_etcd(story):
    """Other endpoints: asked from then on. Ones where nobody is: refused, and said so."""
    story.begin()
    with changed(story, story.holder):
        endpoints = read(story.holder).split("endpoints: [")[1].split("]")[0]
        last = endpoints.split(", ")[-1]
        fault_us = change(story, story.holder, (endpoints, last))
        wait_for(lambda: story.lab.status(story.holder)[1]["etcd"]["endpoint"] == last, 3,
                 f"{last} is asked")
        expect_untouched(story, fault_us)
        fault_us = change(story, story.holder, (last, "http://127.0.0.1:9"),
                          answer="not reloaded: ")
        expect_problem(story, story.holder, "etcd cannot be asked like this")
        expect_untouched(story, fault_us)
    expect_problem(story, story.holder, "")


@scenario
def reload_of_node(story):
    """Priority and zone of the holder: its member key says them, and nothing moves."""
    story.begin()
    with changed(story, story.holder):
        zone = f"zone: {story.holder.zone}"
        fault_us = change(story, story.holder, ("priority: 100", "priority: 7"),
                          (zone, "zone: other"))

        def is_known():
            _, status = story.lab.status(story.standbys()[0])
            return any((member["node"], member["priority"], member["zone"]) ==
                       (story.holder.name, 7, "other") for member in status["members"])
        wait_for(is_known, 3, "another node knows them")
        expect_untouched(story, fault_us)


@scenario
def reload_of_api(story):
    """Neither the new place of the API nor that of before can be had: the next reload makes it."""
    story.begin()
    place = story.holder.directory / "elsewhere"
    place.mkdir()
    here, there = f"socket: {story.holder.socket}", f"socket: {place}/ooha.sock"
    with changed(story, story.holder):
        fault_us = change(story, story.holder, (here, there))
        (place / "ooha.sock").unlink()
        place.rmdir()
        change(story, story.holder, ("listen: 0.0.0.0:8009", "listen: 0.0.0.0:8010"),
               answer="not reloaded: ")
        place.mkdir()
        change(story, story.holder, ("listen: 0.0.0.0:8010", "listen: 0.0.0.0:8009"))
        story.check((place / "ooha.sock").exists(), "there is no API after a reload")
        expect_untouched(story, fault_us)
    expect_problem(story, story.holder, "")


@scenario
def reload_refused(story):
    """A file that is wrong, and a key that takes a restart: nothing changes, and both are said."""
    story.begin()
    with changed(story, story.holder):
        fault_us = change(story, story.holder, ("ttl: ", "tll: "), answer="not reloaded: ")
        expect_problem(story, story.holder, f"{story.holder.name}.yaml:9: lease.tll: unknown key")
        change(story, story.holder, ("tll: ", "ttl: "), ("cluster: office", "cluster: home"),
               answer="not reloaded: ")
        expect_problem(story, story.holder, "cluster: 'office' has become 'home', which takes")
        expect_untouched(story, fault_us)
    expect_problem(story, story.holder, "")


@scenario
def reload_of_groups(story):
    """A group comes and goes again: taken, then given up, and the other does not notice."""
    story.begin()
    group = ("  - name: second\n    vips:\n      - address: 10.77.0.150/24\n"
             "        interface: eth0\n")

    def holders():
        return [node for node in story.lab.nodes if "10.77.0.150" in addresses(node.namespace)]
    with changed(story, *story.lab.nodes):
        for node in story.lab.nodes:
            fault_us = change(story, node, ("\nchecks:\n", "\n" + group + "checks:\n"))
        wait_for(lambda: len(holders()) == 1, 2 * story.ttl_us / 1e6, "one has the second group")
        story.expect_stay(fault_us, STAY_S, GAP_US)
    wait_for(lambda: not holders(), 1, "nobody has the second group")
    story.lab.await_settled()
    story.expect_stay(now_us(), STAY_S, GAP_US)
    story.check(story.lab.claim()["epoch"] == story.epoch, "the epoch grew")
    told = [line for node in story.lab.nodes for line in story.hooks(node)
            if line["GROUP"] == "office"]
    story.check(not told, f"hooks were told {told}")
