/*
 * fan_in.c - several feeds at once into one queue, until a deadline or a word.
 *
 *     fan_in SECONDS WORD URL...
 *
 * Each feed has a task, a generator and a writer of the queue. The tasks are in one scope with a
 * deadline. When the deadline passes, the first task fails, or the word is seen, all of them end.
 * weir_scope_wait returns when the last one has ended, so no task is left running.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

enum { PATIENCE_MS = 2000 };

/* The arguments of a task. It gets its own copy; url still points into argv. */
struct feed {
    const char *url;
    weir_sink *to;
};

static int read_feed(weir_scope *scope, void *args)
{
    struct feed *feed = args;
    weir_error error;
    /* A failure becomes the scope's failure, with its complete text. */
    return weir_pump(weir_http_lines(scope, feed->url, NULL), feed->to, &error);
}

static bool begins_with(const weir_item *line, const char *word)
{
    size_t len = strlen(word);
    return line->len >= len && memcmp(line->data, word, len) == 0;
}

/* Print lines until the end, or until a line that begins with the word. */
static void print_lines(weir_scope *feeds, weir_gen *lines, const char *word)
{
    weir_item line;
    weir_got got;
    while ((got = weir_next_within(lines, &line, PATIENCE_MS)) != WEIR_GOT_OVER) {
        if (got == WEIR_GOT_LATE) {
            char why[200];
            weir_why(lines, why, sizeof why);
            fprintf(stderr, "fan_in: nothing for %d ms: %s\n", PATIENCE_MS, why);
            continue;
        }
        printf("%u %.*s\n", (unsigned)line.origin, (int)line.len, line.data);
        if (begins_with(&line, word)) {
            weir_scope_cancel(feeds);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: fan_in SECONDS WORD URL...\n");
        return 2;
    }
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) {
        fprintf(stderr, "fan_in: out of memory\n");
        return 1;
    }
    int64_t deadline_ms = strtol(argv[1], NULL, 10) * 1000;
    weir_scope *feeds =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .name = "feeds",
                                                     .deadline_ms = deadline_ms));
    weir_scope_obey_signals(feeds);

    /* The reading end is in the root scope: what was put before the deadline can still be read. */
    weir_sink *in;
    weir_gen *lines =
        weir_queue(weir_root(loop), WEIR_OPTIONS(weir_queue_options, .items_max = 1024), &in);
    for (int i = 3; i < argc; i++) {
        bool last = i == argc - 1;
        struct feed feed = {.url = argv[i], .to = last ? in : weir_sink_share(in)};
        weir_spawn(feeds, "feed", read_feed, &feed, sizeof feed);
    }
    print_lines(feeds, lines, argv[2]);

    /* The writers end first. If the reader left before them, they would fail. */
    weir_error error;
    int rc = weir_scope_wait(feeds, &error);
    weir_discard(lines); /* the scope has already reported how the feeds ended */
    if (rc == WEIR_ETIMEDOUT) {
        fprintf(stderr, "fan_in: the time is up\n");
        rc = 0;
    } else if (rc < 0) {
        fprintf(stderr, "fan_in: %s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return rc < 0;
}
