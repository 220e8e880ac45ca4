/*
 * flow_puller.c - pulls that may take longer than their reader waits.
 *
 * RESTS -> PULLS (asked; the puller's task runs the chain upstream of the generator) -> HAS (n
 * items, or 0: over) -> RESTS when the reader takes them. The items of a result stay lent until the
 * next request. Closing during a pull fails, once, the wait that the pull is parked in, wherever in
 * the chain that is, and waits until the pull has returned. Items that arrived and were not taken
 * are abandoned. The puller is made at the first use and lives as long as its generator.
 */
#include "flow_puller.h"

#include <string.h>

#include "base_alloc.h"

static void puller_main(struct wr_task *task, void *arg)
{
    struct wr_puller *puller = arg;
    (void)task;
    while (puller->state != WR_PULLER_QUITS) {
        if (puller->state != WR_PULLER_PULLS) {
            (void)wr_park_for_task(puller->gen->loop, "the next request of its consumer", NULL);
            continue;
        }
        size_t n = wr_pull_direct(puller->gen, puller->items, puller->want);
        puller->got = n;
        if (puller->state == WR_PULLER_PULLS) {
            puller->state = WR_PULLER_HAS;
        }
        puller->gen->ready = puller->gen->direct = false;
        if (puller->on_ready != NULL) {
            puller->on_ready(puller->ctx);
        }
        if (puller->reader != NULL) {
            wr_wake(puller->reader, 0);
        }
    }
    struct wr_task *reader = puller->reader;
    puller->task = NULL;
    if (reader != NULL) {
        wr_wake(reader, 0);
    }
}

static struct wr_puller *puller_make(struct weir_gen *gen)
{
    struct wr_puller *puller = wr_zalloc(sizeof *puller);
    if (puller == NULL) {
        return NULL;
    }
    puller->gen = gen;
    puller->task = wr_task_hidden(gen->object.scope, gen->name, puller_main, puller);
    if (puller->task == NULL) {
        wr_free(puller);
        return NULL;
    }
    return puller;
}

int wr_puller_request(struct weir_gen *up, size_t max, void (*on_ready)(void *ctx), void *ctx)
{
    struct wr_puller *puller = up->puller;
    if (puller == NULL) {
        puller = up->puller = puller_make(up);
        if (puller == NULL) {
            return WEIR_ENOMEM;
        }
    }
    if (puller->state == WR_PULLER_QUITS) { /* closed by the end of its scope */
        puller->state = WR_PULLER_HAS;
        puller->got = 0;
        if (on_ready != NULL) {
            on_ready(ctx);
        }
        return 0;
    }
    WR_ASSERT(puller->state == WR_PULLER_RESTS, "a pull of '%s' is already running", up->name);
    WR_ASSERT(up->state != WR_GEN_INSIDE, "generator '%s' is being pulled already", up->name);
    puller->want = WR_MIN(max, (size_t)WR_PULLER_ITEMS);
    if (puller->want > puller->cap) {
        weir_item *items = wr_realloc(puller->items, puller->want * sizeof *items);
        if (items == NULL) {
            return WEIR_ENOMEM;
        }
        puller->items = items;
        puller->cap = puller->want;
    }
    puller->on_ready = on_ready;
    puller->ctx = ctx;
    puller->state = WR_PULLER_PULLS;
    up->special = true;
    up->ready = up->direct = false;
    wr_wake(puller->task, 0);
    return 0;
}

bool wr_puller_ready(const struct weir_gen *up)
{
    return up->puller != NULL && up->puller->state == WR_PULLER_HAS;
}

size_t wr_puller_some(struct weir_gen *up, weir_item *items, size_t max)
{
    struct wr_puller *puller = up->puller;
    if (puller->state == WR_PULLER_QUITS) {
        return 0; /* closed by the end of its scope: items not taken are given up */
    }
    WR_ASSERT(puller->state == WR_PULLER_HAS, "no result to take");
    if (puller->got <= max) {
        memcpy(items, puller->items, puller->got * sizeof *items);
        puller->state = WR_PULLER_RESTS;
        wr_gen_ready(up);
        return puller->got;
    }
    memcpy(items, puller->items, max * sizeof *items);
    puller->got -= max;
    memmove(puller->items, puller->items + max, puller->got * sizeof *items);
    return max;
}

/* The running pull has ended the loans of the items given before it, in every generator that it has
 * reached. */
static void asked_past(struct weir_gen *gen)
{
    if (gen->state != WR_GEN_INSIDE) {
        return;
    }
    wr_gen_loan_over(gen);
    for (struct wr_list *node = gen->adopted.next; node != &gen->adopted; node = node->next) {
        asked_past(WR_OWNER(node, struct weir_gen, adopt_link));
    }
}

