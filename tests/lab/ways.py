"""A group that is told of in two modes: announced, and by a route that a routing daemon would export."""

import time

from netns import run, wait_for
from process import Process, uninterrupted
from reloads import change, changed, expect_untouched
from scenarios import scenario
from story import PLANNED_US

ROUTED = "203.0.113.7"
ENTRY = f"      - address: {ROUTED}\n        mode: route\n"


def has_route(node):
    return ROUTED in run("ip", "-n", node.namespace, "route", "show", "table", "main",
                         "proto", "79").stdout


def has_address(node):
    return ROUTED in run("ip", "-n", node.namespace, "addr", "show", "dev", "lo").stdout


def expect_at(story, holder):
    """The path is where the group is, and nowhere else."""
    wait_for(lambda: has_route(holder) and has_address(holder), 1,
             f"{holder.name} has the route to {ROUTED}")
    for node in story.lab.nodes:
        story.check(node is holder or not has_route(node) and not has_address(node),
                    f"{node.name} has it, and {holder.name} holds")


def told(story, node):
    return {vip["mode"]: vip["told"] for vip in story.lab.status(node)[1]["groups"][0]["vips"]}


def start_as_it_is(story, node):
    """The agent, with the configuration that the scenario has written."""
    with uninterrupted():
        story.lab.processes[node.name, "agent"] = Process.start(
            f"{node.name}/agent", node.namespace, story.lab.command(node, "agent"),
            node.directory / "agent.log")
    story.lab.save()


@scenario
def route_goes_with_its_group(story):
    """A reload adds a VIP in mode route: its route is with the holder alone, comes back when it is
    taken, moves on a planned stop, and is adopted by who starts after a kill."""
    story.begin()
    with changed(story, *story.lab.nodes):
        for node in [story.holder, *story.standbys()]:
            fault_us = change(story, node, ("    vips:\n", "    vips:\n" + ENTRY))
        expect_at(story, story.holder)
        story.check(told(story, story.holder) == {"route": True, "arp": True},
                    f"the status says {told(story, story.holder)}")
        run("ip", "-n", story.holder.namespace, "route", "del", ROUTED, "proto", "79")
        expect_at(story, story.holder)  # with the next renewal
        expect_untouched(story, fault_us)
        story.faults.kill(story.holder, "agent")
        story.check(has_route(story.holder), "the route went with its agent")
        start_as_it_is(story, story.holder)
        expect_at(story, story.holder)
        wait_for(lambda: told(story, story.holder).get("route"), 2, "it has adopted the route")
        before = story.holder
        fault_us = story.faults.terminate(before, "agent")
        try:
            target = story.expect_move(fault_us, PLANNED_US)
            story.check(not has_route(before), f"{before.name} still has the route")
            expect_at(story, target)
        finally:
            story.faults.start(before, "agent")
        wait_for(lambda: not story.lab.ineligible(), 5, "all are eligible again")


@scenario
def route_of_a_frozen_holder(story):
    """The holder's agent is frozen: the kernel withdraws its path before another node takes over."""
    story.begin()
    with changed(story, *story.lab.nodes):
        for node in [story.holder, *story.standbys()]:
            change(story, node, ("    vips:\n", "    vips:\n" + ENTRY))
        expect_at(story, story.holder)
        before = story.holder
        fault_us = story.faults.freeze(before, "agent")
        try:
            wait_for(lambda: not has_route(before), 5, "the kernel has withdrawn the path")
            story.check(not any(has_route(node) for node in story.standbys()),
                        "another node had the path before")
            target = story.expect_move(fault_us, story.death_us)
            expect_at(story, target)
        finally:
            story.faults.thaw(before, "agent")
        time.sleep(0.5)
        expect_at(story, target)
