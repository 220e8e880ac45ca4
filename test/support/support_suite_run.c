/*
 * support_suite_run.c - runs of a text with a state: what was promised, and what was taken over.
 */
#include "support_suites.h"

enum { ROUNDS_MAX = 20000 };

static void hear_word(void *ctx, int delivery, const char *text)
{
    struct wr_suite_run *run = ctx;
    (void)text;
    run->word = delivery;
}

void wr_suite_run_begins(struct wr_suite_run *run, weir_loop *loop, const struct wr_folder *folder,
                         const char *name, weir_plan_options options, const char *text)
{
    weir_error error;
    *run = (struct wr_suite_run){.loop = loop, .word = -1};
    run->scope = weir_scope_new(weir_root(loop), NULL);
    options.state = weir_state_open(run->scope, wr_folder_path(folder, "state"), name);
    weir_state_watch(options.state, hear_word, run);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    int rc = weir_plan_open(plan, run->scope, &options, &run->gen, &run->sink, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
}

static int run_main(weir_scope *scope, void *args)
{
    struct wr_suite_run *run;
    memcpy(&run, args, sizeof run);
    weir_item item;
    (void)scope;
    while (run->left > 0 && weir_next(run->gen, &item) && weir_put(run->sink, &item)) {
        run->left--;
    }
    /* In this order the last item is no longer lent when the sink commits, so that the record has it. */
    weir_error of_gen, error;
    int rc = weir_finish(run->gen, &of_gen);
    rc = weir_sink_finish(run->sink, &error) < 0 ? error.code : rc;
    ck_assert_msg(rc == 0, "%s%s", error.message, of_gen.message);
    run->over = true;
    return 0;
}

void wr_suite_run_ends(struct wr_suite_run *run, size_t count, void (*meanwhile)(void *ctx),
                       void *ctx)
{
    run->left = count;
    weir_spawn(run->scope, "run", run_main, &run, sizeof run);
    for (int i = 0; i < ROUNDS_MAX && !run->over; i++) {
        ck_assert(weir_sleep(weir_root(run->loop), 1));
        if (meanwhile != NULL) {
            meanwhile(ctx);
        }
    }
    ck_assert(run->over);
    ck_assert_int_eq(weir_scope_wait(run->scope, NULL), 0);
}

int wr_suite_promise(const char *text)
{
    char why[512];
    weir_error error;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    int word = weir_plan_delivery(plan, NULL, why, sizeof why);
    weir_plan_free(plan);
    return word;
}
