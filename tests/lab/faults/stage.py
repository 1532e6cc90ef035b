"""The stage of the catalogue: one node with everything a Document Server needs, a client, and a
further host (database, upstream, rival, name server), each in a network namespace."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import time

import pika

import files
from certificates import Authority
from lab import STATE
from netns import LabError, addresses, batch, exists, http_request, inside, run, wait_for
from process import Process, stat_fields, uninterrupted

HERE = pathlib.Path(__file__).resolve().parent
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
RABBITMQ = pathlib.Path("/usr/lib/rabbitmq/bin")
NODE, OTHER, CLIENT, NOBODY = "10.79.0.11", "10.79.0.30", "10.79.0.200", "10.79.0.99"
VIP = "10.79.0.100"
OTHER_MAC = "02:00:0a:4f:00:1e"
STORAGE_KB = LOG_KB = 128 << 10  # what is smaller counts as almost full
API_JS = "www/web-apps/apps/api/documents/api.js"
QUICK_S = 0.4  # of a request that may well stay without an answer
READY_S = 20
BROKER_READY_S = 180  # Erlang on a busy machine takes its time
SCHEMA = """
CREATE TABLE doc_changes (tenant varchar(255) NOT NULL, id varchar(255) NOT NULL,
    change_id int NOT NULL, change_data text NOT NULL, PRIMARY KEY (tenant, id, change_id));
CREATE TABLE task_result (tenant varchar(255) NOT NULL, id varchar(255) NOT NULL,
    status smallint NOT NULL, PRIMARY KEY (tenant, id));
