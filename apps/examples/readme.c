#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

struct word { char text[32]; };

WEIR_STAGE(containing, struct word) /* a stage of your own: a loop over what comes in */
{
    weir_item line;
    while (weir_next(up, &line)) {
        if (memmem(line.data, line.len, args->text, strlen(args->text)) && !weir_yield(self, &line)) break;
    }
    return 0; /* a failure of `up` carries on by itself */
}

int main(int argc, char **argv)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *lines = weir_http_lines(weir_root(loop), argc > 1 ? argv[1] : "http://127.0.0.1:8080/feed.ndjson", NULL);
    weir_error error;
    int rc = weir_pump(weir_head(containing(lines, (struct word){"login"}), 3), weir_fd_sink(weir_root(loop), 1), &error);
    if (rc < 0) fprintf(stderr, "%s: %s\n", error.origin, error.message);
    weir_loop_free(loop);
    return rc < 0;
}
