/*
 * stage_calc.c - an expression that a stage computes by itself (stage_calc.h).
 *
 * It suspends only in wr_calc_next, to let other tasks run, when an expression takes long.
 */
#include "stage_calc.h"

#include "base_alloc.h"
#include "flow_dead.h"

static const size_t machine_bytes_max = (size_t)64 << 20;

static int no_memory(struct weir_gen *gen)
{
    return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for an expression");
}

int wr_calc_open(struct wr_calc *calc, struct weir_gen *gen, const weir_opening *opening,
                 const char *text)
{
    struct wr_expr_read read = {.code = WEIR_ENOMEM};
    wr_item_input_init(&calc->input, wr_gen_scratch_max(gen));
    calc->names = opening != NULL ? wr_names_ref(opening->names) : NULL;
    calc->program = wr_item_expr_compile(text, calc->names, &read);
    if (calc->program == NULL && read.code != WEIR_ENOMEM) { /* in a program: no check was made */
        return wr_gen_fail(gen, WEIR_EPARSE, 0, (int64_t)read.error_at, "%s%s%s", read.message,
                           read.hint[0] != '\0' ? "; " : "", read.hint);
    }
    if (calc->program == NULL) {
        return no_memory(gen);
    }
    struct wr_machine_options options = {.bytes_max =
                                             WR_MIN(wr_gen_scratch_max(gen), machine_bytes_max)};
    calc->run = wr_machine_new(calc->program, &options);
    return calc->run != NULL ? 0 : no_memory(gen);
}

int wr_calc_open_made(struct wr_calc *calc, struct weir_gen *gen, const weir_opening *opening,
                      struct wr_made_expr made)
{
    int rc = made.text != NULL ? wr_calc_open(calc, gen, opening, made.text) : no_memory(gen);
    wr_free(made.text);
    return rc;
}

void wr_calc_close(struct wr_calc *calc)
{
    wr_machine_free(calc->run);
    wr_program_free(calc->program);
    wr_names_unref(calc->names);
    wr_item_input_fini(&calc->input);
    *calc = (struct wr_calc){.run = NULL};
}

int wr_calc_read(struct wr_calc *calc, struct weir_gen *gen, const weir_item *item,
                 struct wr_value *value)
{
    wr_machine_begin(calc->run);
    wr_machine_clock(calc->run, gen->loop->now_unix_ns);
    int rc = wr_item_input_read(&calc->input, gen, item);
    if (rc > 0 && wr_program_reads_meta(calc->program)) {
        rc = wr_item_input_meta(gen, calc->run, item, true);
    }
    return rc > 0 ? wr_item_input_value(&calc->input, gen, calc->run, item, value) : rc;
}

int wr_calc_refuse(struct wr_calc *calc, struct weir_gen *gen, const weir_item *item)
{
    return wr_machine_arena(calc->run)->full
               ? wr_gen_reject(gen, item, WEIR_ETOOLONG, wr_machine_limit(calc->run))
               : no_memory(gen);
}

int wr_calc_next(struct wr_calc *calc, struct weir_gen *gen, const weir_item *item,
                 struct wr_value *value)
{
    for (;;) {
        int rc;
        switch (wr_machine_next(calc->run, value)) {
        case WR_MACHINE_OUTPUT: return WR_CALC_VALUE;
        case WR_MACHINE_END: return WR_CALC_NONE;
        case WR_MACHINE_BUSY:
            wr_gen_scratch(gen, wr_calc_bytes(calc));
            rc = wr_turn(gen->loop, &gen->object);
            if (rc < 0) {
                return wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            }
            break;
        case WR_MACHINE_FAILED:
        case WR_MACHINE_LIMIT:
            rc = wr_gen_reject(gen, item, WEIR_EPARSE, wr_machine_error(calc->run));
            return rc < 0 ? rc : WR_CALC_REJECTED;
        case WR_MACHINE_NO_MEMORY: return no_memory(gen);
        }
    }
}

size_t wr_calc_bytes(const struct wr_calc *calc)
{
    return calc->run != NULL ? wr_machine_bytes(calc->run) + wr_item_input_bytes(&calc->input) : 0;
}

void wr_calc_trim(struct wr_calc *calc)
{
    if (calc->run != NULL) {
        wr_machine_begin(calc->run);
        wr_item_input_trim(&calc->input);
    }
}
