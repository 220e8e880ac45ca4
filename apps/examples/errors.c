/*
 * errors.c - the errors of a log, over its rotations:  errors LOG OUT STATE
 *
 * Follows the log by its name, whatever the rotation does with the file, and appends each line with
 * "error" to OUT. STATE keeps where the log was read to and how long OUT was then: after a crash no line
 * is missing, and none is in OUT twice. ^C ends it.
 */
#include <stdio.h>

#include <weir/weir.h>

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: errors LOG OUT STATE\n");
        return 2;
    }
    weir_loop *loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = weir_log_stderr, .log_ctx = "errors"));
    if (loop == NULL) {
        fprintf(stderr, "errors: out of memory\n");
        return 1;
    }
    weir_scope *scope = weir_root(loop);
    weir_state *state = weir_state_open(scope, argv[3], "errors");
    weir_scope_obey_signals(scope);

    const char *log = argv[1];
    weir_gen *lines = weir_tail_lines(scope, &log, 1,
                                      WEIR_OPTIONS(weir_tail_options, .from = WEIR_TAIL_START,
                                                   .state = state, .rotate_wait_ms = 500));
    weir_sink *out =
        weir_file_sink(scope, argv[2], WEIR_OPTIONS(weir_file_options, .state = state));

    weir_error error;
    int rc = weir_pump(weir_grep(lines, "error"), out, &error);
    if (rc < 0) {
        fprintf(stderr, "errors: %s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return rc < 0;
}
