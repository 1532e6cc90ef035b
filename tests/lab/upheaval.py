"""One run of chaos: draws come true on a lab, and what a client missed is held against them."""

import collections
import dataclasses
import heapq
import itertools
import time

import dice
import witness
from excuse import CALM_US, PLANNED_US, RISE_US, Span, Timing, late_us, unable, with_silences
from havoc import CLUSTER, Havoc
from netns import LabError, now_us, told, wait_for
from watch import KINDS, Watch
from witness import Agents, EtcdWitness, Follower, Load

NEVER_US = 1 << 62
CALM_S = CALM_US / 1e6
JANITOR_US = 2_000_000  # by then the kernel has removed what a dead agent left (agent/lifetime.h)
AGENT_UNAVAILABLE = 69  # EX_UNAVAILABLE, sysexits(3)
LEAD_US = 2_000_000  # what is told of the time before an episode that failed


@dataclasses.dataclass(eq=False)
class Occurrence:
    """A draw that came true."""
    draw: dice.Draw
    nodes: list          # whom it hit
    on: str              # holder, standby, leader, member, all
    bound_us: int
    at_us: int = 0        # an act takes its time: it took effect in between these two
    done_us: int = 0
    healing_us: int = NEVER_US
    healed_us: int = NEVER_US
    alone: bool = True   # no other fault was near

    @property
    def name(self):
        return self.draw.row.name

    def text(self):
        where = ", ".join(node.name for node in self.nodes) if self.on != "all" else "all"
        return f"{self.name} on {where} ({self.on})"


@dataclasses.dataclass
class Score:
    """What the table says of one fault: alone, and with others around it."""
    times: int = 0
    bound_us: int = 0   # alone
    gaps_us: dict = dataclasses.field(default_factory=dict)  # kind -> the longest, alone
    crowd_us: int = 0   # the longest outage with others around it
    room_us: int = NEVER_US  # the least that was left to the end of a window then
    failed: int = 0


