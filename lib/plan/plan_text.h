/*
 * plan_text.h - what reading a pipeline text and opening it have in common: errors, descriptors,
 * the plan itself.
 *
 * Reading is two layers. The first (plan_split.c) finds the stages and needs no names; the second
 * (plan_read.c for what a stage is, plan_words.c for its arguments) is driven by the descriptors of
 * plan_stages.c. Both work on a copy of the text in which comments are blanked, so every offset is
 * also one in the text the user typed.
 */
#ifndef WR_PLAN_TEXT_H
#define WR_PLAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plan.h>

#include "base_export.h"

#define WR_PLAN_TEXT_BYTES_MAX ((size_t)1 << 20) /* a text is typed or kept in a file by hand */
#define WR_PLAN_STAGES_MAX 256u
#define WR_PLAN_DEPTH_MAX 64u /* brackets in brackets: bounds the recursion of the splitter */
#define WR_PLAN_ARGS_MAX 3

/* Bytes [at, at + len) of the text. */
struct wr_plan_span {
    size_t at, len;
};

/* The one mistake that stopped the reading. */
struct wr_plan_error {
    int code; /* 0: none so far */
    struct wr_plan_span where;
    char message[320]; /* one line */
    char hint[320];    /* what to type instead; may be empty */
};

/* Record a mistake and return its code; a later one changes nothing. */
int wr_plan_fail(struct wr_plan_error *error, struct wr_plan_span where, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* Add the hint of the mistake just recorded, unless it has one. Returns the code of the mistake. */
int wr_plan_hint(struct wr_plan_error *error, const char *format, ...) WEIR_PRINTF(2, 3);
int wr_plan_no_memory(struct wr_plan_error *error);
/* Fill the public record; name as in weir_plan_read. */
void wr_plan_error_give(const struct wr_plan_error *from, const char *text, const char *name,
                        weir_error *to);
/* The long form; returns its length, as snprintf. */
size_t wr_plan_error_print(const struct wr_plan_error *error, const char *text, const char *name,
                           char *to, size_t cap);

/* A search for the word that was meant: offer candidates, then ask `best`. */
struct wr_plan_guess {
    const char *word;
    size_t len;
    const char *best; /* NULL: none is near enough */
    size_t distance;
};
void wr_plan_guess_init(struct wr_plan_guess *guess, const char *word, size_t len);
void wr_plan_guess_offer(struct wr_plan_guess *guess, const char *candidate);

/* Text into the caller's buffer, as snprintf: len counts what would have been written. */
struct wr_plan_out {
    char *to;
    size_t cap, len;
};
void wr_plan_out_init(struct wr_plan_out *out, char *to, size_t cap);
void wr_plan_out_bytes(struct wr_plan_out *out, const char *bytes, size_t len);
void wr_plan_out_print(struct wr_plan_out *out, const char *format, ...) WEIR_PRINTF(2, 3);

/* plan_error.c: put stars over the passwords of URLs and over query values that are secret by their
 * name; the columns stay. */
WR_COMMAND_API void wr_plan_hide_secrets(char *text);

/* plan_units.c: 0, or WEIR_EINVAL when the bytes are not wholly of this form; WEIR_EBUDGET when
 * they are, but the number does not fit. */
int wr_plan_count_read(const char *text, size_t len, int64_t *count);
int wr_plan_size_read(const char *text, size_t len, int64_t *bytes);
int wr_plan_time_read(const char *text, size_t len, int64_t *ms);
int wr_plan_range_read(const char *text, size_t len, int64_t *first, int64_t *last);

/* plan_split.c: layer 1. `clean` is a copy of the text and gets its comments blanked. Fills spans,
 * room for WR_PLAN_STAGES_MAX, each without the spaces around it. 0 or the code of *error. */
int wr_plan_split(char *clean, struct wr_plan_span text, struct wr_plan_span *spans, size_t *count,
                  struct wr_plan_error *error);
/* Index after the quoted text, or the bracket, that begins at `at`. Only for what the splitter has
 * accepted. */
size_t wr_plan_skip(const char *clean, size_t at, size_t end);
bool wr_plan_is_space(char c);

enum wr_plan_type {
    WR_PLAN_COUNT,
    WR_PLAN_SIZE,
    WR_PLAN_TIME,
    WR_PLAN_RANGE,
    WR_PLAN_STRING,
    WR_PLAN_PATH,
    WR_PLAN_ADDRESS, /* HOST:PORT with or without tcp://; kept with it */
    WR_PLAN_SOCKET,  /* a path with or without unix:; kept with it */
    WR_PLAN_CHOICE
};
enum wr_plan_form { WR_PLAN_POSITIONAL, WR_PLAN_NAMED, WR_PLAN_KEYWORD };
enum wr_plan_items { WR_PLAN_NOTHING, WR_PLAN_LINES, WR_PLAN_BATCHES, WR_PLAN_ANY };
enum wr_plan_work { WR_PLAN_PURE, WR_PLAN_CPU, WR_PLAN_IO };

struct wr_plan_arg {
    const char
        *name; /* of the value in help and errors; of the argument itself when NAMED or KEYWORD */
    enum wr_plan_form form;
    enum wr_plan_type type;
    bool required;
    int64_t min;
    const char *const *choices; /* CHOICE: ends with NULL; the value is the index */
    const char *preset;         /* the default, as text; NULL: none */
    const char *help;
};

struct wr_plan_stage;
struct wr_plan_opening;

/* The descriptor of a source, stage or sink: everything that is told about it is told from here. */
struct wr_plan_word {
    const char *name;
    const char *shape; /* a source known by how its address looks, not by its name: how to write it.
                          NULL: by name */
    int kind;          /* enum weir_plan_kind */
    enum wr_plan_items in, out; /* out ANY: what came in */
    enum wr_plan_work work;
    const char *help;
    const char *example; /* a whole text */
    const char
        *misplaced; /* what to write when it stands in the wrong place; NULL: nothing to say */
    struct wr_plan_arg args[WR_PLAN_ARGS_MAX + 1]; /* ends with a NULL name */
    void (*build)(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
};

extern const struct wr_plan_word wr_plan_words[]; /* ends with a NULL name */
/* A word that is written by its name; NULL: none. */
const struct wr_plan_word *wr_plan_word_find(const char *name, size_t len);
/* A source that is known by its shape. */
const struct wr_plan_word *wr_plan_source_find(const char *name);
/* Record that this name is unknown, or known but not in this version, with a hint. */
int wr_plan_word_missing(struct wr_plan_error *error, const char *text, struct wr_plan_span name);
/* The same for the scheme of an address. */
int wr_plan_scheme_missing(struct wr_plan_error *error, const char *text,
                           struct wr_plan_span scheme);
/* Is this the name of a stage that exists in the language but not in this version? */
bool wr_plan_is_planned(const char *name, size_t len);
const char *wr_plan_type_text(enum wr_plan_type type);

struct wr_plan_value {
    bool given;
    int64_t number, last; /* last: the end of a RANGE, WEIR_NONE for none */
    char *text;           /* STRING and the like, unescaped */
};

struct wr_plan_stage {
    const struct wr_plan_word *word;
    struct wr_plan_span where; /* the whole stage */
    struct wr_plan_span name;  /* its first word */
    struct wr_plan_value values[WR_PLAN_ARGS_MAX];
    char *text; /* normalised */
};

struct weir_plan {
    size_t stages_count;
    struct wr_plan_stage *stages;
    char *text;
    char *state_folder;
    int64_t mem_bytes;
    const char *warning; /* NULL: none */
};

/* One word of a stage. */
struct wr_plan_token {
    struct wr_plan_span all;   /* with NAME= */
    struct wr_plan_span name;  /* NAME of NAME=value; len 0: none */
    struct wr_plan_span value; /* with its quotes */
    bool quoted;
};

/* plan_words.c: the next word in [*at, end); all.len 0: there is none. Moves *at behind it. */
int wr_plan_token_next(const char *clean, size_t *at, size_t end, struct wr_plan_token *token,
                       struct wr_plan_error *error);
/* The bytes a token stands for, allocated; NULL with *error set. */
char *wr_plan_token_text(const char *clean, const struct wr_plan_token *token,
                         struct wr_plan_error *error);
/* Read the arguments of a stage whose word is known, from `at` to the end of the stage. */
int wr_plan_args_read(const char *clean, size_t at, struct wr_plan_stage *stage,
                      struct wr_plan_error *error);
/* Is this HOST:PORT, with or without tcp:// before it? */
bool wr_plan_address_ok(const char *address);

/* plan_tell.c: the normalised text of one stage, allocated; NULL: out of memory. */
char *wr_plan_stage_text(const char *clean, const struct wr_plan_stage *stage);

/* plan_open.c: the build functions of the descriptors. */
void wr_plan_build_http(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_tcp(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_unix(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_file(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_stdin(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_gen(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_head(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_skip(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_queue(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_batch(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_grep(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_lines(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_stdout(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_to_file(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_to_tcp(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_to_unix(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);
void wr_plan_build_null(struct wr_plan_opening *opening, const struct wr_plan_stage *stage);

#endif
