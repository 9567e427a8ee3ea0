# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Processes that do what they are told, so that a test knows whose a reset is: an Actor listens,
connects, reads, forks, execs, dies. It is a fork of the test program, in the namespace, the cgroup
and under the name that the test gives it; it ends with the test however that ends."""
import ctypes
import functools
import marshal
import os
import queue
import resource
import select
import signal
import socket
import struct
import threading
import time

from harness import *

__all__ = """Actor CgroupTree STATE become_subreaper busy_tasks container_id
set_name""".split()

STATE = {"ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECV": 3, "FIN_WAIT1": 4, "FIN_WAIT2": 5,
         "TIME_WAIT": 6, "CLOSE_WAIT": 8, "LAST_ACK": 9, "LISTEN": 10}

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_CLONE_NEWNS, _CLONE_NEWCGROUP, _CLONE_NEWPID = 0x20000, 0x2000000, 0x20000000
_CLONE_NEWNET = 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_MPTCP = 262


def _system(name, *arguments):
    """A call of the C library, with its error as an exception."""
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def set_name(name):
    """The calling thread's, which is the process's if it is the first one's; bytes or text."""
    _system("prctl", _PR_SET_NAME, name if isinstance(name, bytes) else name.encode(), 0, 0, 0)


def become_subreaper():
    """What an actor leaves behind becomes our child: its process number is not given to anybody
    else before the test ends."""
    _system("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Body:
    """What an actor can do, in its own process. Sockets have names: "l", "c", "s"."""

    def __init__(self, channel, inbox):
        self.channel, self.inbox, self.sockets = channel, inbox, {}

    def serve(self):
        while True:
            message, fds, *_ = socket.recv_fds(self.channel, 1 << 16, 2)
            if not message:
                os._exit(0)
            name, arguments, keywords = marshal.loads(message)
            try:
                reply = True, getattr(self, name)(*arguments, *fds, **keywords)
            except Exception as error:
                reply = False, f"{name}{arguments}: {error!r}"
            self.channel.send(marshal.dumps(reply))

    # --- sockets ---

    def _new(self, name, family, protocol=0):
        sock = self.sockets[name] = socket.socket(family, socket.SOCK_STREAM, protocol)
        sock.settimeout(LIMIT)
        return sock

    def listen(self, name, family, address, port, backlog=64, shared=False, only=False, protocol=0):
        sock = self._new(name, family, protocol)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((address, port))
        sock.listen(backlog)

    def connect(self, name, family, address, port, wait=True, protocol=0, source=None):
        """The port that it got."""
        sock = self._new(name, family, protocol)
        if source:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("", source))
        sock.setblocking(wait)
        if wait:
            sock.settimeout(LIMIT)
            sock.connect((address, port))
        else:
            sock.connect_ex((address, port))
        return sock.getsockname()[1]

    def try_connect(self, name, family, address, port):
        """The error's number, and the port that it got."""
        sock = self._new(name, family)
        error = sock.connect_ex((address, port))
        return error, sock.getsockname()[1]

    def accept(self, listener, name):
        sock = self.sockets[name] = self.sockets[listener].accept()[0]
        sock.settimeout(LIMIT)
        return sock.getpeername()[1]

    def can_accept(self, listener):
        return bool(select.select([self.sockets[listener]], [], [], 0)[0])

    def send(self, name, count):
        self.sockets[name].sendall(b"x" * count)

    def recv(self, name, count, peek=False):
        """Waits for so many bytes, and reads them; how many came."""
        flags = socket.MSG_WAITALL | (socket.MSG_PEEK if peek else 0)
        return len(self.sockets[name].recv(count, flags))

    def recv_by(self, how, name, count):
        """Waits for so many bytes, and reads them with the system call of this name."""
        sock = self.sockets[name]
        sock.recv(count, socket.MSG_PEEK | socket.MSG_WAITALL)
        fd = sock.fileno()
        if how == "read":
            return len(os.read(fd, count))
        if how == "readv":
            return os.readv(fd, [bytearray(count)])
        if how == "recvmsg":
            return len(sock.recvmsg(count)[0])
        if how == "splice":
            reader, writer = os.pipe()
            os.set_blocking(fd, True)
            return os.splice(fd, writer, count) if reader else 0
        raise ValueError(how)

    def wait_end(self, name):
        """Waits for the peer's FIN."""
        return self.sockets[name].recv(1) == b""

    def wait_reset(self, name, limit=LIMIT):
        poll = select.poll()
        poll.register(self.sockets[name], 0)
        return bool(poll.poll(limit * 1000))

    def linger(self, *names):
        for name in names:
            linger_0(self.sockets[name])

    def option(self, name, level, option, value):
        self.sockets[name].setsockopt(level, option, value)

    def shutdown(self, name, how=socket.SHUT_WR):
        self.sockets[name].shutdown(how)

    def disconnect(self, name):
        nothing = ctypes.create_string_buffer(16)  # sockaddr with AF_UNSPEC
        _system("connect", self.sockets[name].fileno(), nothing, 16)

    def sequence(self, name):
        return send_sequence(self.sockets[name])

    def close(self, *names):
        for name in names:
            self.sockets.pop(name).close()

    # --- many sockets ---

    def connect_many(self, name, count, family, address, port):
        for i in range(count):
            self.connect(f"{name}{i}", family, address, port)

    def accept_many(self, listener, name, count):
        for i in range(count):
            self.accept(listener, f"{name}{i}")

    def reset_each(self, name, first, last, step=1):
        for i in range(first, last, step):
            self.linger(f"{name}{i}")
            self.close(f"{name}{i}")

    def brief_clients(self, count, comm, family, address, port):
        """Children that connect, close and exit; [pid, name, port] of each. None is waited for
        before we end, so that their numbers stay theirs."""
        told = []
        for i in range(count):
            reader, writer = os.pipe()
            pid = os.fork()
            if not pid:
                try:
                    set_name(f"{comm}{i}")
                    with socket.socket(family, socket.SOCK_STREAM) as sock:
                        sock.connect((address, port))
                        os.write(writer, struct.pack("i", sock.getsockname()[1]))
                finally:
                    os._exit(0)
            os.close(writer)
            told.append([pid, f"{comm}{i}", struct.unpack("i", os.read(reader, 4))[0]])
            os.close(reader)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
        return told

    def churn(self, count, port):
        """Connections over loopback, each with a byte each way, closed by the client."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            listener.listen(16)
            for i in range(count):
                with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as ours:
                    # One address has too few ports for all that are in TIME_WAIT.
                    ours.connect((f"127.0.0.{i % 200 + 1}", port))
                    other = listener.accept()[0]
                    ours.send(b"x")
                    other.send(other.recv(1))
                    ours.recv(1)
                other.close()

    def churn_processes(self, count, port):
        """Processes, each of which makes a connection and ends."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            listener.listen(16)
            for i in range(count):
                pid = os.fork()
                if not pid:
                    try:
                        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as ours:
                            ours.connect((f"127.0.0.{i % 200 + 1}", port))
                    finally:
                        os._exit(0)
                os.waitpid(pid, 0)
                listener.accept()[0].close()

    def raise_files(self):
        """As many descriptors as this process may have; how many that is."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard

    # --- the process ---

    def spawn(self, comm, namespace, wanted_pid, channel, inbox):
        """A child that has nothing of ours, as an actor; its pid."""
        if wanted_pid:
            last = self._last_pid(wanted_pid - 1)
        pid = os.fork()
        if pid:
            if wanted_pid:
                self._last_pid(last)
            os.close(channel)
            os.close(inbox)
            return pid
        self.channel.close()
        self.channel = socket.socket(fileno=channel)
        self.inbox = socket.socket(fileno=inbox)
        set_name(comm)
        if namespace:
            with open(namespace) as file:
                _system("setns", file.fileno(), _CLONE_NEWNET)
        return os.getpid()

    def pin(self, *cpus):
        os.sched_setaffinity(0, cpus)

    def seteuid(self, uid):
        """Gives each thread that runs credentials of its own, in the kernel."""
        os.seteuid(uid)

    def thread_setuid(self, uid):
        """Of this thread only, which the C library does not do."""
        number = {"x86_64": 117, "aarch64": 147}[os.uname().machine]  # setresuid
        _system("syscall", number, uid, uid, 0)

    def threads(self, count):
        """Threads that stay, for on_thread()."""
        self.queues = [queue.SimpleQueue() for _ in range(count)]
        for index, tasks in enumerate(self.queues):
            threading.Thread(target=self._work, args=(f"thread-{index}", tasks),
                             daemon=True).start()

    def _work(self, comm, tasks):
        set_name(comm)
        while True:
            results, calls = tasks.get()
            try:
                for method, *arguments in calls:
                    result = getattr(self, method)(*arguments)
                results.put((result, None))
            except Exception as error:
                results.put((None, error))

    def on_thread(self, index, *calls):
        """Does [method, arguments...] after [method, arguments...] in a thread; the last result."""
        results = queue.SimpleQueue()
        self.queues[index].put((results, calls))
        result, error = results.get(timeout=2 * LIMIT)
        if error:
            raise error
        return result

    def setuid(self, uid):
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)

    def in_thread(self, comm, method, *arguments, keep=False):
        """Does it in a thread of that name, which ends, or stays until the process does."""
        tasks, results = queue.SimpleQueue(), queue.SimpleQueue()

        def work():
            set_name(comm)
            try:
                results.put((getattr(self, method)(*arguments), None))
            except Exception as error:
                results.put((None, error))
            if keep:
                tasks.get()

        threading.Thread(target=work, daemon=True).start()
        result, error = results.get(timeout=2 * LIMIT)
        if error:
            raise error
        return result

    def fork(self, comm, channel, space=0):
        """A child that has our sockets, too, and listens to another channel; its pid here."""
        if space:
            _system("unshare", space)
        pid = os.fork()
        if pid:
            os.close(channel)
            return pid
        self.channel.close()
        self.channel = socket.socket(fileno=channel)
        set_name(comm)
        if space & _CLONE_NEWNS:
            _system("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
            _system("mount", b"proc", b"/proc", b"proc", 0, None)
        return os.getpid()

    @staticmethod
    def _last_pid(number):
        """Makes the next process's number that which follows; what the last one's was."""
        with open("/proc/sys/kernel/ns_last_pid", "r+") as file:
            last = int(file.read())
            file.seek(0)
            file.write(str(number))
        return last

    def reap(self, pid):
        return os.waitpid(pid, 0)[1]

    def give(self, name, inbox):
        """Passes a socket over a Unix socket; ours stays open."""
        with socket.socket(fileno=inbox) as sock:
            socket.send_fds(sock, [b"x"], [self.sockets[name].fileno()])

    def take(self, name):
        self.inbox.settimeout(LIMIT)
        sock = self.sockets[name] = socket.socket(fileno=socket.recv_fds(self.inbox, 1, 1)[1][0])
        sock.settimeout(LIMIT)

    def exec(self, path, *argv, keep=(), stdin=None, by_thread=False):
        """Becomes another program, which inherits sockets, perhaps as its standard input."""
        for name in keep:
            self.sockets[name].set_inheritable(True)
        if stdin:
            self.sockets[stdin].setblocking(True)
            os.dup2(self.sockets[stdin].fileno(), 0)
            self.sockets[stdin].close()
        nothing = os.open("/dev/null", os.O_WRONLY)
        for fd in (1, 2):
            os.dup2(nothing, fd)
        if by_thread:
            threading.Thread(target=os.execv, args=(path, argv)).start()
            time.sleep(LIMIT)
        os.execv(path, argv)

    def exit(self, code):
        os._exit(code)

    def die(self, number):
        os.kill(os.getpid(), number)
        time.sleep(LIMIT)


def plain(value):
    """For marshal: the constants of socket and signal are numbers of a kind of their own."""
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Actor:
    """An actor, to the test: each method of _Body is one of its, with the same arguments."""

    _first = None  # the process that all others are forks of

    def __init__(self, namespace=None, comm="actor", uid=0, cgroup=None, wanted_pid=None):
        self.comm, self.uid, self.cgroup = comm, uid, cgroup
        self.exe = os.path.realpath("/proc/self/exe")
        self._channel, channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._inbox, inbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        fds = channel.fileno(), inbox.fileno()
        if not Actor._first:
            self.pid = os.fork()
            if not self.pid:
                self._become_first(channel)
            self._started()
            return
        self.pid = self._first.do("spawn", comm, namespace and namespace.path, wanted_pid, fds=fds)
        channel.close()
        inbox.close()
        self._started()
        self.hear()
        if cgroup:
            cgroup.add(self.pid)
        if uid:
            self.setuid(uid)

    def _become_first(self, channel):
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.closerange(3, channel.fileno())
            os.closerange(channel.fileno() + 1, 1 << 16)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            set_name(self.comm)
            _Body(channel, None).serve()
        finally:
            os._exit(99)

    def _started(self):
        self._channel.settimeout(3 * LIMIT)
        self._pidfd = os.pidfd_open(self.pid)
        defer(self.end)

    # --- telling ---

    def tell(self, name, *arguments, fds=(), **keywords):
        keywords = {key: plain(value) for key, value in keywords.items()}
        message = marshal.dumps((name, plain(arguments), keywords))
        socket.send_fds(self._channel, [message], list(fds))

    def wait_told(self, limit):
        """hear(), of something that takes longer."""
        self._channel.settimeout(limit)
        try:
            return self.hear()
        finally:
            self._channel.settimeout(3 * LIMIT)

    def hear(self):
        try:
            message = self._channel.recv(1 << 16)
        except socket.timeout:
            raise Failure(f"{self.comm!r} does not answer") from None
        check(message, f"{self.comm!r} ended")
        good, result = marshal.loads(message)
        check(good, f"{self.comm!r}:", result)
        return result

    def do(self, name, *arguments, fds=(), **keywords):
        self.tell(name, *arguments, fds=fds, **keywords)
        return self.hear()

    def __getattr__(self, name):
        if name.startswith("_") or not hasattr(_Body, name):
            raise AttributeError(name)
        return functools.partial(self.do, name)

    # --- what is more than one message ---

    def fork(self, comm, space=0):
        """A child with the same sockets, as an Actor. Its space is new as the flags say."""
        child = Actor.__new__(Actor)
        child.__dict__.update(self.__dict__, comm=comm)
        child._channel, channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        child.pid = self.do("fork", comm, fds=[channel.fileno()], space=space)
        channel.close()
        child._started()
        child.hear()
        return child

    def contain(self, comm):
        """A child in pid, mount and cgroup namespaces of its own, where it is process 1."""
        return self.fork(comm, _CLONE_NEWPID | _CLONE_NEWNS | _CLONE_NEWCGROUP)

    def give(self, name, other):
        self.do("give", name, fds=[other._inbox.fileno()])

    def exec(self, path, *argv, **how):
        """The path is bytes or text, argv from the program's name on."""
        self.tell("exec", path, *argv, **how)
        self.comm = os.path.basename(os.fsencode(path))[:15]
        self.exe = os.path.realpath(os.fsdecode(path))
        wait_until(lambda: self.running() == self.comm, f"{self.comm} runs")

    def running(self):
        """The name of what the process runs."""
        with open(f"/proc/{self.pid}/comm", "rb") as file:
            return file.read()[:-1]

    def setuid(self, uid):
        self.do("setuid", uid)
        self.uid = uid

    def exit(self, code=0):
        self.tell("exit", code)
        self.wait_gone()

    def die(self, number):
        self.tell("die", number)
        self.wait_gone()

    def kill(self, number=signal.SIGKILL):
        signal.pidfd_send_signal(self._pidfd, number)
        self.wait_gone()

    def wait_gone(self):
        """Until the process has ended, and closed all that it had."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        check(poll.poll(LIMIT * 1000), f"{self.comm!r} does not end")

    def forget(self):
        """Takes note of its end: from now on another process may get its number."""
        self._first.reap(self.pid)

    def end(self):
        if self._pidfd is None:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self.wait_gone()
        except ProcessLookupError:
            pass
        os.close(self._pidfd)
        self._pidfd = None
        self._channel.close()


Actor._first = Actor(comm="actors")  # while we are small, and have no threads

# --- cgroups ---


def container_id(text):
    """64 hexadecimal digits that are the test's own."""
    return (text.encode().hex() + f"{os.getpid():x}" + "0123456789abcdef" * 4)[:64]


