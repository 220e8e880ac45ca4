/*
 * The plain protocol: making runs nothing, next runs to the next yield, the end is final, a result
 * is no item, and a generator that is finished early or never started still ends properly.
 *
 * Between two calls of the reader a body stands at its yield with its frame untouched; several
 * programs here exist to show just that (locals, arrays, calls three deep).
 */
#include "sem.h"

#include <string.h>

struct span {
    long first, last;
};
WEIR_SOURCE(span, struct span)
{
    printf("span starts at %ld\n", args->first);
    for (long i = args->first; i <= args->last; i++) {
        if (!sem_give(self, i)) {
            break;
        }
    }
    printf("span ends\n");
    return 0;
}

static void making_runs_nothing(weir_scope *scope)
{
    weir_gen *gen = span(scope, (struct span){1, 2});
    printf("made\n");
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void the_end_is_final(weir_scope *scope)
{
    weir_gen *gen = span(scope, (struct span){7, 7});
    for (int i = 0; i < 5; i++) {
        sem_do_next(gen);
    }
    sem_do_send(gen, 3);
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_SOURCE(empty, struct none)
{
    (void)self;
    (void)args;
    printf("nothing to give\n");
    return 0;
}

static void an_empty_body_gives_nothing(weir_scope *scope)
{
    weir_gen *gen = empty(scope, NONE);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

static bool dig(weir_gen *self, long depth)
{
    long mine = depth * 10;
    if (depth == 0) {
        return sem_give(self, mine);
    }
    if (!dig(self, depth - 1)) {
        return false;
    }
    printf("back at depth %ld with %ld\n", depth, mine);
    return sem_give(self, mine);
}

WEIR_SOURCE(digger, struct none)
{
    (void)args;
    if (!dig(self, 3)) {
        return 0;
    }
    printf("digger is through\n");
    return 0;
}

static void yields_from_any_call_depth(weir_scope *scope)
{
    weir_gen *gen = digger(scope, NONE);
    for (int i = 0; i < 5; i++) {
        sem_do_next(gen);
    }
    sem_do_finish(gen);
}

static void instances_know_nothing_of_each_other(weir_scope *scope)
{
    weir_gen *low = span(scope, (struct span){1, 3});
    weir_gen *high = span(scope, (struct span){100, 101});
    sem_do_next(low);
    sem_do_next(high);
    sem_do_next(low);
    sem_do_next(high);
    sem_do_next(high);
    sem_do_finish(high);
    sem_do_next(low);
    sem_do_finish(low);
}

static void arguments_are_the_generators_own(weir_scope *scope)
{
    struct span bounds = {4, 6};
    weir_gen *gen = span(scope, bounds);
    bounds.first = 0;
    bounds.last = 0;
    sem_do_all(gen);
    sem_do_all(span(scope, bounds));
}

struct divide {
    long a, b;
};
WEIR_SOURCE(euclid, struct divide)
{
    while (args->b != 0) {
        long rest = args->a % args->b;
        args->a = args->b;
        args->b = rest;
        if (!sem_give(self, rest)) {
            return 0;
        }
    }
    weir_item divisor = num_item(&args->a);
    return weir_return(self, &divisor);
}

static void a_result_is_no_item(weir_scope *scope)
{
    weir_gen *gen = euclid(scope, (struct divide){1071, 462});
    sem_do_rest(gen);
    sem_do_result(gen);
    sem_do_next(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
    gen = euclid(scope, (struct divide){13, 0});
    sem_do_next(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

static void without_a_return_there_is_no_result(weir_scope *scope)
{
    weir_gen *gen = span(scope, (struct span){1, 1});
    sem_do_rest(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

static void finish_in_the_middle_cleans_up(weir_scope *scope)
{
    weir_gen *gen = span(scope, (struct span){1, 1000000});
    sem_do_first(gen, 4);
    sem_do_finish(gen);
    printf("after finish\n");
}

static void finish_of_an_unstarted_one_runs_nothing(weir_scope *scope)
{
    sem_do_finish(span(scope, (struct span){1, 3}));
    weir_gen *gen = span(scope, (struct span){1, 3});
    printf("still nothing ran\n");
    sem_do_finish(gen);
}

static int dropped;

static void count_drop(void *args)
{
    struct span *mine = args;
    printf("drop of %ld..%ld\n", mine->first, mine->last);
    dropped++;
}

static weir_gen *owned(weir_scope *scope, long first, long last)
{
    struct span mine = {first, last};
    return weir_gen_new(scope, span_enter, &mine, sizeof mine,
                        WEIR_OPTIONS(weir_gen_options, .name = "owned", .drop = count_drop));
}

static void drop_runs_exactly_once(weir_scope *scope)
{
    weir_gen *gen = owned(scope, 1, 3);
    sem_do_finish(gen);
    printf("never started: %d\n", dropped);

    gen = owned(scope, 4, 6);
    sem_do_first(gen, 1);
    printf("while it lives: %d\n", dropped);
    sem_do_finish(gen);
    printf("closed: %d\n", dropped);
}

static void drop_runs_once_after_a_throw_before_the_start(weir_scope *scope)
{
    weir_gen *gen = owned(scope, 1, 2);
    weir_item item;
    weir_error error;
    int before = dropped;
    bool gave = weir_throw(gen, FATAL, "too early", &item) == WEIR_GOT_ITEM;
    gave = weir_next(gen, &item) || gave;
    int rc = weir_finish(gen, &error);
    printf("%s, %s, %d\n", gave ? "gave" : "gave nothing", sem_name(rc), dropped - before);
}

WEIR_SOURCE(growing, struct none)
{
    (void)args;
    char word[8] = "";
    for (size_t i = 0; i + 1 < sizeof word; i++) {
        word[i] = (char)('a' + (int)i);
        word[i + 1] = '\0';
        weir_item item = weir_bytes(word, strlen(word));
        if (!weir_yield(self, &item)) {
            break;
        }
        /* The same array goes on changing between the yields: the frame is still here. */
        word[0] = 'A';
    }
    printf("last word %s\n", word);
    return 0;
}

static void a_body_yields_its_own_local(weir_scope *scope)
{
    weir_gen *gen = growing(scope, NONE);
    sem_do_first(gen, 3);
    sem_do_next(gen);
    sem_do_all(gen);
}

WEIR_SOURCE(bursts, struct none)
{
    (void)args;
    long values[4];
    weir_item items[4];
    for (long burst = 1; burst <= 3; burst++) {
        printf("burst %ld\n", burst);
        for (long i = 0; i <= burst; i++) {
            values[i] = burst * 10 + i;
            items[i] = num_item(&values[i]);
        }
        if (!weir_yield_many(self, items, (size_t)burst + 1)) {
            break;
        }
    }
    printf("bursts end\n");
    return 0;
}

static void many_are_taken_one_by_one(weir_scope *scope)
{
    weir_gen *gen = bursts(scope, NONE);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_all(gen);
}

/* Take exactly `want` items in as many calls as it takes: how many come in one call is the body's
 * affair. */
static void portion(weir_gen *gen, size_t want)
{
    char line[256] = "";
    char text[64];
    weir_item items[8];
    size_t have = 0;
    while (have < want) {
        size_t got = weir_next_many(gen, items, want - have);
        if (got == 0) {
            break;
        }
        for (size_t i = 0; i < got; i++) {
            size_t used = strlen(line);
            const char *shown = sem_text(&items[i], text, sizeof text);
            snprintf(line + used, sizeof line - used, " %s", shown);
        }
        have += got;
    }
    printf("portion of %zu ->%s\n", want, line);
}

static void demand_is_never_exceeded(weir_scope *scope)
{
    weir_gen *gen = bursts(scope, NONE);
    portion(gen, 1);
    portion(gen, 3);
    portion(gen, 1);
    portion(gen, 3);
    portion(gen, 5);
    portion(gen, 2);
    sem_do_finish(gen);

    gen = bursts(scope, NONE);
    portion(gen, 2);
    portion(gen, 1);
    sem_do_finish(gen);
}

WEIR_SOURCE(mixed, struct none)
{
    (void)args;
    if (!sem_give(self, 1) || !sem_give_text(self, "two") || !sem_give(self, 3)) {
        printf("stopped\n");
        return 0;
    }
    if (!sem_give_text(self, "")) {
        printf("stopped at the empty one\n");
        return 0;
    }
    return 0;
}

static void values_of_several_kinds(weir_scope *scope)
{
    sem_do_all(mixed(scope, NONE));
    for (int stop = 2; stop <= 4; stop++) {
        weir_gen *gen = mixed(scope, NONE);
        sem_do_first(gen, stop);
        sem_do_finish(gen);
    }
}

const struct sem_program sem_basics[] = {
    SEM_PROGRAM(making_runs_nothing),
    SEM_PROGRAM(the_end_is_final),
    SEM_PROGRAM(an_empty_body_gives_nothing),
    SEM_PROGRAM(yields_from_any_call_depth),
    SEM_PROGRAM(instances_know_nothing_of_each_other),
    SEM_PROGRAM(arguments_are_the_generators_own),
    SEM_PROGRAM(a_result_is_no_item),
    SEM_PROGRAM(without_a_return_there_is_no_result),
    SEM_PROGRAM(finish_in_the_middle_cleans_up),
    SEM_PROGRAM(finish_of_an_unstarted_one_runs_nothing),
    SEM_PROGRAM(drop_runs_exactly_once),
    SEM_PROGRAM(drop_runs_once_after_a_throw_before_the_start),
    SEM_PROGRAM(a_body_yields_its_own_local),
    SEM_PROGRAM(many_are_taken_one_by_one),
    SEM_PROGRAM(demand_is_never_exceeded),
    SEM_PROGRAM(values_of_several_kinds),
    SEM_END,
};
