/*
 * large.c - the hosts of large requests, and the sum of their bytes:  large FILE LEAST
 *
 * Expressions at three places: as a filter of a stream, with a value of the program's own as $least; as a
 * stage that shapes each item; and in the program's own loop, which asks for the outputs one by one.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

/* The expression gives two outputs for an item: a host and a number. A string has no quotes. */
static int show(weir_expr *pair, const weir_item *item, double *sum, weir_error *error)
{
    weir_value output;
    int rc = weir_expr_run(pair, item, error);
    while (rc == 0 && (rc = weir_expr_next(pair, &output, error)) > 0) {
        bool number = output.kind == WEIR_VALUE_NUMBER;
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)output.len, output.data);
        *sum += number ? strtod(text, NULL) : 0;
        printf(number ? " %s\n" : "%s", text);
        rc = 0;
    }
    return rc;
}

int main(int argc, char **argv)
{
    weir_error error = {0};
    weir_item item;
    double sum = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: large FILE LEAST\n");
        return 2;
    }
    weir_expr *pair = weir_expr_new(".host, (.in + .out)", NULL, &error);
    if (pair == NULL) {
        fprintf(stderr, "large: %s\n", error.message);
        return 1;
    }
    weir_variable least = {.name = "least", .text = argv[2], .json = 1};
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *gen = weir_file_lines(weir_root(loop), argv[1], NULL);
    gen = weir_where(gen, ".request.bytes >= $least",
                     WEIR_OPTIONS(weir_expr_options, .variables = &least, .variables_count = 1));
    gen = weir_map_expr(gen, ".request | {host, in: .bytes, out: (.sent // 0)}", NULL);

    int rc = 0;
    while (rc == 0 && weir_next(gen, &item)) {
        rc = show(pair, &item, &sum, &error);
    }
    if (rc == 0) {
        rc = weir_finish(gen, &error);
        printf("%.0f bytes\n", sum);
    } else {
        weir_discard(gen);
    }
    if (rc < 0) {
        fprintf(stderr, "large: %s\n", error.message);
    }
    weir_expr_free(pair);
    weir_loop_free(loop);
    return rc < 0;
}
