/*
 * sqlite.c - the lines of a pipeline into a table, each exactly once even if it is killed often:
 *
 *     sqlite 'SOURCE | STAGE ...' DATABASE      for example: sqlite ./access.log lines.db
 *
 * The table `lines` has them in order. The text from weir_state_text is stored in the same
 * transaction, and given back at the next start, which continues after the last committed line. A
 * commit waits for the disk, so it is done on another thread.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

struct table {
    sqlite3 *db;
    sqlite3_stmt *insert, *position;
    bool open; /* a transaction is open */
    int rc;    /* the result of its commit */
};

static int fail(weir_sink *sink, const struct table *table, const char *what)
{
    return weir_sink_error(sink, WEIR_EIO, sqlite3_extended_errcode(table->db), "%s: %s", what,
                           sqlite3_errmsg(table->db));
}

static int put_lines(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct table *table = self;
    if (!table->open && sqlite3_exec(table->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        return fail(sink, table, "begin");
    }
    table->open = true;
    for (size_t i = 0; i < count; i++) {
        weir_slice line;
        int rc = weir_item_text(&items[i], &line, NULL);
        if (rc < 0) {
            return weir_sink_error(sink, rc, 0, "an item is not a line");
        }
        sqlite3_bind_text64(table->insert, 1, line.data, line.len, SQLITE_STATIC, SQLITE_UTF8);
        rc = sqlite3_step(table->insert);
        sqlite3_reset(table->insert);
        if (rc != SQLITE_DONE) {
            return fail(sink, table, "insert");
        }
    }
    return 0;
}

static void end_transaction(void *arg) /* not on the loop's thread: uses nothing of weir */
{
    struct table *table = arg;
    table->rc = sqlite3_exec(table->db, "COMMIT", NULL, NULL, NULL);
}

static int commit_lines(weir_sink *sink, void *self)
{
    struct table *table = self;
    size_t len;
    if (!table->open) {
        return 0;
    }
    const char *text = weir_state_text(sink, &len);
    if (text == NULL) {
        return WEIR_ENOMEM;
    }
    sqlite3_bind_text64(table->position, 1, text, len, SQLITE_STATIC, SQLITE_UTF8);
    int rc = sqlite3_step(table->position);
    sqlite3_reset(table->position);
    if (rc != SQLITE_DONE) {
        return fail(sink, table, "store the position");
    }
    rc = weir_work(weir_sink_scope(sink), end_transaction, table, NULL);
    if (rc < 0) {
        return rc;
    }
    table->open = false;
    return table->rc == SQLITE_OK ? 0 : fail(sink, table, "commit");
}

static int finish_lines(weir_sink *sink, void *self)
{
    struct table *table = self;
    (void)sink;
    sqlite3_finalize(table->insert);
    sqlite3_finalize(table->position);
    sqlite3_close(table->db); /* what is not committed is rolled back */
    return 0;
}

static bool open_table(struct table *table, const char *path)
{
    static const char *const schema =
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL;"
        "CREATE TABLE IF NOT EXISTS lines (number INTEGER PRIMARY KEY, line TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT);";
    return sqlite3_open(path, &table->db) == SQLITE_OK &&
           sqlite3_exec(table->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(table->db, "INSERT INTO lines (line) VALUES (?)", -1, &table->insert,
                              NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(table->db, "INSERT OR REPLACE INTO position VALUES (1, ?)", -1,
                              &table->position, NULL) == SQLITE_OK;
}

/* Give the state the text that the last transaction has stored. */
static int restore(struct table *table, weir_state *state, weir_error *error)
{
    sqlite3_stmt *select = NULL;
    sqlite3_prepare_v2(table->db, "SELECT state FROM position", -1, &select, NULL);
    bool stored = sqlite3_step(select) == SQLITE_ROW;
    const char *text = stored ? (const char *)sqlite3_column_text(select, 0) : NULL;
    size_t len = stored ? (size_t)sqlite3_column_bytes(select, 0) : 0;
    int rc = weir_state_restore(state, text, len, error);
    sqlite3_finalize(select);
    return rc;
}

/* What is promised, once it is known. */
static void tell(void *ctx, int delivery, const char *text)
{
    (void)ctx;
    (void)delivery;
    fprintf(stderr, "delivery: %s\n", text);
}

int main(int argc, char **argv)
{
    struct table table = {.db = NULL};
    weir_error error;
    weir_gen *lines = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: sqlite 'SOURCE | STAGE ...' DATABASE\n");
        return 2;
    }
    weir_plan *plan = weir_plan_read(argv[1], NULL, &error);
    if (plan == NULL) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    if (!open_table(&table, argv[2])) {
        fprintf(stderr, "%s: %s\n", argv[2], sqlite3_errmsg(table.db));
        return 1;
    }
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *root = weir_root(loop);
    weir_scope_obey_signals(root);
    weir_state *state = weir_state_open(root, NULL, "lines");
    weir_state_watch(state, tell, NULL);

    int rc = restore(&table, state, &error);
    if (rc == 0) {
        rc = weir_plan_open(plan, root, WEIR_OPTIONS(weir_plan_options, .state = state), &lines,
                            NULL, &error);
    }
    weir_plan_free(plan);
    if (rc == 0) {
        weir_sink *sink = weir_sink_new(root,
                                        WEIR_OPTIONS(weir_sink_ops, .name = argv[2],
                                                     .put_many = put_lines, .commit = commit_lines,
                                                     .finish = finish_lines, .transacts = 1),
                                        &table, sizeof table);
        weir_sink_keep_state(sink, state);
        rc = weir_pump(lines, sink, &error);
    }
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return rc < 0;
}
