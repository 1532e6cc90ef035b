"""The scenarios: each breaks something and says what the client may see of it."""

import json
import signal
import time

from netns import ArpListener, neighbours, nft, now_us, run, wait_for
from process import Process
from story import PLANNED_US, SLACK_CHECK_US, STARTING_US, Ears, detection_us

SCENARIOS = []
# of an agent while etcd is away: trouble, the first claim and its end, the address, and some more
LOG_LINES_OUTAGE = 8


def scenario(function=None, *, ttl_ms=None):
    """Registers a scenario; its name is the function's, its docstring what it proves. ttl_ms: the
    agents' while it runs, where it needs another than the lab's."""
    def register(function):
        function.ttl_ms = ttl_ms
        SCENARIOS.append(function)
        return function
    return register if function is None else register(function)


def check_bound(check, hangs=False):
    return detection_us(check, hangs) + SLACK_CHECK_US


# -- the node and its agent


@scenario
def link_of_holder(story):
    """The holder's link goes down: another takes over; it comes back: nothing moves."""
    story.begin()
    target = story.expect_move(story.faults.link_down(story.holder), story.death_us)
    story.faults.link_up(story.holder)
    time.sleep(2)
    story.expect_held_by(target)


@scenario
def agent_terminated(story):
    """The holder's agent gets SIGTERM: a planned move, the hooks told on both ends."""
    story.begin()
    target = story.expect_move(story.faults.terminate(story.holder, "agent"), PLANNED_US)
    story.expect_moved_hooks(target)


@scenario
def agent_killed(story):
    """The holder's agent is killed: the kernel lets go, a standby takes over."""
    story.begin()
    story.expect_move(story.faults.kill(story.holder, "agent"), story.death_us)


@scenario
def agent_frozen(story):
    """The holder's agent is stopped: silent from the ttl on; waking, it neither holds nor says so."""
    story.begin()
    fault_us = story.faults.freeze(story.holder, "agent")
    target = story.expect_move(fault_us, story.death_us)
    for vip in story.watch.vips:
        line = story.watch.switch_after(vip, "echo", fault_us, story.holder.name)
        # the last renewal was sent before the freeze
        late_us = line["start_us"] - (fault_us + story.ttl_us)
        story.check(late_us <= 0,
                    f"the frozen holder answered {late_us / 1000:.0f} ms past its ttl")
    listener = ArpListener(story.lab.client)
    story.faults.thaw(story.holder, "agent")
    time.sleep(2)
    story.expect_held_by(target)
    claims = [vip for mac, vip in listener.senders()
              if mac == story.holder.mac and vip in story.lab.vips]
    story.check(not claims, f"the node that woke announced {claims}")
    story.expect_moved_hooks(target)


@scenario
def agent_killed_and_restarted(story):
    """The holder's agent is killed and started at once: it adopts its tenure, nothing moves."""
    story.begin()
    fault_us = story.faults.kill(story.holder, "agent")
    story.faults.start(story.holder, "agent")
    story.expect_stay(fault_us, story.ttl_us / 1e6 + 2)
    story.expect_hooks(story.holder)


@scenario
def agent_reloaded(story):
    """The holder's agent gets SIGHUP: nothing moves, and no check begins anew."""
    story.begin()
    fault_us = story.lab.process(story.holder, "agent").signal(signal.SIGHUP)
    wait_for(lambda: story.ears.said(story.holder), 2, "the agent says that it reloaded")
    _, status = story.lab.status(story.holder)
    for check in status["checks"]:
        story.check(check["state"] == "up" and check["reason"] == "ok" and check["age_ms"],
                    f"after the reload the status says {check}")
    story.expect_stay(fault_us, 2)
    said = [line for line in story.ears.said(story.holder) if "is asked now" not in line]
    story.check(len(said) == 1 and "reloaded" in said[0], f"the agent says {said}")
    story.expect_hooks(story.holder)


