/*
 * expr_run.c - runs a program: its stack, its forks, errors, and the loop.
 *
 * wr_machine_next continues where the last pull stopped: behind an output it takes the last fork, after
 * BUSY it goes on. Everything that a pull needs to continue is in the struct, so between two pulls
 * the caller may do what it likes.
 *
 * Memory: what an alternative has made is taken back when its fork is taken, so a generator runs in
 * constant memory. A frame that keeps values raises the marks of the forks above it: that of the
 * last one at once, and that of each other when the fork above it goes.
 */
#include "expr_machine.h"

#include <stdarg.h>
#include <stdio.h>

#include "base_alloc.h"
#include "base_error.h"

enum {
    STEPS_MAX = 100000,
    MESSAGE_CAP = 256,
    BYTES_MAX = 64 << 20,
    STACK_FIRST = 16,
    STACK_BYTES_KEPT = 32 * 1024
};

/* ---- the stack */

/* Make a stack larger; its memory counts as the arena's. */
static bool grow(wr_machine *run, void *stack, size_t size, size_t *room)
{
    size_t more = *room > 0 ? *room : STACK_FIRST;
    void *memory;
    run->arena.full = *room >= WR_EXPR_STACK_MAX;
    if (run->arena.full || !wr_arena_charge(&run->arena, more * size)) {
        return wr_machine_no_memory(run);
    }
    memcpy(&memory, stack, sizeof memory); /* a pointer to a pointer of any type */
    memory = wr_realloc(memory, (*room + more) * size);
    if (memory == NULL) {
        wr_arena_discharge(&run->arena, more * size);
        return wr_machine_no_memory(run);
    }
    memcpy(stack, &memory, sizeof memory);
    *room += more;
    return true;
}

/* Free a stack that one input has made large. */
static void shrink(wr_machine *run, void *stack, size_t size, size_t *room)
{
    void *memory;
    if (*room * size > STACK_BYTES_KEPT) {
        memcpy(&memory, stack, sizeof memory);
        wr_free(memory);
        memset(stack, 0, sizeof memory);
        wr_arena_discharge(&run->arena, *room * size);
        *room = 0;
    }
}

bool wr_push_more(wr_machine *run, struct wr_value value)
{
    return grow(run, &run->entries, sizeof *run->entries, &run->entries_room) &&
           wr_push(run, value);
}

/* ---- forks */

struct wr_fork *wr_fork(wr_machine *run, enum wr_fork_kind kind, uint32_t pc)
{
    if (run->forks_count >= run->forks_room &&
        !grow(run, &run->forks, sizeof *run->forks, &run->forks_room)) {
        return NULL;
    }
    struct wr_fork *fork = &run->forks[run->forks_count++];
    *fork = (struct wr_fork){.kind = (uint8_t)kind,
                             .pc = pc,
                             .top = run->top,
                             .end = run->end,
                             .variables = run->variables,
                             .handler = run->handler,
                             .path = run->path,
                             .kept = run->forks_count - 1,
                             .mark = wr_arena_mark(&run->arena)};
    run->floor = run->end;
    return fork;
}

void wr_forks_cut(wr_machine *run, uint32_t count)
{
    for (; run->forks_count > count; run->forks_count--) {
        const struct wr_fork *fork = &run->forks[run->forks_count - 1];
        if (fork->kept + 1 < run->forks_count) {
            run->forks[run->forks_count - 2].mark = fork->mark;
            run->forks[run->forks_count - 2].kept =
                WR_MIN(run->forks[run->forks_count - 2].kept, fork->kept);
        }
    }
    run->floor = count > 0 ? run->forks[count - 1].end : 0;
}

void wr_forks_keep(wr_machine *run, uint32_t frame)
{
    struct wr_fork *last = &run->forks[run->forks_count - 1];
    last->mark = wr_arena_mark(&run->arena);
    last->kept = WR_MIN(last->kept, frame);
}

static void restore(wr_machine *run, const struct wr_fork *fork)
{
    run->top = fork->top;
    run->end = fork->end;
    run->variables = fork->variables;
    run->handler = fork->handler;
    run->path = fork->path;
    run->pc = fork->pc;
}

bool wr_note(wr_machine *run, struct wr_value key)
{
    struct wr_path *path = wr_arena_alloc(&run->arena, sizeof *path);
    if (path == NULL) {
        return wr_machine_no_memory(run);
    }
    *path = (struct wr_path){run->path, key, run->path->count + 1};
    run->path = path;
    return true;
}

