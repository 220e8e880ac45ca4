/*
 * test_flow_notes.c - the position of a source is that of the framer joined to it: a restart knows
 * the header again under which the next rows stand.
 */
#include "http.h"
#include "source_http_parts.h"
#include "source_stream.h"
#include "support_disk.h"
#include "support_header_framer.h"
#include "support_state.h"
#include "support_wire.h"
#include "texts_state.h"

static const char rows[] = "#a,b\n1,2\n3,4\n#c\n5\n6\n#d,e,f\n7,8,9\n10,11,12\n13,14,15\n";
static const char items[] =
    "a=1,b=2\na=3,b=4\nc=5\nc=6\nd=7,e=8,f=9\nd=10,e=11,f=12\nd=13,e=14,f=15\n";

static weir_gen *file_of(weir_scope *scope, const char *path, weir_state *state)
{
    weir_gen *gen = weir_file_bytes(scope, path, WEIR_OPTIONS(weir_lines_options, .state = state));
    if (gen != &wr_gen_no_memory) {
        header_framer_set(&WR_OWNER(gen, struct wr_stream_source, gen)->inbox);
    }
    return gen;
}

static weir_gen *body_of(weir_scope *scope, weir_state *state)
{
    weir_gen *gen = weir_http_bytes(scope, "http://example.org/rows",
                                    WEIR_OPTIONS(weir_http_options, .state = state));
    if (gen != &wr_gen_no_memory) {
        header_framer_set(&WR_OWNER(gen, struct wr_http_source, gen)->inbox);
    }
    return gen;
}

static const char *content(struct fixture *f, const char *name)
{
    size_t len;
    const char *text = wr_folder_read(&f->folder, name, &len);
    return text != NULL ? text : "(not there)";
}

static weir_sink *out_of(struct fixture *f)
{
    return weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                          WEIR_OPTIONS(weir_file_options, .state = f->state));
}

static const char *position(struct fixture *f)
{
    static char text[256];
    weir_record *record = weir_record_read(wr_folder_path(&f->folder, "s"), "p", NULL);
    snprintf(text, sizeof text, "%s",
             record != NULL && record->sources_count > 0 ? record->sources[0].position : "");
    weir_record_free(record);
    return text;
}

/* Runs of `most` rows of the file. */
static void run_file(struct fixture *f, uint64_t most)
{
    weir_error error;
    run_begins(f, "p");
    weir_gen *gen = file_of(f->scope, wr_folder_path(&f->folder, "in"), f->state);
    int rc = weir_pump(weir_head_of_run(gen, most), out_of(f), &error);
    ck_assert_msg(rc == 0, "%s", error.message);
    run_ends(f);
}

TEST(restart_between_any_two_rows_knows_their_header)
{
    struct fixture f;
    for (uint64_t most = wr_test_sweeps() ? 4 : 1; most <= (wr_test_sweeps() ? 4 : 7); most++) {
        wr_folder_make(&f.folder);
        wr_folder_write(&f.folder, "in", rows, sizeof rows - 1);
        for (uint64_t done = 0; done <= 7; done += most) {
            run_file(&f, most);
        }
        ck_assert_str_eq(content(&f, "out"), items);
        wr_folder_remove(&f.folder);
    }
}

TEST(record_has_the_note_of_the_framer_with_the_offset)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", rows, sizeof rows - 1);
    run_file(&f, 3);
    ck_assert_int_eq(strncmp(position(&f), "offset 18 framer 1 c device ", 28), 0);
    run_file(&f, 2);
    ck_assert_int_eq(strncmp(position(&f), "offset 33 framer 5 d,e,f device ", 32), 0);
    wr_folder_remove(&f.folder);
}

TEST(note_that_the_framer_cannot_read_is_refused)
{
    static const char *const bad[] = {"offset 18", "offset 18 framer 999 c", "offset 18 framer x c",
                                      "offset 18 framer"};
    struct fixture f;
    weir_error error;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", rows, sizeof rows - 1);
    run_file(&f, 3);
    char validator[200];
    snprintf(validator, sizeof validator, "%s", strstr(position(&f), "device"));
    for (size_t i = 0; i < (wr_test_sweeps() ? 1 : sizeof bad / sizeof bad[0]); i++) {
        char text[300];
        const char *folder = wr_folder_path(&f.folder, "s");
        snprintf(text, sizeof text, "%s %s", bad[i], validator);
        ck_assert_int_eq(weir_record_set(folder, "p", 0, text, NULL), 0);
        run_begins(&f, "p");
        weir_gen *gen = file_of(f.scope, wr_folder_path(&f.folder, "in"), f.state);
        ck_assert_int_eq(weir_pump(gen, out_of(&f), &error), WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, TEXT_STATE_INVALID_POSITION) != NULL, "%s",
                      error.message);
        run_ends(&f);
    }
    wr_folder_remove(&f.folder);
}

