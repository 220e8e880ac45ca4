/*
 * codec_framer.c - selects the framer, and does what all framers share: they keep their offset.
 */
#include "codec_framer.h"

#include "base_error.h"
#include "codec_csv.h"
#include "codec_journal.h"
#include "codec_json_values.h"
#include "codec_lines.h"
#include "codec_packed_frame.h"
#include "codec_records.h"
#include "codec_sse.h"
#include "codec_syslog_frame.h"
#include "codec_ws.h"

static const struct wr_framer_ops *const framers[] = {
    [WEIR_FRAME_LINES] = &wr_lines_framer,     [WEIR_FRAME_NONE] = &wr_raw_framer,
    [WEIR_FRAME_LEN32] = &wr_len32_framer,     [WEIR_FRAME_NUL] = &wr_nul_framer,
    [WEIR_FRAME_FIXED] = &wr_fixed_framer,     [WEIR_FRAME_VARINT] = &wr_varint_framer,
    [WEIR_FRAME_SSE] = &wr_sse_framer,         [WEIR_FRAME_JSON] = &wr_json_framer,
    [WEIR_FRAME_CSV] = &wr_csv_framer,         [WEIR_FRAME_SYSLOG] = &wr_syslog_framer,
    [WEIR_FRAME_NETFLOW] = &wr_netflow_framer, [WEIR_FRAME_MSGPACK] = &wr_msgpack_framer,
    [WEIR_FRAME_CBOR] = &wr_cbor_framer,       [WR_FRAME_WS] = &wr_ws_framer,
    [WR_FRAME_JOURNAL] = &wr_journal_framer};

int wr_framer_init(struct wr_framer *framer, int32_t kind, size_t item_bytes_max, int32_t overlong,
                   size_t record_bytes, uint64_t offset)
{
    bool packed = kind == WEIR_FRAME_MSGPACK || kind == WEIR_FRAME_CBOR;
    if ((packed || kind == WEIR_FRAME_SYSLOG || kind == WR_FRAME_JOURNAL) &&
        overlong != WEIR_LONG_FAILS) {
        overlong = WEIR_LONG_SKIP;
    }
    *framer = (struct wr_framer){.ops = framers[kind],
                                 .item_bytes_max = item_bytes_max,
                                 .overlong = overlong,
                                 .record_bytes = record_bytes,
                                 .offset = offset};
    return kind == WEIR_FRAME_SSE    ? wr_sse_init(framer)
           : kind == WEIR_FRAME_JSON ? wr_json_values_init(framer)
           : kind == WEIR_FRAME_CSV  ? wr_csv_init(framer)
           : kind == WR_FRAME_WS     ? wr_ws_messages_init(framer)
           : packed                  ? wr_packed_frame_init(framer,
                                           kind == WEIR_FRAME_CBOR ? wr_cbor_read : wr_msgpack_read)
                                     : 0;
}

void wr_framer_fini(struct wr_framer *framer)
{
    wr_sse_fini(framer);
    wr_json_values_fini(framer);
    wr_csv_fini(framer);
    wr_packed_frame_fini(framer);
    wr_ws_messages_fini(framer);
}

void wr_framer_restart(struct wr_framer *framer, uint64_t offset, bool same)
{
    framer->offset = offset;
    framer->scanned = 0;
    framer->need = 0;
    if (!same) {
        framer->dropping = false;
        framer->open = false;
        framer->left = 0;
        framer->in_text = false;
        framer->failed = framer->failed == WEIR_ETRUNCATED ? 0 : framer->failed;
    }
    if (framer->sse != NULL) {
        wr_sse_restart(framer);
    }
    if (framer->json != NULL) {
        wr_json_values_restart(framer);
    }
    if (framer->packed != NULL) {
        wr_packed_frame_restart(framer);
    }
    if (framer->ws != NULL) {
        wr_ws_messages_restart(framer);
    }
    if (framer->csv != NULL) {
        wr_csv_restart(framer, !same && offset == 0);
    }
}

uint64_t wr_framer_restart_at(const struct wr_framer *framer)
{
    return framer->sse != NULL  ? wr_sse_begin(framer)
           : framer->ws != NULL ? wr_ws_messages_offset(framer)
                                : framer->offset;
}

struct weir_block *wr_framer_block(const struct wr_framer *framer)
{
    return framer->sse != NULL  ? wr_sse_block(framer)
           : framer->ws != NULL ? wr_ws_messages_block(framer)
                                : NULL;
}
