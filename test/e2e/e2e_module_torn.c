/*
 * e2e_module_torn.c - a framer that is wrong on purpose: it takes the end of a received piece for the
 * end of a line. Nobody sees that while pieces end at line ends, except `weir check --shatter`.
 */
#include <string.h>

#include <weir/weir.h>

WEIR_STAGE(torn_lines)
{
    weir_item piece;
    while (weir_next(up, &piece)) {
        for (size_t at = 0; at < piece.len;) {
            const char *from = piece.data + at, *end = memchr(from, '\n', piece.len - at);
            size_t len = end != NULL ? (size_t)(end - from) : piece.len - at;
            weir_item line = {.data = from, .len = len};
            if (!weir_yield(self, &line)) {
                return 0;
            }
            at += len + (end != NULL);
        }
    }
    return 0;
}

static weir_gen *open_torn(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return torn_lines(up);
}

static const weir_component torn = {
    .struct_size = sizeof torn,
    .name = "torn",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_LINE,
    .help = "Lines, as long as none is torn.",
    .example = "./FILE | raw | torn",
    .open = open_torn,
};

WEIR_MODULE(&torn);