class Cgroup:
    """A cgroup of the v2 tree, below one of the test's own. .path is from the tree's root."""

    def __init__(self, root, path):
        self.path, self._folder = path, root + path
        folder = root
        for part in path.strip("/").split("/"):
            folder += "/" + part
            if not os.path.isdir(folder):
                os.mkdir(folder)
                defer(self._remove, folder)

    def add(self, pid):
        with open(self._folder + "/cgroup.procs", "w") as file:
            file.write(str(pid))

    @staticmethod
    def _remove(folder):
        """It may take the kernel a moment to see the last process leave."""

        def try_remove():
            try:
                os.rmdir(folder)
            except OSError:
                return False
            return True

        wait_until(try_remove, f"{folder} is empty", 3)


class CgroupTree:
    """The v2 tree, where it is mounted."""

    def __init__(self):
        self._root = None
        with open("/proc/self/mountinfo") as file:
            for line in file:
                if " - cgroup2 " in line:
                    self._root = line.split()[4]

    def make(self, path):
        if self._root is None:
            raise Skip("there is no cgroup2 tree")
        try:
            return Cgroup(self._root, f"/rstwatch-test-{os.getpid()}{path}")
        except OSError as error:
            raise Skip(f"cannot make a cgroup: {error}") from None


# --- other work ---


def busy_tasks(count, seconds, cpus=None):
    """So many processes that keep switching, at the lowest priority, for at most so long; their
    pids, and what ends them."""
    pids = []
    for i in range(count):
        pid = os.fork()
        if not pid:
            _be_busy(i, seconds, cpus)
        pids.append(pid)

    def end():
        while pids:
            pid = pids.pop()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    defer(end)
    return list(pids), end


def _be_busy(index, seconds, cpus):
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends it
        os.closerange(3, 1 << 16)
        set_name(f"busy-{index}")
        os.nice(19)
        if cpus:
            os.sched_setaffinity(0, cpus)
        while True:
            for _ in range(50):
                os.sched_yield()
            time.sleep(0.0005)
    finally:
        os._exit(0)
