"""nginx and Apache as Debian packages them, started on loopback with a configuration for the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme
from free_ports import free_port

PAGE = "<!doctype html><title>page</title>" + "<p>words that can be compressed</p>" * 500
BLOB = bytes(range(256)) * 4096
PLACES = "/usr/sbin:/usr/local/sbin"

NGINX = """
{user}
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{}}
http {{
  types {{ text/html html; application/octet-stream bin; }}
  access_log {home}/access.log;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  gzip on; gzip_min_length 1; gzip_types text/html;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl; server_name localhost;
    ssl_certificate {home}/server.pem; ssl_certificate_key {home}/server.key;
    root {home}/www;
    location = /moved {{ return 301 /page.html; }}
    location = /relative {{ absolute_redirect off; return 302 /echo$is_args$args; }}
    location = /other {{ return 307 http://127.0.0.1:{port}/echo; }}
    location = /upgrade {{ return 302 https://localhost:{secure}/page.html; }}
    location = /login {{ add_header Set-Cookie 'sid="a/b==, c"; Path=/' always; return 303 /echo; }}
    location = /busy {{ add_header Retry-After 400 always; return 403; }}
    location /echo {{ default_type text/plain; return 200 "$request_method $request_uri [$http_cookie]"; }}
  }}
}}
"""

APACHE = """
ServerRoot {home}
PidFile {home}/pid
ErrorLog {home}/error.log
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule rewrite_module {modules}/mod_rewrite.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule filter_module {modules}/mod_filter.so
LoadModule deflate_module {modules}/mod_deflate.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{secure}
ServerName localhost
TypesConfig /dev/null
AddType text/html .html
AddType application/octet-stream .bin
AddOutputFilterByType DEFLATE text/html
DocumentRoot {home}/www
<Directory {home}/www>
  Require all granted
</Directory>
RewriteEngine on
RewriteRule ^/relative$ /echo [R=302,L,NE]
RewriteRule ^/busy$ - [R=403,L]
RewriteRule ^/echo - [E=ECHO:1]
Redirect 301 /moved /page.html
Redirect 307 /other http://127.0.0.1:{port}/echo
Redirect 302 /upgrade https://localhost:{secure}/page.html
Redirect 303 /login /echo
Header always set Set-Cookie "sid=\\"a/b==, c\\"; Path=/" "expr=%{{REQUEST_URI}} == '/login'"
Header always set Retry-After 400 "expr=%{{REQUEST_URI}} == '/busy'"
Header always set X-Echo "expr=%{{REQUEST_METHOD}} %{{THE_REQUEST}} [%{{HTTP_COOKIE}}]"
<VirtualHost 127.0.0.1:{secure}>
  SSLEngine on
  SSLCertificateFile {home}/server.pem
  SSLCertificateKeyFile {home}/server.key
</VirtualHost>
"""
USER = {"nginx": "user nobody nogroup;", "apache2": "User nobody\nGroup nogroup"}
"""The user of the server's workers if root starts it."""

MODULES = Path("/usr/lib/apache2/modules")


@dataclass(frozen=True)
class RealServer:
    """A running server.

    Attributes:
        url, secure: its addresses without and with TLS.
        authority: the file with the certificate of the authority that signed its certificate.
        home: its folder; it serves the files in ``www``.
    """

    url: str
    secure: str
    authority: str
    home: Path


def program(name: str) -> str | None:
    """The path of ``nginx`` or ``apache2``, or ``None`` if it is not installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{PLACES}")


@contextlib.contextmanager
def real_server(name: str) -> Iterator[RealServer]:
    """Run ``nginx`` or ``apache2`` until the block ends."""
    binary = program(name)
    assert binary is not None
    # If root starts the server, its workers run as another user, who cannot read the folder of a test.
    with tempfile.TemporaryDirectory(prefix="server-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        _fill(home)
        port, secure = free_port(), free_port()
        text = {"nginx": NGINX, "apache2": APACHE}[name]
        user = USER[name] if os.getuid() == 0 else ""
        config = home / "server.conf"
        config.write_text(text.format(home=home, port=port, secure=secure, user=user, modules=MODULES))
        command = {"nginx": ["-p", folder, "-c", str(config)], "apache2": ["-X", "-f", str(config)]}[name]
        process = subprocess.Popen([binary, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _until_open(port, process)
            yield RealServer(
                f"http://localhost:{port}", f"https://localhost:{secure}", f"{home}/authority.pem", home
            )
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _fill(home: Path) -> None:
    (home / "www").mkdir()
    (home / "www" / "page.html").write_text(PAGE)
    (home / "www" / "blob.bin").write_bytes(BLOB)
    (home / "www" / "echo").write_text("")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(home / "authority.pem"))
    server = authority.issue_cert("localhost")
    server.private_key_pem.write_to_path(str(home / "server.key"))
    for pem in server.cert_chain_pems:
        pem.write_to_path(str(home / "server.pem"), append=True)


def _until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if process.poll() is not None:
            _, err = process.communicate()
            raise AssertionError(f"the server did not start: {err.decode()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the server did not open its port")
