#!/usr/bin/python3
"""The demo: three nodes, the holder broken in three ways, and what a client sees of it.

Started by scripts/demo, which sees to packages and the build.
"""

import argparse
import dataclasses
import http.client
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True

from faults import FAULTS  # noqa: E402
from lab import SOURCE, STATE, Lab, Options  # noqa: E402
from netns import LabError, wait_for  # noqa: E402
from page import Page  # noqa: E402
from scenarios import check_bound  # noqa: E402
from story import SLACK_CHECK_US, SLACK_DEATH_US, Story  # noqa: E402
from watch import KINDS  # noqa: E402

NAME = "ooha-demo"
LOG_LINES = 6
DEATH = f"the ttl + {SLACK_DEATH_US / 1e6:g} s"
CHECK = f"the check's interval x fall + {SLACK_CHECK_US / 1e6:g} s"


@dataclasses.dataclass
class Act:
    """One fault, and what became of it."""
    fault: str         # its name in FAULTS
    title: str         # with a place for the node
    name: str          # in the table
    broken: str        # what of the node
    bound: str         # in words
    bound_us: int = 0  # 0: that of a holder's death
    moved: tuple = ()  # names: from, to
    gaps_us: dict = dataclasses.field(default_factory=dict)
    cause: str = ""
    problems: list = dataclasses.field(default_factory=list)
    doubles: int = 0


ACTS = (
    Act("docservice-kill", "The Document Server of {} dies", "Document Server dies",
        "Document Server", CHECK, check_bound("docservice")),
    Act("link", "{} loses its link", "link lost", "link", DEATH),
    Act("agent-kill", "The agent of {} is killed", "agent killed", "ooha-agent", DEATH),
)


def in_ms(value_us):
    return f"{value_us / 1000:.0f} ms"


def in_doubles(n):
    return f"{'two' if n else 'never two'} holders: {n} seen"


def word_of(lab, node):
    """What ooha on a node says of its one group, or None."""
    document = lab.status(node)[1]
    return document["groups"][0] if document else None


def await_fine(lab):
    """Settled as the lab sees it, and as each node's own `ooha status` does."""
    lab.await_settled()
    wait_for(lambda: all(lab.status(node)[0] == 0 for node in lab.nodes), 20,
             lambda: f"`ooha status` exits 0; it does {[lab.status(n)[0] for n in lab.nodes]}")


# -- what is shown of an act


def show_holder(page, lab, label, broken=None, what=""):
    """The nodes as they are now. broken: the node that has something wrong with it."""
    holders = lab.holders()

    def content(node):
        if node in holders:
            return "good", f"● {lab.vips[0]}"
        return ("bad", f"✗ {what}") if node is broken else ("quiet", "standby")
    page.boxes(label, [node.name for node in lab.nodes],
               [[content(node)] for node in lab.nodes])


def meanwhile(story, until_us):
    """What the HTTP client got between the fault and the new holder's first answer."""
    words = {"timeout": "no answer"}
    seen = [line["what"] for line in story.watch.client_lines(story.watch.vips[0], "http", "bad")
            if story.fault_us <= line["t_us"] < until_us]
    return ", ".join(dict.fromkeys(
        f"{what} {http.client.responses.get(int(what), '')}" if what.isdigit()
        else words.get(what, what) for what in seen))


def show_gaps(page, story, act):
    """For each kind: the first good answer of the new holder, and how long there was none."""
    vip = story.watch.vips[0]
    for kind in KINDS:
        line = story.watch.switch_after(vip, kind, story.fault_us, story.holder.name)
        gap_us = line["t_us"] - story.fault_us
        is_late = gap_us > story.bound_us
        seen = meanwhile(story, line["t_us"]) if kind == "http" else ""
        page.line(page.label({"http": "HTTP"}.get(kind, kind)) + f"from {line['to']} after "
                  + page.paint("bad" if is_late else "good", f"{in_ms(gap_us):>8}")
                  + f"   out for {in_ms(story.watch.outage_us(vip, kind, story.fault_us)):>8}"
                  + page.paint("quiet", f"   {seen}"))
    page.line(page.label("bound") + f"{'':18}{in_ms(story.bound_us):>8}"
              + page.paint("quiet", f"   {act.bound}"))


def show_causes(page, lab, act):
    """What ooha itself says, on the new holder and on the old one, in its status."""
    old, new = (lab.node(name) for name in act.moved)
    taken, left = word_of(lab, new), word_of(lab, old)
    act.cause = (left and left["reason"]) or (taken and taken["cause"]) or ""
    if not act.cause:
        act.problems.append("ooha gives no cause")
    page.field("why", f"{new.name}: {taken['cause'] if taken else 'says nothing'}")
    page.field("", f"{old.name}: {left['reason'] if left else 'its agent does not answer'}")


# -- the acts


def show_status(page, lab, node):
    """`ooha status`, as it prints it itself."""
    program = lab.tool("cli/ooha")
    page.line(page.paint("quiet", f"  $ {program.name} --socket {node.socket} status"))
    subprocess.run([program, "--socket", node.socket, "status"], check=False)


def open_lab(page, lab):
    page.act(1, "Three nodes, one address")
    names = [node.name for node in lab.nodes]
    with page.step("lab", "etcd, nginx, Document Server and ooha-agent on each of them"):
        lab.up()
    with page.step("settle", "all nodes healthy, one has the address"):
        await_fine(lab)
    page.line()
    holder = lab.holders()[0]
    inside = [("quiet", "ooha-agent, etcd"), ("quiet", "nginx"), ("quiet", "Document Server")]
    page.boxes("", names, [
        [("good", f"● {lab.vips[0]}") if node is holder else ("quiet", "standby")] + inside
        for node in lab.nodes], cable=True)
    page.field("echo", f"the client asks {lab.vips[0]} every 2 ms (UDP)")
    page.field("HTTP", "and every 20 ms for /healthcheck: nginx, then the Document Server")
    page.line()
    show_status(page, lab, holder)


