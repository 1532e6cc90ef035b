"""Faults: each breaks one thing of one node and returns the CLOCK_BOOTTIME us at which it did.

The time is that just before the act (a stand-in's mode: when the stand-in says it switched), so
a gap counted from it is never too short. Healing is by level: it puts right whatever is not.
"""

import json
import os
import platform
import shutil
import signal
import socket
import time

from netns import LabError, batch, fill_disk, nft, now_us, run, set_link, wait_for

CUT = "ooha_lab"
FILLER = "filler"  # in a full runtime directory
MTU, OTHER_MTU, OTHER_NAME = 1500, 1400, "lan0"
# an instruction that jumps to itself
SPIN = {"x86_64": b"\xeb\xfe", "aarch64": b"\x00\x00\x00\x14"}


def other_mac(node):
    """A MAC that its interface may be given."""
    return node.mac.replace(":00:", ":01:")


def spin(pid):
    """Makes a process that waits in a system call loop for ever when it returns from it: alive and
    running, but it never gets round to anything again. Returns when."""
    instruction = SPIN.get(platform.machine())
    if instruction is None:
        raise LabError(f"no instruction is known that spins on {platform.machine()}")

    def position():
        with open(f"/proc/{pid}/syscall", encoding="ascii") as handle:
            fields = handle.read().split()
        return int(fields[-1], 16) if len(fields) > 2 else None
    at = wait_for(position, 2, "the agent waits in a system call")
    os.setpriority(os.PRIO_PROCESS, pid, 19)  # it is not to take the cores from those measured
    before_us = now_us()
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(at)
        memory.write(instruction)
    return before_us


