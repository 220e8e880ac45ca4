/*
 * expr_driver.c - runs expressions for tests: expr_driver PROGRAM [NAME JSON ...] < JSON lines
 *
 * For each line, its outputs as JSON lines; then "." on a line of its own, or "! MESSAGE" if the
 * expression has failed for this input. Exit status 2: the program does not compile; its mistake is on
 * stderr.
 */
#include <stdio.h>
#include <stdlib.h>

#include "expr.h"

enum { NAMES_MAX = 8 };

static void run_one(wr_machine *run, struct wr_value input)
{
    struct wr_value output;
    enum wr_machine_result result;
    wr_machine_begin(run);
    wr_machine_input(run, input);
    while ((result = wr_machine_next(run, &output)) == WR_MACHINE_OUTPUT ||
           result == WR_MACHINE_BUSY) {
        if (result == WR_MACHINE_OUTPUT) {
            struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
            wr_write_json(&writer, output);
            printf("%.*s\n", (int)writer.len, writer.data);
        }
    }
    if (result == WR_MACHINE_END) {
        printf(".\n");
    } else {
        printf("! %s\n", wr_machine_error(run));
    }
}

int main(int argc, char **argv)
{
    struct wr_named named[NAMES_MAX];
    struct wr_json values[NAMES_MAX];
    struct wr_arena arena;
    size_t count = 0;
    wr_arena_init(&arena, 1 << 20);
    for (int i = 2; i + 1 < argc && count < NAMES_MAX; i += 2, count++) {
        wr_json_init(&values[count]);
        named[count].name = argv[i];
        if (wr_json_index(&values[count], argv[i + 1], strlen(argv[i + 1])) != 0 ||
            !wr_value_node(&arena, &values[count], WR_JSON_ROOT, &named[count].value)) {
            return 1;
        }
    }
    struct wr_expr_read read;
    struct wr_expr_text text = {
        .text = argc > 1 ? argv[1] : ".", .end = argc > 1 ? strlen(argv[1]) : 1, .whole = true};
    wr_program *program = wr_program_new(&text, named, count, &read);
    wr_machine *run = program != NULL ? wr_machine_new(program, NULL) : NULL;
    if (run == NULL) {
        fprintf(stderr, "%s at %zu\n", read.message, read.error_at);
        return 2;
    }
    char *line = NULL;
    size_t cap = 0;
    struct wr_json json;
    wr_json_init(&json);
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0;) {
        struct wr_value input;
        struct wr_arena decoded;
        wr_arena_init(&decoded, (size_t)64 << 20);
        if (wr_json_index(&json, line, (size_t)len - (line[len - 1] == '\n')) != 0 ||
            !wr_value_node(&decoded, &json, WR_JSON_ROOT, &input)) {
            printf("! not JSON\n");
        } else {
            run_one(run, input);
        }
        wr_arena_fini(&decoded);
    }
    wr_json_fini(&json);
    free(line);
    wr_machine_free(run);
    wr_program_free(program);
    for (size_t i = 0; i < count; i++) {
        wr_json_fini(&values[i]);
    }
    wr_arena_fini(&arena);
    return 0;
}
