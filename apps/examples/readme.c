#include <stdio.h>
#include <weir/weir.h>

struct limit {
    size_t len;
};

WEIR_STAGE(longer_than, struct limit) /* a stage of your own: a loop over what comes in */
{
    weir_item line;
    while (weir_next(up, &line)) {
        if (line.len > args->len && !weir_yield(self, &line)) {
            break;
        }
    }
    return 0; /* a failure of `up` carries on by itself */
}

int main(int argc, char **argv)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *lines = weir_http_lines(weir_root(loop), argv[argc - 1], NULL);
    weir_gen *first = weir_head(longer_than(lines, (struct limit){120}), 3);
    weir_error error;
    if (weir_pump(first, weir_fd_sink(weir_root(loop), 1), &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return error.code < 0;
}
