"""What operators ask for: switchovers, pauses, drains; and what is refused, and why."""

import json
from contextlib import contextmanager

from netns import LabError, now_us, run, wait_for
from process import Process
from scenarios import check_bound, scenario
from story import PLANNED_US


def ooha(story, node, *words, check=True):
    """An operator's command on a node: (exit status, what it said)."""
    done = run(story.lab.tool("cli/ooha"), "--socket", node.socket, *words, check=False)
    if check and done.returncode != 0:
        raise LabError(f"ooha {' '.join(words)} exits {done.returncode}: {done.stderr}")
    return done.returncode, done.stdout + done.stderr


def expect_refused(story, node, *words, says):
    code, said = ooha(story, node, *words, check=False)
    story.check(code == 1 and says in said,
                f"ooha {' '.join(words)} exits {code}, not 1, and says: {said}")


@contextmanager
def operators(story):
    """Whatever becomes of it, nothing is paused or drained afterwards."""
    try:
        yield
    finally:
        for key in story.lab.keys("/ooha/office/"):
            if key == "/ooha/office/pause" or key.startswith("/ooha/office/drain/"):
                story.lab.delete(key)


def switch_over(story, asked, target):
    """A switchover that is carried out; returns what ooha says of it."""
    fault_us = now_us()
    _, said = ooha(story, asked, "switchover", "--to", target.name, "--json")
    moved = story.expect_move(fault_us, PLANNED_US + 100_000)  # the command itself, the order
    answer = json.loads(said)
    story.check(moved is target, f"it went to {moved.name}, not {target.name}")
    story.check(answer["state"] == "moved" and answer["to"] == target.name,
                f"ooha says {answer}")
    gap_us = story.watch.outage_us(story.lab.vips[0], "echo", fault_us)
    story.check(gap_us <= PLANNED_US, f"nobody was answered for {gap_us / 1000:.0f} ms")
    story.check(answer["gap_ms"] is not None and answer["gap_ms"] * 1000 <= PLANNED_US,
                f"ooha says the gap was {answer['gap_ms']} ms")
    return answer


def last_move(story):
    history = story.lab.keys("/ooha/office/history/")
    return json.loads(history[max(history)])


@scenario
def switchover_to_chosen(story):
    """A third node is asked to move the address to a node that is not the best: it goes there."""
    story.begin()
    best, other = sorted(story.standbys(), key=lambda node: node.name)
    switch_over(story, best, other)
    move = last_move(story)
    story.check(move["cause"] == "switchover" and "root@" + best.name in move["reason"],
                f"the history says {move['cause']}: {move['reason']}")
    line = [move["timeline"][f"{part}_ms"] for part in
            ("detected", "down", "claimed", "added", "announced")]
    story.check(None not in line and line == sorted(line), f"the time line is {line}")
    story.check("/ooha/office/groups/office/request" not in story.lab.keys(),
                "the order is still there")
    story.expect_moved_hooks(other)


@scenario
def switchover_refused(story):
    """What cannot be is refused, with what could; nothing moves."""
    story.begin()
    asked, sick = story.standbys()
    fault_us = story.faults.standin(sick, "refuse")
    wait_for(lambda: story.lab.ineligible() == [sick], check_bound("docservice") / 1e6 + 5,
             f"{sick.name} is not eligible")
    expect_refused(story, asked, "switchover", "--to", "node-x", says="no node 'node-x'")
    expect_refused(story, asked, "switchover", "--to", story.holder.name,
                   says=f"holds office already; eligible are: {asked.name}")
    expect_refused(story, asked, "switchover", "--to", sick.name,
                   says=f"{sick.name} is not eligible for office: ")
    expect_refused(story, sick, "switchover", "--group", "other", says="there is office")
    story.expect_stay(fault_us, 1)


@scenario
def switchover_withdrawn(story):
    """The holder's agent is frozen for a moment: the switchover is withdrawn, and never comes."""
    story.begin()
    asked, target = story.standbys()
    fault_us = story.faults.freeze(story.holder, "agent")
    code, said = ooha(story, asked, "switchover", "--to", target.name, "--timeout", "1",
                      check=False)
    story.faults.thaw(story.holder, "agent")
    story.check(code == 1 and "withdrawn" in said, f"ooha exits {code} and says: {said}")
    story.expect_stay(fault_us, 1.5)


