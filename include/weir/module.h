/*
 * module.h - components: the sources, stages and sinks of the pipeline text, and modules that add
 * more of them.
 *
 * The idea. A component is one constant: its name, its arguments, what it takes and gives, its
 * traits, its help, and the functions that open it. The reader of the text, its error messages,
 * help, explain and the promise of delivery all use this constant. So a component that is described
 * in this way is part of the language. The library's own components are written like this, and a
 * module outside the source tree does the same:
 *
 *     #include <weir/module.h>
 *     #include <weir/stage.h>
 *
 *     struct every_args { int64_t n; };
 *
 *     WEIR_STAGE(every_nth, struct every_args)
 *     {
 *         weir_item item;
 *         for (int64_t i = 1; weir_next(up, &item); i++) {
 *             if (i % args->n != 0) {
 *                 weir_settle(self);
 *             } else if (!weir_yield(self, &item)) {
 *                 break;
 *             }
 *         }
 *         return 0;
 *     }
 *     static weir_gen *open_every(const weir_opening *opening, weir_gen *up, const void *args)
 *     {
 *         (void)opening;
 *         return every_nth(up, *(const struct every_args *)args);
 *     }
 *     static const weir_arg every_args[] = {
 *         WEIR_ARG_COUNT(struct every_args, n, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
 *                        .help = "which one"),
 *     };
 *     static const weir_component every = {
 *         .struct_size = sizeof every, .name = "every", .kind = WEIR_KIND_STAGE,
 *         .takes = WEIR_SHAPES_ALL, .gives = WEIR_SHAPE_SAME,
 *         .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_STATE_REPLAYS,
 *         .args = every_args, .args_count = 1, .args_size = sizeof(struct every_args),
 *         .help = "Every Nth item.",
 *         .example = "gen 1..9 | ./every.so 4", .prints = "4\n8\n", .open = open_every};
 *     WEIR_MODULE(&every);
 *
 * A text names a module by its file, ./every.so (if it has one component) or ./every.so:NAME, or by
 * the component's name when the module is in the folder of installed ones, weir/ in the folder of
 * libweir.so. It is loaded when a text that names it is read, and stays loaded. A module must use
 * the library of the program that loads it, so a program that is linked with the archive libweir.a
 * loads no modules.
 *
 * Lifetime.  A component and all it points to must not change while the process lives. `args`
 *            belong to the plan and are lent for the call of check or open.
 * Failure.   check reports wrong arguments by weir_mistake_at. open cannot fail: a maker that fails
 *            gives an object that fails.
 * Threads.   check may run on any thread. open runs on the loop's thread.
 */
#ifndef WEIR_MODULE_H
#define WEIR_MODULE_H

#include <weir/gen.h>
#include <weir/sink.h>
#include <weir/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A chain of components that was read from a text and is not open yet: the value of a { ... }
 * argument. weir_chain_open opens it. */
typedef struct weir_chain weir_chain;
/* The mistake in arguments: filled in by a component's check. */
typedef struct weir_mistake weir_mistake;
/* Neighbouring stages that are expressions, run as one: private to the library. */
typedef struct weir_fused weir_fused;

enum weir_kind { WEIR_KIND_SOURCE = 0, WEIR_KIND_STAGE = 1, WEIR_KIND_SINK = 2 };

/* What the bytes of an item are. Components declare which ones they take and give, as a set. A batch
 * is one item that holds others: a component that reads texts does not take it. That it is called
 * with many items at once has nothing to do with shapes. */
enum weir_shape {
    WEIR_SHAPE_SAME = 0,     /* gives: the shape of the input */
    WEIR_SHAPE_BYTES = 1u,   /* a piece of one stream, cut anywhere */
    WEIR_SHAPE_LINE = 2u,    /* one line, without its end */
    WEIR_SHAPE_JSON = 4u,    /* one JSON text */
    WEIR_SHAPE_MESSAGE = 8u, /* an event that is its body (WEIR_EVENT_MESSAGE) */
    WEIR_SHAPE_BATCH = 16u,  /* items */
    WEIR_SHAPE_RECORD = 32u, /* an event that is its fields (WEIR_EVENT_RECORD) */
    WEIR_SHAPE_EVENT = WEIR_SHAPE_MESSAGE | WEIR_SHAPE_RECORD
};
#define WEIR_SHAPES_TEXT 47u /* all but batches: what weir_item_text reads */
#define WEIR_SHAPES_ALL 63u

