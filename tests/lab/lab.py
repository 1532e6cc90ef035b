"""The lab: three Document Server nodes, a switch and a client in network namespaces."""

import base64
import dataclasses
import json
import os
import pathlib
import shutil
import signal

import config
from netns import LabError, addresses, batch, exists, http_request, run, told, wait_for
from process import Process, uninterrupted

STATE = pathlib.Path("/run/ooha-lab")
NSPAWN = pathlib.Path("/run/systemd/nspawn")  # what it leaves when it is killed
SOURCE = pathlib.Path(__file__).resolve().parents[2]
ECHO_PORT = 7777
LETTERS = "abcdef"
MEMBERS_MAX = 3  # etcd members; more nodes than that are clients of them only
MANY = ("10.77.0.100/24", "10.77.0.101/24", "fd77::100/64")  # virtual addresses
EYE_ADDRESSES, EYE_MAC = ("10.77.0.201", "fd77::201"), "02:00:0a:4d:00:c9"
SERVICES = ("etcd", "standin", "nginx", "echo", "agent")


@dataclasses.dataclass
class Options:
    """What a lab is made of; kept with its state."""
    name: str = "ooha"
    nodes: int = 3
    build: str = str(SOURCE / "build")
    ttl_ms: int = 3000
    vips: tuple = MANY[:1]
    etcd_data: str = ""  # default: on tmpfs, so that a slow disk does not elect leaders
    agent: bool = True
    booted: bool = False  # each node is a machine that runs its own services
    runtime_kb: int = 0  # each runtime directory is a tmpfs of that size, which can be filled


def home(address, address6):
    """The lines of an ip batch that make an interface that is up a node's own, if it is not."""
    # the judge's prober has no addresses, only names itself by them
    return [f"addr replace {address}/24 dev eth0", f"addr replace {address6}/64 dev eth0 nodad"] + [
        f"neigh replace {eye} lladdr {EYE_MAC} dev eth0 nud permanent" for eye in EYE_ADDRESSES]


class Node:
    """One node: its namespace, addresses and directory."""

    def __init__(self, lab, index):
        letter = LETTERS[index]
        self.index, self.letter, self.name = index, letter, f"node-{letter}"
        self.namespace = f"{lab.options.name}-{letter}"
        self.zone = f"az-{index + 1}"
        self.address, self.address6 = f"10.77.0.{11 + index}", f"fd77::{11 + index}"
        self.mac = f"02:00:0a:4d:00:{11 + index:02x}"
        self.port = f"p-{letter}"  # on the switch
        self.directory = lab.directory / self.name

    @property
    def home(self):
        return home(self.address, self.address6)

    @property
    def control(self):
        return self.directory / "standin.sock"

    @property
    def socket(self):
        return self.runtime / "ooha.sock"

    @property
    def root(self):
        """Of a node that is booted."""
        return self.directory / "root"

    @property
    def runtime(self):
        return self.directory / "run"


