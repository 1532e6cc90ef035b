"""etcd's bad days: what clients see of them, what agents do and say."""

import datetime
import re
import signal
import struct
import time

from etcd_faults import EtcdFaults
from netns import now_us, run, wait_for
from scenarios import scenario
from story import NEW_OUTAGE_US, PLANNED_US, STARTING_US

HOUR_S = 3600
RETURN_S = 65  # an agent asks a member anew after 5 s; after 60 s where it fails again and again
LONG_TTL_MS = 5000  # bears etcd's silence of 1 s and the election after it
BACK_MORE_US = 1_000_000  # over the ttl, from etcd's first answer to the client's
ANSWERS_AGAIN = r"etcd answers again, after \d+\.\d s"


def begin(story):
    """Begins the story; returns what breaks etcd and what hears the agents."""
    story.begin()
    return EtcdFaults(story.lab, story.faults), story.ears


def expect_quiet(story, ears):
    """No agent had anything to say of its role: nothing moved, not even for a moment."""
    for node in story.lab.nodes:
        moves = [line for line in ears.said(node) if " -> " in line]
        story.check(not moves, f"the agent of {node.name} says {moves}")


def expect_said_once(story, ears, node, pattern):
    count = ears.count(node, pattern)
    story.check(count == 1, f"{count} times {pattern!r} in what {node.name} says: "
                            f"{ears.said(node)}")


def await_own_members(story, etcd):
    """Every agent asks the member on its own node again; they do not all end up with one."""
    for node in story.lab.members:
        wait_for(lambda node=node: etcd.member_asked_by(node) is node, RETURN_S,
                 lambda node=node: f"{node.name} asks its own member again, not that of "
                                   f"{etcd.member_asked_by(node).name}")


def expect_left(story, etcd, ears, member):
    """The holder's agent asks another member than that one, and has said why."""
    story.check(etcd.member_asked_by(story.holder) is not member, "it still asks that member")
    pattern = (rf"etcd at http://\S+ is asked now: http://{re.escape(member.address)}:2379: "
               "(silent while another member answered|no (answer|connection) within)")
    story.check(ears.count(story.holder, pattern) >= 1,
                f"no line {pattern!r} in what it says: {ears.said(story.holder)}")


def await_gone(story, seconds):
    wait_for(lambda: not story.lab.holders(), seconds, "nobody holds")


def expect_back(story, fault_us, back_us, bound_us, away_us=None):
    """Silent from away_us (default: a ttl) after the fault at the latest; from back_us on answered
    within bound_us. Returns the holder."""
    away_us = story.ttl_us if away_us is None else away_us
    story.note_fault(back_us, bound_us)

    def answered(vip, kind):
        return [line for line in story.watch.client_lines(vip, kind, "gap", "switch")
                if line["t_us"] >= back_us and line["t_us"] - line["start_us"] > NEW_OUTAGE_US]
    for vip in story.watch.vips:
        for kind in story.kinds:
            seconds = max((back_us + bound_us - now_us()) / 1e6, 0) + 5
            line = wait_for(lambda vip=vip, kind=kind: answered(vip, kind), seconds,
                            f"{vip} answers {kind} again")[0]
            silent_us = line["start_us"] - fault_us
            story.check(silent_us <= away_us,
                        f"{kind}: answered for {silent_us / 1000:.0f} ms after the fault, "
                        f"at most {away_us / 1000:.0f}")
            story.note_gap(kind, max(line["t_us"] - back_us, 0))
            story.served_us = max(story.served_us, line["t_us"])
    holder = story.lab.holders()[0]
    story.moved = f"{story.holder.letter} -> {holder.letter}"
    story.expect_held_by(holder)
    return holder


def expect_epoch_grown(story, epoch):
    """The claim that etcd has now is of a later tenure than any before."""
    now = story.lab.claim()["epoch"]
    story.check(now > epoch, f"the epoch is {now}, and was {epoch}")


# -- members one by one, and all of them


