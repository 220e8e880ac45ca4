/*
 * Bodies that wait, beside CPython's async generators: asend, athrow and aclose, and clean-up that
 * awaits.
 *
 * weir has one kind of generator: a body that sleeps parks its task and is resumed where it was.
 * The programs wait for an item, while handling a throw, and above all in clean-up, where a wait
 * after a close still works. Where tasks run side by side a program prints only what does not
 * depend on who ran first. A sleep of a nap is "await sleep(0)"; a sleep of an hour never ends by
 * itself and is there to be canceled.
 */
#include "sem.h"

static bool nap(weir_gen *self)
{
    return weir_sleep(weir_gen_scope(self), 0);
}

/* One line that says whether a wait worked. */
static void nap_aloud(weir_gen *self, const char *when)
{
    printf("nap %s: %s\n", when, nap(self) ? "slept" : "canceled");
}

struct ticks {
    long last;
};
WEIR_SOURCE(ticker, struct ticks)
{
    long i;
    for (i = 1; i <= args->last; i++) {
        nap_aloud(self, "before an item");
        if (!sem_give(self, i)) {
            break;
        }
    }
    nap_aloud(self, "in the clean-up");
    printf("ticker ends at %ld\n", i);
    return 0;
}

static void items_that_are_waited_for(weir_scope *scope)
{
    weir_gen *gen = ticker(scope, (struct ticks){3});
    sem_do_next(gen);
    sem_do_all(gen);
}

static void a_close_waits_for_the_clean_up(weir_scope *scope)
{
    weir_gen *gen = ticker(scope, (struct ticks){9});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
    printf("closed\n");
}

static void a_close_before_the_start_waits_for_nothing(weir_scope *scope)
{
    weir_gen *gen = ticker(scope, (struct ticks){9});
    sem_do_finish(gen);
    printf("closed\n");
}

