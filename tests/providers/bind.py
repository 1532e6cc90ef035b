"""A real BIND (Debian's bind9) with one zone that may be updated with a key, on a port of 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import tempfile

from programs import wait_for

ZONE = "example.test"
KEY = "cGxlYXNlIGRvIG5vdCB1c2UgdGhpcyBrZXkgb3V0c2lkZSE="
CONFIG = """
key "ooha" {{ algorithm hmac-sha256; secret "{key}"; }};
options {{
	directory "{directory}"; pid-file none; session-keyfile "{directory}/session.key";
	listen-on port {port} {{ {listen}; }}; listen-on-v6 {{ none; }};
	recursion no; dnssec-validation no; allow-query {{ any; }}; notify no; tcp-listen-queue 32;
}};
controls {{ }};
zone "{zone}" {{ type primary; file "{directory}/zone.db"; allow-update {{ key "ooha"; }}; }};
"""
RECORDS = """$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 5
@ IN NS ns
ns IN A 127.0.0.1
"""


class Bind:
    """Started when made; ask() is what a client sees."""

    def __init__(self, listen="127.0.0.1", port=None, inside=(), zone=ZONE):
        self.directory = tempfile.mkdtemp(prefix="ooha-bind-")
        os.chmod(self.directory, 0o755)
        self.address, self.inside = "127.0.0.1", list(inside)
        self.port = port or self.free_port()
        self.key_file = os.path.join(self.directory, "ooha.key")
        with open(self.key_file, "w", encoding="utf-8") as file:
            file.write(f'key "ooha" {{ algorithm hmac-sha256; secret "{KEY}"; }};\n')
        os.chmod(self.key_file, 0o600)
        with open(os.path.join(self.directory, "zone.db"), "w", encoding="utf-8") as file:
            file.write(RECORDS)
        config = os.path.join(self.directory, "named.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(key=KEY, directory=self.directory, port=self.port, zone=zone,
                                     listen=listen))
        self.log = open(os.path.join(self.directory, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([*self.inside, "named", "-g", "-n", "1", "-c", config],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_for(self.answers)
        except BaseException:
            self.stop()
            raise

    def free_port(self):
        with socket.create_server((self.address, 0)) as found:
            return found.getsockname()[1]

    def answers(self):
        assert self.process.poll() is None, open(self.log.name, encoding="utf-8").read()
        return "NOERROR" in self.dig(f"ns.{ZONE}", "A", "+comments")

    def dig(self, *arguments):
        return self.try_dig(*arguments).stdout

    def try_dig(self, *arguments):
        return subprocess.run([*self.inside, "dig", f"@{self.address}", "-p", str(self.port), "+tries=1",
                               "+time=1", "+norecurse", "+noall", *arguments], capture_output=True, text=True, check=False)

    def ask(self, name, kind="A"):
        """What a client is told; a busy machine is asked again, one that has died not for ever."""
        def told():
            done = self.try_dig("+short", "+answer", f"{name}.{ZONE}", kind)
            return done if done.returncode == 0 else None
        return wait_for(told).stdout.splitlines()

    def update(self, *lines):
        """As an administrator would."""
        script = "\n".join([f"server {self.address} {self.port}", f"zone {ZONE}", *lines, "send", ""])
        subprocess.run([*self.inside, "nsupdate", "-k", self.key_file], input=script, text=True, check=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory)