/* A pull of a generator that has next_within. */
static size_t pull_native(struct weir_gen *up, weir_item *items, size_t max, int64_t wait_ms,
                          bool *late)
{
    WR_ASSERT(up->state != WR_GEN_INSIDE, "generator '%s' is being pulled already", up->name);
    if (!wr_gen_enter(up)) {
        return 0;
    }
    size_t n = up->ops->next_within(up, items, max, wait_ms, late);
    if (n == 0 && !*late) {
        wr_gen_over(up);
        return 0;
    }
    if (n > 0) {
        wr_gen_gave(up, n);
    }
    up->state = WR_GEN_IDLE;
    wr_gen_ready(up);
    return n;
}

/* Wait for the running pull. asked: it was requested just now. 0, or the code with which the
 * reader's own wait has failed. */
static int wait_for_puller(struct weir_gen *up, int64_t wait_ms, bool asked)
{
    struct weir_loop *loop = up->loop;
    struct wr_puller *puller = up->puller;
    struct wr_limit limit;
    int rc = 0;
    if (puller->state != WR_PULLER_PULLS) {
        return 0;
    }
    WR_ASSERT(puller->reader == NULL, "generator '%s' is being pulled already", up->name);
    puller->reader = loop->task;
    if (asked) {
        rc =
            wr_pass(loop); /* a result that needs no wait costs no round of the loop and no timer */
    }
    if (wait_ms == 0 && rc == 0 && puller->state == WR_PULLER_PULLS) {
        rc = wr_pause(loop, NULL); /* what this poll finds is still in time */
    }
    if (wait_ms == 0 || rc != 0 || puller->state != WR_PULLER_PULLS) {
        puller->reader = NULL;
        return rc;
    }
    wr_limit_start(loop, &limit, wait_ms);
    while (puller->state == WR_PULLER_PULLS && rc == 0) {
        rc = wr_wait_for_task_limited(&limit, "an item", NULL);
    }
    puller->reader = NULL;
    wr_limit_stop(&limit);
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}

size_t wr_pull_within(struct weir_gen *up, weir_item *items, size_t max, int64_t wait_ms,
                      bool *late)
{
    *late = false;
    if (up->state == WR_GEN_OVER) {
        return 0;
    }
    (void)wr_task_now(up->loop, "weir_next_within");
    if (wr_gen_closing(up)) {
        wr_gen_close(up);
        return 0;
    }
    bool asked = !wr_puller_busy(up);
    if (asked) {
        if (wait_ms < 0) {
            return wr_pull_direct(up, items, max);
        }
        if (up->ops->next_within != NULL) {
            return pull_native(up, items, max, wait_ms, late);
        }
        if (wr_puller_request(up, max, NULL, NULL) < 0) {
            wr_gen_fail(up, WEIR_ENOMEM, 0, -1, "no memory for a waiting task");
            wr_gen_over(up);
            return 0;
        }
    }
    int rc = wait_for_puller(up, wait_ms, asked);
    if (rc < 0) {
        /* The reader's own wait was canceled: the pull it waited for fails with it, even if the
         * pull has just brought something. */
        wr_gen_fail(up, rc, 0, -1, "canceled");
        wr_gen_close(up);
        return 0;
    }
    if (up->puller->state == WR_PULLER_HAS) {
        return wr_puller_some(up, items, max);
    }
    asked_past(up);
    *late = true;
    return 0;
}

void wr_puller_close(struct weir_gen *gen)
{
    struct wr_puller *puller = gen->puller;
    if (puller == NULL) {
        return;
    }
    while (puller->state == WR_PULLER_PULLS) {
        if (!gen->aborted) {
            gen->aborted = true;
            wr_task_fail(puller->task, gen->canceled ? WEIR_ECANCELED : WEIR_ECLOSED, true);
        }
        puller->reader = wr_task_now(gen->loop, "weir_finish");
        (void)wr_park_for_task(gen->loop, "a pull in progress to return", &gen->object);
        puller->reader = NULL;
    }
    puller->state = WR_PULLER_QUITS;
    while (puller->task != NULL) {
        wr_wake(puller->task, 0);
        puller->reader = wr_task_now(gen->loop, "weir_finish");
        (void)wr_park_for_task(gen->loop, "its pulling task to end", &gen->object);
        puller->reader = NULL;
    }
}

void wr_puller_free(struct weir_gen *gen)
{
    if (gen->puller != NULL) {
        wr_puller_close(gen);
        wr_free(gen->puller->items);
        wr_free(gen->puller);
        gen->puller = NULL;
    }
}
