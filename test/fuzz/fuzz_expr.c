/*
 * fuzz_expr.c - any bytes as an expression.
 *
 * A text is read or it is not; when not, the place of the mistake lies in the text and there is a
 * message. What was read is printed in a form that is read as the same tree.
 */
#include <stdint.h>
#include <stdlib.h>

#include "support_expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
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
        }
        wr_arena_fini(&arena);
    }
    free(copy);
    return 0;
}
