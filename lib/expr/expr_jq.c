/*
 * expr_jq.c - the jq language by libjq (expr_jq.h).
 *
 * A program is compiled behind definitions that take away what it must not use: the body of each one
 * is a name that does not exist. libjq leaves out what is not called, so only a program that calls
 * input is told that _weir_input/0 is not defined, and this becomes a sentence; a program may define
 * an input of its own. The definitions stand on the line on which the program begins, so the numbers
 * of lines in libjq's messages are right.
 *
 * Inputs are made of the index of codec_json, and outputs are written by expr_jq_value.c: both take a
 * fraction of the time of libjq's own parser and printer.
 *
 * wr_jq_stop uses jq_halt, which the interpreter looks at before each instruction. `state` keeps it
 * from being called at any other time than inside jq_next: the stopper takes IN to STOPPING, and the
 * worker, when it comes out of jq_next, waits until the stopper has left.
 */
#include "expr_jq.h"

#include <jq.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_print.h"
#include "codec_json_write.h"
#include "expr_jq_value.h"
#include "expr_value.h"

enum state { OUT, IN, STOPPING, STOPPED };

struct wr_jq {
    jq_state *jq;
    char *program;
    struct wr_names *names; /* that it was compiled with */
    bool secret;            /* one of them is not to be shown */
    bool ran;               /* its stack and its values may have grown */
    jv output;
    char *scratch; /* for strings without their escapes */
    size_t scratch_room;
    char error[WR_JQ_ERROR_CAP];
    atomic_int state; /* enum state */
};

/* ---- compiling */

struct taken {
    const char *name, *params;
    const char *why, *hint;
};

static const char one_item[] = "a program sees one item at a time";
static const char no_file[] = "a program reads no files";
static const char no_end[] = "a program cannot end the pipeline";
static const char no_text[] = "a program prints nothing beside its outputs";
static const char by_expression[] = "for sums over items: a stage of weir, before or after jq";
static const struct taken taken[] = {
    {"input", "", one_item, by_expression},
    {"inputs", "", one_item, by_expression},
    {"input_filename", "", one_item, NULL},
    {"input_line_number", "", one_item, NULL},
    {"modulemeta", "", no_file, NULL},
    {"get_search_list", "", no_file, NULL},
    {"halt", "", no_end, "for the first N outputs: head N; for none of this item: empty"},
    {"halt_error", "", no_end, "to reject the item: error"},
    {"halt_error", "(c)", no_end, "to reject the item: error"},
    {"debug", "", no_text, "to look at the items: tee { ... }"},
    {"debug", "(m)", no_text, "to look at the items: tee { ... }"},
    {"stderr", "", no_text, "to look at the items: tee { ... }"},
};
enum { TAKEN = sizeof taken / sizeof taken[0] };

/* Everything that stands before the program. */
static void write_prelude(struct wr_print *out)
{
    for (size_t i = 0; i < TAKEN; i++) {
        wr_printf(out, "def %s%s: _weir_%s; ", taken[i].name, taken[i].params, taken[i].name);
    }
    wr_printf(out, "def env: {}; {} as $ENV | ");
}

/* Where a program uses a function of this name: a byte of the program. */
static size_t find_word(const char *program, const char *name)
{
    static const char letters[] =
        "$@.:_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *at = program;
    size_t len = strlen(name);
    while ((at = strstr(at, name)) != NULL) {
        bool begins = at == program || strchr(letters, at[-1]) == NULL;
        if (begins && (at[len] == '\0' || strchr(letters + 3, at[len]) == NULL)) {
            return (size_t)(at - program);
        }
        at += len;
    }
    return 0;
}

struct compiling {
    const char *program;
    size_t prelude; /* bytes */
    struct wr_jq_mistake *mistake;
};

/* The place of a message: "... at FILE, line N:", then this line of the text and as many spaces as
 * stand before the place in it. */
static void take_place(struct compiling *compiling, const char *text)
{
    const char *at = strstr(text, " at <"), *found = at != NULL ? strstr(at, ", line ") : NULL;
    unsigned long line = found != NULL ? strtoul(found + 7, NULL, 10) : 0;
    const char *shown = found != NULL ? strchr(found, '\n') : NULL;
    const char *begin = compiling->program;
    for (unsigned long i = 1; i < line && begin != NULL; i++) {
        begin = strchr(begin, '\n');
        begin = begin != NULL ? begin + 1 : NULL;
    }
    if (line == 0 || begin == NULL || shown == NULL) {
        return;
    }
    size_t len = strcspn(begin, "\n"), before = line == 1 ? compiling->prelude : 0;
    size_t all = strlen(shown + 1);
    size_t column = all > before + len ? all - before - len : 0;
    column = column > before ? column - before : 0;
    compiling->mistake->at = (size_t)(begin - compiling->program) + WR_MIN(column, len);
}

