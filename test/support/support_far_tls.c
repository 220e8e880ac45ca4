/*
 * support_far_tls.c - the far ends of TLS sources and sinks: servers of the test's own, on its loop.
 *
 * Certificates lie in a folder that exists as long as one is needed.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "support_suites.h"
#include "support_tls.h"

/* ---- certificates */

static struct wr_certificates certificates;
static bool certified;
static char ca_file[160], cert_files[2][160];

const char *wr_far_certify(const char *name, int days)
{
    wr_fault_pause(true);
    if (!certified) {
        wr_certificates_make(&certificates);
        snprintf(ca_file, sizeof ca_file, "%s", wr_folder_path(&certificates.folder, "ca.pem"));
        certified = true;
    }
    bool server = *name != '\0';
    snprintf(cert_files[server], sizeof cert_files[server], "%s",
             wr_certificate(&certificates, server ? "server.pem" : "client.pem", name, days));
    wr_fault_pause(false);
    return cert_files[server];
}

const char *wr_far_ca_file(void)
{
    return ca_file;
}

void wr_far_uncertify(void)
{
    if (certified) {
        wr_certificates_remove(&certificates);
        certified = false;
    }
}

/* ---- of a source */

static int serve_tls_main(weir_scope *scope, void *args)
{
    struct wr_far_tls *far_end = args;
    struct wr_tls_options options = {.cert_file = far_end->cert_file};
    weir_error error;
    int fd = wr_far_accept(scope->loop, far_end->listener);
    close(far_end->listener);
    wr_fault_pause(true);
    struct wr_transport *lower =
        fd >= 0 ? wr_fd_transport(scope->loop, fd, WR_FD_OWN, &error) : NULL;
    struct wr_tls *tls = wr_tls_new(scope->loop, WR_TLS_SERVER, &options, &error);
    wr_fault_pause(false);
    ck_assert_msg(tls != NULL, "%s", error.message);
    struct wr_transport *to =
        lower != NULL ? wr_tls_start(tls, lower, NULL, "the source", -1, NULL, &error) : NULL;
    wr_tls_unref(tls);
    if (to != NULL && far_end->says != NULL) {
        struct iovec text = {(void *)(uintptr_t)far_end->says, strlen(far_end->says)};
        ck_assert_int_eq(to->ops->write(to, &text, 1), (int64_t)text.iov_len);
        to->ops->free(to);
    } else if (to != NULL) {
        far_end->play->sent = 0;
        wr_far_send_to(far_end->play, to);
    }
    return 0;
}

const char *wr_far_serve_tls(weir_scope *scope, struct wr_far_tls far_end)
{
    static char address[64];
    snprintf(address, sizeof address, "tls://127.0.0.1:%d", wr_far_listen_tcp(&far_end.listener));
    wr_fault_pause(true);
    weir_spawn(scope, "server", serve_tls_main, &far_end, sizeof far_end);
    wr_fault_pause(false);
    return address;
}

/* ---- of a sink */

static struct {
    struct wr_sink_play *play;
    const char *cert_file;
    bool asks;                      /* for a certificate */
    struct wr_transport *transport; /* NULL: nobody has shaken hands yet */
} far_end;

static int serve_main(weir_scope *scope, void *args)
{
    struct wr_tls_options options = {.cert_file = far_end.cert_file,
                                     .ca_file = far_end.asks ? wr_far_ca_file() : NULL};
    weir_error error;
    (void)args;
    int fd = wr_far_accept(scope->loop, far_end.play->fd);
    if (fd < 0) {
        return 0;
    }
    far_end.play->far = fd;
    wr_fault_pause(true);
    struct wr_transport *lower = wr_fd_transport(scope->loop, fd, WR_FD_BORROW, &error);
    struct wr_tls *tls = wr_tls_new(scope->loop, WR_TLS_SERVER, &options, &error);
    wr_fault_pause(false);
    ck_assert_msg(lower != NULL && tls != NULL, "%s", error.message);
    far_end.transport = wr_tls_start(tls, lower, NULL, "the sink", -1, NULL, &error);
    if (far_end.transport == NULL) {
        shutdown(fd, SHUT_RDWR);
    }
    wr_tls_unref(tls);
    return 0;
}

const char *wr_far_listen_tls(struct wr_sink_play *play, const char *name, bool asks)
{
    static char address[64];
    far_end.play = play;
    far_end.cert_file = wr_far_certify(name, 2);
    far_end.asks = asks;
    far_end.transport = NULL;
    wr_fault_pause(true);
    snprintf(address, sizeof address, "tls://127.0.0.1:%d", wr_far_listen_tcp(&play->fd));
    weir_spawn(weir_root(play->loop), "server", serve_main, NULL, 0);
    wr_fault_pause(false);
    return address;
}

bool wr_far_tls_is_open(void)
{
    return far_end.transport != NULL;
}

size_t wr_far_take_tls(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    *end = false;
    if (far_end.transport == NULL || play->far < 0) {
        return 0;
    }
    int64_t n = far_end.transport->ops->read(far_end.transport, to, cap);
    *end = n == 0 || (n < 0 && n != WR_AGAIN);
    if (n == 0) {
        far_end.transport->ops->shut(far_end.transport);
    }
    return n > 0 ? (size_t)n : 0;
}

void wr_far_end_tls(struct wr_sink_play *play)
{
    if (far_end.transport != NULL) {
        far_end.transport->ops->free(far_end.transport);
    }
    wr_far_close(play);
    wr_far_uncertify();
}
