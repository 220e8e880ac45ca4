/*
 * flow_dead.h - what happens to items that a component rejects. Internal.
 *
 * on-error=skip (the default) counts and logs a rejected item. on-error=stop fails the component.
 * on-error=dead writes the item to the pipeline's dead sink, one JSON object per line; the item
 * settles as rejected when that sink has committed it.
 */
#ifndef WR_FLOW_DEAD_H
#define WR_FLOW_DEAD_H

#include <weir/sink.h>

#include "codec_excerpt.h"
#include "codec_json_write.h"
#include "flow_gen.h"

enum wr_on_error { WR_ON_ERROR_SKIP = 0, WR_ON_ERROR_STOP, WR_ON_ERROR_DEAD };

struct wr_dead;

/* The dead sink of a pipeline. The sink is made at the first rejected item: `make` then gets a copy
 * of `path`, and `scope`. Returns one reference; NULL: out of memory. */
struct wr_dead *wr_dead_new(struct weir_scope *scope,
                            struct weir_sink *(*make)(struct weir_scope *scope, const char *path,
                                                      struct weir_state *syncs),
                            const char *path, struct weir_state *syncs);
/* Release a reference; never suspends. NULL is allowed. */
void wr_dead_unref(struct wr_dead *dead);
/* The stage in front of a component that writes to the dead sink: it passes all items on, and waits
 * at a pull while the dead sink is full. */
struct weir_gen *wr_dead_gate(WEIR_TAKES struct weir_gen *up, struct wr_dead *dead);
/* Wait while the dead sink is full, for a stage that rejects more than it pulls. gen: what it reads, a
 * gate or any other generator, for which nothing is to wait. 0, or a code: the gate has failed. */
int wr_dead_gate_wait(struct weir_gen *gen);
/* The generator that a gate reads; of any other generator, this one. */
struct weir_gen *wr_dead_gate_reads(struct weir_gen *gen);

/* Set what `gen` and the generators upstream of it, up to but not including `until`, do with items
 * that they reject. component: its name in the dead sink; static. dead: for WR_ON_ERROR_DEAD. */
void wr_gen_on_error(struct weir_gen *gen, const struct weir_gen *until, enum wr_on_error policy,
                     struct wr_dead *dead, const char *component);
/* The same as `as` does. */
void wr_gen_on_error_as(struct weir_gen *gen, const struct weir_gen *until,
                        const struct weir_gen *as, const char *component);
/* Reject an item that is lent to gen, or that gen keeps. code: what is wrong with the item. Returns
 * 0, or a code: gen has failed and must stop. Never suspends. */
int wr_gen_reject(struct weir_gen *gen, const weir_item *item, int code, const char *why);
/* The same with the place of the mistake in the item's text. */
int wr_gen_reject_at(struct weir_gen *gen, const weir_item *item, int code,
                     const struct wr_fault *fault);

/* The same for a sink, before anything is put. */
void wr_sink_on_error(struct weir_sink *sink, enum wr_on_error policy, struct wr_dead *dead,
                      const char *component);
/* Reject some parts of an item (if it is not a batch, parts is the item itself). The sink holds a
 * reference to the item and releases it later by WR_ACT_COMMIT, which does not change the outcome
 * set here. 0, or a code: the sink has failed. Never suspends. */
int wr_sink_reject(struct weir_sink *sink, const weir_item *item, const weir_item *parts,
                   size_t count, int code, const char *why);

/* Inside the flow layer: the owner of `rejects` has closed and rejects nothing more. May suspend.
 * NULL is allowed. */
void wr_rejects_over(struct wr_rejects *rejects);
void wr_rejects_free(struct wr_rejects *rejects);
/* Where the first item that was rejected is: "line 4071"; "": none was, or it is not known. NULL is
 * allowed. */
const char *wr_rejects_first(const struct wr_rejects *rejects);

/* Write the line of an item, without its line end. If the item was not rejected, component and why
 * are NULL and code is 0. */
void wr_dead_write(struct wr_out *out, const struct weir_scope *scope, const weir_item *item,
                   const char *component, int code, const char *why);

#endif