def ask_standin(node, mode):
    """Switches a stand-in's mode; returns when it took effect."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(2)
        control.connect(str(node.control))
        control.sendall(f"{mode}\n".encode())
        answer = control.recv(256).decode().split()
    if not answer or answer[0] != "ok":
        raise LabError(f"stand-in of {node.name}: {' '.join(answer)}")
    return int(answer[1])


class Faults:
    """The faults of one lab."""

    def __init__(self, lab):
        self.lab = lab

    # -- the network

    def link_down(self, node):
        """The switch's side of the node's cable goes down: the node loses carrier."""
        return set_link(self.lab.switch, node.port, False)

    def link_up(self, node):
        return set_link(self.lab.switch, node.port, True)

    def cut_etcd(self, node, hooks=("input", "output")):
        """No etcd traffic, in or out, not even with the member on the node itself. hooks: or only
        one way."""
        ports = "{ 2379, 2380 }"
        rules = f"tcp dport {ports} drop\ntcp sport {ports} drop"
        chains = "\n".join(
            f"chain {hook} {{ type filter hook {hook} priority -300; policy accept;\n{rules}\n}}"
            for hook in hooks)
        return nft(node.namespace, f"table inet {CUT} {{\n{chains}\n}}\n")

    def cut_one_way(self, node, port_is):
        """Nothing reaches the node any more (port_is "oifname"), or nothing that it sends reaches
        anybody ("iifname")."""
        return nft(self.lab.switch, f"""table bridge {CUT}_{node.letter} {{
            chain cut {{ type filter hook forward priority -300; policy accept;
                {port_is} "{node.port}" drop
            }}
        }}\n""")

    def flush_ruleset(self, node):
        """Somebody empties the node's packet filter."""
        return nft(node.namespace, "flush ruleset\n")

    def interface_down(self, node):
        """Somebody takes the node's interface down; the kernel drops its IPv6 addresses."""
        return set_link(node.namespace, "eth0", False)

    def interface_up(self, node):
        before_us = set_link(node.namespace, "eth0", True)
        batch(node.namespace, *node.home)
        return before_us

    def interface_rename(self, node):
        """Somebody gives the node's interface another name."""
        return batch(node.namespace, f"link set eth0 name {OTHER_NAME}")

    def interface_delete(self, node):
        """The node's interface goes, with the cable, as when its driver is unloaded."""
        return batch(node.namespace, "link del eth0")

    def change_mac(self, node, mac=None):
        """Of the node's own addresses nobody is told otherwise; that is not what is to be seen."""
        mac = mac or other_mac(node)
        for other in self.lab.nodes:
            if other is not node:
                for address in (node.address, node.address6):  # whose eth0 may be gone
                    run("ip", "-n", other.namespace, "neigh", "replace", address, "lladdr", mac,
                        "dev", "eth0", "nud", "reachable", check=False)
        # it forgets its neighbours
        return batch(node.namespace, f"link set eth0 address {mac}", *node.home)

    def change_mtu(self, node):
        return batch(node.namespace, f"link set eth0 mtu {OTHER_MTU}")

    def interface_restore(self, node):
        """The interface as the lab made it, whatever became of it; returns when it was."""
        before_us = now_us()
        links = {link["ifname"]: link for link in json.loads(
            run("ip", "-j", "-n", node.namespace, "link", "show").stdout)}
        if OTHER_NAME in links:
            before_us = batch(node.namespace, f"link set {OTHER_NAME} name eth0")
            links["eth0"] = links[OTHER_NAME]
        if "eth0" not in links:
            run("ip", "-batch", "-", stdin=(
                f"link add eth0 address {node.mac} netns {node.namespace} type veth "
                f"peer name {node.port} netns {self.lab.switch}\n"))
            batch(self.lab.switch, f"link set {node.port} master br0 up")
            return self.interface_up(node)
        if links["eth0"]["mtu"] != MTU:
            before_us = batch(node.namespace, f"link set eth0 mtu {MTU}")
        if links["eth0"]["address"] != node.mac:
            before_us = self.change_mac(node, node.mac)
        return before_us

    def cut_peers(self, node):
        """The node and the other nodes do not hear each other; the client hears all."""
        others = ", ".join(f'"{other.port}"' for other in self.lab.nodes if other is not node)
        return nft(self.lab.switch, f"""table bridge {CUT}_{node.letter} {{
            chain cut {{ type filter hook forward priority -300; policy accept;
                iifname "{node.port}" oifname {{ {others} }} drop
                iifname {{ {others} }} oifname "{node.port}" drop
            }}
        }}\n""")

    def heal_cuts(self, node):
        for namespace, table in ((node.namespace, f"inet {CUT}"),
                                 (self.lab.switch, f"bridge {CUT}_{node.letter}")):
            # adding it first makes the deletion work where there is none
            nft(namespace, f"add table {table}\ndelete table {table}\n")
        return now_us()

    def delete_vip(self, node):
        """Somebody takes the virtual addresses off the interface by hand."""
        before_us = now_us()
        lines = []
        for vip in self.lab.options.vips:
            address, _, length = vip.partition("/")
            bits = "128" if ":" in address else "32"
            lines += [f"addr del {address}/{n} dev eth0"
                      for n in dict.fromkeys([bits, length or bits])]
        run("ip", "-n", node.namespace, "-force", "-batch", "-", stdin="\n".join(lines) + "\n",
            check=False)
        return before_us

    # -- processes

    def kill(self, node, service):
        before_us = self.lab.process(node, service).signal(signal.SIGKILL)
        self.lab.process(node, service).wait_dead(5)
        return before_us

    def freeze(self, node, service):
        return self.lab.process(node, service).signal(signal.SIGSTOP, whole_group=True)

    def thaw(self, node, service):
        return self.lab.process(node, service).signal(signal.SIGCONT, whole_group=True)

    def terminate(self, node, service):
        return self.lab.process(node, service).signal(signal.SIGTERM)

    def start(self, node, service):
        """Starts it if it does not run, wakes it if it sleeps."""
        if self.lab.is_running(node, service):
            return self.thaw(node, service)
        before_us = now_us()
        self.lab.start(node, service)
        return before_us

    def start_again(self, node, service):
        """Starts what was told to end, once it has: until then it seems to run."""
        process = self.lab.process(node, service)
        if not process.wait_dead(15):
            raise LabError(f"{process.name} was told to end, and does not")
        # told before it had taken its signals over, it dies of them
        if process.status not in (0, None, -signal.SIGTERM):
            raise LabError(f"{process.name} was told to end, and ends with {process.status}")
        return self.start(node, service)

    def standin(self, node, mode):
        """Puts the stand-in Document Server into a mode (see tests/lab/standin_answer.h)."""
        return ask_standin(node, mode)

    def fill_runtime(self, node):
        """The runtime directory is full (a lab with runtime_kb only)."""
        if not os.path.ismount(node.runtime):
            raise LabError(f"{node.runtime} is on a disk of others: this lab has no runtime_kb")
        before_us = now_us()
        fill_disk(node.runtime / FILLER)
        return before_us

    def empty_runtime(self, node):
        before_us = now_us()
        (node.runtime / FILLER).unlink(missing_ok=True)
        return before_us

    # -- the whole node

    def power_off(self, node):
        """Cable, processes and memory are gone at the same instant."""
        processes = [process for (name, _), process in self.lab.processes.items()
                     if name == node.name]
        before_us = self.link_down(node)
        for process in processes:
            process.signal(signal.SIGKILL, whole_group=True)
        # a machine without power has no addresses; the namespace would keep them
        self.delete_vip(node)
        for process in processes:
            process.wait_dead(5)
        return before_us

    def power_on(self, node):
        """Boots: everything starts, and the runtime directory is as empty as /run is then."""
        before_us = now_us()
        if not self.lab.is_running(node, "agent"):
            shutil.rmtree(node.runtime, ignore_errors=True)
        self.heal(node)
        return before_us

    def heal(self, node):
        """Puts everything of a node right."""
        self.heal_cuts(node)
        self.interface_restore(node)
        self.link_up(node)
        self.interface_up(node)
        self.empty_runtime(node)
        for service in ("etcd", "standin", "nginx", "echo") + (
                ("agent",) if self.lab.options.agent else ()):
            if service != "etcd" or node in self.lab.members:
                self.start(node, service)
        deadline = time.monotonic() + 3
        while True:
            try:
                return ask_standin(node, "true")
            except OSError:  # it is just starting
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def heal_all(self):
        for node in self.lab.nodes:
            self.heal(node)


