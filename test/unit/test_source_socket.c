/*
 * Lines and bytes of a unix or TCP socket.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_suites.h"
#include "texts_sockets.h"

struct resetting {
    weir_loop *loop;
    int listener;
    bool *read; /* the first line has been */
};

static int reset_main(weir_scope *scope, void *args)
{
    struct resetting *resetting = args;
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    int fd = wr_far_accept(resetting->loop, resetting->listener);
    (void)scope;
    if (fd < 0) {
        return 0;
    }
    ck_assert_int_eq(send(fd, "one\npart", 8, MSG_NOSIGNAL), 8);
    while (!*resetting->read && wr_pause(resetting->loop, NULL) == 0) {}
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    return 0;
}

TEST(reset_says_what_was_lost)
{
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    bool read = false;
    struct resetting resetting = {
        loop, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), &read};
    ck_assert_int_eq(bind(resetting.listener, (const struct sockaddr *)(const void *)&where, len),
                     0);
    ck_assert_int_eq(listen(resetting.listener, 1), 0);
    getsockname(resetting.listener, (struct sockaddr *)(void *)&where, &len);
    char address[64];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d", ntohs(where.sin_port));
    weir_scope *scope =
        weir_scope_new(weir_root(loop), NULL); /* without its peer the reader ends */
    weir_spawn(scope, "peer", reset_main, &resetting, sizeof resetting);
    weir_gen *gen = weir_socket_lines(scope, address, NULL);
    weir_item item;
    weir_error error;

    ck_assert(weir_next(gen, &item));
    read = true;
    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ERESET);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_UNFINISHED_LINE("4")));
    ck_assert_int_eq(error.offset, 4);
    close(resetting.listener);
    weir_loop_free(loop);
}

TEST(silence_beyond_stall_ms_fails)
{
    struct wr_source_play play = {
        .loop = weir_loop_new(NULL)}; /* a virtual clock stands still while a peer may speak */
    ck_assert_ptr_nonnull(play.loop);
    wr_folder_make(&play.folder);
    const char *address = wr_far_listen(&play.folder, &play.fd);
    weir_gen *gen = weir_socket_lines(weir_root(play.loop), address,
                                      WEIR_OPTIONS(weir_socket_options, .stall_ms = 20));
    weir_item item;
    weir_error error;

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(error.message, "20 ms"));
    close(play.fd);
    wr_folder_remove(&play.folder);
    weir_loop_free(play.loop);
}

TEST(bad_address_is_refused)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = weir_socket_lines(weir_root(loop), "127.0.0.1", NULL);

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("source/socket")
