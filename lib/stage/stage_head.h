/*
 * stage_head.h - a head for one run. Internal.
 */
#ifndef WR_STAGE_HEAD_H
#define WR_STAGE_HEAD_H

#include <weir/stage.h>

#include "base_export.h"

/* weir_head that counts what this run gives, whatever earlier runs with the same state have given:
 * the limit of a run, where weir_head is part of the pipeline. */
WR_COMMAND_API weir_gen *wr_head_of_run(WEIR_TAKES weir_gen *up, uint64_t count);

#endif
