"""Certificates as an authority makes them: a root that the node trusts, one below it, servers'."""

import datetime

from files import write
from netns import run

CONFIG = """\
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = names
copy_extensions = copy
unique_subject = no
[names]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[server]
basicConstraints = CA:FALSE
"""
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    def __init__(self, folder):
        self.folder = folder
        write(folder / "index.txt", "")
        write(folder / "config", CONFIG.format(folder=folder))
        run("openssl", "req", "-x509", *CURVE, "-days", "3650", "-subj", "/CN=Lab Root",
            "-keyout", folder / "root.key", "-out", folder / "root.pem")
        self.request("middle", "Lab Intermediate")
        self.sign("middle", "root", "authority", -10, 3000)

    def request(self, name, common, *more):
        run("openssl", "req", "-new", *CURVE, "-subj", f"/CN={common}", *more,
            "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.csr")

    def sign(self, name, by, extensions, from_days, to_days):
        def at(days):
            moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
            return moment.strftime("%Y%m%d%H%M%SZ")
        run("openssl", "ca", "-batch", "-notext", "-config", self.folder / "config",
            "-extensions", extensions, "-startdate", at(from_days), "-enddate", at(to_days),
            "-cert", self.folder / f"{by}.pem", "-keyfile", self.folder / f"{by}.key",
            "-in", self.folder / f"{name}.csr", "-out", self.folder / f"{name}.pem")

    def server(self, host, from_days=-5, to_days=300, chain=True):
        """A server's certificate with what stands above it: the words that nginx wants."""
        self.request("server", host, "-addext", f"subjectAltName=DNS:{host}")
        self.sign("server", "middle", "server", from_days, to_days)
        parts = ["server.pem"] + (["middle.pem"] if chain else [])
        write(self.folder / "shown.pem",
              "".join((self.folder / part).read_text("ascii") for part in parts))
        return {"certificate": self.folder / "shown.pem", "key": self.folder / "server.key"}
