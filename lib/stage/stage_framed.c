/*
 * stage_framed.c - weir_framed and weir_lines: cut the bytes of another generator into items.
 *
 * Directly after a source of bytes, or a decoder, there is no stage: that generator cuts the bytes
 * itself, so that its positions are those of the items. Elsewhere it is a stage of stage_bytes.c.
 */
#include <weir/stage.h>

#include "base_option.h"
#include "flow_inbox.h"
#include "stage_bytes.h"

static weir_gen *make(weir_gen *bytes, const weir_framing *framing, const char *verb)
{
    static const char *const names[] = {
        [WEIR_FRAME_LINES] = "lines",     [WEIR_FRAME_NONE] = "raw",
        [WEIR_FRAME_LEN32] = "len32",     [WEIR_FRAME_NUL] = "nul",
        [WEIR_FRAME_FIXED] = "fixed",     [WEIR_FRAME_VARINT] = "varint",
        [WEIR_FRAME_SSE] = "sse",         [WEIR_FRAME_JSON] = "json",
        [WEIR_FRAME_CSV] = "csv",         [WEIR_FRAME_SYSLOG] = "syslog",
        [WEIR_FRAME_NETFLOW] = "netflow", [WEIR_FRAME_MSGPACK] = "msgpack",
        [WEIR_FRAME_CBOR] = "cbor"};
    static const weir_framing none = WEIR_ZERO;
    weir_framing f = WEIR_ZERO;
    weir_error error;
    if (framing != NULL) {
        WR_TAKE_OPTIONS(f, framing);
    }
    wr_gen_given(bytes, verb);
    if (!wr_framing_ok(&f, "framed", &error)) {
        return wr_bytes_stage(bytes, "framed", &none, NULL, NULL, &error);
    }
    return wr_gen_frame(bytes, &f) ? bytes
                                   : wr_bytes_stage(bytes, names[f.kind], &f, NULL, NULL, NULL);
}

weir_gen *weir_framed(weir_gen *bytes, const weir_framing *framing)
{
    return make(bytes, framing, "weir_framed");
}

weir_gen *weir_lines(weir_gen *bytes)
{
    return make(bytes, NULL, "weir_lines");
}