"""


class Stage:
    """Made by up(), gone after down(). What a case breaks, the healers in healers.py mend."""

    def __init__(self, name, build):
        self.name, self.build = name, pathlib.Path(build)
        self.directory = STATE / name
        self.node, self.client, self.other, self.switch = (
            f"{name}-{end}" for end in ("a", "cl", "o", "sw"))
        self.data = pathlib.Path(f"/dev/shm/ooha-lab-{name}")
        self.processes = {}
        self.made_user = False
        self.authority = None

    @property
    def namespaces(self):
        return [self.node, self.client, self.other, self.switch]

    @property
    def etc(self):
        """What `ip netns exec` puts over /etc of the node."""
        return pathlib.Path("/etc/netns") / self.node

    def exec(self, *command, check=True, timeout=20):
        """Runs a command on the node."""
        return run("ip", "netns", "exec", self.node, *command, check=check, timeout=timeout)

    # -- up and down

    def up(self):
        if os.geteuid() != 0:
            raise LabError("network namespaces need root")
        if self.directory.exists():
            raise LabError(f"{self.directory} is there already: tests/lab/faults/run --name "
                           f"{self.name} --down")
        os.umask(0o022)
        self.make_user()
        self.make_files()
        self.make_network()
        self.make_database()
        for service in ("names", "postgres", "rabbitmq", "etcd"):
            self.start(service)
        wait_for(self.has_database, READY_S, "PostgreSQL answers")
        self.sql("CREATE ROLE onlyoffice LOGIN PASSWORD 'onlyoffice'", database="postgres")
        self.sql("CREATE DATABASE onlyoffice OWNER onlyoffice", database="postgres")
        self.sql(SCHEMA, user="onlyoffice")
        wait_for(lambda: self.accepts(5672), BROKER_READY_S, "RabbitMQ listens")
        for service in ("docservice", "converter", "nginx", "agent"):
            self.start(service)
        self.await_healthy()

    def make_user(self):
        try:
            pwd.getpwnam("ds")
        except KeyError:
            run("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "ds")
            self.made_user = True

    def make_files(self):
        for folder in ("run", "bin", "log", "storage", "temporary"):
            (self.directory / folder).mkdir(parents=True)
        for folder, kilobytes in (("storage", STORAGE_KB), ("log", LOG_KB)):
            run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "ooha-lab",
                self.directory / folder)
        for folder in ("storage/files", "log", "log/docservice", "log/converter"):
            (self.directory / folder).mkdir(exist_ok=True)
            shutil.chown(self.directory / folder, "ds", "ds")
        for name in ("docservice", "converter"):  # the name that the kernel shows is the file's
            shutil.copy(os.path.realpath("/usr/bin/python3"), self.directory / "bin" / name)
        files.write(self.directory / API_JS, "(function(DocsAPI, window, document) {})\n")
        files.write(self.directory / "names.json", "{}")
        self.authority = Authority(self.directory / "ca")
        files.write(self.etc / "ssl/certs/ca-certificates.crt",  # all that the node trusts
                    (self.directory / "ca/root.pem").read_text("ascii"))
        files.write(self.directory / "documentserver/default.json",
                    json.dumps(files.default_settings(self.directory), indent=2))
        self.write_settings()
        files.write_proxy(self.directory, files.Proxy())
        files.write_agent(self.directory, VIP)
        files.write(self.etc / "resolv.conf", f"nameserver {OTHER}\n")
        files.write(self.etc / "hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n")
        for service in ("etcd", "agent", "nginx", "names", "postgres", "rabbitmq"):
            (self.directory / f"{service}.log").touch()

    def write_settings(self, text=None, **changes):
        files.write_settings(self.directory, text, **changes)
        path = self.directory / "documentserver/local.json"
        shutil.chown(path, "ds", "ds")  # it holds passwords
        path.chmod(0o600)

    def make_network(self):
        for namespace in self.namespaces:
            run("ip", "netns", "add", namespace)
        hosts = [(self.node, "p-a", NODE, "02:00:0a:4f:00:0b"),
                 (self.client, "p-cl", CLIENT, "02:00:0a:4f:00:c8"),
                 (self.other, "p-o", OTHER, OTHER_MAC)]
        batch(self.switch, "link add br0 type bridge forward_delay 0 mcast_snooping 0",
              "link set br0 up")
        for namespace, port, address, mac in hosts:
            batch(namespace, f"link add eth0 address {mac} type veth peer name {port} "
                  f"netns {self.switch}", "link set lo up", "link set eth0 up",
                  f"addr add {address}/24 dev eth0")
            batch(self.switch, f"link set {port} master br0 up")

    def make_database(self):
        self.data.mkdir(mode=0o755)
        for service in ("postgres", "rabbitmq"):
            (self.data / service).mkdir(mode=0o700)
            shutil.chown(self.data / service, service, service)
        run("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
            POSTGRES / "initdb", "-D", self.data / "postgres", "-A", "scram-sha-256", "--no-sync",
            "--auth-local=trust", "--locale=C", "--encoding=UTF8", timeout=60)
        with open(self.data / "postgres/postgresql.conf", "a", encoding="ascii") as handle:
            handle.write("listen_addresses = '*'\nfsync = off\nshared_buffers = 16MB\n"
                         f"unix_socket_directories = '{self.data}/postgres'\n")
        with open(self.data / "postgres/pg_hba.conf", "a", encoding="ascii") as handle:
            handle.write("host all all 10.79.0.0/24 scram-sha-256\n")

    def down(self):
        """Ends what is in the namespaces, and removes what up() made of anything."""
        for namespace in self.namespaces:
            if exists(namespace):
                for pid in run("ip", "netns", "pids", namespace).stdout.split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
        for process in self.processes.values():
            process.wait_dead(5)
        for namespace in self.namespaces:
            if exists(namespace):
                run("ip", "netns", "del", namespace, check=False)
        for folder in ("storage", "log"):
            if os.path.ismount(self.directory / folder):
                run("umount", "--lazy", self.directory / folder, check=False)
        for path in (self.data, self.etc, self.directory):
            shutil.rmtree(path, ignore_errors=True)
        if self.made_user:
            run("userdel", "ds", check=False)

    # -- services

    def as_user(self, user, *command):
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]

    def standin(self, name, *options):
        return self.as_user("ds", self.directory / "bin" / name, HERE / f"standin/{name}.py",
                            "--config", self.directory / "documentserver", *options)

    def command(self, service):
        """(command, log, environment) of a service."""
        directory = self.directory
        rabbit = self.data / "rabbitmq"
        rabbit_environment = {
            "HOME": str(rabbit), "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_MNESIA_BASE": str(rabbit / "mnesia"), "RABBITMQ_LOG_BASE": str(rabbit / "log"),
            "RABBITMQ_LOGS": "-", "RABBITMQ_ENABLED_PLUGINS_FILE": str(rabbit / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(rabbit / "rabbitmq"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            "RABBITMQ_CTL_ERL_ARGS": "+S 1:1 +sbwt none"}
        python = ["/usr/bin/python3", "-B"]
        commands = {
            "names": (python + [HERE / "standin/names.py", directory / "names.json", OTHER], {}),
            "postgres": (self.as_user("postgres", POSTGRES / "postgres", "-D",
                                      self.data / "postgres"), {}),
            "rabbitmq": (self.as_user("rabbitmq", RABBITMQ / "rabbitmq-server"),
                         rabbit_environment),
            "etcd": (["etcd", "--data-dir", self.data / "etcd", "--unsafe-no-fsync",
                      "--logger=zap"], {}),
            "docservice": (self.standin("docservice", "--mode", directory / "mode"),
                           {"PYTHONDONTWRITEBYTECODE": "1"}),
            "converter": (self.standin("converter"), {"PYTHONDONTWRITEBYTECODE": "1"}),
            "nginx": (["nginx", "-g", "daemon off;", "-c", directory / "nginx/nginx.conf",
                       "-e", directory / "log/nginx-main.error.log"], {}),
            "agent": ([self.build / "agent/ooha-agent", "--config", directory / "ooha.yaml"], {}),
        }
        return commands[service]

    def log(self, service):
        folder = {"docservice": "log/docservice/out.log", "converter": "log/converter/out.log"}
        return self.directory / folder.get(service, f"{service}.log")

    def start(self, service, *more, before=()):
        """Starts a service unless it runs. before, more: words around those of its command."""
        if self.is_running(service):
            return
        command, environment = self.command(service)
        with uninterrupted():
            self.processes[service] = Process.start(
                service, self.other if service == "names" else self.node, [*before, *command, *more],
                self.log(service), environment)

    def is_running(self, service):
        return service in self.processes and self.processes[service].is_alive()

    def end(self, service):
        """As its unit would end it, and its children, whatever state they are in."""
        process = self.processes[service]
        gentle = {"postgres": signal.SIGINT, "nginx": signal.SIGTERM, "rabbitmq": signal.SIGTERM,
                  "agent": signal.SIGTERM}.get(service, signal.SIGKILL)
        process.signal(signal.SIGCONT, whole_group=True)
        process.signal(gentle)
        if not process.wait_dead(15):
            process.signal(signal.SIGKILL, whole_group=True)
            process.wait_dead(5)
        with contextlib.suppress(ProcessLookupError):  # a converter's worker
            os.killpg(process.pid, signal.SIGKILL)

    def pids(self, comm):
        """The processes of that name on the node, the oldest first."""
        found = []
        for pid in run("ip", "netns", "pids", self.node).stdout.split():
            with contextlib.suppress(OSError):
                name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
                if name == comm:
                    found.append((stat_fields(pid)[1], int(pid)))
        return [pid for _, pid in sorted(found)]

    # -- what is there

    def accepts(self, port, host="127.0.0.1"):
        def connect():
            with contextlib.suppress(OSError), socket.create_connection((host, port), QUICK_S):
                return True
            return False
        return inside(self.node, connect)

    def ask(self, port, path="/healthcheck", body=None, seconds=QUICK_S, host="127.0.0.1"):
        """"200 true", "502", "refused", "silent" (or closed)."""
        got = http_request(self.node, host, port, path, body, seconds)
        if got is None:
            return "silent" if self.accepts(port, host) else "refused"
        text = got[2].decode("utf-8", "replace")
        return f"{got[0]} {text}" if len(text) < 100 and "<" not in text else str(got[0])

    def see(self, port, wanted, path="/healthcheck", seconds=5):
        """Waits until a request has that outcome; LabError: the fault did not take."""
        last = [None]

        def is_so():
            last[0] = self.ask(port, path)
            return last[0].startswith(wanted)
        wait_for(is_so, seconds, lambda: f"port {port}{path} is {last[0]!r}, not {wanted!r}")

    def said(self, service, text, seconds=5):
        """Waits for a text in a service's log."""
        path = self.directory / service if "/" in service else self.log(service)
        wait_for(lambda: path.exists() and text in path.read_text("utf-8", "replace"), seconds,
                 lambda: f"{path.name} says {text!r}")

    def sql(self, statement, user="postgres", database="onlyoffice"):
        return run("psql", "-h", self.data / "postgres", "-U", user, "-d", database, "-v", "ON_ERROR_STOP=1",
                   "-qAtc", statement)

    def has_database(self):
        """Whether it answers: while it starts it listens, and says no."""
        with contextlib.suppress(LabError):
            return self.sql("SELECT 1", database="postgres").returncode == 0
        return False

    def rabbitmqctl(self, *words):
        command, environment = self.command("rabbitmq")
        return self.exec("env", *(f"{key}={value}" for key, value in environment.items()),
                         *command[:-1], RABBITMQ / "rabbitmqctl", *words, timeout=40)

    def consumers(self):
        """Of the converter's queue; None where it cannot be told."""
        def count():
            with contextlib.suppress(Exception):
                connection = pika.BlockingConnection(
                    pika.ConnectionParameters("127.0.0.1", blocked_connection_timeout=2))
                declared = connection.channel().queue_declare("ds.converttask6", passive=True)
                connection.close()
                return declared.method.consumer_count
        return inside(self.node, count)

    def await_healthy(self):
        """As it was after up()."""
        wait_for(lambda: self.accepts(5672), BROKER_READY_S, "RabbitMQ listens")
        self.see(80, "200 true", seconds=READY_S)
        self.see(8000, "200 true")
        wait_for(self.consumers, READY_S, "the converter consumes")
        wait_for(lambda: VIP in addresses(self.node), READY_S,
                 lambda: f"the agent has the VIP: {self.processes['agent'].tail(3)}")

    def mend(self):
        """Puts right whatever a case that failed half-way has left."""
        for service in ("names", "postgres", "rabbitmq", "etcd", "docservice", "converter",
                        "nginx", "agent"):
            self.start(service)
        self.await_healthy()

    def forget(self):
        """A fresh node: its logs say nothing of earlier faults, only that it came up."""
        for path in self.directory.glob("log/**/*.log"):
            came_up = [line for line in path.read_text("utf-8", "replace").splitlines(True)
                       if "Express server listening" in line]
            path.write_text("".join(came_up[-1:]), "utf-8")

    def knock(self):
        """The users, who are what a proxy has something to say about in its log."""
        http_request(self.client, VIP, 80, "/healthcheck", timeout=QUICK_S)
        http_request(self.node, "127.0.0.1", 80, "/doc/knock/c/info", timeout=QUICK_S)

    def diagnose(self, *words, user=None):
        """(the verdict, ms, all that was printed); the verdict is None where it is no JSON."""
        command = [self.build / "cli/ooha", "diagnose", "--json", "--config",
                   self.directory / "ooha.yaml", *words]
        if user:
            command = ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", *command]
        began = time.monotonic()
        done = self.exec(*command, check=False)
        took_ms = (time.monotonic() - began) * 1000
        try:
            return json.loads(done.stdout), took_ms, done.stderr
        except ValueError:
            return None, took_ms, done.stdout + done.stderr