/* What a message says, without what only the command jq needs. */
static void take_words(struct wr_jq_mistake *mistake, const char *text)
{
    static const char quoting[] = " (Unix shell quoting issues?)";
    static const char end[] = "unexpected $end";
    struct wr_print out;
    const char *to = strstr(text, " at <");
    size_t len = to != NULL ? (size_t)(to - text) : strcspn(text, "\n");
    wr_print_to(&out, mistake->message, sizeof mistake->message);
    for (size_t i = 0; i < len;) {
        const char *at = text + i;
        if (strncmp(at, quoting, sizeof quoting - 1) == 0) {
            i += sizeof quoting - 1;
        } else if (strncmp(at, end, sizeof end - 1) == 0) {
            wr_printf(&out, "unexpected end of the program");
            i += sizeof end - 1;
        } else {
            wr_printf(&out, "%c", (unsigned char)*at < ' ' ? ' ' : *at);
            i++;
        }
    }
}

static void take_message(struct compiling *compiling, const char *text)
{
    static const char error[] = "jq: error: ";
    struct wr_jq_mistake *mistake = compiling->mistake;
    if (mistake->message[0] != '\0' || strncmp(text, error, sizeof error - 1) != 0) {
        return;
    }
    text += sizeof error - 1;
    take_place(compiling, text);
    take_words(mistake, text);
    for (size_t i = 0; i < TAKEN; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "_weir_%s/", taken[i].name);
        if (strncmp(text, name, strlen(name)) == 0) {
            (void)snprintf(mistake->message, sizeof mistake->message, "'%s' is not available: %s",
                           taken[i].name, taken[i].why);
            mistake->hint = taken[i].hint;
            mistake->at = find_word(compiling->program, taken[i].name);
        }
    }
    for (const char *word = "import\0include\0module\0"; *word != '\0'; word += strlen(word) + 1) {
        char unexpected[64];
        (void)snprintf(unexpected, sizeof unexpected, "syntax error, unexpected %s", word);
        if (strncmp(text, unexpected, strlen(unexpected)) == 0) {
            (void)snprintf(mistake->message, sizeof mistake->message, "'%s' is not available: %s",
                           word, no_file);
            mistake->hint = "write the definitions before the program: def f: ...; f";
        }
    }
}

static void on_error(void *ctx, jv message)
{
    jv text = jq_format_error(message);
    if (jv_get_kind(text) == JV_KIND_STRING) {
        take_message(ctx, jv_string_value(text));
    }
    jv_free(text);
}

/* Whether the program reads $name. */
static bool reads_name(const char *program, const char *name)
{
    for (const char *at = program; (at = strchr(at, '$')) != NULL;) {
        const char *end = ++at;
        while (wr_is_name_byte(*end, end == at)) {
            end++;
        }
        if (wr_text_is((struct wr_text){at, (size_t)(end - at)}, name)) {
            return true;
        }
    }
    return false;
}

/* The values that a program reads, by their names, as jq_compile_args takes them. Invalid: no
 * memory. */
static jv args_of(struct wr_names *names, const char *program, bool *secret)
{
    struct wr_arena arena;
    jv args = jv_object();
    bool ok = true;
    wr_arena_init(&arena, SIZE_MAX);
    for (size_t i = 0; ok && names != NULL && i < names->count; i++) {
        struct wr_named *named = &names->list[i];
        struct wr_text_writer text = {.arena = &arena};
        if (!reads_name(program, named->name)) {
            continue;
        }
        *secret = *secret || named->value.mark == WR_VALUE_SECRET;
        atomic_store_explicit(&named->used, true, memory_order_relaxed);
        wr_write_json(&text, named->value);
        ok = !text.failed;
        if (ok) {
            args = jv_object_set(args, jv_string(named->name),
                                 jv_parse_sized(text.data, (int)text.len));
        }
    }
    wr_arena_fini(&arena);
    if (!ok) {
        jv_free(args);
        return jv_invalid();
    }
    return args;
}

static bool compile(jq_state *jq, const char *program, jv args, struct wr_jq_mistake *mistake)
{
    enum { PRELUDE_CAP = 1024 };
    struct compiling compiling = {.program = program, .mistake = mistake};
    struct wr_print out;
    size_t cap = PRELUDE_CAP + strlen(program) + 1;
    char *text = wr_alloc(cap);
    if (text == NULL) {
        jv_free(args);
        return false;
    }
    wr_print_to(&out, text, cap);
    write_prelude(&out);
    compiling.prelude = strlen(text);
    wr_printf(&out, "%s", program);
    jq_set_error_cb(jq, on_error, &compiling);
    bool ok = jq_compile_args(jq, text, args) != 0;
    jq_set_error_cb(jq, NULL, NULL);
    wr_free(text);
    mistake->code = WEIR_EPARSE;
    if (!ok && mistake->message[0] == '\0') {
        (void)snprintf(mistake->message, sizeof mistake->message, "the program is not valid");
    }
    return ok;
}

