/*
 * The two programs that the protocol was first written down with: an accumulator that takes send,
 * throw and close, plain and behind a delegation; and probes of contagion, catching, an ignored
 * false and an argument block on a frame that is gone by the time the body runs.
 *
 * A body here waits at its yield only, and is entered again by next, send, throw or finish.
 */
#include "sem.h"

WEIR_SOURCE(accumulate, struct none)
{
    (void)args;
    long total = 0;
    int rc = 0;
    for (;;) {
        weir_item out = num_item(&total);
        if (!weir_yield(self, &out)) {
            if (weir_catch(self, RESET, NULL)) {
                printf("reset\n");
                total = 0;
                continue;
            }
            break; /* closed, canceled, or thrown something else: carries on by itself */
        }
        const weir_item *in = weir_received(self);
        if (in == NULL) {
            rc = weir_return(self, &out);
            break;
        }
        total += *num_of(in);
    }
    printf("cleanup %ld\n", total);
    return rc;
}

struct negated {
    weir_scope *scope;
};
WEIR_SOURCE(negated, struct negated)
{
    const weir_item *result;
    if (!weir_yield_from(self, accumulate(args->scope, NONE), &result)) {
        return 0;
    }
    long negative = -*num_of(result);
    weir_item out = num_item(&negative);
    if (!weir_yield(self, &out)) {
        return 0;
    }
    return 0;
}

static void drive(weir_gen *gen)
{
    weir_item item;
    weir_error error;
    long ten = 10, twenty = 20, five = 5;
    weir_item send[3] = {num_item(&ten), num_item(&twenty), num_item(&five)};

    sem_show("send 10 early", weir_send(gen, &send[0], &item), &item);
    sem_show("next", weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER, &item);
    for (int i = 0; i < 3; i++) {
        sem_show("send", weir_send(gen, &send[i], &item), &item);
    }
    sem_show("throw reset", weir_throw(gen, RESET, "start again", &item), &item);
    sem_show("send 20", weir_send(gen, &send[1], &item), &item);
    int rc = weir_finish(gen, &error); /* close */
    printf("close -> %d\n", rc);
}

static void accumulator(weir_scope *scope)
{
    weir_item item;
    weir_error error;

    drive(accumulate(scope, NONE));
    drive(negated(scope, (struct negated){scope}));

    /* a thrown error that nobody catches comes out at the end, through the delegation */
    weir_gen *gen = negated(scope, (struct negated){scope});
    sem_show("next", weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER, &item);
    sem_show("throw fatal", weir_throw(gen, FATAL, "boom", &item), &item);
    sem_show("next", weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER, &item);
    int rc = weir_finish(gen, &error);
    printf("finish -> %s: %s\n", rc == FATAL ? "fatal" : "?", error.message);

    /* the inner return value arrives as the result of yield from */
    gen = negated(scope, (struct negated){scope});
    long seven = 7;
    weir_item send = num_item(&seven);
    sem_show("next", weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER, &item);
    sem_show("send 7", weir_send(gen, &send, &item), &item);
    sem_show("next", weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER, &item);
    sem_show("next", weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER, &item);
    rc = weir_finish(gen, &error);
    printf("finish -> %d\n", rc);
}

struct limit {
    long n;
    int fail_at;
};
WEIR_SOURCE(count, struct limit)
{
    long i;
    for (i = 1; args->n < 0 || i <= args->n; i++) {
        if (i == args->fail_at) {
            return weir_fail(self, WEIR_EPARSE, "item %ld", i);
        }
        weir_item it = num_item(&i);
        if (!weir_yield(self, &it)) {
            break;
        }
    }
    printf("[count ends at %ld]\n", i);
    return 0;
}

/* Looks at no result of weir_yield, and ends all the same. */
WEIR_STAGE(sloppy, struct none)
{
    (void)args;
    weir_item it;
    while (weir_next(up, &it)) {
        if (!weir_yield(self, &it)) {
            continue;
        }
    }
    return 0;
}

WEIR_STAGE(forgiving, struct none)
{
    (void)args;
    weir_item it;
    while (weir_next(up, &it)) {
        if (!weir_yield(self, &it)) {
            return 0;
        }
    }
    if (weir_catch(up, WEIR_EPARSE, NULL)) {
        long m = -1;
        it = num_item(&m);
        if (!weir_yield(self, &it)) {
            return 0;
        }
    }
    return 0;
}

static weir_gen *make(weir_scope *scope)
{
    struct limit on_my_stack = {-1, 0};
    return sloppy(count(scope, on_my_stack), NONE);
}

static void probe(const char *name, weir_gen *gen, int max)
{
    weir_item it;
    weir_error e;
    int n = 0;
    long last = 0;
    while (n < max && weir_next(gen, &it)) {
        n++;
        last = *num_of(&it);
    }
    int rc = weir_finish(gen, &e);
    printf("%s: %d items, last %ld, rc %d %s %s\n", name, n, last, rc, e.origin, e.message);
}

static void contract(weir_scope *scope)
{
    struct limit breaks = {5, 3};
    probe("contagion", sloppy(sloppy(count(scope, breaks), NONE), NONE), 99);
    probe("caught", sloppy(forgiving(count(scope, breaks), NONE), NONE), 99);
    probe("close endless through a sloppy stage", make(scope), 3);
    probe("unstarted", make(scope), 0);
}

const struct sem_program sem_seeds[] = {
    SEM_PROGRAM(accumulator),
    SEM_PROGRAM(contract),
    SEM_END,
};