@scenario
def name_given_twice(story):
    """Two standbys were given the same name: what is handed over to it, one of them takes."""
    story.begin()
    node, twin = story.standbys()
    text = (twin.directory / f"{twin.name}.yaml").read_text(encoding="utf-8")
    story.faults.terminate(twin, "agent")
    story.lab.process(twin, "agent").wait_dead(10)
    wrong = twin.directory / "twin.yaml"
    wrong.write_text(text.replace(f"name: {twin.name}", f"name: {node.name}"), encoding="utf-8")
    process = Process.start("twin", twin.namespace,
                            [story.lab.tool("agent/ooha-agent"), "--config", wrong],
                            story.directory / "twin.log")
    try:
        agents = (process, story.lab.process(node, "agent"))
        wait_for(lambda: any("another agent has this name" in line
                             for agent in agents for line in agent.tail(20)), 10,
                 "one of the two says so")
        wait_for(lambda: len([line for line in process.tail(20) if line.endswith("in a row")]) == 2,
                 10, "the twin's checks are up")
        story.expect_move(story.faults.terminate(story.holder, "agent"), PLANNED_US)
        time.sleep(1)
    finally:
        process.end()


@scenario
def power_lost(story):
    """The holder loses power, its etcd member included: a standby takes over."""
    story.begin()
    story.expect_move(story.faults.power_off(story.holder), story.death_us)


@scenario
def standby_restarted(story):
    """A standby's agent is stopped and started: nothing changes."""
    story.begin()
    standby = story.standbys()[0]
    fault_us = story.faults.terminate(standby, "agent")
    story.lab.process(standby, "agent").wait_dead(10)
    story.faults.start(standby, "agent")
    wait_for(lambda: not story.lab.ineligible(), 20, "the standby is eligible again")
    story.expect_stay(fault_us, 2)


# -- the Document Server and its proxy


@scenario
def docservice_refused(story):
    """The holder's Document Server stops listening."""
    story.begin()
    fault_us = story.faults.standin(story.holder, "refuse")
    story.expect_move(fault_us, check_bound("docservice"))


@scenario
def docservice_hung(story):
    """The holder's Document Server takes requests and answers none."""
    story.begin()
    fault_us = story.faults.standin(story.holder, "hang")
    story.expect_move(fault_us, check_bound("docservice", hangs=True))


@scenario
def docservice_false(story):
    """The holder's /healthcheck is 200 with the body false."""
    story.begin()
    story.expect_move(story.faults.standin(story.holder, "false"), check_bound("proxy"))


@scenario
def nginx_down(story):
    """The holder's nginx ends."""
    story.begin()
    fault_us = story.faults.terminate(story.holder, "nginx")
    story.expect_move(fault_us, check_bound("proxy"))


@scenario
def nobody_better(story):
    """All nodes are unhealthy: the holder keeps the address, degraded."""
    story.begin()
    for standby in story.standbys():
        story.faults.standin(standby, "false")
    wait_for(lambda: len(story.lab.ineligible()) == len(story.standbys()),
             check_bound("proxy") / 1e6 + 5, "the standbys are not eligible")
    story.kinds.remove("http")  # /healthcheck is false wherever it is asked
    fault_us = story.faults.standin(story.holder, "false")
    wait_for(lambda: len(story.lab.ineligible()) == len(story.lab.nodes),
             check_bound("proxy") / 1e6 + 5, "nobody is eligible")
    story.expect_stay(fault_us, story.ttl_us / 1e6 + 1)
    code, _ = story.lab.status(story.holder)
    story.check(code == 1, f"`ooha status` exits {code}, not 1 (degraded)")


# -- etcd


def etcd_member_killed(story, node):
    fault_us = story.faults.kill(node, "etcd")
    story.expect_stay(fault_us, story.ttl_us / 1e6 + 2, STARTING_US)
    fault_us = story.faults.start(node, "etcd")
    wait_for(lambda: story.lab.etcd_is_healthy(node), 15, f"etcd of {node.name} is healthy")
    story.expect_stay(fault_us, 2, STARTING_US)


@scenario
def etcd_leader_killed(story):
    """The member that leads etcd is killed and brought back: nothing moves."""
    story.begin()
    etcd_member_killed(story, story.lab.etcd_leader())


@scenario
def etcd_of_holder_killed(story):
    """The holder's own etcd member is killed and brought back: nothing moves."""
    story.begin()
    etcd_member_killed(story, story.holder)


@scenario
def holder_cut_from_etcd(story):
    """The holder cannot reach etcd: it lets go before a standby takes over."""
    story.begin()
    story.expect_move(story.faults.cut_etcd(story.holder), story.death_us)


