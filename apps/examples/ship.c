/*
 * ship.c - the lines of an HTTP feed, filtered, in batches to a socket.
 *
 *     ship URL tcp://HOST:PORT WORD
 *
 * The chain is made from the source to the sink; nothing runs before weir_pump pulls. There is no
 * task and no loop code: while main() waits, the loop runs. When the far end of the socket is slow,
 * the feed is read more slowly.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

struct word {
    char text[64];
};

/* Does the line contain the word? Lines are not terminated, so strstr cannot be used. */
static bool holds(const weir_item *line, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= line->len; i++) {
        if (memcmp(line->data + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* A stage is a loop over the incoming items. */
WEIR_STAGE(only, struct word)
{
    weir_item line;
    while (weir_next(up, &line)) {
        if (line.len == 0) {
            /* Counted as rejected in the ledger; the stream continues. */
            weir_reject(self, &line, "an empty line");
            continue;
        }
        if (!holds(&line, args->text)) {
            weir_settle(self); /* the item is not kept: it counts as filtered */
            continue;
        }
        if (!weir_yield(self, &line)) {
            break; /* the reader takes no more */
        }
    }
    return 0; /* a failure of `up` continues by itself */
}

int main(int argc, char **argv)
{
    struct word word;
    if (argc != 4 || strlen(argv[3]) >= sizeof word.text) {
        fprintf(stderr, "usage: ship URL tcp://HOST:PORT WORD\n");
        return 2;
    }
    memcpy(word.text, argv[3], strlen(argv[3]) + 1);

    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) {
        fprintf(stderr, "ship: out of memory\n");
        return 1;
    }
    weir_scope *root = weir_root(loop);
    weir_scope_obey_signals(root); /* ^C: the feed ends, what was read is still delivered */

    /* These functions never return NULL: the generator fails instead, and the pump reports it. */
    weir_gen *lines =
        weir_http_lines(root, argv[1], WEIR_OPTIONS(weir_http_options, .idle_ms = 30000));
    weir_gen *batches = weir_batch(
        only(lines, word), WEIR_OPTIONS(weir_batch_options, .items_max = 100, .wait_ms = 1000));
    weir_sink *out = weir_socket_sink(root, argv[2], NULL);

    weir_error error;
    int rc = weir_pump(batches, out, &error); /* takes both, ends both */
    if (rc < 0) {
        fprintf(stderr, "ship: %s: %s\n", error.origin, error.message);
    }
    weir_ledger ledger;
    weir_scope_ledger(root, &ledger);
    fprintf(stderr, "ship: %llu in, %llu delivered, %llu filtered, %llu rejected\n",
            (unsigned long long)ledger.in, (unsigned long long)ledger.delivered,
            (unsigned long long)ledger.filtered, (unsigned long long)ledger.rejected);
    weir_loop_free(loop);
    return rc < 0;
}