/* The next element; false: no memory. *more: another one follows it. */
static bool next_element(wr_machine *run, struct wr_fork *fork, struct wr_value *key,
                         struct wr_value *value, bool *more)
{
    if (fork->of.kind == WR_JSON_OBJECT) {
        const struct wr_members *object = fork->of.as.object;
        *key = object->members[fork->at].key;
        *value = object->members[fork->at].value;
        *more = ++fork->at < object->count;
        return true;
    }
    *key = wr_value_integer(fork->index++);
    if (fork->of.form == WR_FORM_BUILT) {
        *value = fork->of.as.array[fork->at];
        *more = ++fork->at < fork->of.len;
        return true;
    }
    uint32_t node = fork->at;
    fork->at = wr_json_next(fork->of.as.json, node);
    *more = fork->at != WR_JSON_NONE;
    return wr_value_node(&run->arena, fork->of.as.json, node, value) || wr_machine_no_memory(run);
}

/* The next number of a RANGE fork, and the one after it. A text stands in memory of the fork, which
 * the next number overwrites: what is given is a copy. */
static bool next_number(wr_machine *run, struct wr_fork *fork, struct wr_value *value, bool *more)
{
    struct wr_arena *arena = &run->arena;
    struct wr_value next;
    *value = fork->of;
    if (fork->at > 0) {
        if (!wr_value_copy_string(arena, fork->of.as.text, fork->of.len, value)) {
            return wr_machine_no_memory(run);
        }
        value->kind = WR_JSON_NUMBER;
    }
    if (!wr_number_compute(arena, WR_OP_ADD, *value, wr_value_integer(1), &next)) {
        return wr_machine_no_memory(run);
    }
    if (next.form == WR_FORM_TEXT) {
        char *slot = (char *)(uintptr_t)fork->of.as.text;
        if (next.len > fork->at) {
            fork->at = 2 * next.len;
            slot = wr_arena_alloc(arena, fork->at);
            fork->mark = wr_arena_mark(arena);
        }
        if (slot == NULL) {
            return wr_machine_no_memory(run);
        }
        memcpy(slot, next.as.text, next.len);
        next.as.text = slot;
    }
    fork->of = next;
    *more = wr_number_compare(next, fork->last) < 0;
    return true;
}

enum wr_next wr_fork_next(wr_machine *run)
{
    struct wr_fork *fork = &run->forks[run->forks_count - 1];
    struct wr_value key = {.kind = WR_JSON_NULL};
    struct wr_value value;
    bool notes = (fork->flags & WR_CODE_NOTES) != 0;
    bool more = true;
    if (!(fork->kind == WR_FORK_RANGE ? next_number(run, fork, &value, &more)
                                      : next_element(run, fork, &key, &value, &more))) {
        return WR_FAIL;
    }
    if (!more) {
        wr_forks_cut(run, run->forks_count - 1);
    }
    return wr_push(run, value) && (!notes || wr_note(run, key)) ? WR_GO : WR_FAIL;
}

/* Take the last fork. false: there is none. */
static bool backtrack(wr_machine *run, enum wr_next *next)
{
    *next = WR_GO;
    while (run->forks_count > 0) {
        struct wr_fork *fork = &run->forks[run->forks_count - 1];
        struct wr_value value = fork->of;
        bool ends = false;
        restore(run, fork);
        wr_arena_back(&run->arena, fork->mark);
        switch ((enum wr_fork_kind)fork->kind) {
        case WR_FORK_EACH:
        case WR_FORK_RANGE: *next = wr_fork_next(run); return true;
        case WR_FORK_PLAIN: wr_forks_cut(run, run->forks_count - 1); return true;
        case WR_FORK_WALK:
            if (fork->at == 0) {
                *next = wr_walk_next(run);
                return true;
            }
            ends = true;
            break;
        case WR_FORK_LIMIT:
        case WR_FORK_TRY: ends = true; break;
        case WR_FORK_FOLD: ends = fork->at == 0; break;
        case WR_FORK_OTHERWISE: ends = fork->at != 0; break;
        case WR_FORK_COLLECT: break;
        }
        wr_forks_cut(run, run->forks_count - 1);
        if (!ends) {
            *next = wr_push(run, value) ? WR_GO : WR_FAIL;
            return true;
        }
    }
    return false;
}

/* ---- errors */

bool wr_machine_throw(wr_machine *run, struct wr_value error)
{
    run->result = WR_MACHINE_FAILED;
    run->error = error;
    return false;
}

bool wr_machine_no_memory(wr_machine *run)
{
    run->result = run->arena.full ? WR_MACHINE_LIMIT : WR_MACHINE_NO_MEMORY;
    return false;
}

bool wr_machine_fail(wr_machine *run, const char *format, ...)
{
    char text[MESSAGE_CAP];
    struct wr_value message;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return wr_value_copy_string(&run->arena, text, WR_MIN((size_t)WR_MAX(len, 0), sizeof text - 1),
                                &message)
               ? wr_machine_throw(run, message)
               : wr_machine_no_memory(run);
}

