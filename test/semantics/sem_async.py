import asyncio
import functools
from contextlib import aclosing

from sem_common import AsyncReader, Fatal, Parse, Reset, Retry, Skip, name

PROGRAMS = []


def program(function):
    @functools.wraps(function)
    def run():
        asyncio.run(function())
    PROGRAMS.append(run)
    return run


async def nap_aloud(when):
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        print(f"nap {when}: canceled")
        raise
    print(f"nap {when}: slept")


async def ticker(last):
    i = 1
    try:
        while i <= last:
            await nap_aloud("before an item")
            yield i
            i += 1
    finally:
        await nap_aloud("in the clean-up")
        print("ticker ends at", i)


@program
async def items_that_are_waited_for():
    gen = AsyncReader(ticker(3))
    await gen.next()
    await gen.all()


@program
async def a_close_waits_for_the_clean_up():
    gen = AsyncReader(ticker(9))
    await gen.first(2)
    await gen.finish()
    print("closed")


@program
async def a_close_before_the_start_waits_for_nothing():
    gen = AsyncReader(ticker(9))
    await gen.finish()
    print("closed")


@program
async def an_uncaught_throw_waits_for_the_clean_up():
    gen = AsyncReader(ticker(9))
    await gen.next()
    await gen.throw(Fatal("thrown into a waiting body"))
    await gen.next()
    await gen.finish()


@program
async def a_throw_before_the_start_runs_no_wait():
    gen = AsyncReader(ticker(9))
    await gen.throw(Reset("early"))
    await gen.next()
    await gen.finish()


async def adder():
    total = 0
    try:
        while True:
            try:
                value = yield total
            except Reset:
                await nap_aloud("while handling")
                total = 0
                continue
            await nap_aloud("after a send")
            total += value or 0
    finally:
        await nap_aloud("at the end")
        print("adder had", total)


@program
async def a_send_to_a_body_that_waits():
    gen = AsyncReader(adder())
    await gen.next()
    await gen.send(4)
    await gen.send(5)
    await gen.next()
    await gen.finish()


@program
async def an_early_send_is_refused():
    gen = AsyncReader(adder())
    await gen.send(4)
    await gen.next()
    await gen.send(5)
    await gen.finish()


@program
async def a_throw_is_handled_with_a_wait():
    gen = AsyncReader(adder())
    await gen.next()
    await gen.send(7)
    await gen.throw(Reset())
    await gen.send(1)
    await gen.throw(Skip("not for this one"))
    await gen.finish()


async def deaf():
    try:
        yield 1
    except GeneratorExit:
        await nap_aloud("after the close")
        yield 2


@program
async def a_close_that_is_ignored():
    gen = AsyncReader(deaf())
    await gen.next()
    await gen.finish()
    # It stands at its second yield, where asyncio would find it at exit: run it to its end.
    async for _ in gen.gen:
        pass


async def failing_late():
    i = 1
    try:
        while True:
            yield i
            i += 1
    finally:
        await nap_aloud("before it fails")
        raise Fatal("the connection would not close")


@program
async def a_waiting_clean_up_that_fails():
    gen = AsyncReader(failing_late())
    await gen.first(2)
    await gen.finish()


async def scaled(up, what, factor):
    async with aclosing(up):
        try:
            async for value in up:
                await asyncio.sleep(0)
                yield value * factor
        finally:
            print(what, "begins its clean-up")
            await nap_aloud(what)
            print(what, "is cleaned up")


def chain(gen):
    return scaled(scaled(gen, "tens", 10), "sevens", 7)


@program
async def a_waiting_chain_at_its_end():
    await AsyncReader(chain(ticker(2))).all()


@program
async def a_waiting_chain_is_closed_in_order():
    gen = AsyncReader(chain(ticker(9)))
    await gen.next()
    await gen.finish()
    print("closed")


async def breaking(good):
    for i in range(1, good + 1):
        yield i
    await nap_aloud("before it breaks")
    raise Parse(f"broken after {good}")


