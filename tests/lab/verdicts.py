"""Why a node was left: found out while it is ill, and kept with the transition."""

import json

from netns import wait_for
from scenarios import check_bound, scenario

FOUND_OUT_S = 10  # after the move: the collectors take 3 s, and look twice


def history(story):
    """The records of transitions, the newest last."""
    keys = story.lab.keys("/ooha/office/history/")
    return [json.loads(keys[key]) for key in sorted(keys)]


def expect_found_out(story, cause):
    """The history, the status of the node that was left, and its member record all say it."""
    left, status = story.holder, {}

    def is_kept():
        status.update(story.lab.status(left)[1] or {})
        return history(story)[-1].get("diagnosis", {}).get("cause") == cause
    wait_for(is_kept, FOUND_OUT_S, f"the history says {cause!r}")
    record = history(story)[-1]
    summary = record["diagnosis"]["summary"]
    story.check(record["from"] == left.name, f"the record is {record}")
    story.check((status.get("diagnosis") or {}).get("cause") == cause,
                f"the status says {status.get('diagnosis')}")
    member = json.loads(story.lab.keys("/ooha/office/members/")[f"/ooha/office/members/{left.name}"])
    story.check(member["reason"] and summary.startswith(member["reason"][:40]),
                f"the member's reason is {member['reason']!r}, the diagnosis {summary!r}")
    story.check(any(line.startswith("ooha-agent: diagnosis: ") and summary[:40] in line
                    for line in story.ears.lines(left)), "the log does not say it")


@scenario
def hung_documentserver_is_named(story):
    """The holder's Document Server is stopped: moved, and the history says that it hung, how that
    was seen, and what to do."""
    story.begin()
    fault_us = story.faults.freeze(story.holder, "standin")
    story.expect_move(fault_us, check_bound("docservice", hangs=True))
    expect_found_out(story, "document server hung")


@scenario
def dead_proxy_is_named(story):
    """The holder's nginx ends: moved, and the history says so, and not that a check failed."""
    story.begin()
    fault_us = story.faults.terminate(story.holder, "nginx")
    story.expect_move(fault_us, check_bound("proxy"))
    expect_found_out(story, "proxy stopped")
