/*
 * daily.c - an event stream into one file a day:  daily URL PREFIX
 *
 * Each event is a line of PREFIX-YYYY-MM-DD.ndjson. The day is that of the event (.time_ms), not that of
 * the clock, so an event that comes late after a reconnect lies in its own file. A file sink appends, so
 * a program that is started again goes on.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

enum { DAY_CHARS = 10 };

struct files {
    weir_scope *scope;
    const char *prefix;
    char day[DAY_CHARS + 1];
    weir_sink *file; /* of the day; NULL: none yet */
};

/* End the file of the last day, and begin that of this one. 0 or a code. */
static int change_day(struct files *files, const char *day, weir_error *error)
{
    char path[512];
    int rc = files->file != NULL ? weir_sink_finish(files->file, error) : 0;
    memcpy(files->day, day, DAY_CHARS);
    snprintf(path, sizeof path, "%s-%s.ndjson", files->prefix, files->day);
    files->file = weir_file_sink(files->scope, path, NULL);
    return rc;
}

static int write_all(struct files *files, weir_gen *events, weir_expr *day_of, weir_error *error)
{
    weir_item event;
    weir_value day;
    int rc = 0;
    while (rc == 0 && weir_next(events, &event)) {
        if (weir_expr_run(day_of, &event, error) < 0 || weir_expr_next(day_of, &day, error) != 1 ||
            day.len != DAY_CHARS) {
            fprintf(stderr, "daily: an event without a time is left out\n");
            continue;
        }
        if (memcmp(day.data, files->day, DAY_CHARS) != 0) {
            rc = change_day(files, day.data, error);
        }
        if (rc == 0 && !weir_put(files->file, &event)) {
            break; /* the finish says why */
        }
    }
    int ended = weir_finish(events, rc == 0 ? error : NULL);
    rc = rc == 0 ? ended : rc;
    ended = files->file != NULL ? weir_sink_finish(files->file, rc == 0 ? error : NULL) : 0;
    return rc == 0 ? ended : rc;
}

int main(int argc, char **argv)
{
    weir_error error;
    weir_expr *day_of = weir_expr_new(".time_ms / 1000 | floor | todate | .[0:10]", NULL, &error);
    weir_loop *loop = weir_loop_new(NULL);
    if (argc != 3 || day_of == NULL || loop == NULL) {
        fprintf(stderr, "usage: daily URL PREFIX\n");
        return 2;
    }
    weir_scope *scope = weir_root(loop);
    weir_scope_obey_signals(scope); /* ^C: the stream ends, and the file has all that was read */
    struct files files = {.scope = scope, .prefix = argv[2]};
    int rc = write_all(&files, weir_http_events(scope, argv[1], NULL), day_of, &error);
    if (rc < 0) {
        fprintf(stderr, "daily: %s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    weir_expr_free(day_of);
    return rc < 0;
}