/* ---- HTTP: a break within a run, and a restart */

static const struct wire_answer breaks = {.head = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n\r\n",
                                          .body = "#a,b\n1,2\n3,4\n#c\n5\n6",
                                          .then = WIRE_BREAKS},
                                rest = {.head = "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\n"
                                                "Content-Range: bytes 18-50/51\r\n\r\n",
                                        .body = "6\n#d,e,f\n7,8,9\n10,11,12\n13,14,15\n"};

TEST(response_that_breaks_off_goes_on_under_the_same_header)
{
    struct fixture f;
    weir_error error;
    const struct wire_answer answers[] = {breaks, rest};
    wr_folder_make(&f.folder);
    run_begins(&f, "p");
    wire_lay(f.loop, answers, 2);
    int rc = weir_pump(body_of(f.scope, f.state), out_of(&f), &error);
    ck_assert_msg(rc == 0, "%s", error.message);
    ck_assert_str_eq(content(&f, "out"), items);
    end(&f);
}

TEST(restart_asks_for_the_rest_and_knows_its_header)
{
    struct fixture f;
    weir_error error;
    wr_folder_make(&f.folder);
    run_begins(&f, "p");
    wire_lay(f.loop, &breaks, 1);
    ck_assert_int_eq(weir_pump(weir_head_of_run(body_of(f.scope, f.state), 3), out_of(&f), &error),
                     0);
    run_ends(&f);
    ck_assert_str_eq(position(&f), "offset 18 framer 1 c etag \"v1\"");

    run_begins(&f, "p");
    wire_lay(f.loop, &rest, 1);
    int rc = weir_pump(body_of(f.scope, f.state), out_of(&f), &error);
    ck_assert_msg(rc == 0, "%s", error.message);
    ck_assert_ptr_nonnull(strstr(wire_requests[0].headers, "Range: bytes=18-\n"));
    ck_assert_str_eq(content(&f, "out"), items);
    end(&f);
}

/* ---- at any call */

static int take_time(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item) && weir_yield(self, &item) &&
           weir_sleep(weir_gen_scope(self), 40)) {}
    return 0;
}

static void no_log(void *ctx, int level, const char *origin, const char *message)
{
    (void)ctx;
    (void)level;
    (void)origin;
    (void)message;
}

static int run_disk(weir_error *error)
{
    weir_loop *loop = test_loop();
    loop->disk = &wr_test_disk;
    loop->log.fn = no_log;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_state *state = weir_state_open(scope, "s", "p");
    weir_gen *gen = weir_stage(file_of(scope, "d/in", state), take_time, NULL, 0, NULL);
    weir_sink *sink =
        weir_file_sink(scope, "d/out", WEIR_OPTIONS(weir_file_options, .state = state));
    int rc = weir_pump(gen, sink, error);
    weir_error ignored;
    (void)!weir_scope_wait(scope, &ignored);
    weir_loop_free(loop);
    return rc;
}

TEST_WITHIN(kill_or_loss_of_power_at_any_call_loses_and_repeats_no_row, 60)
{
    bool stopped = true;
    for (uint64_t k = 1; stopped && !wr_test_sweeps(); k++) {
        for (uint64_t seed = 1; seed <= 6; seed++) {
            weir_error error;
            size_t len;
            wr_disk_make(seed);
            wr_disk_put("d/in", rows, sizeof rows - 1);
            wr_disk_stop_after(k);
            (void)!run_disk(&error);
            stopped = wr_disk_calls() > k;
            if (seed % 2 == 0) {
                wr_disk_go_on();
            } else {
                wr_disk_lose_power();
            }
            wr_disk_put("d/in", rows, sizeof rows - 1);
            int rc = run_disk(&error);
            ck_assert_msg(rc == 0, "call %d: %s", (int)k, error.message);
            ck_assert_str_eq(wr_disk_get("d/out", &len), items);
        }
    }
    wr_disk_free();
}

MAIN("flow/notes")