@program
async def a_failure_travels_through_waiting_stages():
    await AsyncReader(chain(breaking(2))).all()


async def patient():
    for attempt in range(3):
        async with aclosing(breaking(attempt)) as gen:
            try:
                async for value in gen:
                    yield value
                return
            except Parse as error:
                print(error)
        await nap_aloud("before the next attempt")
    raise Fatal("no patience left")


@program
async def another_attempt_after_a_wait():
    await AsyncReader(patient()).all()


async def outer():
    try:
        try:
            async with aclosing(ticker(2)) as inner:
                async for value in inner:
                    yield value
        except BaseException as error:
            print("outer:", name(error))
            raise
        print("outer: goes on")
        try:
            yield 100
        except GeneratorExit:
            print("closed at 100")
            raise
    finally:
        await nap_aloud("in outer")


@program
async def a_delegation_that_waits():
    await AsyncReader(outer()).all()
    for items in (1, 3):
        gen = AsyncReader(outer())
        await gen.first(items)
        await gen.finish()


@program
async def two_read_by_turns():
    one, two = AsyncReader(ticker(2)), AsyncReader(adder())
    await one.next()
    await two.next()
    await one.next()
    await two.send(3)
    await one.next()
    await two.finish()
    await one.finish()


async def endless():
    try:
        yield 1
        try:
            await asyncio.sleep(3600)
            print("the hour is over")
        except asyncio.CancelledError:
            print("the hour was cut short")
            raise
    finally:
        await nap_aloud("after the cancel")
        print("endless is cleaned up")


async def wait_endlessly(ready):
    async with aclosing(endless()) as gen:
        print("the reader got", await gen.__anext__())
        if ready is not None:
            ready.set()
        try:
            await gen.__anext__()
        except asyncio.CancelledError:
            print("nothing more came")
            raise


@program
async def a_canceled_task_cleans_up():
    ready = asyncio.Event()
    task = asyncio.create_task(wait_endlessly(ready))
    await ready.wait()
    print("ready")
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    print("wait ->", "ok" if isinstance(outcome, asyncio.CancelledError) else name(outcome))


@program
async def a_deadline_ends_the_wait():
    try:
        async with asyncio.timeout(0.02):
            await wait_endlessly(None)
        print("wait -> ok")
    except TimeoutError as error:
        print("wait ->", name(error))


async def fail_when_ready(ready):
    await ready.wait()
    print("the other task fails")
    raise Fatal()


@program
async def the_failure_of_one_task_cancels_the_rest():
    ready = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_endlessly(ready))
            group.create_task(fail_when_ready(ready))
        print("wait -> ok")
    except ExceptionGroup as errors:
        print("wait ->", name(errors.exceptions[0]))


async def queue_end(queue):
    while True:
        item = await queue.get()
        if item is None:
            return
        if isinstance(item, Exception):
            raise item
        yield item


async def produce(queue, last, failure):
    for i in range(1, last + 1):
        await queue.put(i)
    await queue.put(failure)


async def consume(last, failure):
    queue = asyncio.Queue(2)
    task = asyncio.create_task(produce(queue, last, failure))
    await AsyncReader(scaled(queue_end(queue), "squared up", 3)).all()
    print("wait ->", name(await task))


@program
async def a_queue_between_two_tasks():
    await consume(9, None)
    await consume(0, None)


@program
async def a_writers_failure_follows_its_items():
    await consume(4, Retry("the producer breaks"))


async def quiet(last):
    for i in range(1, last + 1):
        await asyncio.sleep(0)
        yield i


async def add_up(last):
    total = 0
    async with aclosing(quiet(last)) as gen:
        async for value in gen:
            total += value
    return total


@program
async def tasks_side_by_side():
    sums = await asyncio.gather(*(add_up(last) for last in (10, 3, 100)))
    print("wait -> ok")
    print(*sums)
