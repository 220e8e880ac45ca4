from contextlib import ExitStack, closing
from itertools import count

from sem_common import Fatal, Parse, Reader, Reset, Retry, Skip, name, numbers


def clinging():
    try:
        try:
            yield from count(1)
        except Exception as error:
            print("any: took", name(error))
        except BaseException as error:
            print("any: did not take", name(error))
            raise
    except Exception as error:
        print("by code: took", name(error))
    except BaseException as error:
        print("by code: did not take", name(error))
        raise


def a_close_is_told_and_not_taken():
    gen = Reader(clinging())
    gen.first(2)
    gen.finish()


def stubborn(times):
    try:
        yield 0
        return
    except GeneratorExit:
        pass
    for i in range(1, times + 1):
        print(f"ignores the close, {i}")
        try:
            yield i
            return
        except GeneratorExit:
            pass
    print("stubborn ends")


def a_yield_after_a_close_is_told():
    gen = Reader(stubborn(1))
    gen.next()
    gen.finish()


def ignored_more_than_once():
    for times in range(4):
        gen = Reader(stubborn(times))
        gen.next()
        gen.finish()


def inner_help():
    try:
        yield 1
        yield 2
    finally:
        print("the helper's helper lets go")


def outer_help():
    try:
        yield from inner_help()
        yield 3
    finally:
        print("the helper lets go")


def helped():
    try:
        yield from outer_help()
        yield 4
        print("to the end")
    finally:
        print("the body lets go")


def clean_up_unwinds_the_calls():
    for items in range(1, 6):
        gen = Reader(helped())
        gen.first(items)
        gen.finish()


class Resource:
    def __init__(self, what):
        self.what = what

    def __enter__(self):
        print(f"take the {self.what}")
        return self.what

    def __exit__(self, *_):
        print(f"give back the {self.what}")


def resources():
    with ExitStack() as stack:
        for what in ("socket", "file", "lock"):
            yield stack.enter_context(Resource(what))


def what_was_taken_is_given_back_in_reverse():
    for items in range(5):
        gen = Reader(resources())
        gen.first(items)
        gen.finish()


def spoiled(fails):
    try:
        yield 1
        print("went on")
    finally:
        print("cleaning up")
        if fails:
            raise Fatal("the disk is full")


def a_clean_up_that_fails_is_told():
    for fails in (False, True):
        gen = Reader(spoiled(fails))
        gen.next()
        gen.finish()
    gen = Reader(spoiled(True))
    gen.next()
    gen.next()
    gen.finish()


def replacing():
    try:
        yield 1
    except Exception as error:
        print("dropping", name(error))
        raise
    finally:
        raise Fatal("raised in the clean-up")


def a_clean_up_may_replace_the_failure():
    gen = Reader(replacing())
    gen.next()
    gen.throw(Retry("the first one"))
    gen.finish()
    gen = Reader(replacing())
    gen.next()
    gen.next()
    gen.finish()


def exits(fail):
    try:
        yield 1
        if fail:
            raise Parse("by itself")
    finally:
        print("clean-up")


def clean_up_runs_once_on_every_way_out():
    print("end")
    Reader(exits(False)).all()
    print("failure")
    Reader(exits(True)).all()
    print("throw")
    gen = Reader(exits(False))
    gen.next()
    gen.throw(Fatal("from outside"))
    gen.next()
    gen.finish()
    print("close")
    gen = Reader(exits(True))
    gen.next()
    gen.finish()


def accountant():
    try:
        yield from count(1)
    finally:
        books = numbers(1, 4)
        total = sum(books)
        Reader(books).finish()
        print(f"the books say {total}")


def a_clean_up_may_read_a_generator_of_its_own():
    gen = Reader(accountant())
    gen.first(2)
    gen.finish()


def named(what, most):
    try:
        yield from range(1, most + 1)
    finally:
        print(f"{what} is cleaned up")


def keeper(fail):
    with ExitStack() as stack:
        try:
            kept = [stack.enter_context(closing(named(what, 1 if what == "second" else 9)))
                    for what in ("first", "second", "third", "fourth")]
            for value in kept[1]:
                print(f"second gave {value}")
            next(kept[0])
            yield next(kept[3])
            if fail:
                raise Fatal("keeper fails")
        finally:
            print("keeper is cleaned up")


def adopted_generators_are_closed_last_first():
    print("at the end")
    Reader(keeper(False)).all()
    print("after a failure")
    Reader(keeper(True)).all()
    print("after a close")
    gen = Reader(keeper(False))
    gen.next()
    gen.finish()
    print("after a throw")
    gen = Reader(keeper(False))
    gen.next()
    gen.throw(Skip("go"))
    gen.finish()


def switching():
    with closing(named("one", 100)) as one, closing(named("two", 100)) as two:
        for _ in range(2):
            yield next(one)
        Reader(one).finish()
        try:
            for value in two:
                yield value * 1000
        finally:
            print("switching ends")


def an_adopted_one_may_be_finished_early():
    gen = Reader(switching())
    gen.first(4)
    gen.finish()
    gen = Reader(switching())
    gen.first(1)
    gen.finish()


def relay(up, what, more):
    with closing(up):
        try:
            for value in up:
                yield value + more
        finally:
            print(f"{what} is cleaned up")


def chain(most):
    return relay(relay(named("source", most), "near", 10), "far", 100)


def a_chain_is_closed_from_its_reader_up():
    gen = Reader(chain(9))
    gen.first(2)
    gen.finish()
    print("at its end")
    Reader(chain(2)).all()
    print("never started")
    Reader(chain(2)).finish()


def a_discarded_one_is_closed():
    gen = chain(9)
    print("next ->", next(gen))
    gen.close()
    print("discarded")
    chain(9).close()
    print("discarded before its start")


def errand(items):
    print("the errand begins")
    try:
        yield from range(1, items + 1)
    except GeneratorExit:
        print("the errand is cut short")
        raise
    print("the errand is done")
    return 7


def tidying(items):
    try:
        yield 0
    finally:
        print("tidying")
        result = yield from errand(items)
        print("the errand gave", result)
        yield from range(5, 5)
        print("tidy")


def a_clean_up_may_delegate():
    for items in range(3):
        gen = Reader(tidying(items))
        gen.next()
        gen.finish()


def raises_it_again():
    try:
        yield 1
    except BaseException as error:
        print("taken" if isinstance(error, Exception) else "ended", "by", name(error))
        raise type(error)("again") if isinstance(error, Exception) else error


def a_close_may_be_raised_again():
    gen = Reader(raises_it_again())
    gen.next()
    gen.finish()
    gen = Reader(raises_it_again())
    gen.next()
    gen.throw(Reset("once"))
    gen.finish()


PROGRAMS = [
    a_close_is_told_and_not_taken, a_yield_after_a_close_is_told, ignored_more_than_once,
    clean_up_unwinds_the_calls, what_was_taken_is_given_back_in_reverse,
    a_clean_up_that_fails_is_told, a_clean_up_may_replace_the_failure,
    clean_up_runs_once_on_every_way_out, a_clean_up_may_read_a_generator_of_its_own,
    adopted_generators_are_closed_last_first, an_adopted_one_may_be_finished_early,
    a_chain_is_closed_from_its_reader_up, a_discarded_one_is_closed, a_clean_up_may_delegate,
    a_close_may_be_raised_again,
]
