"""The servers that tests talk to: nginx, with and without TLS, and scripted ones.

All listen on loopback, on ports the kernel chose. A listening socket exists before its server does,
so nobody waits for a server to be ready: what connects early waits in the backlog.
"""

import datetime
import fcntl
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
import time

from e2e_support import PATIENCE_S, wait_for


def listener(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.bind((host, 0))
    made.listen(64)
    return made


def closed_port(test):
    """A port of loopback where nothing listens until the test ends: it is bound."""
    bound = socket.socket()
    test.addCleanup(bound.close)
    bound.bind(("127.0.0.1", 0))
    return bound.getsockname()[1]


class Certificates:
    """A throw-away authority, and a certificate for loopback that it has signed."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="weir-e2e-tls-")
        self.ca = os.path.join(self.folder, "ca.pem")
        self.key = os.path.join(self.folder, "key.pem")
        self.chain = os.path.join(self.folder, "cert.pem")
        key, request = os.path.join(self.folder, "ca.key"), os.path.join(self.folder, "cert.csr")
        extensions = os.path.join(self.folder, "extensions")
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for command in (
            [
                "req",
                "-x509",
                *curve,
                "-keyout",
                key,
                "-out",
                self.ca,
                "-days",
                "2",
                "-subj",
                "/CN=weir test authority",
            ],
            ["req", *curve, "-keyout", self.key, "-out", request, "-subj", "/CN=localhost"],
            [
                "x509",
                "-req",
                "-in",
                request,
                "-CA",
                self.ca,
                "-CAkey",
                key,
                "-CAcreateserial",
                "-out",
                self.chain,
                "-days",
                "2",
                "-extfile",
                extensions,
            ],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx:
    """nginx over a folder of files, plain and over TLS. Its sockets are ours, handed over as nginx
    does to a successor.

    more: further locations. /slow/FILE is FILE at 4 MiB a second, /basic/FILE wants the user "reader" with the password
    "open sesame".
    """

    CONF = """
daemon off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type text/plain; sendfile off; output_buffers 2 64k;
    keepalive_timeout 5;
    client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; fastcgi_temp_path {base}/t3;
    uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
    server {{
        listen 127.0.0.1:{plain}; {tls}
        root {root};
        location /slow/ {{ alias {root}/; limit_rate 4m; }}
        {more}
        location /basic/ {{ alias {root}/; auth_basic "weir"; auth_basic_user_file {base}/users; }}
    }}
}}
"""

    def __init__(self, root, certificates=None, more=""):
        self.base = tempfile.mkdtemp(prefix="weir-e2e-nginx-")
        os.chmod(self.base, 0o755)
        sockets = [listener()] + ([listener()] if certificates else [])
        self.port = sockets[0].getsockname()[1]
        self.tls_port = sockets[-1].getsockname()[1]
        tls = ""
        if certificates:
            tls = "listen 127.0.0.1:%d ssl; ssl_certificate %s; ssl_certificate_key %s;" % (
                self.tls_port,
                certificates.chain,
                certificates.key,
            )
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", "open sesame"],
            check=True,
            capture_output=True,
            text=True,
        )
        with open(os.path.join(self.base, "users"), "w", encoding="ascii") as users:
            users.write("reader:" + hashed.stdout)
        conf = os.path.join(self.base, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            user = "user root;\n" if os.geteuid() == 0 else ""
            conf_text = self.CONF.format(
                base=self.base, root=root, plain=self.port, tls=tls, more=more
            )
            file.write(user + conf_text)
        numbers = [made.fileno() for made in sockets]
        self.process = subprocess.Popen(
            ["nginx", "-c", conf, "-p", self.base],
            pass_fds=numbers,
            env=dict(os.environ, NGINX="".join("%d;" % n for n in numbers)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for made in sockets:
            made.close()
        if self._gone_early():
            with open(os.path.join(self.base, "error.log"), encoding="utf-8") as log:
                raise AssertionError("nginx: " + self.process.stderr.read().decode() + log.read())

    def _gone_early(self):
        wait_for(
            lambda: os.path.exists(os.path.join(self.base, "pid"))
            or self.process.poll() is not None,
            "nginx",
        )
        return self.process.poll() is not None

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def tls_url(self, path):
        return "https://127.0.0.1:%d%s" % (self.tls_port, path)

    def written(self):
        """Bytes it has written in all, to sockets and logs."""
        with open("/proc/%d/io" % self.worker(), encoding="ascii") as file:
            return int([line.split()[1] for line in file if line.startswith("wchar")][0])

    def worker(self):
        def child():
            with open(
                "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii"
            ) as file:
                return file.read().split()

        return int(wait_for(child, "a worker of nginx")[0])

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.base, ignore_errors=True)


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    def first_byte(self):
        """Of "Range: bytes=N-": N; None without one."""
        text = self.headers.get("range", "")
        return int(text[len("bytes=") :].split("-")[0]) if text.startswith("bytes=") else None


class Connection:
    """One accepted connection, in the hands of a script. What the far end does to it is not the
    script's mistake."""

    def __init__(self, peer, sock, number):
        self.peer = peer
        self.socket = sock
        self.number = number
        self.request, self.behind = None, b""
        sock.settimeout(PATIENCE_S)

    def read_request(self):
        head = bytearray()
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionResetError
            head += piece
        head, _, self.behind = bytes(head).partition(b"\r\n\r\n")
        self.request = Request(head)
        self.peer.requests.append(self.request)
        self.peer.times.append(time.monotonic())
        return self.request

    def body(self):
        """Of the request, which says how long it is."""
        while len(self.behind) < int(self.request.headers["content-length"]):
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionResetError
            self.behind += piece
        return self.behind

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def reply(self, status="200 OK", headers=(), body=b"", length=True):
        """A whole answer; length=False: its end is the connection's."""
        body = body if isinstance(body, bytes) else body.encode()
        lines = ["HTTP/1.1 " + status, "Connection: close", *headers]
        if length is not False:
            lines.append("Content-Length: %d" % (len(body) if length is True else length))
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def stream(self, headers=(), status="200 OK"):
        """The head of a chunked answer."""
        self.send(
            "\r\n".join(
                ["HTTP/1.1 " + status, "Connection: close", "Transfer-Encoding: chunked", *headers]
            )
            + "\r\n\r\n"
        )

    def reset(self):
        """End by RST, with what was sent already delivered first as far as the far end has read
        it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def drained(self):
        """Wait until the far end's kernel has taken all that was sent."""

        def left():
            return struct.unpack(
                "i", fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, b"\0" * 4)
            )[0]

        wait_for(lambda: left() == 0, "what was sent to be taken")

    def wait_end(self, seconds=None):
        """Wait until the far end has closed; what it still sends is thrown away. When, by the
        monotonic clock."""
        self.socket.settimeout(seconds or PATIENCE_S)
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        return time.monotonic()