static void an_uncaught_throw_waits_for_the_clean_up(weir_scope *scope)
{
    weir_gen *gen = ticker(scope, (struct ticks){9});
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "thrown into a waiting body");
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void a_throw_before_the_start_runs_no_wait(weir_scope *scope)
{
    weir_gen *gen = ticker(scope, (struct ticks){9});
    sem_do_throw(gen, RESET, "early");
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_SOURCE(adder, struct none)
{
    (void)args;
    long total = 0;
    for (;;) {
        if (sem_give(self, total)) {
            nap_aloud(self, "after a send");
            total += sem_received(self, 0);
        } else if (weir_catch(self, RESET, NULL)) {
            nap_aloud(self, "while handling");
            total = 0;
        } else {
            break;
        }
    }
    nap_aloud(self, "at the end");
    printf("adder had %ld\n", total);
    return 0;
}

static void a_send_to_a_body_that_waits(weir_scope *scope)
{
    weir_gen *gen = adder(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 4);
    sem_do_send(gen, 5);
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void an_early_send_is_refused(weir_scope *scope)
{
    weir_gen *gen = adder(scope, NONE);
    sem_do_send(gen, 4);
    sem_do_next(gen);
    sem_do_send(gen, 5);
    sem_do_finish(gen);
}

static void a_throw_is_handled_with_a_wait(weir_scope *scope)
{
    weir_gen *gen = adder(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 7);
    sem_do_throw(gen, RESET, "");
    sem_do_send(gen, 1);
    sem_do_throw(gen, SKIP, "not for this one");
    sem_do_finish(gen);
}

WEIR_SOURCE(deaf, struct none)
{
    (void)args;
    if (sem_give(self, 1)) {
        return 0;
    }
    nap_aloud(self, "after the close");
    return sem_last(self, 2);
}

static void a_close_that_is_ignored(weir_scope *scope)
{
    weir_gen *gen = deaf(scope, NONE);
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_SOURCE(failing_late, struct none)
{
    (void)args;
    for (long i = 1; sem_give(self, i); i++) {}
    nap_aloud(self, "before it fails");
    return weir_fail(self, FATAL, "the connection would not close");
}

static void a_waiting_clean_up_that_fails(weir_scope *scope)
{
    weir_gen *gen = failing_late(scope, NONE);
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

struct stage {
    const char *name;
    long factor;
};
WEIR_STAGE(scaled, struct stage)
{
    long value;
    while (sem_take(up, &value)) {
        if (!nap(self) || !sem_give(self, value * args->factor)) {
            break;
        }
    }
    printf("%s begins its clean-up\n", args->name);
    nap_aloud(self, args->name);
    printf("%s is cleaned up\n", args->name);
    return 0;
}

static weir_gen *chain(weir_gen *gen)
{
    gen = scaled(gen, (struct stage){"tens", 10});
    return scaled(gen, (struct stage){"sevens", 7});
}

static void a_waiting_chain_at_its_end(weir_scope *scope)
{
    sem_do_all(chain(ticker(scope, (struct ticks){2})));
}

static void a_waiting_chain_is_closed_in_order(weir_scope *scope)
{
    weir_gen *gen = chain(ticker(scope, (struct ticks){9}));
    sem_do_next(gen);
    sem_do_finish(gen);
    printf("closed\n");
}

struct breaking {
    long good;
};
WEIR_SOURCE(breaking, struct breaking)
{
    for (long i = 1; i <= args->good; i++) {
        if (!sem_give(self, i)) {
            return 0;
        }
    }
    nap_aloud(self, "before it breaks");
    return weir_fail(self, WEIR_EPARSE, "broken after %ld", args->good);
}

static void a_failure_travels_through_waiting_stages(weir_scope *scope)
{
    sem_do_all(chain(breaking(scope, (struct breaking){2})));
}

struct place {
    weir_scope *scope;
};
/* Tries again with a wait in between, and gives up in the end. */
WEIR_SOURCE(patient, struct place)
{
    weir_error error;
    long value;
    for (long attempt = 0; attempt < 3; attempt++) {
        weir_gen *gen = breaking(args->scope, (struct breaking){attempt});
        weir_adopt(self, gen);
        while (sem_take(gen, &value)) {
            if (!sem_give(self, value)) {
                return 0;
            }
        }
        if (!weir_catch(gen, WEIR_EPARSE, &error)) {
            return 0;
        }
        weir_discard(gen);
        printf("%s\n", error.message);
        nap_aloud(self, "before the next attempt");
    }
    return weir_fail(self, FATAL, "no patience left");
}

static void another_attempt_after_a_wait(weir_scope *scope)
{
    sem_do_all(patient(scope, (struct place){scope}));
}

/* An async generator in Python cannot delegate: there it is a loop in an aclosing(). Next and
 * close are the same. */
WEIR_SOURCE(outer, struct place)
{
    const weir_item *result;
    bool more = weir_yield_from(self, ticker(args->scope, (struct ticks){2}), &result);
    printf("outer: %s\n", more ? "goes on" : sem_pending(self));
    if (more && !sem_give(self, 100)) {
        printf("closed at 100\n");
    }
    nap_aloud(self, "in outer");
    return 0;
}

static void a_delegation_that_waits(weir_scope *scope)
{
    sem_do_all(outer(scope, (struct place){scope}));
    for (int items = 1; items <= 3; items += 2) {
        weir_gen *gen = outer(scope, (struct place){scope});
        sem_do_first(gen, items);
        sem_do_finish(gen);
    }
}

static void two_read_by_turns(weir_scope *scope)
{
    weir_gen *one = ticker(scope, (struct ticks){2});
    weir_gen *two = adder(scope, NONE);
    sem_do_next(one);
    sem_do_next(two);
    sem_do_next(one);
    sem_do_send(two, 3);
    sem_do_next(one);
    sem_do_finish(two);
    sem_do_finish(one);
}

/* Ends its reader's patience: one item, then a wait that only a cancel ends. */
WEIR_SOURCE(endless, struct none)
{
    (void)args;
    if (sem_give(self, 1)) {
        bool slept = weir_sleep(weir_gen_scope(self), 3600 * 1000);
        printf("the hour %s\n", slept ? "is over" : "was cut short");
    }
    nap_aloud(self, "after the cancel");
    printf("endless is cleaned up\n");
    return 0;
}

struct signal {
    weir_sink *ready;
    weir_gen *wait_for;
};

/* Tells `ready` after the first item and then waits for one that never comes. */
static int wait_endlessly(weir_scope *scope, void *args)
{
    struct signal *signal = args;
    weir_gen *gen = endless(scope, NONE);
    weir_error error;
    long value;
    if (sem_take(gen, &value)) {
        printf("the reader got %ld\n", value);
    }
    if (signal->ready != NULL) {
        weir_item item = num_item(&value);
        bool told = weir_put(signal->ready, &item);
        told = weir_sink_finish(signal->ready, &error) == 0 && told;
        printf("%s", told ? "" : "the reader could not tell\n");
    }
    if (!sem_take(gen, &value)) {
        printf("nothing more came\n");
    }
    weir_discard(gen);
    return 0;
}

static void a_canceled_task_cleans_up(weir_scope *scope)
{
    struct signal signal = {NULL, NULL};
    weir_gen *ready = weir_queue(scope, NULL, &signal.ready);
    weir_scope *inner = weir_scope_new(scope, NULL);
    weir_spawn(inner, "reader", wait_endlessly, &signal, sizeof signal);
    weir_item item;
    bool is_ready = weir_next(ready, &item);
    printf("%s\n", is_ready ? "ready" : "never ready");
    weir_scope_cancel(inner);
    printf("wait -> %s\n", sem_name(weir_scope_wait(inner, NULL)));
    weir_discard(ready);
}

static void a_deadline_ends_the_wait(weir_scope *scope)
{
    struct signal signal = {NULL, NULL};
    weir_scope *inner = weir_scope_new(scope, WEIR_OPTIONS(weir_scope_options, .deadline_ms = 20));
    weir_spawn(inner, "reader", wait_endlessly, &signal, sizeof signal);
    printf("wait -> %s\n", sem_name(weir_scope_wait(inner, NULL)));
}

static int fail_when_ready(weir_scope *scope, void *args)
{
    struct signal *signal = args;
    weir_item item;
    (void)scope;
    if (weir_next(signal->wait_for, &item)) {
        printf("the other task fails\n");
    }
    weir_discard(signal->wait_for);
    return FATAL;
}

static void the_failure_of_one_task_cancels_the_rest(weir_scope *scope)
{
    struct signal signal = {NULL, NULL};
    signal.wait_for = weir_queue(scope, NULL, &signal.ready);
    weir_scope *inner = weir_scope_new(scope, NULL);
    weir_spawn(inner, "reader", wait_endlessly, &signal, sizeof signal);
    weir_spawn(inner, "failing", fail_when_ready, &signal, sizeof signal);
    printf("wait -> %s\n", sem_name(weir_scope_wait(inner, NULL)));
}

struct producer {
    weir_sink *in;
    long last;
    int code;
};
static int produce(weir_scope *scope, void *args)
{
    struct producer *p = args;
    weir_error error = {.code = p->code, .offset = -1};
    (void)scope;
    for (long i = 1; i <= p->last; i++) {
        weir_item item = num_item(&i);
        if (!weir_put(p->in, &item)) {
            break;
        }
    }
    if (p->code == 0) {
        return weir_sink_finish(p->in, &error);
    }
    snprintf(error.message, sizeof error.message, "the producer breaks");
    weir_sink_fail(p->in, &error);
    return 0;
}

static void consume(weir_scope *scope, struct producer producer)
{
    weir_scope *inner = weir_scope_new(scope, NULL);
    weir_gen *out =
        weir_queue(scope, WEIR_OPTIONS(weir_queue_options, .items_max = 2), &producer.in);
    weir_spawn(inner, "producer", produce, &producer, sizeof producer);
    sem_do_all(scaled(out, (struct stage){"squared up", 3}));
    printf("wait -> %s\n", sem_name(weir_scope_wait(inner, NULL)));
}

static void a_queue_between_two_tasks(weir_scope *scope)
{
    consume(scope, (struct producer){NULL, 9, 0});
    consume(scope, (struct producer){NULL, 0, 0});
}

static void a_writers_failure_follows_its_items(weir_scope *scope)
{
    consume(scope, (struct producer){NULL, 4, RETRY});
}

/* Quiet, so that three tasks can run it side by side. */
WEIR_SOURCE(quiet, struct ticks)
{
    for (long i = 1; i <= args->last; i++) {
        if (!nap(self) || !sem_give(self, i)) {
            break;
        }
    }
    return 0;
}

struct adding {
    long last;
    long *sum;
};
static int add_up(weir_scope *scope, void *args)
{
    struct adding *adding = args;
    weir_gen *gen = quiet(scope, (struct ticks){adding->last});
    long value;
    while (sem_take(gen, &value)) {
        *adding->sum += value;
    }
    return weir_finish(gen, NULL);
}

static void tasks_side_by_side(weir_scope *scope)
{
    static const long lasts[] = {10, 3, 100};
    long sums[LEN(lasts)] = {0};
    weir_scope *inner = weir_scope_new(scope, NULL);
    for (size_t i = 0; i < LEN(lasts); i++) {
        struct adding adding = {lasts[i], &sums[i]};
        weir_spawn(inner, "adding", add_up, &adding, sizeof adding);
    }
    printf("wait -> %s\n", sem_name(weir_scope_wait(inner, NULL)));
    printf("%ld %ld %ld\n", sums[0], sums[1], sums[2]);
}

const struct sem_program sem_async[] = {
    SEM_PROGRAM(items_that_are_waited_for),
    SEM_PROGRAM(a_close_waits_for_the_clean_up),
    SEM_PROGRAM(a_close_before_the_start_waits_for_nothing),
    SEM_PROGRAM(an_uncaught_throw_waits_for_the_clean_up),
    SEM_PROGRAM(a_throw_before_the_start_runs_no_wait),
    SEM_PROGRAM(a_send_to_a_body_that_waits),
    SEM_PROGRAM(an_early_send_is_refused),
    SEM_PROGRAM(a_throw_is_handled_with_a_wait),
    SEM_PROGRAM(a_close_that_is_ignored),
    SEM_PROGRAM(a_waiting_clean_up_that_fails),
    SEM_PROGRAM(a_waiting_chain_at_its_end),
    SEM_PROGRAM(a_waiting_chain_is_closed_in_order),
    SEM_PROGRAM(a_failure_travels_through_waiting_stages),
    SEM_PROGRAM(another_attempt_after_a_wait),
    SEM_PROGRAM(a_delegation_that_waits),
    SEM_PROGRAM(two_read_by_turns),
    SEM_PROGRAM(a_canceled_task_cleans_up),
    SEM_PROGRAM(a_deadline_ends_the_wait),
    SEM_PROGRAM(the_failure_of_one_task_cancels_the_rest),
    SEM_PROGRAM(a_queue_between_two_tasks),
    SEM_PROGRAM(a_writers_failure_follows_its_items),
    SEM_PROGRAM(tasks_side_by_side),
    SEM_END,
};
