/*
 * stage_bytes.h - a stage that reads one stream of bytes and gives items cut from it: what
 * weir_framed and weir_decoded share. Internal.
 */
#ifndef WR_STAGE_BYTES_H
#define WR_STAGE_BYTES_H

#include <weir/source.h>

#include "codec_decode.h"
#include "codec_json_values.h"

/*
 * Read the texts of `bytes` as one stream, decode it, and cut it into items.
 *
 * bytes    taken.
 * name     of the stage.
 * framing  of its items; WEIR_FRAME_NONE: pieces, which a framer behind the stage cuts.
 * coding   NULL: nothing is decoded. limits are then not used, and NULL means the defaults.
 * wrong    a failure that the stage begins with; NULL: none.
 */
weir_gen *wr_bytes_stage(WEIR_TAKES weir_gen *bytes, const char *name, const weir_framing *framing,
                         const struct wr_coding *coding, const struct wr_decode_limits *limits,
                         const weir_error *wrong);
/* Of such a stage with WEIR_FRAME_JSON, not yet pulled: it gives the elements of an array in each
 * text (codec_json_values.h). Its items have positions only behind weir_replayed. items: taken, and
 * there as long as gen is. False: gen could not be made, and they are gone. */
bool wr_bytes_stage_items(weir_gen *gen, WEIR_TAKES struct wr_json_items *items);

#endif