class Lab:
    """A lab by name. Opens what is there (state.json) or describes what up() will make."""

    def __init__(self, options):
        if not 1 <= options.nodes <= len(LETTERS):
            raise LabError(f"nodes: {options.nodes} is not from 1 to {len(LETTERS)}")
        self.options = options
        self.directory = STATE / options.name
        self.switch, self.client, self.eye = (
            f"{options.name}-{end}" for end in ("sw", "cl", "eye"))
        self.nodes = [Node(self, index) for index in range(options.nodes)]
        self.members = self.nodes[:MEMBERS_MAX if options.nodes >= MEMBERS_MAX else 1]
        self.stranger = f"{options.name}-st"  # the namespace of a host that is no node, if any
        self.machines = []  # of nodes that are booted: number 1 inside, then what runs it
        self.processes = {}  # (node name, service) -> Process
        self.started_at = {node.name: 0 for node in self.nodes}  # agents: etcd's revision then
        self.around = {}  # (node name, service) -> (words before its command, words behind it)

    @classmethod
    def open(cls, name):
        """The lab of that name as it is up; LabError if it is not."""
        try:
            state = json.loads((STATE / name / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise LabError(f"no lab named {name} is up") from None
        lab = cls(Options(**dict(state["options"], vips=tuple(state["options"]["vips"]))))
        for entry in state["processes"]:
            process = Process.from_json(entry)
            lab.processes[tuple(process.name.split("/"))] = process
        lab.machines = [Process.from_json(entry) for entry in state.get("machines", [])]
        return lab

    @classmethod
    def left(cls, name):
        """What there is of a lab, to take down: also one whose state was lost half-made."""
        try:
            return cls.open(name)
        except (LabError, ValueError, TypeError, KeyError):
            return cls(Options(name=name, nodes=len(LETTERS)))

    def is_up(self):
        return (self.directory / "state.json").exists()

    def save(self):
        text = json.dumps({"options": dataclasses.asdict(self.options),
                           "processes": [p.as_json() for p in self.processes.values()],
                           "machines": [p.as_json() for p in self.machines]}, indent=1)
        fresh = self.directory / "state.json.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(self.directory / "state.json")

    @property
    def namespaces(self):
        return [self.switch, self.client, self.eye] + [node.namespace for node in self.nodes]

    @property
    def vips(self):
        """The virtual addresses without prefix length."""
        return [vip.partition("/")[0] for vip in self.options.vips]

    @property
    def etcd_data(self):
        return pathlib.Path(self.options.etcd_data or f"/dev/shm/ooha-lab-{self.options.name}")

    def tool(self, path):
        program = pathlib.Path(self.options.build) / path
        if not os.access(program, os.X_OK):
            raise LabError(f"{program} is not there: ninja -C {self.options.build}")
        return program

    def is_sanitized(self):
        """Whether the agents are built with a sanitizer."""
        return "libasan" in run("ldd", self.tool("agent/ooha-agent")).stdout

    def node(self, name):
        """The node by its name or letter."""
        for node in self.nodes:
            if name in (node.name, node.letter, node.namespace):
                return node
        raise LabError(f"no node {name}: there are {', '.join(n.name for n in self.nodes)}")

    # -- up and down

    def up(self):
        """Makes everything and waits until it is ready."""
        if os.geteuid() != 0:
            raise LabError("network namespaces need root")
        if self.is_up():
            raise LabError(f"lab {self.options.name} is already up (or was not taken down)")
        services = [] if self.options.booted else [
            s for s in SERVICES if s != "agent" or self.options.agent]
        for program in ["tests/lab/echo", "tests/lab/standin"] + (
                ["agent/ooha-agent"] if self.options.agent else []):
            self.tool(program)
        os.umask(0o022)  # hooks that others could write to are refused
        shutil.rmtree(self.etcd_data, ignore_errors=True)
        self.etcd_data.mkdir(parents=True, exist_ok=True)  # what is mounted there stays
        for node in self.nodes:
            node.runtime.mkdir(parents=True, exist_ok=True)
        self.save()
        if self.options.runtime_kb:
            for node in self.nodes:
                run("mount", "-t", "tmpfs", "-o", f"size={self.options.runtime_kb}k,mode=755",
                    "ooha-lab", node.runtime)
        self.make_network()
        for service in services:
            self.start_all(service)
        if services:
            self.await_ready()

    def make_network(self):
        for namespace in self.namespaces:
            run("ip", "netns", "add", namespace)
        quiet = ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        run("ip", "netns", "exec", self.switch, "sysctl", "-q", "-w", *quiet)
        ports = [(n.namespace, n.port, n.mac) for n in self.nodes]
        ports += [(self.client, "p-cl", "02:00:0a:4d:00:c8"),
                  (self.eye, "p-eye", EYE_MAC)]
        # no snooping: the switch is to carry every solicitation and announcement
        lines = [f"link add br0 netns {self.switch} type bridge forward_delay 0 mcast_snooping 0"]
        lines += [f"link add eth0 address {mac} netns {namespace} type veth peer name {port} "
                  f"netns {self.switch}" for namespace, port, mac in ports]
        run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
        lines = ["link set br0 up"] + [f"link set {p} master br0 up" for _, p, _ in ports]
        run("ip", "-n", self.switch, "-batch", "-", stdin="\n".join(lines) + "\n")
        homes = [(n.namespace, n.address, n.address6) for n in self.nodes]
        homes += [(self.client, "10.77.0.200", "fd77::200"), (self.eye, None, None)]
        for namespace, address, address6 in homes:
            lines = ["link set lo up", "link set eth0 up"]
            if address:
                lines += home(address, address6)
            batch(namespace, *lines)

    def introduce_eye(self):
        """Tells the nodes again who the judge's prober is, as an interface may have forgotten it (a
        new MAC, a new interface)."""
        for node in self.nodes:
            batch(node.namespace, *node.home)

    def down(self):
        """Ends what up() started and removes what it made; whatever of it there is. What cannot be
        ended or removed is told when all else is gone."""
        problems = []
        for process in self.machines:
            process.signal(signal.SIGKILL)
            if not process.wait_dead(5):
                problems.append(f"{process.name} (pid {process.pid}) does not die")
        for process in self.processes.values():  # all at once, then wait for each
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.end(seconds=3)
                process.signal(signal.SIGKILL, whole_group=True)
            except (LabError, OSError) as error:
                problems.append(told(error))
        for namespace in [*self.namespaces, self.stranger]:
            if exists(namespace):
                run("ip", "netns", "del", namespace, check=False)
        for node in self.nodes:
            if os.path.ismount(node.runtime):
                problems += run("umount", "--lazy", node.runtime, check=False).stderr.splitlines()
            self.forget_machine(node)
        shutil.rmtree(self.etcd_data, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        if problems:
            raise LabError("; ".join(problems))

    def forget_machine(self, node):
        """Removes what systemd-nspawn leaves of a machine when it is killed, and lets its root go."""
        shutil.rmtree(NSPAWN / "propagate" / node.namespace, ignore_errors=True)
        if node.root.exists():
            found = node.root.stat()
            (NSPAWN / "locks" / f"inode-{found.st_dev}:{found.st_ino}").unlink(missing_ok=True)
        if os.path.ismount(node.root):
            run("umount", "--lazy", node.root, check=False)

    # -- services

    def command(self, node, service):
        commands = {
            "etcd": lambda: config.etcd_command(node, self.members, self.etcd_data),
            "standin": lambda: [self.tool("tests/lab/standin"), 8000, node.control],
            "nginx": lambda: ["nginx", "-p", node.directory, "-c", node.directory / "nginx.conf",
                              "-e", node.directory / "nginx.error.log"],
            "echo": lambda: [self.tool("tests/lab/echo"), ECHO_PORT, node.name],
            "agent": lambda: [self.tool("agent/ooha-agent"), "--config",
                              node.directory / f"{node.name}.yaml"],
        }
        before, behind = self.around.get((node.name, service), ((), ()))
        return [*before, *commands[service](), *behind]

    def start(self, node, service):
        """Starts a service unless it runs."""
        if self.is_running(node, service) or (service == "etcd" and node not in self.members):
            return
        if service == "nginx":
            config.write_nginx(node)
        if service == "agent":
            self.note_agent_start(node)
            self.write_agent(node)
        with uninterrupted():
            self.processes[node.name, service] = Process.start(
                f"{node.name}/{service}", node.namespace, self.command(node, service),
                node.directory / f"{service}.log",
                # a member that starts takes both cores for a while; that is not what is measured
                nice=-10 if service in ("nginx", "standin") else 0)
        self.save()

    def write_agent(self, node):
        endpoints = [f"http://{member.address}:2379" for member in self.members]
        config.write_agent(node, endpoints, self.options.vips, self.options.ttl_ms)

    def note_agent_start(self, node):
        try:
            self.started_at[node.name] = self.range("/ooha/")[0]
        except LabError:  # etcd is just starting, and empty
            self.started_at[node.name] = 0

    def use_ttl(self, ttl_ms):
        """Agents with another ttl are other agents: all end, then all start."""
        if ttl_ms == self.options.ttl_ms:
            return
        for node in self.nodes:
            self.process(node, "agent").end(seconds=10)
        self.options.ttl_ms = ttl_ms
        self.start_all("agent")

    def start_all(self, service):
        for node in self.nodes:
            self.start(node, service)

    def process(self, node, service):
        try:
            return self.processes[node.name, service]
        except KeyError:
            raise LabError(f"{node.name} runs no {service}") from None

    def is_running(self, node, service):
        process = self.processes.get((node.name, service))
        return process is not None and process.is_alive()

    # -- what is so

    def etcd_is_healthy(self, node):
        answer = http_request(node.namespace, node.address, 2379, "/health")
        return answer is not None and b'"true"' in answer[2]

    def nginx_is_fine(self, node):
        answer = http_request(node.namespace, "127.0.0.1", 80, "/healthcheck")
        return answer is not None and answer[0] == 200 and answer[2] == b"true"

    def require_running(self):
        for (node, service), process in self.processes.items():
            if not process.is_alive():
                last = "\n  ".join(process.tail(8))
                raise LabError(f"{service} of {node} has ended:\n  {last}")

    def await_ready(self, seconds=15):
        """etcd has a leader, the proxies answer, the agents listen."""
        for what, nodes, is_so in (
                ("etcd is healthy", self.members, self.etcd_is_healthy),
                ("/healthcheck is true", self.nodes, self.nginx_is_fine),
                ("the agent listens", self.nodes if self.options.agent else [],
                 lambda node: node.socket.exists())):
            for node in nodes:
                def so(node=node, is_so=is_so):
                    self.require_running()
                    return is_so(node)
                wait_for(so, seconds, f"{node.name}: {what}")

    def holders(self, vip=None):
        """The nodes whose interface has the (first) virtual address."""
        vip = vip or self.vips[0]
        return [node for node in self.nodes if vip in self.addresses_of(node)]

    def addresses_of(self, node):
        """Where a virtual address of a node may be."""
        return addresses(node.namespace)

    def range(self, prefix):
        """(revision of the store, [key, value, mod_revision]) below prefix, as etcd has it now."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        body = json.dumps({"key": base64.b64encode(prefix.encode()).decode(),
                           "range_end": base64.b64encode(end.encode()).decode()})
        for member in self.members:
            answer = http_request(self.client, member.address, 2379, "/v3/kv/range", body)
            if answer is not None and answer[0] == 200:
                found = json.loads(answer[2])
                return int(found["header"]["revision"]), [
                    (base64.b64decode(kv["key"]).decode(),
                     base64.b64decode(kv.get("value", "")).decode(),
                     int(kv["mod_revision"])) for kv in found.get("kvs", [])]
        raise LabError("no etcd member answers")

    def change(self, path, flags=(), **fields):
        """Sends a request that changes keys to the first member that answers."""
        body = json.dumps({name: base64.b64encode(value.encode()).decode()
                           for name, value in fields.items()} | {flag: True for flag in flags})
        for member in self.members:
            answer = http_request(self.client, member.address, 2379, path, body)
            if answer is not None and answer[0] == 200:
                return
        raise LabError("no etcd member answers")

    def put(self, key, value, keep_lease=False):
        self.change("/v3/kv/put", ["ignore_lease"] if keep_lease else [], key=key, value=value)

    def delete(self, key):
        self.change("/v3/kv/deleterange", key=key)

    def keys(self, prefix="/ooha/"):
        """{key: value} of what etcd has below prefix."""
        return {key: value for key, value, _ in self.range(prefix)[1]}

    def ineligible(self):
        """The nodes that etcd does not show as eligible. What an agent that was killed had said
        stays until its lease ends, and does not count for the one started since."""
        said = {key.rpartition("/")[2]: (json.loads(value), revision)
                for key, value, revision in self.range("/ooha/office/members/")[1]}

        def is_eligible(node):
            member, revision = said.get(node.name, ({}, 0))
            return member.get("eligible") is True and revision > self.started_at[node.name]
        return [node for node in self.nodes if not is_eligible(node)]

    def is_settled(self):
        """etcd is whole, all nodes are eligible, one has all the virtual addresses."""
        found = {node.name: set(self.addresses_of(node)) for node in self.nodes}
        held = [[name for name, there in found.items() if vip in there] for vip in self.vips]
        return (len(held[0]) == 1 and all(names == held[0] for names in held)
                and all(self.etcd_is_healthy(member) for member in self.members)
                and not self.ineligible())

    def await_settled(self, seconds=40):
        def state():
            held = {vip: [n.name for n in self.holders(vip)] for vip in self.vips[:8]}
            return (f"one holder, all eligible; held: {held}, "
                    f"not eligible: {[n.name for n in self.ineligible()]}")
        wait_for(self.is_settled, seconds, state)

    def etcd_leader(self):
        """The node whose member leads etcd."""
        for member in self.members:
            answer = http_request(self.client, member.address, 2379, "/v3/maintenance/status", "{}")
            status = json.loads(answer[2]) if answer is not None and answer[0] == 200 else {}
            if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                return member
        raise LabError("etcd has no leader")

    def namespace(self, where):
        """The namespace of a node, or of cl (client), sw (switch) or eye (the prober)."""
        special = {"sw": self.switch, "cl": self.client, "eye": self.eye}
        return special.get(where) or self.node(where).namespace

    def hooks(self, node):
        """What the hooks of a node were told, one dictionary a run, in order."""
        try:
            text = (node.directory / "hooks.log").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [dict(zip(config.HOOK_FIELDS, line.split("|"))) for line in text.splitlines()]

    def claim(self):
        """The claim as etcd has it."""
        return json.loads(self.keys("/ooha/office/groups/office/leader")[
            "/ooha/office/groups/office/leader"])

    def status(self, node):
        """`ooha status --json` of a node: (exit status, document or None)."""
        done = run(self.tool("cli/ooha"), "--socket", node.socket, "status", "--json", check=False)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, None
