"""What is wrong with the request, or what the proxy does to it."""

import base64
import hashlib
import time

import files
from case import case
from healers import named, proxy_with
from netns import http_request
from proxy import USERS_NAME
from stage import OTHER, VIP

FRONT = """\
server {{
  listen 0.0.0.0:443 ssl;
  server_name {name};
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  location / {{
    proxy_pass http://127.0.0.1:80;
    proxy_set_header Host $http_host;
  }}
}}
"""
SECURE_LINK = """\
location /cache/files/ {
  secure_link $arg_md5,$arg_expires;
  secure_link_md5 "$secure_link_expires$uri$secure_link_secret";
  if ($secure_link = "") { return 403; }
  if ($secure_link = "0") { return 410; }
  alias %s/storage/files/;
}"""


@case("401: nginx asks for a login", "unauthorized")
def unauthorized(stage):
    files.write(stage.directory / "nginx/passwords", "office:{PLAIN}secret\n")
    with proxy_with(stage, server='auth_basic "office"; '
                    f"auth_basic_user_file {stage.directory}/nginx/passwords;"):
        stage.see(80, "401")
        yield f"http://{VIP}/web-apps/apps/api/documents/api.js"


@case("403: nginx denies everybody but one network", "forbidden")
def forbidden(stage):
    with proxy_with(stage, server="allow 192.0.2.0/24; allow 127.0.0.1; deny all;"):
        yield f"http://{VIP}/healthcheck"


@case("403: /info asked from afar", "forbidden")
def info_from_afar(stage):
    stage.see(80, "200", "/info/info.json")
    yield f"http://{VIP}/info/info.json"


@case("404: a URL that is not there", "not found")
def not_found(stage):
    yield f"http://{VIP}/editors/index.php"


@case("410: the link's time is over", "link expired")
def link_expired(stage):
    secret, path, expires = "verysecretstring", "/cache/files/data/output.docx", int(time.time()) - 60
    digest = hashlib.md5(f"{expires}{path}{secret}".encode()).digest()
    sign = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    with proxy_with(stage, server=f"set $secure_link_secret {secret};\n"
                    + SECURE_LINK % stage.directory):
        yield f"http://{VIP}{path}?md5={sign}&expires={expires}"


@case("413: the document is larger than nginx takes", "body too large")
def too_large(stage):
    with proxy_with(stage, body="16k"):
        http_request(stage.client, VIP, 80, "/upload/1", body=b"x" * 20000)
        stage.said("log/nginx.error.log", "client intended to send too large body")
        yield


@case("301 for ever: TLS ends before nginx, which is not told", "redirect loop")
def redirect_loop(stage):
    pair = stage.authority.server(USERS_NAME)
    with named(stage, docs_office_test=VIP), \
            proxy_with(stage, server="if ($the_scheme = http) "
                       "{ return 301 https://$http_host$request_uri; }",
                       extra=FRONT.format(name=USERS_NAME, **pair)):
        stage.see(80, "301")
        yield f"https://{USERS_NAME}/healthcheck"


@case("the users' name is gone", "user's name not resolved")
def name_gone(stage):
    yield f"http://{USERS_NAME}/"


@case("the users' name leads to another host", "name points elsewhere")
def elsewhere(stage):
    with named(stage, docs_office_test=OTHER):
        yield f"http://{USERS_NAME}/"