/*
 * What other parts may know about a component. Traits that are not set are not assumed.
 *
 * The delivery is computed from the traits of all components of a pipeline: exactly-once-effect
 * where each source RESUMES and PROVES and the sink CUTS_BACK or TRANSACTS; at-least-once where
 * each source RESUMES and each sink CUTS_BACK, TRANSACTS or ACKNOWLEDGES; best-effort otherwise.
 * Components with STATE_RESTARTS or CHANGES_OUTCOMES lower it to best-effort, and so does one with
 * STATE_REPLAYS whose input cannot be read again from its beginning. If a source and a framer joined to it both have BY_ID, they continue by the ids of
 * items, which proves nothing; then `condition` and `on_break` are those of the framer.
 */
enum weir_trait {
    WEIR_TRAIT_ONE_TO_ONE = 1u << 0, /* gives each item that it reads, in order, and no others */
    WEIR_TRAIT_COUNTS = 1u << 1,     /* counts items over all runs with the same state
                                        (weir_head) */
    WEIR_TRAIT_REJECTS = 1u << 2,    /* may reject an item: it gets the argument
                                        on-error=skip|stop|dead */
    WEIR_TRAIT_CHANGES_OUTCOMES = 1u << 3, /* drops items by time or when full: two runs differ */
    WEIR_TRAIT_NEVER_FULL = 1u << 4,  /* takes items at any speed: never slows down its feeder */
    WEIR_TRAIT_HOLDS_BACK = 1u << 5,  /* may hold an item while it waits for others (batch) */
    WEIR_TRAIT_READS_AHEAD = 1u << 6, /* asks for items that its reader has not asked for (queue) */
    /* It keeps data across items besides a count, and a restart loses it: the component starts empty.
     * This is reported when a run continues an earlier one. An item that it has kept
     * (weir_item_keep) is not lost, since it has not settled: a component that keeps all the items
     * that it still needs has neither of these two traits. When it closes, it gives up what it has
     * not given by weir_item_abandon; weir_item_release would move the position past it.
     * apps/examples/module_runs.c. An item that is passed on and kept as well is written again after
     * a restart, where the sink has been cut back to before it: right with a file, and a repeat with
     * a sink that only ACKNOWLEDGES. */
    WEIR_TRAIT_STATE_RESTARTS = 1u << 7,
    /* Its items depend on all that it has read since the beginning (a decompressor). With a state,
     * the record keeps how many of its items have settled, and a restart reads the source from its
     * beginning and leaves them out: weir_replayed, which the plan adds. So the same input must give
     * the same items. What a component before it rejects is rejected again at each restart, and the
     * dead sink gets it again. */
    WEIR_TRAIT_STATE_REPLAYS = 1u << 8,
    /* The same input items give the same output items, whatever the time, the portions in which
     * they come and the state of the world outside the process. The test suite for stages compares
     * two runs; nothing else relies on it. */
    WEIR_TRAIT_PURE = 1u << 9,
    WEIR_TRAIT_CPU = 1u << 10,     /* looks at each byte */
    WEIR_TRAIT_IO = 1u << 11,      /* reads or writes outside the process */
    WEIR_TRAIT_ENDLESS = 1u << 12, /* a source that does not end by itself */
    WEIR_TRAIT_FRAMED = 1u << 13,  /* a source of bytes, cut into lines if no framer follows */
    /* A framer: directly after a FRAMED source it is joined to it. With STATE_REPLAYS, a decoder:
     * there the source gives it bytes. */
    WEIR_TRAIT_FRAMES = 1u << 14,
    WEIR_TRAIT_RESUMES = 1u << 15,        /* a source that continues from a saved position */
    WEIR_TRAIT_PROVES = 1u << 16,         /* ... and proves that it is the same stream */
    WEIR_TRAIT_CUTS_BACK = 1u << 17,      /* a sink that removes what was not saved */
    WEIR_TRAIT_TRANSACTS = 1u << 18,      /* a sink that saves positions with its items */
    WEIR_TRAIT_ACKNOWLEDGES = 1u << 19,   /* a sink that knows what the far end has received */
    WEIR_TRAIT_CONVERTS = 1u << 20,       /* may be inserted where shapes do not match */
    WEIR_TRAIT_EXPRESSION = 1u << 21,     /* the component of a stage that is only an expression
                                             (map) */
    WEIR_TRAIT_SECRET_ADDRESS = 1u << 22, /* its whole address is a secret */
    /* It does not use the content of items, so an item may pass through it in pieces
     * (WEIR_ITEM_PART). Long lines come in pieces only where everything after the source has this
     * trait. */
    WEIR_TRAIT_PIECES = 1u << 23,
    /* A framer whose items have ids; a source that can request by id. */
    WEIR_TRAIT_BY_ID = 1u << 24,
    WEIR_TRAIT_CONNECTS = 1u << 25, /* connects to a peer: the opening's limits of time act on it */
    WEIR_TRAIT_TLS = 1u << 26, /* its peer may have a certificate: the opening's trust acts on it */
    /* The first item says what the others mean. It is as one with STATE_REPLAYS, unless it is a
     * framer that is joined to its source: there the position has the header. */
    WEIR_TRAIT_HEADER = 1u << 27,
    /* It uses the values in its items, as each component does that takes neither bytes nor lines,
     * and rejects an item that is none. If no component before it decodes what the source gives, the
     * plan inserts the one that acts ON_DEMAND directly behind the source, and before it what
     * decodes the source's file (weir_ending). */
    WEIR_TRAIT_VALUES = 1u << 28,
    /* It gives the JSON values of what comes, whatever that is. The plan inserts it where values are
     * used, and leaves it out of a run where it has nothing to do: behind JSON, and behind lines
     * before a component with VALUES. A source with it has a far end that says what its bytes are: the
     * component is joined to it. */
    WEIR_TRAIT_ON_DEMAND = 1u << 29,
    /* Private to the library: it has parsed the JSON texts that it gives as they came, and an
     * expression directly behind it does not parse them again. */
    WEIR_TRAIT_PARSES = 1u << 30
};

