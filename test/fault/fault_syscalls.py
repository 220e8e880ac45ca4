#!/usr/bin/env python3
"""Run the command while the kernel fails one system call after another.

    fault_syscalls.py [PIPELINE...]       file_with_state http_with_state
    fault_syscalls.py --long              all of fault_run.py but the demo: more than 1,000 runs

Where fault_run.py fails weir's own wrappers, this fails the calls themselves, by strace, so that an
error nobody thought of wrapping is met as well. For each kind of call and error the first, second,
third, fifth, eighth ... call is failed until there is none. EINTR and EAGAIN must not be noticed at
all; any other may end the run, but neither by a signal nor in silence nor late, and what says it
has succeeded has the right output. The next run goes on from whatever is left.

Only calls on weir's own files are failed, and calls on sockets, which are libcurl's and weir's:
libuv aborts, by its own design, where epoll_ctl or its wake-up pipe fails.
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import fault_run
from e2e_support import SANITIZED, wait_for

FILE_CALLS = {
    "openat": ("EINTR", "EMFILE", "EACCES", "EIO"),
    "read": ("EINTR", "EIO"),
    "pread64": ("EINTR", "EIO"),
    "readv": ("EINTR", "EIO"),
    "preadv": ("EINTR", "EIO"),
    "write": ("EINTR", "EIO", "ENOSPC"),
    "writev": ("EINTR", "EIO", "ENOSPC"),
    "pwrite64": ("EINTR", "EIO", "ENOSPC"),
    "fsync": ("EINTR", "EIO"),
    "fdatasync": ("EINTR", "EIO"),
    "ftruncate": ("EINTR", "EIO"),
    "flock": ("EINTR", "ENOLCK"),
    "close": ("EINTR", "EIO"),
    "newfstatat": ("EIO",),
    "fstat": ("EIO",),
    "mkdirat": ("EACCES",),
    "mkdir": ("EACCES",),
    "rename": ("EIO",),
    "renameat": ("EIO",),
    "renameat2": ("EIO",),
    "unlinkat": ("EIO",),
    "linkat": ("EIO",),
    "getdents64": ("EIO",),
    "fcntl": ("EIO",),
}
# Not on a file: of the loop, of its workers' threads, of commands, of watched folders.
OTHER_CALLS = {
    "epoll_wait": ("EINTR",),
    "epoll_create1": ("EMFILE",),
    "eventfd2": ("EMFILE",),
    "clone3": ("ENOMEM",),
    "inotify_init1": ("EMFILE",),
    "inotify_add_watch": ("ENOSPC", "EACCES"),
    "pipe2": ("EMFILE",),
    "vfork": ("ENOMEM",),
    "setpgid": ("EPERM",),
    "dup2": ("EBUSY",),
    "pidfd_open": ("EMFILE",),
    "wait4": ("EINTR",),
    "kill": ("EPERM",),
}
if not SANITIZED:  # a sanitizer makes these calls itself, and ends the run when one fails
    OTHER_CALLS["prlimit64"] = ("EPERM",)
SOCKET_CALLS = {
    "socket": ("EMFILE", "ENOBUFS"),
    "connect": ("ETIMEDOUT", "EHOSTUNREACH"),
    "recvfrom": ("EINTR", "EAGAIN", "ECONNRESET"),
    "recvmsg": ("EINTR", "EAGAIN", "ECONNRESET"),
    "sendto": ("EINTR", "EAGAIN", "EPIPE"),
    "sendmsg": ("EINTR", "EAGAIN", "EPIPE"),
    "getsockopt": ("ENOBUFS",),
    "setsockopt": ("ENOBUFS",),
    "getsockname": ("ENOBUFS",),
    "getpeername": ("ENOTCONN",),
}
WITH_SOCKETS = ("http_with_state", "events_with_state", "file_to_post", "https_to_tcp", "stdin_to_unix")
LIBUV_ABORTS = (("pipe2", 2),)  # for the signals of the process; weir asks before whether there is room
WITHOUT_FILES = ("exec_to_exec",)  # of its own: those are its commands'
UNNOTICED = ("EINTR", "EAGAIN")
NUMBERS = (1, 2, 3, 5, 8, 13, 21, 34)
MORE_NUMBERS = (*range(1, 14), 17, 21, 27, 34, 55)  # with --long


class Syscalls(fault_run.Sweep):
    """One pipeline, as in fault_run.py, under strace."""

    def __init__(self, name):
        super().__init__(name)
        self.log = os.path.join(self.base, "trace")
        self.paths = []

    def traced(self, *options):
        """A run under strace with these options: (run, the trace)."""
        self.fresh()
        if os.path.exists(self.log):
            os.unlink(self.log)
        # -D: the command is our child, and strace its grandchild, so the status is the command's.
        self.pipeline.prefix = ["strace", "-D", "-f", "-q", "-y", "-o", self.log, *options]
        try:
            run = self.pipeline.run({"ASAN_OPTIONS": "detect_leaks=0"})
        except AssertionError as wrong:
            raise fault_run.Broken(str(wrong)) from None
        finally:
            self.pipeline.prefix = []

        def trace():
            with open(self.log, encoding="utf-8", errors="replace") as log:
                text = log.read()
            return text if re.search(r"\+\+\+ (exited|killed)", text) else None

        run.err = re.sub(r"(?m)^strace: .*\n", "", run.err)
        return run, wait_for(trace, "the end of the trace")

    def learn_paths(self):
        """The files in our folder that a run without a fault opens, by path and as written."""
        run, trace = self.traced("-e", "trace=openat")
        if run.status != 0 or not self.right(run):
            raise fault_run.Broken("it fails without a fault: %r" % run)
        paths = {self.pipeline.feed}
        for folder, name in re.findall(r'openat\((?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"', trace):
            path = os.path.join(folder, name)
            if path.startswith(self.base):
                paths.update((path, name))
        self.paths = [option for path in sorted(paths) for option in ("-P", path)]

    def once_failed(self, call, error, number, paths):
        """Whether there was a call with this number; what must not happen is Broken."""
        run, trace = self.traced(
            "-e", "trace=" + call, "-e", "inject=%s:error=%s:when=%d" % (call, error, number), *paths
        )
        if "INJECTED" not in trace:
            return False
        if run.status not in (0, 1, 2, 3, 4):
            raise fault_run.Broken("%r" % run)
        if run.status == 0 and not self.right(run):
            raise fault_run.Broken("status 0 and the wrong output: %r" % run)
        if run.status != 0 and (error in UNNOTICED or not run.err.strip()):
            raise fault_run.Broken("%r" % run)
        if not self.pipeline.state:
            return True  # another run would append
        again = self.pipeline.run({})
        if again.status != 0 or not self.right(again):
            raise fault_run.Broken("the run after it: %r\nafter: %r" % (again, run))
        return True

    def fail_calls(self, calls, paths):
        passed = failed = 0
        for call, errors in calls.items():
            for error in errors:
                for number in MORE_NUMBERS if "--long" in sys.argv else NUMBERS:
                    if (call, number) in LIBUV_ABORTS:
                        continue
                    try:
                        if not self.once_failed(call, error, number, paths):
                            break
                        passed += 1
                    except fault_run.Broken as broken:
                        failed += 1
                        print("FAILED: %s, %s %s, call %d: %s"
                              % (self.name, call, error, number, broken), flush=True)
        return passed, failed

    def run(self):
        self.learn_paths()
        files = self.fail_calls(FILE_CALLS, self.paths) if self.name not in WITHOUT_FILES else (0, 0)
        sockets = self.fail_calls(SOCKET_CALLS, []) if self.name in WITH_SOCKETS else (0, 0)
        others = self.fail_calls(OTHER_CALLS, [])
        passed, failed = (files[i] + sockets[i] + others[i] for i in (0, 1))
        if passed < 5:
            failed += 1
            print("FAILED: %s: only %d calls could be failed" % (self.name, passed))
        print("fault/syscalls_%s: %d passed, %d failed" % (self.name, passed, failed), flush=True)
        return passed, failed


def sweep_one(name):
    sweep = Syscalls(name)
    try:
        return sweep.run()
    except fault_run.Broken as broken:
        print("FAILED: %s: %s" % (name, broken), flush=True)
        return 0, 1
    finally:
        sweep.pipeline.close()
        shutil.rmtree(sweep.base, ignore_errors=True)


def main():
    if shutil.which("strace") is None or subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True
    ).returncode != 0:
        print("SKIPPED: system calls cannot be failed: strace is missing or may not trace here")
        return 1 if os.environ.get("CI") else 77
    names = sys.argv[1:] or ["file_with_state", "http_with_state"]
    if names == ["--long"]:
        names = [name for name in fault_run.PIPELINES if name != "demo"]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(sweep_one, names))
    passed, failed = (sum(count[i] for count in counts) for i in (0, 1))
    print("fault/syscalls: %d passed, %d failed" % (passed, failed), flush=True)
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    sys.exit(main())
