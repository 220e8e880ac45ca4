/*
 * plan_text.h - declarations shared by the code that reads a pipeline text and opens it: errors,
 * the tree, the registry of components.
 *
 * Reading has two layers. The first (plan_split.c) finds components and blocks and needs no names.
 * The second uses descriptors: it finds what a component is (plan_step.c), reads its arguments
 * (plan_args.c, plan_types.c), and checks whether neighbours match (plan_check.c). Both work on a
 * copy of the text in which comments are replaced by spaces, so every offset is also valid in the
 * text that the user typed. No file of this folder contains the name of a component.
 */
#ifndef WR_PLAN_TEXT_H
#define WR_PLAN_TEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/module.h>
#include <weir/plan.h>

#include "base_guess.h"
#include "base_print.h"
#include "expr_names.h"

#define WR_PLAN_TEXT_BYTES_MAX ((size_t)1 << 20) /* people write texts by hand */
#define WR_PLAN_STAGES_MAX 256u                  /* of one chain */
#define WR_PLAN_DEPTH_MAX 64u  /* brackets in brackets: bounds the recursion of the reader */
#define WR_PLAN_BLOCKS_MAX 16u /* blocks in blocks: bounds the recursion over chains */
#define WR_PLAN_SHOWN_MAX 60   /* bytes of the user's word in a message */

/* Bytes [at, at + len) of the text. */
struct wr_plan_span {
    size_t at, len;
};

/* The mistake that stopped the reading. */
struct wr_plan_error {
    int code; /* 0: none so far */
    struct wr_plan_span where;
    char message[320]; /* one line */
    char hint[1024];   /* what to type instead; may be empty, may list all components */
    int kind;          /* enum weir_plan_mistake */
    const char *meant; /* the name of the component that was probably meant; NULL: not known */
};

/* The mistakes of a text, in its order. */
#define WR_PLAN_MISTAKES_MAX 8u
struct wr_plan_mistakes {
    size_t count;
    struct wr_plan_error list[WR_PLAN_MISTAKES_MAX];
};