/* The program that was freed last without having run: compiling takes long, and the text of a pipeline
 * is checked before it is opened. */
static struct wr_jq *_Atomic spare;

static void destroy(struct wr_jq *jq)
{
    if (jq != NULL) {
        jv_free(jq->output);
        if (jq->jq != NULL) {
            jq_teardown(&jq->jq);
        }
        wr_free(jq->scratch);
        wr_free(jq->program);
        wr_names_unref(jq->names);
        wr_free(jq);
    }
}

void wr_jq_free(struct wr_jq *jq)
{
    if (jq != NULL && !jq->ran) {
        jq = atomic_exchange(&spare, jq);
    }
    destroy(jq);
}

struct wr_jq *wr_jq_new(const char *program, struct wr_names *names, struct wr_jq_mistake *mistake)
{
    *mistake = (struct wr_jq_mistake){.code = WEIR_EPARSE};
    if (program[strspn(program, " \t\r\n")] == '\0') {
        (void)snprintf(mistake->message, sizeof mistake->message, "the program is empty");
        return NULL;
    }
    *mistake = (struct wr_jq_mistake){.code = WEIR_ENOMEM};
    struct wr_jq *jq = atomic_exchange(&spare, NULL);
    if (jq != NULL && jq->names == names && strcmp(jq->program, program) == 0) {
        return jq;
    }
    destroy(jq);
    jq = wr_zalloc(sizeof *jq);
    if (jq == NULL) {
        return NULL;
    }
    jq->output = jv_invalid();
    jq->names = wr_names_ref(names);
    jq->program = wr_strdup(program);
    jq->jq = jq_init();
    jv args = args_of(names, program, &jq->secret);
    if (jq->program == NULL || jq->jq == NULL || !jv_is_valid(args)) {
        jv_free(args);
    } else if (compile(jq->jq, program, args, mistake)) {
        return jq;
    }
    destroy(jq);
    return NULL;
}

/* ---- inputs */

static jv number_of(struct wr_text text)
{
    int64_t whole;
    struct wr_value number = {.kind = WR_JSON_NUMBER,
                              .form = WR_FORM_TEXT,
                              .len = (uint32_t)text.len,
                              .as.text = text.data};
    return jv_number(text.len < 16 && wr_number_whole(number, &whole) && whole != 0
                         ? (double)whole
                         : wr_number_real(number));
}

/* Invalid: no memory. */
static jv string_of(struct wr_jq *jq, const struct wr_json *json, uint32_t node)
{
    struct wr_text inside = wr_json_inside(json, node);
    if (!wr_json_escaped(json, node)) {
        return jv_string_sized(inside.data, (int)inside.len);
    }
    if (inside.len > jq->scratch_room) {
        char *scratch = wr_realloc(jq->scratch, inside.len);
        if (scratch == NULL) {
            return jv_invalid();
        }
        jq->scratch = scratch;
        jq->scratch_room = inside.len;
    }
    return jv_string_sized(jq->scratch, (int)wr_json_unescape(inside, jq->scratch));
}

static jv value_of(struct wr_jq *jq, const struct wr_json *json, uint32_t node);

static jv array_of(struct wr_jq *jq, const struct wr_json *json, uint32_t node)
{
    jv array = jv_array();
    for (uint32_t at = wr_json_first(json, node); at != WR_JSON_NONE; at = wr_json_next(json, at)) {
        jv element = value_of(jq, json, at);
        if (!jv_is_valid(element)) {
            jv_free(array);
            return element;
        }
        array = jv_array_append(array, element);
    }
    return array;
}

static jv object_of(struct wr_jq *jq, const struct wr_json *json, uint32_t node)
{
    jv object = jv_object();
    for (uint32_t at = wr_json_first(json, node); at != WR_JSON_NONE;
         at = wr_json_next(json, wr_json_value(at))) {
        jv key = string_of(jq, json, at);
        jv value = jv_is_valid(key) ? value_of(jq, json, wr_json_value(at)) : jv_invalid();
        if (!jv_is_valid(value)) {
            jv_free(key);
            jv_free(object);
            return value;
        }
        object = jv_object_set(object, key, value);
    }
    return object;
}

/* At most WR_JSON_DEPTH_MAX deep. */
static jv value_of(struct wr_jq *jq, const struct wr_json *json, uint32_t node)
{
    switch (wr_json_kind(json, node)) {
    case WR_JSON_NULL: return jv_null();
    case WR_JSON_FALSE: return jv_false();
    case WR_JSON_TRUE: return jv_true();
    case WR_JSON_NUMBER: return number_of(wr_json_text(json, node));
    case WR_JSON_STRING: return string_of(jq, json, node);
    case WR_JSON_ARRAY: return array_of(jq, json, node);
    default: return object_of(jq, json, node);
    }
}

