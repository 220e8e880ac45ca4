/*
 * weir_finish as CPython's close(): the pending yield returns false, the body cleans up, and
 * whatever it had adopted is closed after it, the last adopted first.
 *
 * A close is told by weir_catch but never taken. A body that yields once more has ignored it,
 * which finish tells. What a clean-up raises is a failure like any other, and finish tells that
 * too. A body in its clean-up may still run generators that it did not adopt.
 */
#include "sem.h"

WEIR_SOURCE(clinging, struct none)
{
    (void)args;
    weir_error error;
    for (long i = 1; sem_give(self, i); i++) {}
    bool taken = weir_catch(self, WEIR_ANY, &error);
    printf("any: %s %s\n", taken ? "took" : "did not take", sem_name(error.code));
    taken = weir_catch(self, WEIR_ECLOSED, &error);
    printf("by code: %s %s\n", taken ? "took" : "did not take", sem_name(error.code));
    return 0;
}

static void a_close_is_told_and_not_taken(weir_scope *scope)
{
    weir_gen *gen = clinging(scope, NONE);
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

struct stubborn {
    int times;
};
WEIR_SOURCE(stubborn, struct stubborn)
{
    if (sem_give(self, 0)) {
        return 0;
    }
    for (int i = 1; i <= args->times; i++) {
        printf("ignores the close, %d\n", i);
        if (sem_give(self, i)) {
            return 0;
        }
    }
    printf("stubborn ends\n");
    return 0;
}

static void a_yield_after_a_close_is_told(weir_scope *scope)
{
    weir_gen *gen = stubborn(scope, (struct stubborn){1});
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void ignored_more_than_once(weir_scope *scope)
{
    for (int times = 0; times < 4; times++) {
        weir_gen *gen = stubborn(scope, (struct stubborn){times});
        sem_do_next(gen);
        sem_do_finish(gen);
    }
}

static bool inner_help(weir_gen *self)
{
    bool more = sem_give(self, 1) && sem_give(self, 2);
    printf("the helper's helper lets go\n");
    return more;
}

static bool outer_help(weir_gen *self)
{
    bool more = inner_help(self) && sem_give(self, 3);
    printf("the helper lets go\n");
    return more;
}

WEIR_SOURCE(helped, struct none)
{
    (void)args;
    if (outer_help(self) && sem_give(self, 4)) {
        printf("to the end\n");
    }
    printf("the body lets go\n");
    return 0;
}

static void clean_up_unwinds_the_calls(weir_scope *scope)
{
    for (int items = 1; items <= 5; items++) {
        weir_gen *gen = helped(scope, NONE);
        sem_do_first(gen, items);
        sem_do_finish(gen);
    }
}

WEIR_SOURCE(resources, struct none)
{
    (void)args;
    static const char *const names[] = {"socket", "file", "lock"};
    size_t held = 0;
    while (held < LEN(names)) {
        printf("take the %s\n", names[held]);
        if (!sem_give_text(self, names[held++])) {
            break;
        }
    }
    while (held > 0) {
        printf("give back the %s\n", names[--held]);
    }
    return 0;
}

static void what_was_taken_is_given_back_in_reverse(weir_scope *scope)
{
    for (int items = 0; items <= 4; items++) {
        weir_gen *gen = resources(scope, NONE);
        sem_do_first(gen, items);
        sem_do_finish(gen);
    }
}

struct spoiled {
    int fails;
};
WEIR_SOURCE(spoiled, struct spoiled)
{
    if (sem_give(self, 1)) {
        printf("went on\n");
    }
    printf("cleaning up\n");
    return args->fails ? weir_fail(self, FATAL, "the disk is full") : 0;
}

static void a_clean_up_that_fails_is_told(weir_scope *scope)
{
    for (int fails = 0; fails < 2; fails++) {
        weir_gen *gen = spoiled(scope, (struct spoiled){fails});
        sem_do_next(gen);
        sem_do_finish(gen);
    }
    weir_gen *gen = spoiled(scope, (struct spoiled){1});
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
}

/* What Python does by raising in a finally is said in C: take what is pending, then fail. */
WEIR_SOURCE(replacing, struct none)
{
    (void)args;
    weir_error error;
    bool more = sem_give(self, 1);
    if (!more && weir_catch(self, WEIR_ANY, &error)) {
        printf("dropping %s\n", sem_name(error.code));
    }
    return weir_fail(self, FATAL, "raised in the clean-up");
}

static void a_clean_up_may_replace_the_failure(weir_scope *scope)
{
    weir_gen *gen = replacing(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RETRY, "the first one");
    sem_do_finish(gen);
    gen = replacing(scope, NONE);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
}

struct exits {
    int fail;
};
WEIR_SOURCE(exits, struct exits)
{
    int rc = 0;
    if (sem_give(self, 1) && args->fail) {
        rc = weir_fail(self, WEIR_EPARSE, "by itself");
    }
    printf("clean-up\n");
    return rc;
}

static void clean_up_runs_once_on_every_way_out(weir_scope *scope)
{
    printf("end\n");
    sem_do_all(exits(scope, (struct exits){0}));
    printf("failure\n");
    sem_do_all(exits(scope, (struct exits){1}));
    printf("throw\n");
    weir_gen *gen = exits(scope, (struct exits){0});
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "from outside");
    sem_do_next(gen);
    sem_do_finish(gen);
    printf("close\n");
    gen = exits(scope, (struct exits){1});
    sem_do_next(gen);
    sem_do_finish(gen);
}

struct place {
    weir_scope *scope;
};
WEIR_SOURCE(accountant, struct place)
{
    long sum = 0, value;
    for (long i = 1; sem_give(self, i); i++) {}
    weir_gen *books = sem_numbers(args->scope, 1, 4);
    while (sem_take(books, &value)) {
        sum += value;
    }
    sem_do_finish(books);
    printf("the books say %ld\n", sum);
    return 0;
}

static void a_clean_up_may_read_a_generator_of_its_own(weir_scope *scope)
{
    weir_gen *gen = accountant(scope, (struct place){scope});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

struct named {
    const char *name;
    long count;
};
WEIR_SOURCE(named, struct named)
{
    for (long i = 1; i <= args->count; i++) {
        if (!sem_give(self, i)) {
            break;
        }
    }
    printf("%s is cleaned up\n", args->name);
    return 0;
}

struct keeper {
    weir_scope *scope;
    int fail;
};
/* Adopts three, of which the second is read to its end and the third is never started. */
WEIR_SOURCE(keeper, struct keeper)
{
    static const char *const names[] = {"first", "second", "third", "fourth"};
    weir_gen *kept[4];
    long value;
    int rc = 0;
    for (size_t i = 0; i < LEN(kept); i++) {
        kept[i] = named(args->scope, (struct named){names[i], i == 1 ? 1 : 9});
        weir_adopt(self, kept[i]);
    }
    while (sem_take(kept[1], &value)) {
        printf("second gave %ld\n", value);
    }
    if (!sem_take(kept[0], &value) || !sem_take(kept[3], &value)) {
        return weir_fail(self, RETRY, "they should give");
    }
    if (sem_give(self, value) && args->fail) {
        rc = weir_fail(self, FATAL, "keeper fails");
    }
    printf("keeper is cleaned up\n");
    return rc;
}

static void adopted_generators_are_closed_last_first(weir_scope *scope)
{
    printf("at the end\n");
    sem_do_all(keeper(scope, (struct keeper){scope, 0}));
    printf("after a failure\n");
    sem_do_all(keeper(scope, (struct keeper){scope, 1}));
    printf("after a close\n");
    weir_gen *gen = keeper(scope, (struct keeper){scope, 0});
    sem_do_next(gen);
    sem_do_finish(gen);
    printf("after a throw\n");
    gen = keeper(scope, (struct keeper){scope, 0});
    sem_do_next(gen);
    sem_do_throw(gen, SKIP, "go");
    sem_do_finish(gen);
}

/* Finishes the first early and reads the second on. */
WEIR_SOURCE(switching, struct place)
{
    long value;
    weir_gen *one = named(args->scope, (struct named){"one", 100});
    weir_gen *two = named(args->scope, (struct named){"two", 100});
    weir_adopt(self, one);
    weir_adopt(self, two);
    for (int i = 0; i < 2; i++) {
        if (!sem_take(one, &value) || !sem_give(self, value)) {
            return 0;
        }
    }
    sem_do_finish(one);
    while (sem_take(two, &value) && sem_give(self, value * 1000)) {}
    printf("switching ends\n");
    return 0;
}

static void an_adopted_one_may_be_finished_early(weir_scope *scope)
{
    weir_gen *gen = switching(scope, (struct place){scope});
    sem_do_first(gen, 4);
    sem_do_finish(gen);
    gen = switching(scope, (struct place){scope});
    sem_do_first(gen, 1);
    sem_do_finish(gen);
}

WEIR_STAGE(relay, struct named)
{
    long value;
    while (sem_take(up, &value) && sem_give(self, value + args->count)) {}
    printf("%s is cleaned up\n", args->name);
    return 0;
}

static weir_gen *chain(weir_scope *scope, long count)
{
    weir_gen *gen = named(scope, (struct named){"source", count});
    gen = relay(gen, (struct named){"near", 10});
    return relay(gen, (struct named){"far", 100});
}

static void a_chain_is_closed_from_its_reader_up(weir_scope *scope)
{
    weir_gen *gen = chain(scope, 9);
    sem_do_first(gen, 2);
    sem_do_finish(gen);
    printf("at its end\n");
    sem_do_all(chain(scope, 2));
    printf("never started\n");
    sem_do_finish(chain(scope, 2));
}

static void a_discarded_one_is_closed(weir_scope *scope)
{
    weir_gen *gen = chain(scope, 9);
    sem_do_next(gen);
    weir_discard(gen);
    printf("discarded\n");
    weir_discard(NULL);
    weir_discard(chain(scope, 9));
    printf("discarded before its start\n");
}

struct tidying {
    weir_scope *scope;
    int items; /* that its clean-up gives by way of a delegate */
};

WEIR_SOURCE(errand, struct tidying)
{
    printf("the errand begins\n");
    for (long i = 1; i <= args->items; i++) {
        if (!sem_give(self, i)) {
            printf("the errand is cut short\n");
            return 0;
        }
    }
    printf("the errand is done\n");
    long value = 7;
    weir_item out = num_item(&value);
    return weir_return(self, &out);
}

WEIR_SOURCE(tidying, struct tidying)
{
    const weir_item *result;
    if (!sem_give(self, 0)) {
        printf("tidying\n");
    }
    if (!weir_yield_from(self, errand(args->scope, *args), &result)) {
        return 0;
    }
    printf("the errand gave %ld\n", *num_of(result));
    if (!weir_yield_from(self, sem_numbers(args->scope, 5, 4), NULL)) {
        return 0;
    }
    printf("tidy\n");
    return 0;
}

static void a_clean_up_may_delegate(weir_scope *scope)
{
    for (int items = 0; items < 3; items++) {
        weir_gen *gen = tidying(scope, (struct tidying){scope, items});
        sem_do_next(gen);
        sem_do_finish(gen);
    }
}

WEIR_SOURCE(raises_it_again, struct none)
{
    (void)args;
    weir_error error;
    if (sem_give(self, 1)) {
        return 0;
    }
    bool taken = weir_catch(self, WEIR_ANY, &error);
    printf("%s by %s\n", taken ? "taken" : "ended", sem_name(error.code));
    return weir_fail(self, error.code, "again");
}

static void a_close_may_be_raised_again(weir_scope *scope)
{
    weir_gen *gen = raises_it_again(scope, NONE);
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = raises_it_again(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "once");
    sem_do_finish(gen);
}

const struct sem_program sem_close[] = {
    SEM_PROGRAM(a_close_is_told_and_not_taken),
    SEM_PROGRAM(a_yield_after_a_close_is_told),
    SEM_PROGRAM(ignored_more_than_once),
    SEM_PROGRAM(clean_up_unwinds_the_calls),
    SEM_PROGRAM(what_was_taken_is_given_back_in_reverse),
    SEM_PROGRAM(a_clean_up_that_fails_is_told),
    SEM_PROGRAM(a_clean_up_may_replace_the_failure),
    SEM_PROGRAM(clean_up_runs_once_on_every_way_out),
    SEM_PROGRAM(a_clean_up_may_read_a_generator_of_its_own),
    SEM_PROGRAM(adopted_generators_are_closed_last_first),
    SEM_PROGRAM(an_adopted_one_may_be_finished_early),
    SEM_PROGRAM(a_chain_is_closed_from_its_reader_up),
    SEM_PROGRAM(a_discarded_one_is_closed),
    SEM_PROGRAM(a_clean_up_may_delegate),
    SEM_PROGRAM(a_close_may_be_raised_again),
    SEM_END,
};
