/*
 * support_state.h - runs of a pipeline with a state, each on a loop of its own, in one folder.
 */
#ifndef WR_SUPPORT_STATE_H
#define WR_SUPPORT_STATE_H

#include <weir/stage.h>

#include "flow_state.h"
#include "support_suites.h"

struct fixture {
    weir_loop *loop;
    weir_scope *scope;
    struct wr_folder folder;
    weir_state *state;
};

static inline WEIR_UNUSED void run_begins(struct fixture *f, const char *name)
{
    f->loop = test_loop();
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
    ck_assert_ptr_ne(f->scope, weir_root(f->loop));
    f->state = weir_state_open(f->scope, wr_folder_path(&f->folder, "s"), name);
}

static inline WEIR_UNUSED void begin(struct fixture *f)
{
    wr_folder_make(&f->folder);
    run_begins(f, "p");
}

static inline WEIR_UNUSED void run_ends(struct fixture *f)
{
    weir_error error;
    (void)!weir_scope_wait(f->scope, &error);
    weir_loop_free(f->loop);
}

static inline WEIR_UNUSED void end(struct fixture *f)
{
    run_ends(f);
    wr_folder_remove(&f->folder);
}

/* A file of the lines 1 to 9, copied up to line `count` with the state. */
static inline WEIR_UNUSED int copy(struct fixture *f, uint64_t count, weir_error *error)
{
    wr_folder_write(&f->folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    weir_sink *sink = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = f->state));
    return weir_pump(weir_head_of_run(gen, count), sink, error);
}

/* One whole run before the test's own. */
static inline WEIR_UNUSED void begin_with(struct fixture *f, uint64_t count)
{
    begin(f);
    ck_assert_int_eq(copy(f, count, NULL), 0);
    run_ends(f);
}

#endif
