/*
 * weir_table.c - what `weir -v` prints at the end: a row for each component of the pipeline; and what
 * the components have rejected.
 *
 * A component's numbers are taken when its generator or sink ends (weir_on_end), because none of
 * them exists at the end of the run. Several objects of one component, for example the files of a
 * source, make one row. Rows are in the order of the text: an implied source is first, an implied
 * sink last. A column is as wide as its widest cell.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir_run.h"

enum { COLUMNS = 9, CELL = 200, NAME_MAX = 40 };

struct waited {
    char why[48];
    int64_t ns;
};

struct table_row {
    char component[32];
    char rejected_first[64]; /* where the first rejected item is; "": not known */
    bool is_sink;
    int part;
    uint64_t in, out, filtered, rejected, dropped, calls, bytes;
    int64_t waited_ns;
    struct waited waited[WEIR_WAITED_MAX];
};

/* ---- collecting */

/* The sort key of a row: the implied source, then the parts of the text, then the implied sinks. */
static int64_t place(bool is_sink, int part)
{
    return part >= 0 ? part : is_sink ? INT32_MAX : -1;
}

static struct table_row *row_for(struct table *table, const weir_node *node)
{
    bool is_sink = node->kind == WEIR_NODE_SINK;
    size_t at = 0;
    for (; at < table->count; at++) {
        struct table_row *row = &table->rows[at];
        if (row->part == node->part && strcmp(row->component, node->component) == 0) {
            return row;
        }
        if (place(row->is_sink, row->part) > place(is_sink, node->part)) {
            break;
        }
    }
    struct table_row *rows = realloc(table->rows, (table->count + 1) * sizeof *rows);
    if (rows == NULL) {
        return NULL;
    }
    table->rows = rows;
    memmove(rows + at + 1, rows + at, (table->count++ - at) * sizeof *rows);
    rows[at] = (struct table_row){.is_sink = is_sink, .part = node->part};
    snprintf(rows[at].component, sizeof rows[at].component, "%s", node->component);
    return &rows[at];
}

static void add_wait(struct table_row *row, const weir_waited *waited)
{
    struct waited *least = &row->waited[0];
    for (int i = 0; i < WEIR_WAITED_MAX; i++) {
        struct waited *entry = &row->waited[i];
        if (entry->ns == 0 || strcmp(entry->why, waited->why) == 0) {
            least = entry;
            break;
        }
        least = entry->ns < least->ns ? entry : least;
    }
    if (strcmp(least->why, waited->why) == 0) {
        least->ns += waited->ns;
    } else if (waited->ns > least->ns) {
        snprintf(least->why, sizeof least->why, "%s", waited->why);
        least->ns = waited->ns;
    }
}

bool table_take(void *arg, const weir_node *node)
{
    struct table_row *row = node->component != NULL ? row_for(arg, node) : NULL;
    if (row == NULL) {
        return true;
    }
    row->in += node->items_in;
    row->out += node->items_out;
    row->filtered += node->filtered;
    row->rejected += node->rejected;
    if (row->rejected_first[0] == '\0') {
        snprintf(row->rejected_first, sizeof row->rejected_first, "%s", node->rejected_first);
    }
    row->dropped += node->dropped;
    row->calls += node->calls;
    row->bytes += node->bytes;
    row->waited_ns += node->waited_ns;
    for (int i = 0; i < WEIR_WAITED_MAX && node->waited[i].why != NULL; i++) {
        add_wait(row, &node->waited[i]);
    }
    return true;
}

void table_rejects(const struct table *table, const weir_stats *stats, char *to, size_t cap)
{
    char number[32];
    size_t len = 0;
    to[0] = '\0';
    for (size_t i = 0; i < table->count && len < cap; i++) {
        const struct table_row *row = &table->rows[i];
        if (row->rejected_first[0] != '\0') {
            len += (size_t)snprintf(to + len, cap - len, "%s%s: %s, first at %s",
                                    len == 0 ? " (" : "; ", row->component,
                                    say_grouped(row->rejected, number), row->rejected_first);
        }
    }
    if (stats->overlong > 0 && len < cap) {
        len += (size_t)snprintf(to + len, cap - len, "%s%s over the length limit",
                                len == 0 ? " (" : "; ", say_grouped(stats->overlong, number));
    }
    if (len > 0 && len < cap) {
        snprintf(to + len, cap - len, ")");
    }
}

void table_free(struct table *table)
{
    free(table->rows);
    *table = (struct table){NULL, 0};
}

/* ---- printing */

/* As "12 ms" or "3.4 s"; less than 0.5 ms as "-". */
static const char *lasted(int64_t ns, char text[32])
{
    if (ns < 500 * 1000) {
        snprintf(text, 32, "-");
    } else if (ns < 1000 * 1000 * 1000) {
        snprintf(text, 32, "%" PRId64 " ms", (ns + 500 * 1000) / (1000 * 1000));
    } else {
        snprintf(text, 32, "%.1f s", (double)ns / 1e9);
    }
    return text;
}