def play(page, lab, number, act, story):
    """Breaks the holder, waits for another, heals; the judge watches all of it."""
    story.begin()
    page.act(number, act.title.format(story.holder.name))
    show_holder(page, lab, "before")
    act.bound_us = act.bound_us or story.death_us
    with page.step("break", f"{act.fault}: {FAULTS[act.fault][0]}"):
        fault_us = FAULTS[act.fault][1](story.faults, story.holder)
    with page.step("wait", "until another node answers") as say:
        target = story.expect_move(fault_us, act.bound_us)
        say(f"{target.name} answers")
    act.moved = (story.holder.name, target.name)
    act.gaps_us = dict(story.gaps_us)
    show_holder(page, lab, "after", story.holder, act.broken)
    show_gaps(page, story, act)
    show_causes(page, lab, act)
    with page.step("heal", f"{story.holder.name} comes back") as say:
        FAULTS[act.fault][2](story.faults, story.holder)
        await_fine(lab)
        names = ", ".join(node.name for node in lab.holders())
        say(f"every node's ooha says fine; the address is on {names}")
    story.settle()
    story.expect_held_by(target)


def play_act(page, lab, number, act):
    story = Story(lab, lab.directory / "stories" / act.fault)
    try:
        play(page, lab, number, act, story)
        story.end()
        act.doubles = len(story.watch.doubles())
    finally:
        if story.watch is not None:
            story.watch.abandon()
    act.problems += story.problems
    page.field("judge", f"{in_doubles(act.doubles)}, from before the fault until now",
               "bad" if act.doubles else "good")
    for problem in act.problems:
        page.field("FAIL", problem, "bad")


def close(page):
    """The table, and whether all is as it has to be."""
    page.act(len(ACTS) + 2, "From the fault to the new holder's first good answer")
    row = "  {:22}{:18}{:>9}{:>9}{:>9}   "
    page.line(page.paint("quiet", row.format("FAULT", "HOLDER", "ECHO", "HTTP", "BOUND")))
    for act in ACTS:
        gaps = [in_ms(act.gaps_us[kind]) for kind in KINDS]
        page.line(row.format(act.name, " -> ".join(act.moved), *gaps, in_ms(act.bound_us))
                  + (page.paint("bad", "FAIL") if act.problems else page.paint("good", "ok")))
        page.line(page.paint("quiet", f"    {act.cause}"))
    page.line()
    doubles = sum(act.doubles for act in ACTS)
    n_within = sum(max(act.gaps_us.values()) <= act.bound_us for act in ACTS)
    n_problems = sum(len(act.problems) for act in ACTS)
    page.line(page.paint("bad" if doubles else "good", f"  {in_doubles(doubles)}"))
    page.line(page.paint("good" if n_within == len(ACTS) else "bad",
                         f"  {n_within} of {len(ACTS)} failovers within their bound"))
    if n_problems:
        page.line(page.paint("bad", f"  {n_problems} things wrong: see FAIL above"))
    return n_problems == 0 and doubles == 0


def explain_keep(page, lab):
    """How to go on with the lab that was kept."""
    command, node = f"scripts/lab --name {lab.options.name}", lab.holders()[0]
    page.act(len(ACTS) + 3, "It is still up")
    for what, text in (
            ("look", f"socket={node.socket}"),
            ("", "build/cli/ooha --socket $socket status --watch"),
            ("", f"{command} status"),
            ("ask", f"{command} exec cl ping -c 3 {lab.vips[0]}"),
            ("break", f"{command} break {node.name} docservice-hang"),
            ("heal", f"{command} heal {node.name} docservice-hang"),
            ("faults", "scripts/lab --help"),
            ("end", f"{command} down")):
        page.line(page.label(what) + text)


# -- up, through, down


def fail(page, lab, error):
    page.line()
    page.field("FAIL", str(error), "bad")
    for node in lab.nodes:
        process = lab.processes.get((node.name, "agent"))
        for line in process.tail(LOG_LINES) if process else []:
            page.field(node.name, line, "quiet")


def take_down(page, lab):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        page.line()
    except OSError:
        pass  # nobody reads on, and the lab has to go all the same
    with page.step("down", "taking the lab down") as say:
        lab.down()
        say("the lab is gone")


def perform(page, lab, keep):
    """Returns the exit status. However it ends, the lab is gone, unless it was played to the end
    and is to be kept."""
    is_kept = False
    try:
        open_lab(page, lab)
        for number, act in enumerate(ACTS, start=2):
            play_act(page, lab, number, act)
        is_fine = close(page)
        if keep:
            explain_keep(page, lab)
            is_kept = True
        return 0 if is_fine else 1
    except (LabError, subprocess.TimeoutExpired) as error:
        fail(page, lab, error)
        return 1
    except KeyboardInterrupt:
        page.line("\n\n  interrupted")
        return 130
    finally:
        if not is_kept:
            take_down(page, lab)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="default: %(default)s")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    lab = Lab(Options(name=NAME, build=os.path.abspath(arguments.build)))
    STATE.mkdir(exist_ok=True)
    try:
        lab.directory.mkdir()
    except FileExistsError:
        raise LabError(f"{lab.directory} is already there: a demo runs, or was kept with --keep\n"
                       f"to end it: scripts/lab --name {NAME} down") from None
    return perform(Page(sys.stdout), lab, arguments.keep)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"scripts/demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # nobody reads on: perform() has taken the lab down all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
