/*
 * flow_dead.h - what becomes of items that a component rejects. Internal.
 *
 * on-error=skip (the default) counts and logs a rejected item. =stop fails the component. =dead
 * writes it to the pipeline's dead sink, one JSON object a line, and the item settles, as rejected,
 * when that sink has committed it.
 */
#ifndef WR_FLOW_DEAD_H
#define WR_FLOW_DEAD_H

#include <weir/sink.h>

#include "codec_json_write.h"
#include "flow_gen.h"

enum wr_on_error { WR_ON_ERROR_SKIP = 0, WR_ON_ERROR_STOP, WR_ON_ERROR_DEAD };

struct wr_dead;

/* The dead sink of a pipeline. Nothing is made of it before the first rejected item: then `make`
 * makes the sink, with a copy of `path`, in `scope`. One reference; NULL: out of memory. */
struct wr_dead *wr_dead_new(struct weir_scope *scope,
                            struct weir_sink *(*make)(struct weir_scope *scope, const char *path),
                            const char *path);
/* Let a reference go; never suspends. NULL is allowed. */
void wr_dead_unref(struct wr_dead *dead);
/* What stands before a component that writes to it: passes all on, and waits at a pull while the
 * dead sink is full. */
struct weir_gen *wr_dead_gate(WEIR_TAKES struct weir_gen *up, struct wr_dead *dead);

/* Say what `gen` and what it reads, up to but without `until`, do with items that they reject.
 * component: seen in the dead sink; static. dead: for WR_ON_ERROR_DEAD. */
void wr_gen_on_error(struct weir_gen *gen, const struct weir_gen *until, enum wr_on_error policy,
                     struct wr_dead *dead, const char *component);
/* Reject an item that is lent to gen, or that it keeps: 0; or a code: gen has failed, and is to
 * stop. code: what is wrong with the item. Never suspends. */
int wr_gen_reject(struct weir_gen *gen, const weir_item *item, int code, const char *why);

/* The same for a sink, before anything is put. */
void wr_sink_on_error(struct weir_sink *sink, enum wr_on_error policy, struct wr_dead *dead,
                      const char *component);
/* Reject some parts of an item that the sink holds a reference to (of no batch: parts is the item
 * itself), and then lets go of by WR_ACT_COMMIT: what was told here stands. 0; or a code: the sink
 * has failed. Never suspends. */
int wr_sink_reject(struct weir_sink *sink, const weir_item *item, const weir_item *parts,
                   size_t count, int code, const char *why);

/* Inside the flow layer: who has these has closed, and rejects nothing any more. May suspend. NULL
 * is allowed. */
void wr_rejects_over(struct wr_rejects *rejects);
void wr_rejects_free(struct wr_rejects *rejects);

/* The line of an item, without its line end. component and why NULL, code 0: it was not
 * rejected. */
void wr_dead_write(struct wr_json_out *out, const struct weir_scope *scope, const weir_item *item,
                   const char *component, int code, const char *why);

#endif