@scenario
def switchover_given_up(story):
    """Who asked changes his mind: it is withdrawn at once."""
    story.begin()
    asked, target = story.standbys()
    fault_us = story.faults.freeze(story.holder, "agent")
    command = Process.start("ooha", None, [
        story.lab.tool("cli/ooha"), "--socket", asked.socket, "switchover", "--to", target.name],
        story.directory / "switchover.log")
    wait_for(lambda: "/ooha/office/groups/office/request" in story.lab.keys(), 1.5,
             "the order is there")
    command.signal(15)
    wait_for(lambda: "/ooha/office/groups/office/request" not in story.lab.keys(), 1,
             "the order is gone")
    story.faults.thaw(story.holder, "agent")
    story.check(command.wait_exit(5) == 1 and "withdrawn by root@" in "".join(command.tail(5)),
                f"ooha says {command.tail(5)}")
    story.expect_stay(fault_us, 1)


@scenario
def paused(story):
    """Paused, the holder keeps the address though it is sick; a switchover moves it all the same."""
    story.begin()
    asked, target = story.standbys()
    with operators(story):
        ooha(story, asked, "pause", "--reason", "firmware", "--yes")
        expect_refused(story, target, "pause", says=f"paused already, by root@{asked.name}")
        story.kinds.remove("http")  # which nobody serves for as long as it is sick
        fault_us = story.faults.standin(story.holder, "refuse")
        wait_for(lambda: story.lab.ineligible() == [story.holder],
                 check_bound("docservice") / 1e6 + 5, "the holder is not eligible")
        story.expect_stay(fault_us, (now_us() - fault_us) / 1e6 + 0.5)
        for node in story.lab.nodes:
            _, status = story.lab.status(node)
            story.check(any(problem.startswith(f"paused by root@{asked.name}: ") and
                            problem.endswith(": firmware") for problem in status["problems"]),
                        f"{node.name} does not say who paused: {status['problems']}")
        switch_over(story, asked, target)
        ooha(story, target, "resume")
        expect_refused(story, target, "resume", says="nothing is paused")


def is_drained(story, node, seen_by):
    _, status = story.lab.status(seen_by)
    return status is not None and any(
        member["node"] == node.name and member["drained"] is not None and
        not member["eligible"] and member["reason"].startswith("drained by root@")
        for member in status["members"])


@scenario
def drained(story):
    """The holder is drained: it gives the address away, takes nothing, and knows after a restart."""
    story.begin()
    with operators(story):
        fault_us = now_us()
        ooha(story, story.holder, "drain", "--reason", "new kernel", "--yes")
        target = story.expect_move(fault_us, PLANNED_US + 100_000)
        rest = next(node for node in story.standbys() if node is not target)
        story.check(last_move(story)["cause"] == "drained", f"history: {last_move(story)}")
        wait_for(lambda: is_drained(story, story.holder, rest), 2, "its member key says so")
        expect_refused(story, rest, "switchover", "--to", story.holder.name,
                       says=f"{story.holder.name} is drained by root@{story.holder.name}: new")
        expect_refused(story, rest, "drain", story.holder.name, says="drained already")

        story.faults.terminate(story.holder, "agent")
        story.lab.process(story.holder, "agent").wait_dead(10)
        story.faults.start(story.holder, "agent")
        wait_for(lambda: is_drained(story, story.holder, story.holder), 10,
                 "its next agent knows that it is drained")
        _, said = ooha(story, target, "drain", rest.name)
        story.check("no other standby left" in said, f"ooha says: {said}")
        expect_refused(story, target, "drain",
                       says=f"{target.name} holds office, and could give it to nobody")
        ooha(story, target, "undrain", story.holder.name)
        wait_for(lambda: story.lab.ineligible() == [rest], 10, "the holder before is eligible")
        story.expect_held_by(target)