/* How an argument is written. */
enum weir_arg_form {
    WEIR_FORM_POSITIONAL = 0, /* VALUE, in the order of the descriptor */
    WEIR_FORM_NAMED,          /* name=VALUE */
    WEIR_FORM_KEYWORD,        /* name VALUE */
    WEIR_FORM_FLAG,           /* name */
    WEIR_FORM_BLOCK           /* { ... }; after its keyword, if it has one: else { ... } */
};

/* What an argument is, with the C type of its field. */
enum weir_arg_type {
    WEIR_ARGTYPE_COUNT = 0, /* 1000; int64_t */
    WEIR_ARGTYPE_SIZE,      /* 64KiB, 64K, 64KB, 512B; int64_t, bytes */
    WEIR_ARGTYPE_TIME,      /* 500ms, 1m30s; int64_t, milliseconds */
    WEIR_ARGTYPE_RATE,      /* 50/s, 1MiB/s; weir_rate */
    WEIR_ARGTYPE_RANGE,     /* 1..10, 1..; weir_range */
    WEIR_ARGTYPE_INSTANT,   /* 2024-05-01T12:00:00Z, @1714564800; int64_t, Unix time in ns */
    WEIR_ARGTYPE_CHOICE,    /* one of choices; int32_t, its index */
    WEIR_ARGTYPE_FLAG,      /* bool */
    WEIR_ARGTYPE_TEXT,      /* "...", `...` or a word; const char *, unescaped. Never empty: an
                               empty text is a mistake */
    WEIR_ARGTYPE_PATH,      /* of a file; const char * */
    WEIR_ARGTYPE_ADDRESS,   /* HOST:PORT; const char *, with the component's scheme before it */
    WEIR_ARGTYPE_URL,       /* const char * */
    WEIR_ARGTYPE_FORMAT,    /* a text with \(expressions) in it; const char *, as written */
    WEIR_ARGTYPE_EXPR,      /* an expression; const char *, as written */
    WEIR_ARGTYPE_FIELDS,    /* .a, .b.c or .a .b.c; weir_texts, one path each */
    WEIR_ARGTYPE_CHAIN      /* { ... }; const weir_chain * */
};