@scenario
def etcd_rolling_restart(story):
    """All members are restarted one by one: nothing moves, and a hand-over is as fast after."""
    etcd, ears = begin(story)
    for member in story.lab.members:
        fault_us = story.faults.terminate(member, "etcd")
        story.lab.process(member, "etcd").wait_dead(10)
        time.sleep(0.5)
        story.faults.start(member, "etcd")
        wait_for(lambda member=member: story.lab.etcd_is_healthy(member), 15,
                 f"etcd of {member.name} is healthy")
        story.expect_stay(fault_us, 1, STARTING_US)
    await_own_members(story, etcd)
    story.expect_stay(fault_us, 0, STARTING_US)
    expect_quiet(story, ears)
    story.expect_move(story.faults.terminate(story.holder, "agent"), PLANNED_US)  # by the watch


@scenario
def etcd_member_asked_hangs(story):
    """The member that the holder's agent talks to is stopped: nothing moves, nor when it wakes."""
    etcd, ears = begin(story)
    member = etcd.member_asked_by(story.holder)
    fault_us = story.faults.freeze(member, "etcd")
    story.expect_stay(fault_us, story.ttl_us / 1e6 + 2)
    expect_left(story, etcd, ears, member)
    fault_us = story.faults.thaw(member, "etcd")
    await_own_members(story, etcd)
    story.expect_stay(fault_us, 1)
    expect_quiet(story, ears)


@scenario
def etcd_member_asked_is_swallowed(story):
    """Packets to the member that the holder's agent talks to are dropped: nothing moves."""
    etcd, ears = begin(story)
    member = etcd.member_asked_by(story.holder)
    fault_us = etcd.swallow(member)
    story.expect_stay(fault_us, story.ttl_us / 1e6 + 2)
    expect_left(story, etcd, ears, member)
    story.faults.heal_cuts(member)
    expect_quiet(story, ears)


@scenario(ttl_ms=LONG_TTL_MS)
def etcd_stopped_for_a_second(story):
    """All members are stopped for 1 s; with a ttl of 5 s nothing moves and nobody notices."""
    etcd, ears = begin(story)
    fault_us = etcd.signal_all(signal.SIGSTOP)
    time.sleep(1)
    etcd.signal_all(signal.SIGCONT)
    story.expect_stay(fault_us, 2 * LONG_TTL_MS / 1000)
    expect_quiet(story, ears)


@scenario
def etcd_down_past_the_hold(story):
    """All members die and come back later: silent before the ttl ends, then served again."""
    etcd, ears = begin(story)
    fault_us = etcd.kill_all()
    await_gone(story, story.ttl_us / 1e6 + 2)
    time.sleep(1)
    for node in story.lab.nodes:
        expect_said_once(story, ears, node, r"etcd: .*(Connection refused|no answer within)")
    back_us = etcd.start_all()
    expect_back(story, fault_us, back_us, story.ttl_us + BACK_MORE_US)
    for node in story.lab.nodes:
        wait_for(lambda node=node: ears.count(node, ANSWERS_AGAIN), 5,
                 f"{node.name} says that etcd answers again")


# -- its space and its data


@scenario
def etcd_out_of_space(story):
    """etcd has no space left: renewals are writes, so nobody serves; told what to do, and once."""
    etcd, ears = begin(story)
    advice = (r"etcd: http://\S+: etcdserver: mvcc: database space exceeded: compact and "
              r"defragment etcd, then etcdctl alarm disarm; .*")
    try:
        fault_us = etcd.fill()
        await_gone(story, story.ttl_us / 1e6 + 2)
        time.sleep(2)
        for node in story.lab.nodes:
            code, status = story.lab.status(node)
            problem = (status["problems"] or [""])[0]
            story.check(code == 2 and re.fullmatch(advice, problem),
                        f"`ooha status` of {node.name} exits {code}: {status['problems']}")
            expect_said_once(story, ears, node, advice)
    finally:
        back_us = etcd.make_space()
    expect_back(story, fault_us, back_us, story.ttl_us + BACK_MORE_US)
    for node in story.lab.nodes:
        wait_for(lambda node=node: ears.count(node, ANSWERS_AGAIN), 5,
                 lambda node=node: f"{node.name} says that etcd answers again: {ears.said(node)}")


@scenario
def etcd_wiped(story):
    """All data of etcd is lost: taken after a ttl of absence, and the epoch grows."""
    etcd, ears = begin(story)
    fault_us = etcd.kill_all()
    etcd.wipe()
    await_gone(story, story.ttl_us / 1e6 + 2)
    time.sleep(max(0, (fault_us + story.ttl_us - now_us()) / 1e6))
    back_us = etcd.start_all()
    expect_back(story, fault_us, back_us, story.ttl_us + BACK_MORE_US)
    expect_epoch_grown(story, story.epoch)
    wait_for(lambda: not story.lab.ineligible(), 10, "every agent is present again")


