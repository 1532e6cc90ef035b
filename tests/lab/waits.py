"""What the addresses wait for: the hooks that run before a promotion and before a demotion."""

import pathlib
import shutil
from contextlib import contextmanager

import config
from netns import wait_for
from scenarios import scenario
from shared import reload_agents
from story import PLANNED_US

COMING_S, LEAVING_S = 0.2, 0.3
LAST_S = 1  # who is not fit comes so much later
EVENTS = ("pre_promote", "pre_demote", "notify")
LISTS = "hooks:\n  blocking_timeout: 2s\n"
NOTE = config.HOOK.format(directory="{directory}",
                          fields="|".join(f"$OOHA_{name}" for name in config.HOOK_FIELDS))
NOTICE = '#!/bin/sh\necho "$OOHA_GRADE $OOHA_NOTICE $OOHA_STATE|$OOHA_TEXT" >> {directory}/notices.log\n'


def lists_of(directory):
    return LISTS + "".join(f"  {event}: [{directory}/hooks/{event}.d]\n" for event in EVENTS)


def write_hook(node, event, script):
    config.write(node.directory / "hooks" / f"{event}.d" / "10-note",
                 script.format(directory=node.directory), 0o755)


@contextmanager
def blocking_hooks(story):
    """Hooks of these events on all nodes, and nothing of that left afterwards."""
    directories = [node.directory for node in story.lab.nodes]
    for node in story.lab.nodes:
        (node.directory / "notices.log").unlink(missing_ok=True)
        write_hook(node, "pre_promote", NOTE + f"sleep {COMING_S}\n")
        write_hook(node, "pre_demote", NOTE + f"sleep {LEAVING_S}\n")
        write_hook(node, "notify", NOTICE)
    try:
        reload_agents(story, lambda text: text.replace(
            "hooks:\n", lists_of(directory_of(text)), 1))
        yield
    finally:
        reload_agents(story, lambda text: text.replace(
            lists_of(directory_of(text)), "hooks:\n", 1))
        for directory in directories:
            for event in EVENTS:
                shutil.rmtree(directory / "hooks" / f"{event}.d")


def directory_of(text):
    """Of the node whose configuration that is."""
    path = next(line for line in text.splitlines() if line.startswith("runtime_directory:"))
    return pathlib.Path(path.split()[1]).parent


def notices(node):
    try:
        return (node.directory / "notices.log").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


@scenario
def hooks_waited_for(story):
    """The holder leaves after its pre_demote; whose pre_promote fails hands on; the third serves. When
    that one leaves, too, who failed before is better than nobody, and fails and serves."""
    story.lab.await_settled()  # a move that is put off looks settled
    with blocking_hooks(story):
        story.begin()
        refuser, target = story.standbys()  # by name, and so by rank
        write_hook(refuser, "pre_promote", NOTE + "exit 1\n")
        fault_us = story.faults.terminate(story.holder, "agent")
        bound_us = int((COMING_S + LEAVING_S) * 1e6) + 3 * PLANNED_US
        moved_to = story.expect_move(fault_us, bound_us)
        story.check(moved_to is target, f"{moved_to.name} holds, not {target.name}")
        story.expect_hooks(story.holder, ("pre_demote", refuser, story.epoch),
                           ("demoted", refuser, story.epoch))
        story.expect_hooks(refuser, ("pre_promote", story.holder, story.epoch + 1))
        story.expect_hooks(target, ("pre_promote", refuser, story.epoch + 2),
                           ("promoted", refuser, story.epoch + 2))
        outage_us = story.watch.outage_us(story.lab.vips[0], "echo", fault_us)
        story.check(outage_us < COMING_S * 1e6 + 2 * PLANNED_US,
                    f"the addresses were away for {outage_us / 1000:.0f} ms")
        _, status = story.lab.status(refuser)
        story.check("pre_promote: hook" in str(status), f"{refuser.name} says {status}")
        for node, text in ((target, f"P1 moved |office: moved from {refuser.name}"),
                           (refuser, "P1 pre_promote_failed |office: pre_promote: hook")):
            wait_for(lambda: any(line.startswith(text) for line in notices(node)), 5,
                     lambda: f"{node.name} tells '{text}': {notices(node)}")
        story.holder = target
        fault_us = story.faults.terminate(target, "agent")
        moved_to = story.expect_move(fault_us, int((LEAVING_S + LAST_S) * 1e6) + 7 * PLANNED_US)
        story.check(moved_to is refuser, f"{moved_to.name} holds, not {refuser.name}")
        _, status = story.lab.status(refuser)
        story.check(status["groups"][0]["degraded"], f"{refuser.name} says {status}")