/* Continue at the handler of an error. false: there is none, or it is no error of the expression. */
static bool handle(wr_machine *run, enum wr_next *next)
{
    if (run->result != WR_MACHINE_FAILED || run->handler == 0) {
        return false;
    }
    uint32_t frame = run->handler - 1;
    const struct wr_fork *fork = &run->forks[frame];
    run->result = WR_MACHINE_OUTPUT;
    restore(run, fork);
    wr_forks_cut(run, frame);
    *next = fork->pc == 0 ? WR_BACK : wr_push(run, run->error) ? WR_GO : WR_FAIL;
    return true;
}

const char *wr_machine_limit(wr_machine *run)
{
    (void)snprintf(run->limit, sizeof run->limit,
                   "the expression needs too much memory: more than %zu bytes",
                   run->arena.bytes_max);
    return run->limit;
}

const char *wr_machine_error(wr_machine *run)
{
    if (run->result != WR_MACHINE_FAILED) {
        return run->result == WR_MACHINE_LIMIT ? wr_machine_limit(run) : wr_code_text(WEIR_ENOMEM);
    }
    struct wr_text_writer writer = {.arena = &run->arena};
    if (run->error.mark == WR_VALUE_SECRET) {
        wr_write_bytes(&writer, "***", 3);
    } else if (run->error.kind == WR_JSON_STRING) {
        wr_write_escaped(&writer, wr_value_text(run->error), false);
    } else {
        wr_write_json(&writer, run->error);
    }
    wr_write_bytes(&writer, "", 1);
    return writer.failed ? wr_code_text(WEIR_ENOMEM) : writer.data;
}

/* ---- a run */

wr_machine *wr_machine_new(const wr_program *program, const struct wr_machine_options *options)
{
    wr_machine *run = wr_zalloc(sizeof *run);
    if (run == NULL) {
        return NULL;
    }
    run->program = program;
    run->steps_max = options != NULL && options->steps_max > 0 ? options->steps_max : STEPS_MAX;
    wr_arena_init(&run->arena,
                  options != NULL && options->bytes_max > 0 ? options->bytes_max : BYTES_MAX);
    wr_arena_init(&run->tables_arena, run->arena.bytes_max / 4);
    wr_json_init(&run->json);
    run->result = WR_MACHINE_END;
    return run;
}

void wr_machine_free(wr_machine *run)
{
    if (run != NULL) {
        wr_arena_fini(&run->arena);
        wr_arena_fini(&run->tables_arena);
        wr_free(run->entries);
        wr_free(run->forks);
        wr_json_fini(&run->json);
        wr_machine_regexes_free(run->regexes);
        wr_free(run);
    }
}

size_t wr_machine_bytes(const wr_machine *run)
{
    return run->arena.bytes + run->tables_arena.bytes + wr_json_bytes(&run->json) +
           wr_machine_regexes_bytes(run->regexes);
}

struct wr_arena *wr_machine_arena(wr_machine *run)
{
    return &run->arena;
}

void wr_machine_begin(wr_machine *run)
{
    wr_arena_reset(&run->arena);
    wr_arena_reset(&run->tables_arena);
    shrink(run, &run->entries, sizeof *run->entries, &run->entries_room);
    shrink(run, &run->forks, sizeof *run->forks, &run->forks_room);
    run->tables = NULL;
    run->document = NULL;
    run->end = run->top = run->variables = run->handler = run->pc = 0;
    run->path = NULL;
    run->given = false;
    run->regex_characters = 0;
    run->result = WR_MACHINE_END;
    wr_forks_cut(run, 0);
}

void wr_machine_input(wr_machine *run, struct wr_value input)
{
    run->result = WR_MACHINE_OUTPUT;
    run->document =
        input.kind >= WR_JSON_ARRAY && input.form == WR_FORM_NODE ? input.as.json : NULL;
    (void)wr_push(run, input);
}

void wr_machine_meta(wr_machine *run, struct wr_value meta)
{
    run->meta = meta;
}

void wr_machine_clock(wr_machine *run, int64_t unix_ns)
{
    run->unix_ns = unix_ns;
    run->clock = true;
}

enum wr_machine_result wr_machine_next(wr_machine *run, struct wr_value *output)
{
    enum wr_next next = run->given ? WR_BACK : WR_GO;
    run->given = false;
    if (run->result != WR_MACHINE_OUTPUT && run->result != WR_MACHINE_BUSY) {
        return run->result;
    }
    for (run->steps = 0;; run->steps++) {
        if (next == WR_GO) {
            if (WR_UNLIKELY(run->steps >= run->steps_max)) {
                return run->result = WR_MACHINE_BUSY;
            }
            const struct wr_op *op = &run->program->ops[run->pc++];
            next = wr_steps[op->code](run, op);
        } else if (next == WR_BACK) {
            if (!backtrack(run, &next)) {
                return run->result = WR_MACHINE_END;
            }
        } else if (next == WR_GIVE) {
            *output = wr_pop(run);
            run->given = true;
            return run->result = WR_MACHINE_OUTPUT;
        } else if (!handle(run, &next)) {
            return run->result;
        }
    }
}