typedef struct weir_range {
    int64_t first, last; /* last: WEIR_NONE without end */
} weir_range;
typedef struct weir_rate {
    int64_t amount; /* items, or bytes */
    int64_t per_ms;
    int32_t bytes; /* 1: of bytes */
    int32_t reserved;
} weir_rate;
/* The values of an argument that may be given more than once. */
typedef struct weir_texts {
    const char *const *list;
    size_t count;
} weir_texts;
typedef struct weir_chains {
    const weir_chain *const *list;
    size_t count;
} weir_chains;

enum weir_arg_flags {
    WEIR_ARG_REQUIRED = 1u,
    WEIR_ARG_REPEATS = 2u,   /* the field is a weir_texts or weir_chains */
    WEIR_ARG_SECRET = 4u,    /* shown as *** everywhere */
    WEIR_ARG_ANY_HOST = 8u,  /* ADDRESS, to listen on: the host may be left out,
                                :PORT, and the port may be 0 */
    WEIR_ARG_PATTERNS = 16u, /* PATH: a * in it is a wildcard */
    WEIR_ARG_WITH_SOURCE =
        32u,                 /* CHAIN: begins with a source; else it reads what its opener passes to
                                it */
    WEIR_ARG_ASSIGNS = 128u, /* EXPR: FIELD = EXPRESSION, or |= and the like */
    WEIR_ARG_WITH_SINK = 64u, /* CHAIN: ends with a sink; else its opener reads it */
    /* COUNT, SIZE: the component holds at most so many items, or bytes of the loop's budget. CHOICE:
     * what it does when it is full. */
    WEIR_ARG_HOLDS = 256u
};

/*
 * One argument. Its value is written into the component's own struct, at `offset`. Use the macros
 * below, which check the type of the field. An argument that is not given has its preset, or zeros.
 */
typedef struct weir_arg {
    /* As written in the text. POSITIONAL, and a BLOCK without a keyword: shown in help only, and
     * written in capitals, as N or PIPELINE. A BLOCK whose name begins with a small letter has that
     * name as its keyword. */
    const char *name;
    uint8_t form;   /* enum weir_arg_form */
    uint8_t type;   /* enum weir_arg_type */
    uint16_t flags; /* enum weir_arg_flags */
    uint32_t offset;
    int64_t min, max;           /* COUNT, SIZE, TIME; max 0: none */
    const char *preset;         /* the default, as written in a text; NULL: none */
    const char *const *choices; /* CHOICE: ends with NULL */
    const char *help;           /* one line, without a full stop; not NULL */
} weir_arg;

/* The offset of S.f, which must be a T. C11 checks the type, C++ the size. */
#if defined(__cplusplus)
#define WEIR_ARG_AT(S, f, T) \
    ((uint32_t)(offsetof(S, f) + 0 * sizeof(char[sizeof(((S *)0)->f) == sizeof(T) ? 1 : -1])))
#else
#define WEIR_ARG_AT(S, f, T) ((uint32_t)offsetof(S, f) + _Generic(((S *)0)->f, T : 0u))
#endif

/*
 * One argument for a table in C: WEIR_ARG_COUNT(struct my_args, items_max, .name = "N", .min = 1,
 * .help = "items at most"). The field's type is checked. In C++ fill in the fields of weir_arg by
 * hand, with WEIR_ARG_AT for the offset.
 */
#define WEIR_ARG_COUNT(S, f, ...)                                                     \
    {                                                                                 \
        .type = WEIR_ARGTYPE_COUNT, .offset = WEIR_ARG_AT(S, f, int64_t), __VA_ARGS__ \
    }
#define WEIR_ARG_SIZE(S, f, ...)                                                     \
    {                                                                                \
        .type = WEIR_ARGTYPE_SIZE, .offset = WEIR_ARG_AT(S, f, int64_t), __VA_ARGS__ \
    }
