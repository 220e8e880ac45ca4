"""What the Python halves of the semantics programs share: the twins of the helpers in sem.h.

A trace speaks of values, of "over" and "refused", and of failures by name. An exception that leaves
a generator is shown as "over" where it is met and told once by finish, which is weir's contract;
everything else is CPython's own generator, driven by its own next, send, throw and close.
"""
import asyncio


class Reset(Exception):
    pass


class Fatal(Exception):
    pass


class Retry(Exception):
    pass


class Skip(Exception):
    pass


class Parse(Exception):
    pass


IGNORED = "ignored GeneratorExit"


def name(error):
    """The name of a failure; None is no failure."""
    if error is None:
        return "ok"
    if isinstance(error, GeneratorExit):
        return "closed"
    if isinstance(error, asyncio.CancelledError):
        return "canceled"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, RuntimeError) and IGNORED in str(error):
        return "ignored"
    return type(error).__name__


def show_finish(error):
    """The closing line of a generator."""
    if name(error) in ("ok", "ignored"):
        print("finish ->", name(error))
    else:
        print(f"finish -> {name(error)}: {error}")


def numbers(first, last):
    yield from range(first, last + 1)


class Reader:
    """Drives one generator and prints one line for each call."""

    def __init__(self, gen):
        self.gen = gen
        self.failure = None
        self.value = None

    def call(self, what, act):
        try:
            print(what, "->", act())
        except StopIteration as end:
            if end.value is not None:
                self.value = end.value
            print(what, "-> over")
        except TypeError as error:
            if "just-started" not in str(error):
                raise
            print(what, "-> refused")
        except (Exception, GeneratorExit, asyncio.CancelledError) as error:
            self.failure = self.failure or error
            print(what, "-> over")

    def next(self):
        self.call("next", lambda: next(self.gen))

    def send(self, value):
        self.call(f"send {value}", lambda: self.gen.send(value))

    def throw(self, error):
        self.call(f"throw {name(error)}", lambda: self.gen.throw(error))

    def result(self):
        print("result", "none" if self.value is None else self.value)

    def items(self, what, count):
        line = what + " ->"
        while count != 0:
            try:
                line += f" {next(self.gen)}"
            except StopIteration as end:
                if end.value is not None:
                    self.value = end.value
                break
            except Exception as error:
                self.failure = self.failure or error
                break
            count -= 1
        print(line)

    def first(self, count):
        self.items("first", count)

    def rest(self):
        self.items("rest", -1)

    def finish(self):
        # Until it is closed: the deallocator of a generator that ignored one would go on as well.
        while True:
            try:
                self.gen.close()
                break
            except RuntimeError as error:
                if IGNORED not in str(error):
                    raise
                self.failure = self.failure or error
            except Exception as error:
                self.failure = self.failure or error
                break
        show_finish(self.failure)

    def all(self):
        self.rest()
        self.finish()


class AsyncReader:
    """The same for an async generator: anext, asend, athrow, aclose."""

    def __init__(self, gen):
        self.gen = gen
        self.failure = None

    async def call(self, what, awaitable):
        try:
            print(what, "->", await awaitable)
        except StopAsyncIteration:
            print(what, "-> over")
        except TypeError as error:
            if "just-started" not in str(error):
                raise
            print(what, "-> refused")
        except Exception as error:
            self.failure = self.failure or error
            print(what, "-> over")

    async def next(self):
        await self.call("next", self.gen.__anext__())

    async def send(self, value):
        await self.call(f"send {value}", self.gen.asend(value))

    async def throw(self, error):
        await self.call(f"throw {name(error)}", self.gen.athrow(error))

    async def items(self, what, count):
        line = what + " ->"
        while count != 0:
            try:
                line += f" {await self.gen.__anext__()}"
            except StopAsyncIteration:
                break
            except Exception as error:
                self.failure = self.failure or error
                break
            count -= 1
        print(line)

    async def first(self, count):
        await self.items("first", count)

    async def rest(self):
        await self.items("rest", -1)

    async def finish(self):
        try:
            await self.gen.aclose()
        except Exception as error:
            self.failure = self.failure or error
        show_finish(self.failure)

    async def all(self):
        await self.rest()
        await self.finish()