@scenario
def keys_are_readable(story):
    """etcd shows the keys of the design, each a JSON object."""
    story.begin()
    story.lab.require_running()
    keys = story.lab.keys("/ooha/")
    wanted = ["/ooha/office/groups/office/leader", "/ooha/office/groups/office/beat"]
    wanted += [f"/ooha/office/members/{node.name}" for node in story.lab.nodes]
    for key in wanted:
        story.check(key in keys, f"{key} is missing")
    story.check(any(key.startswith("/ooha/office/history/") for key in keys),
                "no /ooha/office/history/ key")
    for key, value in keys.items():
        try:
            story.check(isinstance(json.loads(value), dict), f"{key} is no JSON object: {value}")
        except ValueError:
            story.problem(f"{key} is no JSON: {value}")
    leader = json.loads(keys.get(wanted[0], "{}"))
    story.check(leader.get("node") == story.holder.name,
                f"the claim names {leader.get('node')}, the holder is {story.holder.name}")
    story.expect_stay(now_us(), 1)


@scenario
def etcd_without_quorum(story):
    """etcd cannot write for long: nobody answers for the addresses, and the logs stay short."""
    story.lab.await_settled()
    ears = Ears(story.lab)
    for node in story.lab.members[1:]:
        story.faults.kill(node, "etcd")
    wait_for(lambda: not story.lab.holders(), story.ttl_us / 1e6 + 2, "nobody holds")
    time.sleep(story.ttl_us / 1e6 + 2)  # the standbys try to claim
    for node in story.lab.nodes:
        code, status = story.lab.status(node)
        story.check(code == 2 and status["problems"][0].startswith("etcd"),
                    f"`ooha status` of {node.name} exits {code}: {status['problems']}")
    for node in story.lab.nodes:
        said = ears.said(node)
        story.check(len(said) <= LOG_LINES_OUTAGE, f"{node.name} says {len(said)} lines: {said}")


@scenario
def member_that_makes_no_sense(story):
    """A member's key that is not ours to read is said once and disturbs nothing."""
    story.begin()
    fault_us = now_us()
    story.lab.put("/ooha/office/members/node-x", "nonsense")
    story.expect_stay(fault_us, 2)
    for node in story.lab.nodes:
        times = len(story.ears.said(node, "members/node-x"))
        story.check(times == 1, f"{node.name} says it {times} times")
    story.lab.delete("/ooha/office/members/node-x")


@scenario
def late_word_of_a_member(story):
    """What a member wrote earlier comes over what it wrote last: it says it again."""
    story.begin()
    node = story.standbys()[0]
    key = f"/ooha/office/members/{node.name}"
    value = json.dumps(json.loads(story.lab.keys()[key]) | {"eligible": False})
    fault_us = now_us()
    story.lab.put(key, value, keep_lease=True)
    story.check(story.lab.ineligible() == [node], "the late word makes no difference")
    wait_for(lambda: not story.lab.ineligible(), story.ttl_us / 1e6,
             f"{node.name} says again that it is eligible")
    story.expect_stay(fault_us, 1)


# -- the addresses


@scenario
def ruleset_flushed(story):
    """Somebody flushes the packet filter: the fence is back at once, and nothing breaks."""
    story.begin()

    def fence():
        return run("ip", "netns", "exec", story.holder.namespace, "nft", "-s", "list",
                   "ruleset").stdout
    tables = fence().count("table ")
    fault_us = nft(story.holder.namespace, "flush ruleset\n")
    wait_for(lambda: fence().count("table ") == tables, 1, lambda: f"the fence is back: {fence()}")
    story.expect_stay(fault_us, 2)


@scenario
def addresses_move_together(story):
    """Two IPv4 and one IPv6 address move as one, and the client's neighbour table with them."""
    story.begin(vips=story.lab.vips)
    fault_us = story.faults.terminate(story.holder, "agent")
    target = story.expect_move(fault_us, PLANNED_US)

    def table():
        known = neighbours(story.lab.client)
        return {vip: known.get(vip) for vip in story.lab.vips}
    wait_for(lambda: set(table().values()) == {target.mac}, 2,
             lambda: f"the client knows {target.mac} of {target.name}; it knows {table()}")


@scenario
def stopped_agents_leave_nothing(story):
    """All agents end: no node has an address, and none has to be killed."""
    story.lab.await_settled()
    for node in story.lab.nodes:
        story.faults.terminate(node, "agent")
    for node in story.lab.nodes:
        process = story.lab.process(node, "agent")
        story.check(process.wait_dead(10), f"the agent of {node.name} does not end")
        process.signal(signal.SIGKILL)  # or the next scenario would take it for a living one
    for vip in story.lab.vips:
        names = [node.name for node in story.lab.holders(vip)]
        story.check(not names, f"{vip} was left on {names}")