#define WEIR_ARG_TIME(S, f, ...)                                                     \
    {                                                                                \
        .type = WEIR_ARGTYPE_TIME, .offset = WEIR_ARG_AT(S, f, int64_t), __VA_ARGS__ \
    }
#define WEIR_ARG_RATE(S, f, ...)                                                       \
    {                                                                                  \
        .type = WEIR_ARGTYPE_RATE, .offset = WEIR_ARG_AT(S, f, weir_rate), __VA_ARGS__ \
    }
#define WEIR_ARG_RANGE(S, f, ...)                                                        \
    {                                                                                    \
        .type = WEIR_ARGTYPE_RANGE, .offset = WEIR_ARG_AT(S, f, weir_range), __VA_ARGS__ \
    }
#define WEIR_ARG_INSTANT(S, f, ...)                                                     \
    {                                                                                   \
        .type = WEIR_ARGTYPE_INSTANT, .offset = WEIR_ARG_AT(S, f, int64_t), __VA_ARGS__ \
    }
#define WEIR_ARG_CHOICE(S, f, ...)                                                     \
    {                                                                                  \
        .type = WEIR_ARGTYPE_CHOICE, .offset = WEIR_ARG_AT(S, f, int32_t), __VA_ARGS__ \
    }
#define WEIR_ARG_FLAG(S, f, ...)                                                              \
    {                                                                                         \
        .form = WEIR_FORM_FLAG, .type = WEIR_ARGTYPE_FLAG, .offset = WEIR_ARG_AT(S, f, bool), \
        __VA_ARGS__                                                                           \
    }
#define WEIR_ARG_TEXT(S, f, ...)                                                          \
    {                                                                                     \
        .type = WEIR_ARGTYPE_TEXT, .offset = WEIR_ARG_AT(S, f, const char *), __VA_ARGS__ \
    }
#define WEIR_ARG_PATH(S, f, ...)                                                          \
    {                                                                                     \
        .type = WEIR_ARGTYPE_PATH, .offset = WEIR_ARG_AT(S, f, const char *), __VA_ARGS__ \
    }
#define WEIR_ARG_ADDRESS(S, f, ...)                                                          \
    {                                                                                        \
        .type = WEIR_ARGTYPE_ADDRESS, .offset = WEIR_ARG_AT(S, f, const char *), __VA_ARGS__ \
    }
#define WEIR_ARG_URL(S, f, ...)                                                          \
    {                                                                                    \
        .type = WEIR_ARGTYPE_URL, .offset = WEIR_ARG_AT(S, f, const char *), __VA_ARGS__ \
    }
#define WEIR_ARG_FORMAT(S, f, ...)                                                          \
    {                                                                                       \
        .type = WEIR_ARGTYPE_FORMAT, .offset = WEIR_ARG_AT(S, f, const char *), __VA_ARGS__ \
    }
#define WEIR_ARG_EXPR(S, f, ...)                                                          \
    {                                                                                     \
        .type = WEIR_ARGTYPE_EXPR, .offset = WEIR_ARG_AT(S, f, const char *), __VA_ARGS__ \
    }
#define WEIR_ARG_FIELDS(S, f, ...)                                                        \
    {                                                                                     \
        .type = WEIR_ARGTYPE_FIELDS, .offset = WEIR_ARG_AT(S, f, weir_texts), __VA_ARGS__ \
    }
#define WEIR_ARG_CHAIN(S, f, ...)                                    \
    {                                                                \
        .form = WEIR_FORM_BLOCK, .type = WEIR_ARGTYPE_CHAIN,         \
        .offset = WEIR_ARG_AT(S, f, const weir_chain *), __VA_ARGS__ \
    }
/* These may be given any number of times. */
#define WEIR_ARG_CHAINS(S, f, more, ...)                                                         \
    {                                                                                            \
        .form = WEIR_FORM_BLOCK, .type = WEIR_ARGTYPE_CHAIN, .flags = WEIR_ARG_REPEATS | (more), \
        .offset = WEIR_ARG_AT(S, f, weir_chains), __VA_ARGS__                                    \
    }
#define WEIR_ARG_TEXTS(S, f, argtype, more, ...)               \
    {                                                          \
        .type = (argtype), .flags = WEIR_ARG_REPEATS | (more), \
        .offset = WEIR_ARG_AT(S, f, weir_texts), __VA_ARGS__   \
    }