static void begin(struct wr_jq *jq, jv input)
{
    jv_free(jq->output);
    jq->output = jv_invalid();
    jq->ran = true;
    jq_start(jq->jq, input, 0);
}

static jv field_of(const weir_event *record, uint32_t i)
{
    weir_slice text = record->values[i];
    switch (record->kinds != NULL ? record->kinds[i] : WEIR_VALUE_STRING) {
    case WEIR_VALUE_NUMBER: return number_of((struct wr_text){text.data, text.len});
    case WEIR_VALUE_BOOL: return jv_bool(text.len == 4);
    default: return jv_string_sized(text.data, (int)text.len);
    }
}

bool wr_jq_input(struct wr_jq *jq, const struct wr_json *json, uint32_t node)
{
    jv input = value_of(jq, json, node);
    if (!jv_is_valid(input)) {
        return false;
    }
    begin(jq, input);
    return true;
}

void wr_jq_input_record(struct wr_jq *jq, const weir_event *record)
{
    jv object = jv_object();
    for (uint32_t i = 0; i < record->fields_count; i++) {
        weir_slice name = record->names[i];
        object =
            jv_object_set(object, jv_string_sized(name.data, (int)name.len), field_of(record, i));
    }
    begin(jq, object);
}

/* ---- running */

/* One line of any text, cut at the end of a character. */
static void set_error(struct wr_jq *jq, const char *text)
{
    char *to = jq->error, *end = jq->error + sizeof jq->error - sizeof "\\u0000...";
    for (; *text != '\0' && to < end; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            to +=
                snprintf(to, 7, *text == '\n' ? "\\n" : "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            *to++ = *text;
        }
    }
    if (*text != '\0') {
        while (to > jq->error && ((unsigned char)*text & 0xc0) == 0x80) {
            to--;
            text--;
        }
        memcpy(to, "...", 3);
        to += 3;
    }
    *to = '\0';
}

/* The message of an error, as the command jq prints it. */
static void take_error(struct wr_jq *jq, jv message)
{
    if (jq->secret) {
        jv_free(message);
        set_error(jq, "the program has failed; it reads a secret, so its message is not shown");
        return;
    }
    if (jv_get_kind(message) == JV_KIND_STRING) {
        set_error(jq, jv_string_value(message));
        jv_free(message);
        return;
    }
    bool leaves = false;
    if (jv_get_kind(message) == JV_KIND_OBJECT) {
        leaves = jv_object_has(jv_copy(message), jv_string("__jq")) != 0;
    }
    jv text = jv_dump_string(message, 0);
    jv whole = leaves ? jv_string("break outside of its label")
                      : jv_string_fmt("the error is not a string: %s", jv_string_value(text));
    set_error(jq, jv_string_value(whole));
    jv_free(text);
    jv_free(whole);
}

void wr_jq_ready(struct wr_jq *jq)
{
    atomic_store(&jq->state, OUT);
}

void wr_jq_stop(struct wr_jq *jq)
{
    int now = OUT;
    while (!atomic_compare_exchange_weak(&jq->state, &now, now == IN ? STOPPING : STOPPED)) {}
    if (now == IN) {
        jq_halt(jq->jq, jv_invalid(), jv_null());
        atomic_store(&jq->state, STOPPED);
    }
}

enum wr_jq_result wr_jq_next(struct wr_jq *jq)
{
    int now = OUT;
    jv_free(jq->output);
    jq->output = jv_invalid();
    if (!atomic_compare_exchange_strong(&jq->state, &now, IN)) {
        return WR_JQ_STOPPED;
    }
    jv output = jq_next(jq->jq);
    now = IN;
    if (!atomic_compare_exchange_strong(&jq->state, &now, OUT)) {
        while (atomic_load(&jq->state) != STOPPED) {}
        jv_free(output);
        return WR_JQ_STOPPED;
    }
    if (jv_is_valid(output)) {
        jq->output = output;
        return WR_JQ_OUTPUT;
    }
    if (jv_invalid_has_msg(jv_copy(output))) {
        take_error(jq, jv_invalid_get_msg(output));
        return WR_JQ_FAILED;
    }
    jv_free(output);
    return WR_JQ_END;
}

const char *wr_jq_error(const struct wr_jq *jq)
{
    return jq->error;
}

/* ---- outputs */

size_t wr_jq_write(struct wr_jq *jq, char *to, size_t cap)
{
    struct wr_out out = {.to = to, .cap = cap};
    return wr_jq_value_write(&out, jv_copy(jq->output)) ? out.len : WR_JQ_TOO_DEEP;
}
