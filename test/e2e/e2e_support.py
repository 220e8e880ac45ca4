"""Running the command `weir` from a test, and looking at it while it runs.

Every run has a deadline; one that passes it is asked for its tasks by SIGQUIT, killed, and is a
failure that shows them. A run that dies by a signal nobody sent, or whose stderr holds a
sanitizer's report, is a failure wherever it happens. Nothing here sleeps to be in time: what is
awaited is polled for, with a deadline.

The environment says where things are: WEIR_BINARY is the command, WEIR_SANITIZED is 1 when it was
built with a sanitizer (then sizes of memory mean nothing and are not judged).
"""

import glob
import hashlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True

BINARY = os.environ.get("WEIR_BINARY", "weir")
SANITIZED = os.environ.get("WEIR_SANITIZED", "") == "1"
PATIENCE_S = 120 if SANITIZED else 60  # a limit for what hangs, and no measure of anything
REPORTS = (
    "ERROR: AddressSanitizer",
    "ERROR: LeakSanitizer",
    "runtime error:",
    "WARNING: ThreadSanitizer",
    "Assertion ",
    "weir: abort",
)


# A run in the background or under nohup ignores some of these, and so would weir.
for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


class Run:
    """What a finished run has left: its status, standard output, and standard error as text."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def __repr__(self):
        return "status %d, %d bytes out, stderr:\n%s" % (
            self.status,
            len(self.out or b""),
            self.err,
        )


def wait_for(condition, what, seconds=None):
    """Poll until condition() is true, and return what it returned."""
    deadline = time.monotonic() + (seconds or PATIENCE_S)
    pause = threading.Event()
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError("still waiting after %g s: %s" % (seconds or PATIENCE_S, what))
        pause.wait(0.002)


def wait_until_full(pipe):
    """Until whoever writes to the pipe, of which this is the reading end, has to wait."""
    end = os.open("/proc/self/fd/%d" % pipe.fileno(), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        wait_for(lambda: not select.select([], [end], [], 0)[1], "the pipe to be full")
    finally:
        os.close(end)


def rests(*pids):
    """True if none of these processes has run since it was looked at first: each thread sleeps, and
    has not been awake in between."""

    def look():
        seen = {}
        for pid in pids:
            for path in glob.glob("/proc/%d/task/*/status" % pid):
                with open(path, encoding="ascii") as status:
                    fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
                if not fields["State"].startswith("S"):
                    return None
                seen[path] = [value for name, value in fields.items() if name.endswith("ctxt_switches")]
        return seen

    first = look()
    return bool(first) and first == look()


def look_for_reports(err):
    for report in REPORTS:
        if report in err:
            raise AssertionError("the run was reported on:\n" + err)


class Weir:
    """The command, running. stdin and stdout as subprocess takes them (default: nothing, a
    pipe). own_session: without a controlling terminal, whatever the test has."""

    def __init__(
        self,
        *args,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=None,
        cwd=None,
        pass_fds=(),
        prefix=(),
        binary=BINARY,
        own_session=False
    ):
        environment = dict(os.environ, **(env or {}))
        self.process = subprocess.Popen(
            [*prefix, binary, *args],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=own_session,
        )
        self.pid = self.process.pid
        self.killed = False
        self._err = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        while True:
            piece = self.process.stderr.read1(65536)
            if not piece:
                return
            self._err += piece

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._listener.join()
        for pipe in (self.process.stdout, self.process.stderr, self.process.stdin):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass

    @property
    def err(self):
        return self._err.decode(errors="replace")

    def says(self, text, seconds=None):
        """Wait until standard error holds text."""
        try:
            wait_for(
                lambda: text in self.err or self.process.poll() is not None,
                "stderr: " + text,
                seconds,
            )
        except AssertionError as late:
            raise AssertionError("%s; it has said:\n%s" % (late, self.err)) from None
        if text not in self.err:
            self._listener.join(5)
        if text not in self.err:
            raise AssertionError(
                "ended with %s without saying '%s':\n%s" % (self.process.poll(), text, self.err)
            )

    def send(self, number):
        """Send a signal, and wait until the process has taken it: two of a kind that wait become
        one."""
        self.process.send_signal(number)
        bit = 1 << (number - 1)

        def taken():
            try:
                with open("/proc/%d/status" % self.pid, encoding="ascii") as status:
                    masks = [
                        line.split()[1] for line in status if line.startswith(("SigPnd", "ShdPnd"))
                    ]
            except (FileNotFoundError, ProcessLookupError):
                return True
            return not any(int(mask, 16) & bit for mask in masks)

        wait_for(taken, "the signal to be taken")

    def kill(self):
        self.killed = True
        self.process.kill()
        return self.process.wait()

    def read_line(self, seconds=None):
        """The next line of standard output, without its line end; b"" at the end."""
        fd = self.process.stdout.fileno()
        line = bytearray()
        deadline = time.monotonic() + (seconds or PATIENCE_S)
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise AssertionError(
                    "no line within the time; so far %r\n%s" % (bytes(line), self.err)
                )
            byte = os.read(fd, 1)
            if not byte:
                break
            line += byte
        return bytes(line).rstrip(b"\n")

    def end(self, seconds=None, stdin=None):
        """Wait for the end, and read all of standard output."""
        try:
            out, _ = self._communicate(seconds or PATIENCE_S, stdin)
        except subprocess.TimeoutExpired:
            said = self.err
            self.process.send_signal(signal.SIGQUIT)
            try:
                wait_for(lambda: self.err != said, "the dump of the tasks", 2)
            except AssertionError:
                pass
            self.kill()
            raise AssertionError("hangs: %s\n%s" % (self.process.args[1:], self.err)) from None
        self._listener.join()
        if self.process.returncode < 0 and not self.killed:
            raise AssertionError(
                "died by signal %d: %s\n%s"
                % (-self.process.returncode, self.process.args, self.err)
            )
        look_for_reports(self.err)
        return Run(self.process.returncode, out, self.err)

    def _communicate(self, seconds, stdin):
        """As Popen.communicate, which would take standard error away from the listener."""
        out = []
        threads = []
        if self.process.stdout is not None:
            threads.append(
                threading.Thread(target=lambda: out.append(self.process.stdout.read()), daemon=True)
            )
        if self.process.stdin is not None:
            threads.append(threading.Thread(target=self._feed, args=(stdin or b"",), daemon=True))
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        self.process.wait(timeout=seconds)
        for thread in threads:
            thread.join(max(0.1, deadline - time.monotonic()))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.process.args, seconds)
        return (out[0] if out else None), None

    def _feed(self, data):
        try:
            self.process.stdin.write(data)
            self.process.stdin.close()
        except BrokenPipeError:
            pass


def weir(*args, stdin=None, seconds=None, **how):
    """Run the command to its end. stdin: bytes, a file, or None for nothing."""
    data = stdin if isinstance(stdin, (bytes, bytearray)) else None
    source = (
        subprocess.PIPE if data is not None else stdin if stdin is not None else subprocess.DEVNULL
    )
    with Weir(*args, stdin=source, **how) as run:
        return run.end(seconds, data)


def shell(text, *args, seconds=None):
    """Run a text of bash, in which $WEIR is the command and $1, $2 ... are args."""
    run = subprocess.run(
        ["bash", "-c", text, "bash", *args],
        capture_output=True,
        timeout=seconds or PATIENCE_S * 2,
        env=dict(os.environ, WEIR=BINARY),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    err = run.stderr.decode(errors="replace")
    look_for_reports(err)
    return Run(run.returncode, run.stdout, err)


def sha256_of(*command, seconds=None):
    """The sha256 of what `command | sha256sum` reads; a command that fails is a failure."""
    run = shell('set -o pipefail; "$@" | sha256sum', *command, seconds=seconds)
    if run.status != 0:
        raise AssertionError("%s: %r" % (command, run))
    return run.out.split()[0].decode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def saved_offset(state, word="offset"):
    """The position of the one source in the one record of a state; -1: nothing is saved. A run that
    saves renames its record, so for a moment there is none."""
    for path in glob.glob(os.path.join(state, "*.weir")):
        try:
            with open(path, "rb") as file:
                found = re.search(rb"\nposition %s (\d+)" % word.encode(), file.read())
        except FileNotFoundError:
            return -1
        return int(found.group(1)) if found else -1
    return -1


def proc_status(pid, field):
    """A field of /proc/PID/status in KiB."""
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise AssertionError("no " + field)


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class TestCase(unittest.TestCase):
    """A test with a folder of its own, gone when it is over."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="weir-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def ends(self, run, status, *texts):
        """The run has this status, and says these texts on standard error."""
        self.assertEqual(run.status, status, run)
        for text in texts:
            self.assertIn(text, run.err)

    def peer(self, made):
        """Close a peer at the end of the test, before anything else; its scripts' mistakes are the
        test's."""
        self.addCleanup(made.close)
        return made


class _Result(unittest.TextTestResult):
    def getDescription(self, test):
        return test.id().replace("__main__.", "")


def main():
    """Run the tests of the calling file and say how many have passed, in the words that the test
    runner counts."""
    if shutil.which(BINARY) is None:
        sys.exit("the command is not at '%s': set WEIR_BINARY" % BINARY)
    loader = unittest.TestLoader()
    loader.testMethodPrefix = "test_"
    module = sys.modules["__main__"]
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    tests = (
        loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    )
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result).run(tests)
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    name = os.path.basename(sys.argv[0]).rsplit(".", 1)[0]
    good = (
        result.testsRun - len({test.id() for test, _ in result.failures + result.errors}) - skipped
    )
    print("%s: %d passed, %d failed" % (name, max(good, 0), bad), flush=True)
    # Scripts that still wait for a connection are threads nobody joins.
    os._exit(1 if bad else 0)