/* Where a source begins: weir_begin.kind; a set of them in weir_component.begins. */
enum weir_begin_kind {
    WEIR_BEGIN_BEGINNING = 1u,
    WEIR_BEGIN_END = 2u, /* after what exists */
    WEIR_BEGIN_ID =
        4u, /* after the item with this id; with BY_ID only where ids are its position */
    WEIR_BEGIN_OFFSET = 8u, /* at this byte, or after so many items of a source without bytes */
    WEIR_BEGIN_TIME = 16u,  /* at this moment */
    WEIR_BEGIN_STOPS = 32u  /* in weir_component.begins only: it obeys weir_opening.to_end */
};
typedef struct weir_begin {
    int32_t kind; /* one of enum weir_begin_kind, not STOPS */
    int32_t reserved;
    int64_t number; /* OFFSET: it; TIME: Unix time in ns */
    const char *id; /* ID: it */
} weir_begin;

/* What a component is opened with. In check, scope and state are NULL and nothing may be opened. */
typedef struct weir_opening {
    size_t struct_size;
    weir_scope *scope;
    weir_state *state;             /* stores positions and lengths; NULL: none */
    const weir_http_options *http; /* of the program; its headers, user and token are for the first
                                      component of the text that takes a URL. Never NULL */
    int64_t connect_ms, idle_ms;   /* the program's timeouts; 0: the default, WEIR_NONE: none */
    int32_t stdin_fd, stdout_fd;
    /* What comes from upstream, a set of enum weir_shape: there may be items of each of these
     * shapes. All shapes where it is not known, as after the generator of weir_parse, and also in
     * check. 0 for a source. */
    uint32_t shape;
    /* For a FRAMED source: 1 when a component that FRAMES follows directly. The source then gives
     * bytes as they come (weir_file_bytes). For that component: 1, too; weir_framed then makes the
     * source cut its bytes. */
    int32_t joined;
    int32_t strict; /* 1: an item that would be rejected fails the pipeline instead */
    int32_t
        pieces; /* for a source of lines: 1 when no component uses their content, so that a long one
                       may come in pieces (WEIR_LONG_PARTS) */
    const void *plan; /* private to the library */
    const char *text; /* the whole pipeline, without secrets; lent. NULL in check */
    void *names;      /* private to the library: the values of the text, $NAME in expressions */
    /* For the component ON_DEMAND: 1 when a later component reads each item as a value, and rejects
     * what is none. */
    int32_t looked;
    /* In check: 1 when a source before it has `meta`. To a source: 1 when a component reads $meta, so
     * that items need what the source says of them there. */
    int32_t meta;
    int32_t *reads_meta; /* in check: a component that reads $meta sets it to 1; else NULL */
    /* For a sink: 1 when its items may settle only when they are safe from a power cut: on the disk, or
     * acknowledged by a far end. */
    int32_t durable;
    /* For a source: 1: stop where what exists ends, and do not follow it. */
    int32_t to_end;
    /* For a source: where it begins when `state` has no position of it, in place of what its arguments
     * say; only of a kind that it `begins` with. NULL: as they say. */
    const weir_begin *begin;
    int32_t all_text; /* in check: 1 when the records that come have only texts in their fields */
    int32_t reserved;
} weir_opening;

/* A text that uses a component, and its output: as example and prints of the component. */
typedef struct weir_example {
    const char *text, *prints;
} weir_example;

/* A kind of file that a framer decodes. */
typedef struct weir_ending {
    const char *ending; /* of the file's name: ".csv" */
    const char *flag;   /* the flag that the framer is used with; NULL: none */
} weir_ending;

