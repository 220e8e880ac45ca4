/*
 * fuzz_expr.c - any bytes as an expression, and what compiles is run.
 *
 * A text is read or it is not; when not, the place of the mistake lies in the text and there is a
 * message. What was read is printed in a form that is read as the same tree. A run ends, or gives one
 * output after another, within its limits; its outputs are JSON. Where a condition is told without a
 * run, it is what the run gives.
 */
#include <stdint.h>
#include <stdlib.h>

#include "expr.h"
#include "support_expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void run_one(const struct wr_expr_text *text)
{
    static const char document[] =
        "{\"a\":[1,-2.5,{\"b\":\"x\\ny\",\"c\":[]}],\"b\":null,\"c\":\"s\"}";
    struct wr_expr_read read;
    struct wr_machine_options options = {.bytes_max = 1 << 20, .steps_max = 2000};
    wr_program *program = wr_program_new(text, NULL, 0, &read);
    if (program == NULL) {
        require(read.message[0] != '\0' && read.error_at <= text->end);
        return;
    }
    wr_machine *run = wr_machine_new(program, &options);
    struct wr_json json;
    struct wr_json again;
    struct wr_value value = wr_value_of(WR_JSON_NULL);
    wr_json_init(&json);
    wr_json_init(&again);
    require(run != NULL && wr_json_index(&json, document, sizeof document - 1) == 0 &&
            wr_value_node(wr_machine_arena(run), &json, WR_JSON_ROOT, &value));
    enum wr_tested tested = wr_program_test(program, &json);
    wr_machine_begin(run);
    wr_machine_input(run, value);
    for (int pulls = 0; pulls < 20; pulls++) {
        enum wr_machine_result result = wr_machine_next(run, &value);
        require(pulls > 0 || tested == WR_TEST_UNKNOWN ||
                (result == WR_MACHINE_OUTPUT && wr_value_true(value) == (tested == WR_TEST_TRUE)));
        if (result == WR_MACHINE_OUTPUT) {
            struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
            wr_write_json(&writer, value);
            require(writer.failed || memchr(text->text, '\0', text->end) != NULL ||
                    wr_json_index(&again, writer.data, writer.len) == 0);
        } else if (result != WR_MACHINE_BUSY) {
            require(result == WR_MACHINE_END || result == WR_MACHINE_FAILED ||
                    strlen(wr_machine_error(run)) < 4096);
            break;
        }
    }
    wr_json_fini(&json);
    wr_json_fini(&again);
    wr_machine_free(run);
    wr_program_free(program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = malloc(len + 1); /* of this length, so that a read behind the end is seen */
    require(copy != NULL);
    memcpy(copy, data, len);
    for (int whole = 0; whole < 2; whole++) {
        struct wr_arena arena;
        struct wr_expr_read read;
        struct wr_expr_text text = {.text = copy, .end = len, .whole = whole == 1};
        wr_arena_init(&arena, (size_t)64 << 20);
        require((wr_expr_parse(&arena, &text, &read) == 0) == (read.root != NULL));
        if (read.root == NULL) {
            require(read.error_at <= len && read.message[0] != '\0');
        } else {
            require(read.from <= read.to && read.to <= read.at && read.at <= len);
            require(memchr(copy, '\0', len) != NULL || wr_tree_prints_alike(read.root));
            if (whole == 1) {
                run_one(&text);
            }
        }
        wr_arena_fini(&arena);
    }
    free(copy);
    return 0;
}