@scenario
def etcd_restored(story):
    """All of etcd goes back to a backup from before a move: one holder, and the epoch grows."""
    etcd, _ = begin(story)
    backup = story.directory / "backup"
    etcd.save(backup)
    target = story.expect_move(story.faults.terminate(story.holder, "agent"), PLANNED_US)
    story.lab.process(story.holder, "agent").wait_dead(10)
    story.faults.start(story.holder, "agent")
    wait_for(lambda: not story.lab.ineligible(), 20, "all are eligible again")
    epoch = story.lab.claim()["epoch"]
    story.check(epoch > story.epoch, f"the move left the epoch at {epoch}")
    story.holder = target
    fault_us = etcd.kill_all()
    etcd.restore(backup)
    await_gone(story, story.ttl_us / 1e6 + 2)
    time.sleep(max(0, (fault_us + story.ttl_us - now_us()) / 1e6))
    back_us = etcd.start_all()
    expect_back(story, fault_us, back_us, story.ttl_us + BACK_MORE_US)
    expect_epoch_grown(story, epoch)
    wait_for(lambda: not story.lab.ineligible(), 10, "every agent is present again")


@scenario
def etcd_keys_deleted(story):
    """Somebody deletes all our keys: let go at once, taken after a ttl, all agents back."""
    etcd, ears = begin(story)
    fault_us = now_us()
    etcd.etcdctl("del", "--prefix", "/ooha/")
    await_gone(story, 1)
    expect_back(story, fault_us, fault_us, story.ttl_us + BACK_MORE_US, PLANNED_US)
    expect_epoch_grown(story, story.epoch)
    wait_for(lambda: not story.lab.ineligible(), 10, "every agent is present again")
    expect_said_once(story, ears, story.holder, "office: active -> releasing: .*")


# -- the node's own clock


def wall_offset_s(story, node):
    """How far the clock that the agent of the node sees is from ours, in s."""
    _, status = story.lab.status(node)
    told = datetime.datetime.fromisoformat(status["now"].replace("Z", "+00:00"))
    return told.timestamp() - time.time()


def timers(process, clock):
    """How many timers the process has on a clock, by its number in clock_gettime(2)."""
    done = run("sh", "-c", f"cat /proc/{process.pid}/fdinfo/*", check=False)
    return len(re.findall(rf"^clockid: {clock}$", done.stdout, re.MULTILINE))


@scenario
def wall_clock_stepped(story):
    """The wall clock of the holder and of a standby is stepped an hour forth and back: no move."""
    story.lab.await_settled()
    holder = story.lab.holders()[0]
    stepped = [holder, next(node for node in story.lab.nodes if node is not holder)]
    files = {}
    for node in stepped:
        files[node.name] = node.directory / "clock-step"
        files[node.name].write_bytes(struct.pack("q", 0))
        story.lab.around[node.name, "agent"] = ((
            "env", f"LD_PRELOAD={story.lab.tool('tests/lab/libstepped_clock.so')}",
            f"LAB_CLOCK_STEP={files[node.name]}"), ())
        try:
            story.faults.kill(node, "agent")  # adopts what it held
            story.faults.start(node, "agent")
        finally:
            del story.lab.around[node.name, "agent"]

    def step(step_s):
        for node in stepped:
            with open(files[node.name], "r+b") as file:  # the inode that is mapped
                file.write(struct.pack("q", step_s))
    _, ears = begin(story)
    try:
        for step_s in (HOUR_S, -HOUR_S, 0):
            fault_us = now_us()
            step(step_s)
            story.expect_stay(fault_us, 2)
            for node in stepped:
                offset_s = wall_offset_s(story, node)
                story.check(abs(offset_s - step_s) < 5,
                            f"the clock of {node.name} is {offset_s} s off")
    finally:
        step(0)
    expect_quiet(story, ears)
    for node in story.lab.nodes:
        process = story.lab.process(node, "agent")
        story.check(timers(process, time.CLOCK_BOOTTIME), f"{node.name} has no timers to look at")
        story.check(not timers(process, time.CLOCK_REALTIME),
                    f"{node.name} has timers on the wall clock")
