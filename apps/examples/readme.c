#include <stdio.h>
#include <weir/weir.h>

WEIR_STAGE(longer_than, size_t) /* a stage of your own: a loop over what comes in */
{
    weir_item line;
    while (weir_next(up, &line)) {
        if (line.len <= *args) {
            weir_settle(self); /* it is left out: it counts as filtered */
            continue;
        }
        if (!weir_yield(self, &line)) {
            break;
        }
    }
    return 0; /* a failure of `up` continues by itself */
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8080/feed.ndjson";
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *lines = weir_http_lines(weir_root(loop), url, NULL);
    weir_gen *long_ones = weir_head(longer_than(lines, 120), 3);
    weir_error error;
    if (weir_pump(long_ones, weir_fd_sink(weir_root(loop), 1), &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return error.code < 0;
}
