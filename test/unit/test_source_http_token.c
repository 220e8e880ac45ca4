/*
 * test_source_http_token.c - the file of the bearer token.
 * Labels: thread
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop_work.h"
#include "support_http_source.h"
#include "support_suites.h"
#include "texts_http.h"

/* What a request with `token` as its file's content fails with. */
static weir_error fail_with(const char *token, size_t len)
{
    struct wr_folder folder;
    weir_error error;
    wr_folder_make(&folder);
    wr_folder_write(&folder, "token", token, len);
    weir_loop *loop = test_loop();
    read_all(weir_http_lines(weir_root(loop), "http://127.0.0.1:1/",
                             HTTP(.bearer_file = wr_folder_path(&folder, "token"))),
             &error);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
    return error;
}

TEST(a_token_is_read_anew_for_each_request)
{
    struct wr_folder folder;
    weir_error error;
    PLAY({.text = OK_HEAD "Content-Length: 0\r\n\r\n"},
         {.text = OK_HEAD "Content-Length: 0\r\n\r\n"});
    wr_folder_make(&folder);
    weir_loop *loop = test_loop();
    for (int i = 0; i < 2; i++) {
        wr_folder_write(&folder, "token", i == 0 ? "one\r\n" : "two", i == 0 ? 5 : 3);
        get(loop, peer, HTTP(.bearer_file = wr_folder_path(&folder, "token")), &error);
        ck_assert_int_eq(error.code, 0);
    }

    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 0), "\r\nAuthorization: Bearer one\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nAuthorization: Bearer two\r\n"));
    weir_loop_free(loop);
    http_peer_free(peer);
    wr_folder_remove(&folder);
}

TEST(an_absent_token_file_is_told)
{
    weir_loop *loop = test_loop();
    weir_error error;

    read_all(weir_http_lines(weir_root(loop), "http://127.0.0.1:1/",
                             HTTP(.bearer_file = "/nonexistent/token")),
             &error);

    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_str_eq(error.message, TEXT_HTTP_TOKEN_ABSENT);
    weir_loop_free(loop);
}

TEST(a_token_file_that_holds_none_is_told_and_not_shown)
{
    static const struct {
        const char *text, *told;
    } cases[] = {{"", TEXT_HTTP_TOKEN_EMPTY},
                 {" \r\n\n", TEXT_HTTP_TOKEN_EMPTY},
                 {"s3cret\nmore", TEXT_HTTP_TOKEN_TWO},
                 {"a s3cret", TEXT_HTTP_TOKEN_TWO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_error error = fail_with(cases[i].text, strlen(cases[i].text));

        ck_assert_int_eq(error.code, WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, cases[i].told) != NULL, "%s", error.message);
        ck_assert_ptr_null(strstr(error.message, "s3cret"));
    }
}

TEST(a_token_file_has_at_most_16_KiB)
{
    static char token[16 * 1024 + 1];
    memset(token, 'x', sizeof token);

    ck_assert_ptr_nonnull(strstr(fail_with(token, sizeof token).message, TEXT_HTTP_TOKEN_TOO_LONG));
    ck_assert_int_eq(fail_with(token, sizeof token - 1).code, WEIR_ECONNECT);
}

TEST(a_fifo_is_no_token_file)
{
    struct wr_folder folder;
    weir_error error;
    wr_folder_make(&folder);
    weir_loop *loop = test_loop();
    const char *path = wr_folder_path(&folder, "token");
    ck_assert_int_eq(mkfifo(path, 0600), 0);

    read_all(weir_http_lines(weir_root(loop), "http://127.0.0.1:1/", HTTP(.bearer_file = path)),
             &error);

    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_TOKEN_NO_FILE));
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

/* A file system that hangs: the worker is held until there is a byte in the pipe. */
struct hang {
    struct wr_work work;
    int ends[2];
    weir_scope *scope;
    weir_gen *gen;
    char why[512];
};

static void hang_run(struct wr_work *work)
{
    char byte;
    (void)!read(WR_OWNER(work, struct hang, work)->ends[0], &byte, 1);
}

static void hang_done(struct wr_work *work)
{
    (void)work;
}

static int look_and_cancel(weir_scope *scope, void *args)
{
    struct hang *hang = *(struct hang **)args;
    (void)scope;
    weir_why(hang->gen, hang->why, sizeof hang->why);
    weir_scope_cancel(hang->scope);
    return 0;
}

static int read_hanging(weir_scope *scope, void *args)
{
    struct hang *hang = *(struct hang **)args;
    weir_item item;
    hang->gen = weir_http_lines(scope, "http://127.0.0.1:1/", HTTP(.bearer_file = "/etc/hostname"));
    while (weir_next(hang->gen, &item)) {}
    return weir_finish(hang->gen, NULL);
}

TEST(a_token_file_that_hangs_holds_only_its_own_stream_and_can_be_canceled)
{
    if (wr_test_sweeps()) {
        return; /* without a worker the hang would be here */
    }
    struct hang hang = {.work = {.lane = &wr_lane_files, .run = hang_run, .done = hang_done}},
                *pointer = &hang;
    weir_loop *loop = test_loop();
    ck_assert_int_eq(pipe(hang.ends), 0);
    hang.scope = weir_scope_new(weir_root(loop), NULL);
    wr_work_start(loop, &hang.work);
    weir_spawn(hang.scope, "reader", read_hanging, &pointer, sizeof pointer);
    weir_spawn(weir_root(loop), "cancel", look_and_cancel, &pointer, sizeof pointer);

    weir_error error;
    ck_assert_int_eq(weir_scope_wait(hang.scope, &error), 0);

    ck_assert_msg(strstr(hang.why, TEXT_HTTP_TOKEN_WAIT) != NULL, "%s", hang.why);
    ck_assert_int_eq(write(hang.ends[1], "x", 1), 1);
    weir_loop_free(loop);
    close(hang.ends[0]);
    close(hang.ends[1]);
}

MAIN("source/http_token")