class Peer:
    """A scripted server: each connection runs script(connection) in a thread, and is closed when it
    returns.

    http: the request is read before the script runs. requests and times keep what was asked and
    when.
    """

    def __init__(self, script, host="127.0.0.1", http=True, certificates=None, path=None):
        self.script, self.http = script, http
        self.requests, self.times, self.mistakes, self.connections = [], [], [], []
        self.context = certificates.context() if certificates else None
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.bind(path)
            self.socket.listen(64)
            self.port, self.address = 0, "unix:" + path
        else:
            self.socket = listener(host)
            self.port = self.socket.getsockname()[1]
            self.host = "[%s]" % host if ":" in host else host
            self.address = "%s://%s:%d" % (
                "tls" if certificates else "tcp",
                self.host,
                self.port,
            )
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def url(self, path="/", user=""):
        return "%s://%s%s:%d%s" % (
            "https" if self.context else "http",
            user,
            self.host,
            self.port,
            path,
        )

    def _accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            connection = Connection(self, sock, len(self.connections) + 1)
            self.connections.append(connection)
            if self.http:
                connection.read_request()
            self.script(connection)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
        except Exception as mistake:  # pylint: disable=broad-except
            self.mistakes.append(mistake)
        finally:
            try:
                sock.close()
            except OSError:
                pass

    def close(self):
        # The shutdown ends the thread's accept. A descriptor that is closed while accept is about to
        # be called may by then be another peer's.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        self.socket.close()
        if self.mistakes:
            raise self.mistakes[0]


class Feed:
    """A peer that gives some lines and then nothing, and notes when its reader has gone."""

    def __init__(self, test, lines, http=True):
        self.lines, self.gone = lines, threading.Event()
        self.peer = test.peer(Peer(self.script, http=http))
        self.http = http
        self.address = self.peer.url() if http else self.peer.address

    def script(self, connection):
        try:
            if self.http:
                connection.stream()
                connection.chunk(self.lines)
            else:
                connection.send(self.lines)
            connection.wait_end()
        finally:
            self.gone.set()  # also when it has left before it was given all


def ranged(content, etag='"v1"', drop=None, headers=(), modified=None):
    """A script that serves content with Range and If-Range, and breaks off where drop(connection,
    first) says (None: not).

    etag may be a function of the connection, or None; modified is a date that If-Range may name in
    its place.
    """

    def script(connection):
        request = connection.request
        tag = etag(connection) if callable(etag) else etag
        first = request.first_byte()
        condition = request.headers.get("if-range")
        if first is None or (condition is not None and condition not in (tag, modified)):
            first, status = 0, "200 OK"
            extra = []
        else:
            status = "206 Partial Content"
            extra = ["Content-Range: bytes %d-%d/%d" % (first, len(content) - 1, len(content))]
        lines = [
            "HTTP/1.1 " + status,
            "Connection: close",
            "Accept-Ranges: bytes",
            "Content-Length: %d" % (len(content) - first),
            *extra,
            *headers,
        ]
        if tag:
            lines.append("ETag: " + tag)
        if modified:
            lines.append("Last-Modified: " + modified)
        connection.send("\r\n".join(lines) + "\r\n\r\n")
        stop = drop(connection, first) if drop else None
        connection.send(content[first:stop])
        connection.drained()
        if stop is not None and connection.number % 2 == 0 and not connection.peer.context:
            connection.reset()

    return script


class Socat:
    """socat, with one listening end, waiting for one connection. Data goes from `left` to `right`
    only."""

    @staticmethod
    def tls(certificates):
        """An address that listens for TLS."""
        return "OPENSSL-LISTEN:0,bind=127.0.0.1,verify=0,cert=%s,key=%s" % (
            certificates.chain,
            certificates.key,
        )

    def __init__(self, left, right):
        self.process = subprocess.Popen(
            ["socat", "-d", "-d", "-u", left, right],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = None
        for line in self.process.stderr:
            if "listening on" in line:
                tail = line.rsplit(":", 1)[1].strip()
                self.port = int(tail) if tail.isdigit() else None
                break
        else:
            raise AssertionError("socat has not listened")
        self.drain = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.drain.start()

    def wait(self):
        self.process.wait(PATIENCE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.drain.join()
        self.process.stderr.close()


def http_date(seconds_from_now):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
        seconds=seconds_from_now
    )
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
