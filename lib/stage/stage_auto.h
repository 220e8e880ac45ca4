/*
 * stage_auto.h - a stage that reads what the source's far end says that it sends. Internal.
 */
#ifndef WR_STAGE_AUTO_H
#define WR_STAGE_AUTO_H

#include <weir/module.h>

/* After wr_gen_by_media. name: static. */
weir_gen *wr_auto_by_media(const weir_opening *opening, WEIR_TAKES weir_gen *up, const char *name);

#endif