/* One reason for all the time: "data from the server". Several reasons: "data from the server 3.1
 * s, a connection 12 ms". */
static void reasons(const struct table_row *row, char cell[CELL])
{
    size_t len = 0;
    char time[32];
    cell[0] = '\0';
    for (int i = 0; i < WEIR_WAITED_MAX && len < CELL; i++) {
        const struct waited *waited = &row->waited[i];
        if (waited->ns < 500 * 1000) {
            continue;
        }
        bool all = waited->ns >= row->waited_ns - row->waited_ns / 100;
        len += (size_t)snprintf(cell + len, CELL - len, "%s%s%s%s", len > 0 ? ", " : "",
                                waited->why, all ? "" : " ", all ? "" : lasted(waited->ns, time));
    }
}

static void count_cell(char cell[CELL], uint64_t n, bool applies)
{
    char text[32];
    snprintf(cell, CELL, "%s", applies ? say_grouped(n, text) : "-");
}

/* The component's text, indented by its depth in blocks, or its name if it is implied. */
static void name_cell(const struct table_row *row, const weir_plan *plan, char cell[CELL])
{
    const char *text = row->part >= 0 ? weir_plan_part_text(plan, (size_t)row->part) : NULL;
    int indent = row->part >= 0 ? (int)weir_plan_part_depth(plan, (size_t)row->part) * 2 : 0;
    text = text != NULL ? text : row->component;
    size_t len = strcspn(text, "\n{");
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    bool cut = len > NAME_MAX;
    snprintf(cell, CELL, "%*s%.*s%s", indent, "", (int)(cut ? NAME_MAX - 3 : len), text,
             cut ? "..." : "");
    weir_hide_secrets(cell); /* a file's name may be a mistyped address */
}

static void fill(const struct table_row *row, const weir_plan *plan, char cells[COLUMNS][CELL])
{
    char text[32];
    bool is_source = row->in == 0 && !row->is_sink;
    name_cell(row, plan, cells[0]);
    count_cell(cells[1], row->in, !is_source);
    count_cell(cells[2], row->out, !row->is_sink);
    count_cell(cells[3], row->filtered, !row->is_sink);
    count_cell(cells[4], row->rejected, !row->is_sink || row->rejected > 0);
    count_cell(cells[5], row->dropped, !row->is_sink);
    snprintf(cells[6], CELL, "%s", row->bytes > 0 ? say_sized(row->bytes, text) : "-");
    count_cell(cells[7], row->calls, true);
    snprintf(cells[8], CELL, "%s", lasted(row->waited_ns, text));
}

static int columns_of(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

static void say_as_json(const struct table *table, const weir_plan *plan)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        char text[CELL];
        name_cell(row, plan, text);
        json_component(&(struct json_component){.name = row->component,
                                                .text = text + strspn(text, " "),
                                                .in = row->in,
                                                .out = row->out,
                                                .filtered = row->filtered,
                                                .rejected = row->rejected,
                                                .dropped = row->dropped,
                                                .bytes = row->bytes,
                                                .calls = row->calls,
                                                .waited_ns = row->waited_ns});
    }
}

void table_say(const struct table *table, const weir_plan *plan, bool calls, bool json)
{
    static const char *const heads[COLUMNS] = {
        "component", "in", "out", "filtered", "rejected", "dropped", "bytes", "calls", "waited"};
    char(*cells)[COLUMNS][CELL] = calloc(table->count, sizeof *cells);
    int widths[COLUMNS];
    if (json) {
        say_as_json(table, plan);
    }
    if (cells == NULL || json) {
        free(cells);
        return;
    }
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = columns_of(heads[c]);
    }
    for (size_t i = 0; i < table->count; i++) {
        fill(&table->rows[i], plan, cells[i]);
        for (int c = 0; c < COLUMNS; c++) {
            int width = columns_of(cells[i][c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t i = 0; i <= table->count; i++) {
        char line[COLUMNS * (CELL + 2)], why[CELL] = "";
        int len = 0;
        for (int c = 0; c < COLUMNS; c++) {
            const char *cell = i == 0 ? heads[c] : cells[i - 1][c];
            int pad = widths[c] - columns_of(cell);
            if (c == 0) {
                len = snprintf(line, sizeof line, "%s%*s", cell, pad, "");
            } else if (c != 7 || calls) {
                len += snprintf(line + len, sizeof line - (size_t)len, "  %*s%s", pad, "", cell);
            }
        }
        if (i > 0) {
            reasons(&table->rows[i - 1], why);
        }
        fprintf(stderr, "weir: %s%s%s\n", line, why[0] != '\0' ? "  " : "", why);
    }
    free(cells);
}