class Upheaval:
    """Everything of one run."""

    def __init__(self, lab, episodes, directory, say):
        self.lab, self.havoc, self.say = lab, Havoc(lab), say
        self.timing = Timing(lab.options.ttl_ms)
        self.episodes = episodes
        self.watch = Watch(lab, directory, [lab.vips[0], lab.vips[-1]])
        self.etcd, self.load, self.agents = EtcdWitness(lab), Load(directory), Agents(lab)
        self.judge, self.clients = Follower(self.watch.directory / "judge.jsonl"), {}
        self.occurrences, self.skipped = [], 0
        self.scores = collections.defaultdict(Score)
        self.last_holder = lab.nodes[0]
        self.n_calms, self.worst_calm_us = 0, 0
        self.moves = collections.Counter()
        self.forgiven_us = []  # by how much outages were too long only for the machine's lateness

    # -- the beginning and the end

    def begin(self):
        self.lab.await_settled()
        self.havoc.etcd.save(self.havoc.backup)
        self.watch.start()
        self.watch.wait_served()
        self.clients = {vip: Follower(client.log) for vip, client in self.watch.clients.items()}
        self.load.start()
        self.etcd.start()
        self.agents.sample()

    def abandon(self):
        """Whatever happened: nothing of ours goes on."""
        self.etcd.over.set()
        for over, _ in self.havoc.pulses.values():
            over.set()
        self.load.stop()
        self.watch.abandon()

    def rest(self):
        """Lets everything come to rest; then the judge's last word. Returns what is wrong."""
        found = []
        try:
            self.await_calm()
        except Exception as error:
            found.append(told(error))
        found += self.unexpected() + self.agents.findings() + self.weigh()
        self.etcd.stop()
        self.load.stop()
        self.watch.stop()
        self.judge.read()
        found += [f"judge: {line}" for line in self.doubles()]
        if self.watch.verdict not in (0, 1):
            found.append(f"the judge's verdict is {self.watch.verdict}")
        for vip in self.watch.vips:
            for kind in KINDS:
                open_us = self.watch.client_lines(vip, kind, "end")[0]["open_us"]
                if not 0 <= open_us < 200_000:
                    found.append(f"{vip} {kind}: no answer at the end for {open_us // 1000} ms")
        return found

    # -- who is hit

    def active(self):
        return [one for one in self.occurrences if one.healed_us == NEVER_US]

    def holder(self):
        """The node that has the first address, or had it last."""
        self.judge.read()
        for line in reversed(self.judge.lines):
            if line.get("vip") == self.lab.vips[0] and line["event"] == "up":
                self.last_holder = self.lab.node(line["node"])
                break
        return self.last_holder

    def is_free(self, node, row):
        """Whether nothing else touches the same of the node, or of etcd as a whole."""
        for one in self.active():
            shared = one.draw.row.touches & row.touches
            everywhere = CLUSTER in (one.draw.row.where, row.where)
            if shared and (everywhere or node in one.nodes):
                return False
        return True

    def choose(self, draw):
        """(nodes, on) that a draw hits now; none: all that it could hit are hit already."""
        if draw.where == "all":
            nodes = self.lab.nodes if "agent" in draw.row.touches else self.lab.members
            free = all(self.is_free(node, draw.row) for node in nodes)
            return (nodes if free else []), "all"
        holder = self.holder()
        if draw.where in ("leader", "member"):
            try:
                leader = self.lab.etcd_leader()
            except LabError:  # just none
                leader = self.lab.members[0]
            several = [node for node in self.lab.members if node is not leader]
            wanted = [leader] if draw.where == "leader" else several
        else:
            several = [node for node in self.lab.nodes if node is not holder]
            wanted = [holder] if draw.where == "holder" else several
        turn = draw.rank % len(several)
        for node in wanted[turn:] + wanted[:turn] + several[turn:] + several[:turn]:
            if self.is_free(node, draw.row) and self.leaves_enough(node, draw.row):
                return [node], self.role_of(node, draw, holder, wanted)
        return [], ""

    @staticmethod
    def role_of(node, draw, holder, wanted):
        if draw.where in ("leader", "member"):
            return draw.where if node in wanted else "member"
        return "holder" if node is holder else "standby"

    def leaves_enough(self, node, row):
        """There is always one node that nothing disables, but for faults of the whole cluster."""
        ill = {other.name for one in self.active() if one.draw.row.disables for other in one.nodes}
        return not row.disables or len(ill | {node.name}) < len(self.lab.nodes)

    # -- breaking and healing

    def windows(self):
        silences = self.etcd.silences(0)
        return with_silences(self.spans(), silences, self.timing)

    def spans(self):
        found = []
        for one in self.occurrences:
            row = one.draw.row
            moves = row.moves and (one.on != "standby" or not one.alone)
            found.append(Span(one.at_us, one.done_us, one.bound_us, moves, one))
            if one.healed_us != NEVER_US:
                bound_us = row.heal_bound(self.timing, one.draw.span_us)
                found.append(Span(one.healing_us, one.healed_us, bound_us, row.heal_moves, one))
        ill = [(node.name, one.at_us, NEVER_US if one.healed_us == NEVER_US
                else one.healed_us + RISE_US)
               for one in self.occurrences if one.draw.row.disables for node in one.nodes]
        for start_us, end_us in unable(ill, len(self.lab.nodes)):
            found.append(Span(start_us, min(end_us, now_us()), self.timing.back_us, True))
        return found

    def bound_of(self, draw, on, is_alone):
        """Within which the service has to be back after a fault: that of the fault, or at least
        that of a death when another one may have hit the nodes that would help."""
        own_us = draw.row.bound(self.timing, draw.span_us)
        if not is_alone and draw.row.moves:
            return max(own_us, self.timing.death_us)
        return PLANNED_US if on == "standby" else own_us

    def strike(self, draw):
        """Makes a draw come true; returns it, or None if there was nobody to hit."""
        nodes, on = self.choose(draw)
        if not nodes:
            self.skipped += 1
            return None
        near_us = now_us() - RISE_US
        others = [one for one in self.occurrences if one.healed_us > near_us]
        one = Occurrence(draw, nodes, on, self.bound_of(draw, on, not others), at_us=now_us(),
                         done_us=now_us(), alone=not others)
        self.occurrences.append(one)  # before the act, which may fail halfway
        for other in others:
            other.alone = False
        one.at_us = draw.row.act(self.havoc, nodes[0])
        one.done_us = now_us()
        score = self.scores[one.name, one.on]
        score.times += 1
        score.bound_us = max(score.bound_us, 0 if others else one.bound_us)
        self.say(f"break {one.text()} for {draw.span_us / 1000:.0f} ms")
        return one

    def cure(self, one):
        for_all = one.on == "all"
        one.healing_us = one.draw.row.heal(self.havoc, one.nodes[0])
        one.healed_us = now_us()
        self.say(f"heal  {one.name}{'' if for_all else ' on ' + one.nodes[0].name}")

    def play(self, episode):
        """Everything of an episode in the order of its times."""
        order = itertools.count()
        began_us = now_us()
        due = [(began_us + draw.after_us, next(order), self.strike, draw)
               for draw in episode.draws]
        heapq.heapify(due)
        while due:
            at_us, _, act, subject = heapq.heappop(due)
            time.sleep(max(0, at_us - now_us()) / 1e6)
            one = act(subject)
            if act == self.strike and one is not None:
                heapq.heappush(due, (one.at_us + subject.span_us, next(order), self.cure, one))

    def recover(self):
        """Puts everything right after something went wrong with the lab itself."""
        self.havoc.heal_all()
        for one in self.active():
            one.healing_us = one.healed_us = now_us()

    def is_unavailable(self, process):
        """An agent was started while its interface was away: it ends, for systemd to start again."""
        return (process.name.endswith("/agent") and not process.is_alive()
                and process.status == AGENT_UNAVAILABLE)

    def start_unavailable(self):
        for node in self.lab.nodes:
            if self.is_unavailable(self.lab.process(node, "agent")):
                self.lab.start(node, "agent")

    def await_calm(self):
        """All nodes eligible, one has the addresses; how long that took since the last healing."""
        since_us = max((one.healed_us for one in self.occurrences), default=now_us())
        self.start_unavailable()
        try:
            self.lab.await_settled(CALM_S)
        except LabError as error:
            raise LabError(f"{error}\n{self.state()}") from None
        wait_for(lambda: self.etcd.is_back(since_us), 5, "etcd answers")
        self.n_calms += 1
        self.worst_calm_us = max(self.worst_calm_us, now_us() - since_us)
        self.say(f"calm {(now_us() - since_us) / 1000:.0f} ms after the last healing")
        time.sleep(0.3)  # what is wrong now is not the fault of what comes
        self.agents.sample()

    def state(self):
        """What etcd has, and what the agents of nodes that are not eligible say of themselves."""
        lines = [f"    {key}: {value}" for key, value in self.lab.keys().items()
                 if "/history/" not in key]
        for node in self.lab.ineligible():
            agent = self.lab.process(node, "agent")
            lines.append(f"    {node.name}, {agent.state()}, {witness.place(agent)}, says: "
                         f"{self.lab.status(node)}")
        return "\n".join(lines)

    # -- what came of it

    def outages(self):
        """(vip, kind, start, end) of the client's new gaps, and counts the moves."""
        found = []
        for vip, follower in self.clients.items():
            for line in follower.read():
                if line["event"] not in ("gap", "switch"):
                    continue
                found.append((vip, line["kind"], line["start_us"], line["t_us"]))
                self.moves[vip] += line["event"] == "switch" and line["kind"] == "echo"
        return found

    def weigh(self):
        """Charges the new gaps; returns what is wrong with them."""
        found = []
        windows = self.windows()
        for vip, kind, start_us, end_us in self.outages():
            near = [w for w in windows if w.start_us < end_us and w.until_us > start_us]
            from_us = min([start_us] + [window.start_us for window in near])
            late = late_us(start_us, end_us, windows, self.load.late_us(from_us, end_us))
            forgiven_us = late_us(start_us, end_us, windows, 0) - late
            self.forgiven_us += [forgiven_us] if forgiven_us else []
            for window in near:
                self.charge(window, kind, start_us, end_us, late > 0)
            if late:
                causes = " + ".join(one.text() for window in near for one in window.sources)
                bound = ", ".join(
                    f"{(window.until_us - window.start_us) // 1000} ms from {window.start_us}"
                    for window in near)
                found.append(
                    f"{vip} {kind}: away for {(end_us - start_us) / 1000:.0f} ms until {end_us}, "
                    f"{late / 1000:.0f} ms too long after {causes or 'nothing'}; "
                    f"bound {bound or 'none'}")
        return found

    def charge(self, window, kind, start_us, end_us, is_late):
        """Enters a gap in the rows of those that it is charged to."""
        gap_us = end_us - start_us
        for one in window.sources:
            score = self.scores[one.name, one.on]
            score.failed += is_late
            if len(window.sources) > 1:
                score.crowd_us = max(score.crowd_us, gap_us)
                score.room_us = min(score.room_us, window.until_us - end_us)
                continue
            if gap_us > PLANNED_US:  # it counts from the change, as the bound does
                from_us = max((span.start_us for span in window.spans
                               if span.start_us < start_us + PLANNED_US), default=start_us)
                gap_us = end_us - from_us
                score.bound_us = max(score.bound_us, window.until_us - from_us)
            score.gaps_us[kind] = max(score.gaps_us.get(kind, 0), gap_us)

    def unexpected(self):
        """Processes that ended although nobody ended them."""
        ended = {(node.name, part) for one in self.active() for node in one.nodes
                 for part in one.draw.row.touches}
        parts = {"agent": "agent", "etcd": "etcd", "standin": "services", "nginx": "services"}
        found = []
        for (name, service), process in self.lab.processes.items():
            if (not process.is_alive() and (name, parts.get(service)) not in ended
                    and not self.is_unavailable(process)):
                last = "; ".join(process.tail(3))
                found.append(f"{service} of {name} ended ({process.status}): {last}")
        return found

    def unasked_silences(self):
        """How long etcd was silent each time that nothing was under way which touches it."""
        touching = [one for one in self.occurrences
                    if one.draw.row.touches & {"etcd", "filter", "link"}]
        return [end_us - start_us for start_us, end_us in self.etcd.silences(0)
                if not any(one.at_us < end_us and one.healed_us + RISE_US > start_us
                           for one in touching)]

    def leftovers_us(self):
        """How long each address was on two nodes: one answered, the other was a dead agent's whose
        fence had closed, and whose kernel had not cleared up yet."""
        return [line["lasted_us"] for line in self.judge.lines if "double_over" in line]

    def doubles(self):
        """What the judge saw of two holders: two that answer, or an address that is left over for
        longer than the kernel may take to clear it up."""
        return [line for line in self.judge.lines
                if "double_answer" in line or "failure" in line
                or line.get("lasted_us", 0) > JANITOR_US]

    def episode(self, episode):
        """Plays one; returns what is wrong, of whatever kind: the next one is to be played, too."""
        found, n_doubles = [], len(self.doubles())
        try:
            self.play(episode)
            if episode.calm:
                self.await_calm()
            time.sleep(episode.pause_us / 1e6)
        except Exception as error:
            found.append(told(error))
            found += self.tried(self.recover)
        return found + self.tried(lambda: self.judged(n_doubles))

    def judged(self, n_doubles):
        """What the watchers have seen that is wrong. n_doubles: how many were known."""
        self.judge.read()
        found = [f"judge: {line}" for line in self.doubles()[n_doubles:]]
        found += self.unexpected() + self.agents.findings()
        return found + self.weigh()

    @staticmethod
    def tried(function):
        """What it returns, or what went wrong with it."""
        try:
            return function() or []
        except Exception as error:
            return [told(error)]