def service_fault(service, act):
    """A row's two functions: act on a service, and start it again."""
    start = "start_again" if act == "terminate" else "start"
    return (lambda faults, node: getattr(faults, act)(node, service),
            lambda faults, node: getattr(faults, start)(node, service))


def mode_fault(mode):
    return (lambda faults, node: faults.standin(node, mode),
            lambda faults, node: faults.standin(node, "true"))


# name: (what breaks, break, heal); what `scripts/lab break` and `heal` know
FAULTS = {
    "link": ("the cable is pulled at the switch", Faults.link_down, Faults.link_up),
    "etcd-cut": ("etcd cannot be reached from the node", Faults.cut_etcd, Faults.heal_cuts),
    "etcd-cut-in": ("nothing from etcd arrives at the node",
                    lambda faults, node: faults.cut_etcd(node, ("input",)), Faults.heal_cuts),
    "etcd-cut-out": ("nothing from the node arrives at etcd",
                     lambda faults, node: faults.cut_etcd(node, ("output",)), Faults.heal_cuts),
    "deaf": ("nothing reaches the node", lambda faults, node: faults.cut_one_way(node, "oifname"),
             Faults.heal_cuts),
    "mute": ("nothing that the node sends arrives",
             lambda faults, node: faults.cut_one_way(node, "iifname"), Faults.heal_cuts),
    "interface": ("the interface is taken down on the node", Faults.interface_down,
                  Faults.interface_up),
    "ruleset-flushed": ("the packet filter is emptied by hand", Faults.flush_ruleset,
                        lambda faults, node: now_us()),
    "peers-cut": ("the other nodes cannot be reached, the client can", Faults.cut_peers,
                  Faults.heal_cuts),
    "vip-gone": ("the virtual addresses are deleted by hand", Faults.delete_vip,
                 lambda faults, node: now_us()),
    "docservice-false": ("/healthcheck is 200 false: database or broker down",
                         *mode_fault("false")),
    "docservice-hang": ("the Document Server answers nothing", *mode_fault("hang")),
    "docservice-hang-healthcheck": ("only /healthcheck hangs: database or broker hung",
                                    *mode_fault("hang-healthcheck")),
    "docservice-refuse": ("the Document Server does not listen", *mode_fault("refuse")),
    "docservice-500": ("the Document Server answers 500", *mode_fault("status 500")),
    "docservice-slow": ("the Document Server needs 3 s", *mode_fault("slow 3000")),
    "docservice-kill": ("the Document Server dies (SIGKILL)",
                        *service_fault("standin", "kill")),
    "docservice-freeze": ("the Document Server is stopped (SIGSTOP)",
                          *service_fault("standin", "freeze")),
    "nginx-stop": ("nginx ends", *service_fault("nginx", "terminate")),
    "nginx-freeze": ("nginx and its worker are stopped (SIGSTOP)",
                     *service_fault("nginx", "freeze")),
    "agent-stop": ("the agent ends in good order (SIGTERM)",
                   *service_fault("agent", "terminate")),
    "agent-kill": ("the agent dies (SIGKILL)", *service_fault("agent", "kill")),
    "agent-freeze": ("the agent is stopped (SIGSTOP)", *service_fault("agent", "freeze")),
    "etcd-kill": ("the node's etcd member dies (SIGKILL)", *service_fault("etcd", "kill")),
    "etcd-freeze": ("the node's etcd member is stopped (SIGSTOP)",
                    *service_fault("etcd", "freeze")),
    "power": ("the node loses power", Faults.power_off, Faults.power_on),
}