/* Record a mistake and return its code. Later mistakes are ignored. */
int wr_plan_fail(struct wr_plan_error *error, struct wr_plan_span where, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* Add a hint to the recorded mistake, unless it has one. Returns the code of the mistake. */
int wr_plan_hint(struct wr_plan_error *error, const char *format, ...) WEIR_PRINTF(2, 3);
int wr_plan_no_memory(struct wr_plan_error *error);
/* Longer than WR_PLAN_TEXT_BYTES_MAX. */
int wr_plan_too_long(struct wr_plan_error *error);
/* Fill in the public record; name as in weir_plan_read. */
void wr_plan_error_give(const struct wr_plan_error *from, const char *text, const char *name,
                        weir_error *to);
/* Write the long form; returns its length, as snprintf. */
size_t wr_plan_error_print(const struct wr_plan_error *error, const char *text, const char *name,
                           char *to, size_t cap);

/* ---- layer 1: plan_split.c */

/* Split a text into stages. `clean` is a copy of the text; its comments are replaced by spaces.
 * Fills spans, which has room for WR_PLAN_STAGES_MAX, each without the spaces around it. 0 or the
 * code of *error. */
int wr_plan_split(char *clean, struct wr_plan_span text, struct wr_plan_span *spans, size_t *count,
                  struct wr_plan_error *error);
/* The index after the quoted text or bracket that begins at `at`. Only for text that the splitter
 * has accepted. */
size_t wr_plan_skip(const char *clean, size_t at, size_t end);
/* Whether a block, { ... } as a separate word, begins at `at`. *inside is its content without the
 * brackets. Only for text that the splitter has accepted. */
bool wr_plan_block_at(const char *clean, size_t at, size_t end, struct wr_plan_span *inside);
bool wr_plan_is_space(char c);
/* Whether the byte at `at` separates stages; |= is an operator of expressions. */
bool wr_plan_bar_at(const char *clean, size_t at, size_t end);

/* One word of a component. */
struct wr_plan_token {
    struct wr_plan_span all;   /* with NAME= */
    struct wr_plan_span name;  /* NAME of NAME=value; len 0: none */
    struct wr_plan_span value; /* with its quotes */
    bool quoted;
};

/* The next word in [*at, end); all.len 0: there is none. Moves *at past it. */
int wr_plan_token_next(const char *clean, size_t *at, size_t end, struct wr_plan_token *token,
                       struct wr_plan_error *error);

/* ---- the tree */

/* The choices of on-error=. A step without on-error= has -1. */
enum wr_plan_on_error { WR_PLAN_SKIP = 0, WR_PLAN_STOP, WR_PLAN_DEAD };

/* One component of a chain, with its arguments. */
struct wr_plan_step {
    const weir_component *component;
    void *args; /* component->args_size bytes */
    struct wr_plan_span where, name;
    struct wr_plan_span *arg_spans; /* one per argument; len 0: it was not given */
    const char *text;               /* normalised; NULL: inserted by the plan, without arguments */
    uint32_t shape;                 /* what comes from upstream: a set of enum weir_shape */
    int32_t on_error;               /* enum wr_plan_on_error */
    bool joined;                    /* a framer that is joined to the source before it */
    const weir_component *framer;   /* the framer that is joined to this source; NULL: none */
    bool implied;                   /* inserted by the plan */
    const char *ending;             /* ... because the file's name ends in this; NULL */
    bool looked;                    /* it acts on demand, and a later step reads the values */
    bool passes;                    /* ... and it has nothing to do, and is not opened */
    bool fused;                     /* it runs as one with the stage before it */
    bool parsed;                    /* the stage before it has parsed what it reads */
};

struct weir_chain {
    struct wr_plan_step *steps;
    size_t count;
    uint32_t gives; /* the shape of its output; 0: it ends with a sink */
};

/* What decodes those files of the options whose names end alike. Its chain has no source; it may be
 * empty: the lines of the files. */
struct wr_plan_decoding {
    struct weir_chain chain;
    const char *ending; /* .csv.gz: all that is decoded; "": none */
    size_t first;       /* the first of these files */
    size_t count;       /* of the files */
};

/* A component as written in the text, in the order of the text. */
struct wr_plan_part {
    const struct wr_plan_step *step;
    size_t depth;
};

struct weir_plan {
    struct weir_chain root;
    struct wr_plan_decoding *decodings; /* of several files that are decoded one by one */
    size_t decodings_count;             /* 0: all files are read as the root says */
    size_t *files;                      /* for each file its index in decodings */
    size_t files_count;
    struct wr_plan_part *parts;
    size_t parts_count;
    const char *text;
    const char *state_folder;
    const char *state_name;
    int64_t mem_bytes;
    const char *warning;    /* NULL: none */
    struct wr_names *names; /* the values of the text, $NAME in expressions; NULL: none */
    int32_t reads_meta;     /* 1: an expression reads $meta */
    void *memory;           /* holds all of the above: see wr_plan_alloc */
    atomic_uint references; /* of its owner, and of opened objects that open more later */
};

/* A text being read. */
struct wr_plan_reading {
    const char *text;
    char *clean;      /* a copy with spaces in place of comments */
    const char *name; /* of the file; NULL: not from a file */
    weir_plan *plan;
    unsigned depth;           /* the number of blocks around the chain that is read */
    bool behind;              /* the chain reads a generator of the caller */
    const char *const *files; /* that stand for the source; in the options */
    size_t files_count;
    const struct weir_chain *behind_files; /* while the decoding of a file is checked: the root */
    bool meta;                             /* a source that was read has `meta` */
    struct wr_plan_error error;
    struct wr_plan_mistakes *mistakes; /* after a mistake, the rest is read for more; NULL: not */
};

/* Zeroed memory that lives as long as the plan; NULL with the error set. */
void *wr_plan_alloc(struct wr_plan_reading *reading, size_t bytes);

/* What a chain must be. */
enum wr_plan_place {
    WR_PLAN_ROOT,        /* a source or none, a sink or none */
    WR_PLAN_SOURCE_ONLY, /* begins with a source, has no sink */
    WR_PLAN_FILE,        /* reads one of several files that stand for the source; no sink */
    WR_PLAN_STAGES_ONLY, /* reads from its opener, and gives to it */
    WR_PLAN_SINK_ONLY,   /* reads from its opener, ends with a sink */
    WR_PLAN_SOURCE_TO_SINK
};

/* plan_step.c: split [span] into the steps of a chain; only their places are known then. */
int wr_plan_steps_find(struct wr_plan_reading *reading, struct wr_plan_span span,
                       struct weir_chain *chain);
/* plan_step.c: read [span] as a chain. 0 or the code of the first mistake. */
int wr_plan_chain_read(struct wr_plan_reading *reading, struct wr_plan_span span,
                       enum wr_plan_place place, struct weir_chain *chain);
/* plan_args.c: read the arguments of a step whose component is known, from `at` to its end. */
int wr_plan_args_read(struct wr_plan_reading *reading, struct wr_plan_step *step, size_t at);
/* Set all arguments to their presets, for a component that the plan inserts. */
int wr_plan_args_default(struct wr_plan_reading *reading, struct wr_plan_step *step);
/* The arguments of a component; on-error= comes last, if it may reject. wr_plan_field returns the
 * address of a value. */
size_t wr_plan_args_count(const weir_component *component);
const weir_arg *wr_plan_arg(const weir_component *component, size_t index);
void *wr_plan_field(const struct wr_plan_step *step, size_t index);
/* What is looked at in items. */
enum wr_plan_use {
    WR_USE_NOTHING, /* they may pass in pieces */
    WR_USE_LINES,   /* their bytes, as lines */
    WR_USE_VALUES,  /* the values that the bytes mean */
};
/* plan_step.c: does an expression begin here with a format: @csv, @base64 "..."? If not, an @ before
 * the pipeline begins an option line. */
bool wr_plan_is_format(const char *text, size_t len);
/* plan_check.c: check places and shapes, join framers, call the components' own checks. `shape`:
 * the shape from upstream, 0 when the chain begins with a source. use: what the reader of the chain
 * looks at. */
int wr_plan_chain_check(struct wr_plan_reading *reading, struct weir_chain *chain,
                        enum wr_plan_place place, uint32_t shape, enum wr_plan_use use);
/* A component that converts `shape` into what is needed; NULL: there is none. */
const weir_component *wr_plan_converter(uint32_t shape, uint32_t needs);
/* For tests: no step is fused in the texts that are read while it is set. */
extern bool wr_plan_unfused;
/* Insert a component before a step, or at the end of the chain, with its presets. */
int wr_plan_insert(struct wr_plan_reading *reading, struct weir_chain *chain, size_t index,
                   const weir_component *component);
/* plan_decode.c: where a chain begins with a source and its values are used, insert what decodes
 * them, or fill in what decodes each of several files. use: as in wr_plan_chain_check. */
int wr_plan_decode(struct wr_plan_reading *reading, struct weir_chain *chain,
                   enum wr_plan_place place, enum wr_plan_use use);
/* plan_check.c: whether a framer at the start of a chain cuts the bytes of the source that stands
 * before it without being written. */
bool wr_plan_cuts_implied(const struct wr_plan_reading *reading, const struct weir_chain *chain,
                          enum wr_plan_place place);
/* What is looked at in the items that reach the step at `from`, before a component decides what the
 * items are. */
enum wr_plan_use wr_plan_use_of(const struct weir_chain *chain, size_t from, enum wr_plan_use use);
/* plan_open.c: the path of the file that a component reads or writes; "-": a standard stream. NULL:
 * neither. */
const char *wr_plan_path(const struct wr_plan_step *step);
/* The shapes of a set, as text. */
const char *wr_plan_shapes_text(uint32_t shapes, char to[64]);
/* plan_open.c: what a step does with an item that it rejects: an enum wr_plan_on_error. */
int wr_plan_policy(const struct wr_plan_step *step, const weir_plan_options *options);
/* plan_text.c: the place of the chains of a { } argument; the chains of an argument. */
enum wr_plan_place wr_plan_place_of(const weir_arg *arg);
struct weir_chain *const *wr_plan_chains(const struct wr_plan_step *step, size_t index,
                                         size_t *count);
/* Write the normalised texts, and the list of parts. */
int wr_plan_texts_write(struct wr_plan_reading *reading);
/* plan_read.c: as weir_plan_read; behind: the text reads a generator of the caller. */
weir_plan *wr_plan_read(const char *text, const weir_text_options *options, bool behind,
                        struct wr_plan_error *error);
/* plan_promise.c: call fn for each step of a chain, including its blocks, until it returns false.
 * depth: the number of blocks around the step. */
bool wr_plan_each_step(const struct weir_chain *chain, size_t depth,
                       bool (*fn)(const struct wr_plan_step *step, size_t depth, void *arg),
                       void *arg);
/* The component whose descriptor says how a source continues: its own, or that of a framer which
 * does it by ids, or for which it depends on what comes. */
const weir_component *wr_plan_goes_on_by(const struct wr_plan_step *step);
/* Is what is given on the disk before a position is saved? options: NULL is allowed. */
bool wr_plan_durable(const weir_plan_options *options);
extern const char *const wr_plan_delivery_words[]; /* by enum weir_delivery */
/* The name in the options; NULL: none. */
const char *wr_plan_text_name(const weir_text_options *options);
/* Its traits with its arguments. */
uint32_t wr_plan_traits(const struct wr_plan_step *step);
/* The shapes that it gives with its arguments. */
uint32_t wr_plan_gives(const struct wr_plan_step *step);

/* ---- values: plan_types.c. 0; WEIR_EINVAL when not all of the bytes have this form;
 * WR_PLAN_TOO_LARGE when they do, but the number does not fit. */
enum { WR_PLAN_TOO_LARGE = 1 };
int wr_plan_count_read(const char *text, size_t len, int64_t *count);
int wr_plan_size_read(const char *text, size_t len, int64_t *bytes);
int wr_plan_time_read(const char *text, size_t len, int64_t *ms);
int wr_plan_rate_read(const char *text, size_t len, weir_rate *rate);
int wr_plan_range_read(const char *text, size_t len, weir_range *range);
int wr_plan_instant_read(const char *text, size_t len, int64_t *unix_ns);
/* Whether this is HOST:PORT. any_host: the host may be missing, and the port may be 0. */
bool wr_plan_address_ok(const char *address, bool any_host);
/* The name of a type, and a sample of its form: "size", "64KiB". */
const char *wr_plan_type_text(const weir_arg *arg);
const char *wr_plan_type_sample(const weir_arg *arg);
/* The size in bytes of the field that holds a value. */
size_t wr_plan_type_size(const weir_arg *arg);

/* plan_words.c: the bytes of a token after its quotes and escapes; NULL with the error set. */
char *wr_plan_token_text(struct wr_plan_reading *reading, const struct wr_plan_token *token);
/* plan_expr.c: read the expression at *at, and move *at past it. 0 or the code of the error. */
int wr_plan_expr_read(struct wr_plan_reading *reading, const struct wr_plan_step *step,
                      const weir_arg *arg, size_t *at, size_t end, struct wr_plan_span *span);
/* Check the format in [at, end), which may hold \( ) if it stands in "...". */
int wr_plan_format_check(struct wr_plan_reading *reading, const char *owner, size_t at, size_t end);

/* ---- the registry: plan_registry.c */

extern const weir_component *const wr_components[]; /* the library's own; ends with NULL */
extern const size_t wr_components_count;            /* without the NULL */
/* Add the components of a module or of a test. The list ends with NULL and must not be freed. 0 or
 * WEIR_ENOMEM. */
int wr_plan_components_add(const weir_component *const *components);
/* plan_component.c: whether this library can use the component. If not, *why says what is wrong. */
bool wr_plan_component_ok(const weir_component *component, struct wr_print *why);
/* Whether it can be written by its name. A source that has schemes is written by its address. */
bool wr_plan_by_name(const weir_component *component);
/* The component of this name for the first, the last or another place of a chain. If none may be in
 * that place, a component of this name for another place. NULL: none. */
const weir_component *wr_plan_find(const char *name, size_t len, bool first, bool last);
/* The source or sink for an address with this scheme ("tcp", "unix:", "/", "-"); NULL: none. */
const weir_component *wr_plan_find_scheme(int kind, const char *scheme, size_t len);
const weir_component *wr_plan_find_expression(void);
bool wr_plan_has_scheme(const weir_component *component, const char *scheme, size_t len);
/* Record that this name is unknown, with a hint. */
int wr_plan_name_missing(struct wr_plan_error *error, const char *text, struct wr_plan_span name,
                         bool first, bool last);
/* Record that the scheme of an address is unknown, with a hint. */
int wr_plan_scheme_missing(struct wr_plan_error *error, const char *text,
                           struct wr_plan_span scheme);

/* plan_module.c: whether this program can load modules. */
bool wr_plan_loads_modules(void);
/* The component of a module's file, or of its file and :NAME; NULL with the error
 * set. `where` is its place in the text. */
const weir_component *wr_plan_module_load(struct wr_plan_error *error, struct wr_plan_span where,
                                          const char *word, size_t len);
/* Load the installed module of this name, else all installed modules. false: no module was loaded,
 * or *error is set. */
bool wr_plan_module_find(struct wr_plan_error *error, struct wr_plan_span where, const char *name,
                         size_t len);

#endif