typedef struct weir_component {
    size_t struct_size;
    const char *name; /* lower case letters, digits, - and _; begins with a letter */
    /* The schemes of addresses that mean this source, in the first place of a text, or that this
     * sink writes to: "tcp" for tcp://..., "unix:" for unix:..., "/" for the path of a file, "-"
     * for the standard stream. Ends with NULL. NULL: the component is written only by its name. A
     * source that has schemes is written only by its address, except for "-". */
    const char *const *schemes;
    const char *const *aliases; /* other names; ends with NULL; NULL: none */
    int32_t kind;               /* enum weir_kind */
    /* Sets of enum weir_shape; takes is 0 for a source, gives is not used for a sink. When the
     * input does not match `takes`, the plan inserts a component that CONVERTS (weir explain shows
     * it: "inserted by the plan"). If there is none, the text is wrong. */
    uint32_t takes, gives;
    uint32_t traits; /* enum weir_trait */
    /* The traits with these arguments behind an input of these shapes, if they depend on one of
     * them. shape: as in weir_opening. NULL: `traits`. */
    uint32_t (*traits_of)(const void *args, uint32_t shape);
    const weir_arg *args;
    size_t args_count;
    size_t args_size;      /* of the struct for the values */
    const char *help;      /* one line; not NULL */
    const char *example;   /* a complete text that shows the usual use of this component; not
                              NULL */
    const char *prints;    /* the output of the example, byte for byte; NULL: it needs files or a
                              network */
    const char *condition; /* under which it PROVES or CUTS_BACK: "the server sends ..."; or NULL */
    const char *on_break;  /* what happens when the far end is lost: a sentence; or NULL */
    const char *misplaced; /* what to write instead when it is in the wrong place; or NULL */
    /* Check more than the types of single arguments: 0, or the result of weir_mistake_at. May warn.
     * Opens nothing. NULL: nothing to check. */
    int (*check)(const weir_opening *opening, const void *args, weir_mistake *mistake);
    /* Open a source or a stage. up: its upstream, taken; NULL for a source. */
    weir_gen *(*open)(const weir_opening *opening, WEIR_TAKES weir_gen *up, const void *args);
    /* Open a sink. */
    weir_sink *(*open_sink)(const weir_opening *opening, const void *args);
    /* What it gives with these arguments behind an input of these shapes, if it depends on one of
     * them: a part of `gives`, which is then the set of all that it may give, or WEIR_SHAPE_SAME.
     * shape: as in weir_opening. NULL: `gives`. */
    uint32_t (*gives_of)(const void *args, uint32_t shape);
    /* More texts, for other uses; the last one has a text of NULL. NULL: none. */
    const weir_example *more_examples;
    /* Private to the library; NULL in a module. A stage that is an expression: add it to a row of
     * such stages that the plan runs as one. */
    int (*compile)(weir_fused *fused, const weir_opening *opening, const void *args);
    /* The files that it decodes; the last one has an ending of NULL. If it gives bytes, the ending
     * before it names what they are, as in .csv.gz. NULL: none. */
    const weir_ending *endings;
    /* For weir explain: what it does behind this input, a sentence without a full stop. `opening` has
     * shape and joined. NULL, or its result: nothing to add to the help. */
    const char *(*says)(const weir_opening *opening, const void *args);
    /* A source: what $meta has of each of its items, beside what an event has: "peer", "host", "path",
     * "offset". Ends with NULL. NULL: nothing. */
    const char *const *meta;
    /* A sink that obeys weir_opening.durable: what it does then, a sentence without a full stop. NULL:
     * it cannot, and is refused where this is asked for. */
    const char *durable;
    /* A source: what it obeys of weir_opening.begin and to_end, a set of enum weir_begin_kind. What it
     * does not obey is refused where it is asked for. 0: nothing. */
    uint32_t begins;
    /* With REJECTS: 1 when an item that it rejects ends the run if the text has no on-error=. 0: such
     * an item is skipped, or goes to the dead sink if there is one. */
    int32_t stops;
    /* A stage that makes records: whether their fields are texts with these arguments, whatever is
     * written in them, as those of csv. NULL: a field may be a number. */
    bool (*all_text)(const void *args);
} weir_component;

/*
 * Report what is wrong with the arguments. Only the first mistake counts.
 *
 * arg      name of the wrong argument, as in the descriptor: the message points at it. NULL: at the
 *          whole component.
 * format   one line, without the component's name.
 * Returns  a negative code, which check must return.
 */
