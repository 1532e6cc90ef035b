#!/usr/bin/python3
"""The hooks that come with ooha, each against a real receiver on this machine."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.dont_write_bytecode = True
HOOKS = pathlib.Path(__file__).resolve().parents[3] / "scripts/hooks"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # as the agent gives it
WORDS = {"EVENT": "notify", "GRADE": "P1", "NOTICE": "moved", "STATE": "", "CLUSTER": "c",
         "GROUP": "office", "NODE": "node-a", "PEER": "node-b", "EPOCH": "7",
         "VIPS": "10.0.0.100/24 fd00::100/64", "REASON": 'check "x" down: <502> & \\ more',
         "TEXT": 'office: moved: check "x" down: <502> & \\ more: é'}


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what was sent to it; answer: (status, body) for each request, the last one for all
    that follow; None: it does not answer."""

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = list(answers or [(200, '{"errcode": 0}')]), []
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def url(self, path="/hook?access_token=s3cr3t"):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def respond(self, handler, body):
        self.requests.append((handler.path, dict(handler.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            self.released.wait(20)
        return answer

    def close(self):
        self.released.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One request, whatever its method."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        answer = self.server.respond(self, self.rfile.read(length))
        if answer is not None:
            status, body = answer
            self.send_response(status)
            if status == 307:
                self.send_header("Location", body)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may not have waited
                self.wfile.write(body.encode())

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


class DocumentServer(Receiver):
    """What matters of one: the flag, and answers to PUT and DELETE that take far too long."""

    def __init__(self, well=True, broker=True, old=False, inactive=False):
        self.well, self.broker, self.old, self.inactive = well, broker, old, inactive
        self.changes = []
        super().__init__()

    def respond(self, handler, body):
        if handler.path == "/healthcheck":
            return 200, "true" if self.well else "false"
        if handler.path != "/internal/cluster/inactive":
            return 404, ""
        if handler.command == "GET":
            return (404, "") if self.old else (200, json.dumps({"shutdown": self.inactive}))
        self.changes.append(handler.command)
        if self.broker:
            self.inactive = handler.command == "PUT"
        self.released.wait(20)
        return 200, "true"


class Shipped(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def write(self, name, text, mode=0o600):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def receiver(self, *answers, kind=Receiver, **options):
        receiver = kind(*answers, **options)
        self.addCleanup(receiver.close)
        return receiver

    def run_hook(self, name, *arguments, path=PATH, **words):
        environment = {f"OOHA_{word}": text for word, text in (WORDS | words).items()}
        return subprocess.run([HOOKS / name, *arguments], env=environment | {"PATH": path},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)

    def check(self, done, code, said=""):
        self.assertEqual((done.returncode, said in done.stderr), (code, True), done)
        self.assertNotIn("s3cr3t", done.stdout + done.stderr)

    # -- webhook

    def webhook(self, receiver, *lines, **words):
        text = "\n".join(("[duty]", f"url = {receiver.url()}", *lines, ""))
        return self.run_hook("webhook", "--config", self.write("webhook.conf", text), **words)

    def test_webhook_sends_json_that_is_signed(self):
        receiver = self.receiver((204, ""))
        self.check(self.webhook(receiver, "secret = s3cr3t ; ours"), 0)
        (path, headers, body), = receiver.requests
        what = json.loads(body)
        self.assertEqual(path, "/hook?access_token=s3cr3t")
        self.assertEqual((what["grade"], what["text"], what["reason"], what["epoch"], what["vips"]),
                         ("P1", WORDS["TEXT"], WORDS["REASON"], 7, WORDS["VIPS"].split()))
        digest = hmac.new(b"s3cr3t", body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Ooha-Signature"], f"sha256={digest}")

    def test_webhook_signs_for_dingtalk_and_calls_everybody(self):
        receiver = self.receiver()
        self.check(self.webhook(receiver, "format = dingtalk", "secret = s3cr3t",
                                "mention_all = P0, P1"), 0)
        (path, _, body), = receiver.requests
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        stamp = query["timestamp"][0]
        digest = hmac.new(b"s3cr3t", f"{stamp}\ns3cr3t".encode(), hashlib.sha256).digest()
        self.assertEqual(query["sign"], [base64.b64encode(digest).decode()])
        self.assertEqual(query["access_token"], ["s3cr3t"])
        self.assertLess(abs(time.time() * 1000 - int(stamp)), 60000)
        self.assertEqual(json.loads(body), {
            "msgtype": "text", "text": {"content": f"[P1] c/{WORDS['TEXT']} (says node-a)"},
            "at": {"isAtAll": True}})

    def test_webhook_speaks_wecom_and_slack(self):
        receiver = self.receiver()
        self.check(self.webhook(receiver, "format = wecom", STATE="over"), 0)
        self.check(self.webhook(receiver, "format = slack", "mention_all = P1", EVENT="promoted",
                                ), 0)
        wecom, slack = (json.loads(body) for _, _, body in receiver.requests)
        self.assertEqual(wecom, {"msgtype": "text", "text": {
            "content": f"[P1] (over) c/{WORDS['TEXT']} (says node-a)", "mentioned_list": []}})
        self.assertEqual(slack, {"text": "<!channel> c/office: promoted on node-a, node-b: check "
                                         '"x" down: &lt;502&gt; &amp; \\ more'})

    def test_webhook_says_what_a_receiver_refused_without_the_secret(self):
        receiver = self.receiver((200, '{"errcode": 310000, "errmsg": "sign not match"}'))
        self.check(self.webhook(receiver, "format = dingtalk"), 1,
                   "[duty]: refused: errcode 310000: sign not match")
        self.assertEqual(len(receiver.requests), 1)
        receiver = self.receiver((404, ""))
        self.check(self.webhook(receiver), 1, "[duty]: HTTP status 404")
        receiver = self.receiver((200, "<html>"))
        self.check(self.webhook(receiver, "format = wecom"), 1, "is the URL right?")

    def test_webhook_tries_again_what_may_pass_and_ends_in_time(self):
        receiver = self.receiver((503, ""), (200, ""))
        self.check(self.webhook(receiver), 0)
        self.assertEqual(len(receiver.requests), 2)
        receiver = self.receiver(None)
        began = time.monotonic()
        self.check(self.webhook(receiver, "timeout = 1"), 1, "[duty]: ")
        self.assertLess(time.monotonic() - began, 6)

    def test_webhook_follows_no_redirect_with_its_secret(self):
        other = self.receiver()
        receiver = self.receiver((307, other.url("/other")))
        self.check(self.webhook(receiver), 1, "HTTP status 307")
        self.assertEqual(other.requests, [])

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl")
    def test_webhook_trusts_no_receiver_without_a_certificate(self):
        certificate, key = self.directory / "cert.pem", self.directory / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x", "-days", "2",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        receiver = self.receiver()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
        url = receiver.url().replace("http:", "https:")
        path = self.write("webhook.conf", f"[a]\nurl = {url}\ntimeout = 2\n")
        self.check(self.run_hook("webhook", "--config", path), 1, "CERTIFICATE_VERIFY_FAILED")
        self.assertEqual(receiver.requests, [])
        self.write("webhook.conf", f"[a]\nurl = {url}\nca_file = {certificate}\n")
        self.check(self.run_hook("webhook", "--config", path), 0)
        self.assertEqual(len(receiver.requests), 1)

    def test_webhook_sends_the_grades_that_were_asked_for_to_each(self):
        one, other = self.receiver(), self.receiver()
        path = self.write("webhook.conf", f"[one]\nurl = {one.url()}\ngrades = P0\n"
                                          f"[other]\nurl = {other.url()}\n")
        self.check(self.run_hook("webhook", "--config", path), 0)
        self.assertEqual((len(one.requests), len(other.requests)), (0, 1))
        self.check(self.run_hook("webhook", "--config", path, "--try"), 0)
        self.assertEqual((len(one.requests), len(other.requests)), (1, 2))

    def test_webhook_goes_on_with_the_next_receiver(self):
        receiver = self.receiver()
        path = self.write("webhook.conf", "[gone]\nurl = http://127.0.0.1:1/\n"
                                          f"[here]\nurl = {receiver.url()}\n")
        self.check(self.run_hook("webhook", "--config", path), 1, "[gone]: not reached")
        self.assertEqual(len(receiver.requests), 1)

    def test_webhook_refuses_a_file_that_others_can_read_or_that_makes_no_sense(self):
        for text, mode, said in (
                ("[a]\nurl = http://a/?s3cr3t\n", 0o644, "others than the agent may read or change"),
                ("[a]\nurl = http://a/?s3cr3t\n", 0o660, "others than the agent may read or change"),
                ("[a]\nurl = s3cr3t\n", 0o600, "url must begin with http"),
                ("[a]\nformat = teams\n", 0o600, "format is one of json, dingtalk, wecom, slack"),
                ("[a]\nurll = http://a/\n", 0o600, "unknown key urll; there are"),
                ("[a]\nurl = http://a/\ngrades = P9\n", 0o600, "'P9': no grades"),
                ("[a]\nurl = http://a/\ntimeout = x\n", 0o600, "timeout is a number"),
                ("url = http://s3cr3t/\n", 0o600, "line 1: no '[section]'")):
            path = self.write("webhook.conf", text, mode)
            self.check(self.run_hook("webhook", "--config", path), 1, said)
        self.check(self.run_hook("webhook", "--config", "/nowhere"), 1, "No such file")

    def test_webhook_reads_what_root_lets_the_agents_group_read(self):
        receiver = self.receiver()
        path = self.write("webhook.conf", f"[here]\nurl = {receiver.url()}\n", 0o640)
        self.check(self.run_hook("webhook", "--config", path), 0)
        if os.geteuid() == 0:
            os.chown(path, 0, 54321)
            self.check(self.run_hook("webhook", "--config", path), 1, "chown root:ooha, chmod 0640")
        self.assertEqual(len(receiver.requests), 1)

    # -- mail

    def mail(self, script, *lines, **words):
        sendmail = self.write("sendmail", f"#!/bin/sh\n{script}\n", 0o755)
        path = self.write("mail.conf", "\n".join(
            ("[mail]", "to = duty@example.com, admin@example.com", f"sendmail = {sendmail}",
             *lines, "")))
        return self.run_hook("mail", "--config", path, **words)

    def test_mail_is_one_that_any_mail_server_takes(self):
        import email
        import email.policy
        sent = self.directory / "sent"
        self.check(self.mail(f'echo "$@" >{sent}.arguments; cat >{sent}', "from = ooha@a.example",
                             TEXT=WORDS["TEXT"] + "\nBcc: all@example.com"), 0)
        self.assertEqual((self.directory / "sent.arguments").read_text(), "-i -t\n")
        message = email.message_from_bytes(sent.read_bytes(), policy=email.policy.default)
        self.assertEqual((message["To"], message["From"], message["Bcc"]),
                         ("duty@example.com, admin@example.com", "ooha@a.example", None))
        self.assertEqual(message["Subject"], f"[P1] c: {WORDS['TEXT']} Bcc: all@example.com")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        self.assertIn(f"reason: {WORDS['REASON']}\n", message.get_content().replace("\r\n", "\n"))

    def test_mail_says_what_sendmail_said(self):
        self.check(self.mail("echo 'no route to host' >&2; exit 75"), 1,
                   "exit code 75: no route to host")

    def test_mail_is_delivered_for_the_sandbox_with_a_word_how_it_went(self):
        sent = self.directory / "sent"
        for script, code, said in ((f"cat >{sent}", 0, "delivered"), ("exit 75", 1, "exit code 75")):
            sendmail = self.write("sendmail", f"#!/bin/sh\n{script}\n", 0o755)
            path = self.write("mail.conf", f"[mail]\nto = duty\nsendmail = {sendmail}\n")
            done = subprocess.run([HOOKS / "mail", "--config", path, "--deliver"], input=b"To: duty\n",
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(said, done.stdout.decode())
        self.assertEqual(sent.read_bytes(), b"To: duty\n")

    def test_mail_leaves_out_the_grades_that_nobody_asked_for(self):
        sent = self.directory / "sent"
        self.check(self.mail(f"cat >{sent}", "grades = P0"), 0)
        self.assertFalse(sent.exists())

    def test_mail_refuses_a_file_that_makes_no_sense(self):
        for text, said in (("[mail]\n", "to: give one address"),
                           ("[mail]\nto = a\ncc = b\n", "unknown key cc"),
                           ("[mail]\nto = a\ngrades = 0\n", "grades: P0, P1 and P2"),
                           ("to = a\n", "not a section [mail]")):
            path = self.write("mail.conf", text)
            self.check(self.run_hook("mail", "--config", path), 1, said)

    # -- documentserver-drain

    def drain(self, server, event, broker="amqp://guest:guest@localhost", *lines):
        (self.directory / "local.json").write_text(json.dumps({"rabbitmq": {"url": broker}}))
        path = self.write("drain.conf", "\n".join(
            ("[drain]", f"url = {server.url('')}", f"config_directory = {self.directory}",
             f"state_directory = {self.directory}", *lines, "")))
        return self.run_hook("documentserver-drain", "--config", path, EVENT=event)

    def test_drain_saves_before_the_demotion_and_is_undone_after_it(self):
        server = self.receiver(kind=DocumentServer)
        began = time.monotonic()
        self.check(self.drain(server, "pre_demote"), 0)
        self.assertLess(time.monotonic() - began, 10, "it waited for the answer")
        self.assertTrue(server.inactive)
        self.check(self.drain(server, "demoted"), 0)
        self.assertFalse(server.inactive)
        self.assertEqual(server.changes, ["PUT", "DELETE"])
        self.check(self.drain(server, "demoted"), 0)  # another demotion, which nothing was begun for
        self.assertEqual(server.changes, ["PUT", "DELETE"])

    def test_drain_leaves_users_of_other_nodes_alone(self):
        server = self.receiver(kind=DocumentServer)
        self.check(self.drain(server, "pre_demote", "amqp://u:s3cr3t@10.0.0.5"), 1,
                   "the broker is on 10.0.0.5")
        self.check(self.drain(server, "demoted", "amqp://u:s3cr3t@10.0.0.5"), 0)
        self.assertEqual(server.changes, [])
        self.check(self.drain(server, "pre_demote", "amqp://u:s3cr3t@10.0.0.5",
                              "own_broker = yes"), 0)
        self.assertEqual(server.changes, ["PUT"])

    def test_drain_does_not_begin_what_would_take_effect_later(self):
        server = self.receiver(kind=DocumentServer, well=False)
        self.check(self.drain(server, "pre_demote"), 1, "/healthcheck is not 'true'")
        self.assertEqual(server.changes, [])

    def test_drain_undoes_what_was_not_seen_to_take_effect(self):
        server = self.receiver(kind=DocumentServer, broker=False)
        self.check(self.drain(server, "pre_demote"), 1, "not known to have taken effect")
        self.check(self.drain(server, "demoted"), 0)
        self.assertEqual(server.changes, ["PUT", "DELETE"])

    def test_drained_node_is_not_fit_to_be_promoted_until_that_is_undone(self):
        server = self.receiver(kind=DocumentServer)
        self.check(self.drain(server, "pre_promote"), 0)
        self.assertEqual(server.changes, [])
        self.check(self.drain(server, "pre_demote"), 0)
        self.check(self.drain(server, "pre_promote"), 0)  # the agent died in between
        self.assertEqual((server.inactive, server.changes), (False, ["PUT", "DELETE"]))
        server.inactive = True
        self.check(self.drain(server, "pre_promote"), 1, "somebody else's prepare4shutdown")
        self.check(self.drain(server, "pre_demote"), 0)
        server.broker = False
        self.check(self.drain(server, "pre_promote"), 1, "not undone: still inactive")

    def test_drain_makes_do_with_a_server_that_does_not_say(self):
        server = self.receiver(kind=DocumentServer, old=True)
        self.check(self.drain(server, "pre_demote"), 1, "not known to have taken effect")
        self.assertTrue(server.inactive)
        self.check(self.drain(server, "demoted"), 0)
        self.assertFalse(server.inactive)
        self.check(self.drain(server, "pre_promote"), 0)

    # -- those that only call another program

    def fake(self, name, script):
        self.write(name, f"#!/bin/sh\n{script}\n", 0o755)
        return f"{self.directory}:{PATH}"

    @unittest.skipUnless(shutil.which("systemd-escape"), "needs systemd-escape")
    def test_leader_target_has_the_group_in_its_name(self):
        path = self.fake("systemctl", f'echo "$@" >>{self.directory}/called')
        self.check(self.run_hook("leader-target", path=path, EVENT="promoted", GROUP="a-b.c_1"), 0)
        self.check(self.run_hook("leader-target", path=path, EVENT="demoted"), 0)
        self.check(self.run_hook("leader-target", path=path, EVENT="notify"), 64, "it is for")
        self.assertEqual((self.directory / "called").read_text().splitlines(),
                         [r"start ooha-leader@a\x2db.c_1.target", "stop ooha-leader@office.target"])

    @unittest.skipUnless(shutil.which("nginx"), "needs nginx")
    @unittest.skipIf(os.path.isdir("/run/systemd/system"), "would reload this host's nginx")
    def test_nginx_reads_its_configuration_anew(self):
        directory = self.directory
        config = ("daemon off; pid {d}/pid; error_log {d}/error.log; user root; events {{}}\n"
                  "http {{ access_log off; client_body_temp_path {d}/1; proxy_temp_path {d}/2; "
                  "fastcgi_temp_path {d}/3; uwsgi_temp_path {d}/4; scgi_temp_path {d}/5;\n"
                  "server {{ listen unix:{d}/{name}; }} }}\n")
        path = self.fake("nginx", f'exec /usr/sbin/nginx -c {directory}/conf "$@"')
        self.write("conf", config.format(d=directory, name="before"))
        with subprocess.Popen([directory / "nginx"], stderr=subprocess.DEVNULL) as nginx:
            try:
                self.await_file("before")
                self.await_file("pid")
                self.write("conf", config.format(d=directory, name="after"))
                self.check(self.run_hook("nginx-reload", path=path, EVENT="promoted"), 0)
                self.await_file("after")
            finally:
                nginx.terminate()

    def await_file(self, name):
        until = time.monotonic() + 10
        while not (self.directory / name).exists() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertTrue((self.directory / name).exists(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