WEIR_API int weir_mistake_at(weir_mistake *mistake, const char *arg, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* The same for `len` bytes at `at` of an argument: the message points at them. at counts in the text
 * of the argument as written (EXPR, FORMAT), or in its value (TEXT); in a TEXT with escapes, the
 * message points at all of it. */
WEIR_API int weir_mistake_inside(weir_mistake *mistake, const char *arg, size_t at, size_t len,
                                 const char *format, ...) WEIR_PRINTF(5, 6);
/* Report what to type instead, after weir_mistake_at. Returns the same code. */
WEIR_API int weir_mistake_hint(weir_mistake *mistake, const char *format, ...) WEIR_PRINTF(2, 3);
/* Warn the user before the run, when the arguments are not wrong: weir_plan_warning. */
WEIR_API void weir_mistake_warn(weir_mistake *mistake, const char *text);

/*
 * Open the chain of a { ... } argument, in a component's open.
 *
 * opening  the one that open got.
 * up       the upstream of the chain, taken. NULL: the chain begins with a source
 *          (WEIR_ARG_WITH_SOURCE).
 * gen      [out] the end of the chain. If the chain has a sink, the caller must pump *gen into
 *          *sink, by weir_pump in a task of its own.
 * sink     [out] the sink of the chain; NULL: it has none.
 */
WEIR_API void weir_chain_open(const weir_opening *opening, const weir_chain *chain,
                              WEIR_TAKES weir_gen *up, weir_gen **gen, weir_sink **sink);

/* ---- the list of components */

/* The index-th component, the library's own first, then those of modules in the order in which they
 * were loaded; NULL past the last. */
WEIR_API const weir_component *weir_component_at(size_t index);
/*
 * Look up a component by its name, an alias, a scheme, or the way that a text names one of a
 * module: ./every.so or ./two.so:NAME. Loads the module, and also the installed module of that
 * name.
 *
 * index    0 for the first one of this name; a source and a sink may have the same name. The result
 *          is NULL past the last.
 */
WEIR_API const weir_component *weir_component_find(const char *name, size_t index);
/*
 * Load all installed modules, so that weir_component_at gives their components, too. Reading a text
 * loads the modules that it names without this call. Any thread.
 *
 * failed   called for each one that cannot be loaded, with the reason. NULL is allowed.
 * Returns  how many are loaded now; 0 in a program that contains the library as an archive.
 */
WEIR_API size_t weir_modules_load(void (*failed)(void *ctx, const weir_error *error), void *ctx);
/* Write the help of a component: how it is written, its arguments, its examples with the first lines
 * of their output. As snprintf. */
WEIR_API size_t weir_component_help(const weir_component *component, char *to, size_t cap);

/* ---- modules */

/* 0: a module works only with the build of the library that its headers come from. */
#define WEIR_ABI 0u
/* Changes with the layout of what a module shares with the library. */
#define WEIR_LAYOUT                                                                               \
    ((uint32_t)(sizeof(weir_component) * 3u + sizeof(weir_arg) * 5u + sizeof(weir_opening) * 7u + \
                sizeof(weir_item) * 11u + sizeof(weir_http_options) * 13u +                       \
                sizeof(weir_event) * 17u +                                                        \
                (WEIR_VERSION_MAJOR * 1000u + WEIR_VERSION_MINOR) * 65536u))

typedef struct weir_module {
    size_t struct_size;
    uint32_t abi;                            /* WEIR_ABI */
    uint32_t layout;                         /* WEIR_LAYOUT */
    const weir_component *const *components; /* ends with NULL */
} weir_module;

/* Export the components of a module, once in its file: WEIR_MODULE(&mine, &other); */
#ifdef __cplusplus
#define WEIR_MODULE_LINKAGE extern "C"
#else
#define WEIR_MODULE_LINKAGE extern
#endif
#define WEIR_MODULE(...)                                                                \
    static const weir_component *const weir_module_components[] = {__VA_ARGS__, NULL};  \
    WEIR_MODULE_LINKAGE WEIR_API const weir_module weir_module_export;                  \
    const weir_module weir_module_export = {sizeof(weir_module), WEIR_ABI, WEIR_LAYOUT, \
                                            weir_module_components}

#ifdef __cplusplus
}
#endif

#endif
