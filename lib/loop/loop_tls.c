/*
 * loop_tls.c - what TLS connections share: an SSL_CTX for each set of options.
 *
 * The system's trusted certificates, about 150, take a megabyte and ten milliseconds to load. So
 * contexts are shared within a loop. The task that connects first makes a context, on the loop's
 * stack (parsing certificates needs a deep one). The context is freed with its last connection.
 *
 * No session is resumed and no ticket is sent: a client that closes with unread tickets resets the
 * connection, and the server would lose what was on its way. Renegotiation (TLS 1.2) is refused. A
 * key with a password is refused too: there is no user to ask.
 */
#include "loop_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"

struct wr_tls {
    struct wr_list link; /* in loop->tls */
    struct weir_loop *loop;
    size_t refs;
    enum wr_tls_role role;
    struct wr_tls_options options;
    SSL_CTX *ctx;
    char scratch[WR_TLS_RECORD];
};

const char *wr_tls_reason(void)
{
    unsigned long code = ERR_peek_error(); /* the first one is the cause, later ones are
                                              consequences */
    if (code == 0) {
        return "";
    }
    if (ERR_SYSTEM_ERROR(code)) {
        return strerror(ERR_GET_REASON(code));
    }
    const char *reason = ERR_reason_error_string(code);
    return reason != NULL ? reason : "an unknown error";
}

SSL *wr_tls_connection(struct wr_tls *tls)
{
    return wr_fault("SSL_new") ? NULL : SSL_new(tls->ctx);
}

enum wr_tls_role wr_tls_role(const struct wr_tls *tls)
{
    return tls->role;
}

char *wr_tls_scratch(struct wr_tls *tls)
{
    return tls->scratch;
}

void wr_tls_ref(struct wr_tls *tls)
{
    tls->refs++;
}

void wr_tls_unref(struct wr_tls *tls)
{
    if (tls == NULL || --tls->refs > 0) {
        return;
    }
    wr_list_remove(&tls->link);
    SSL_CTX_free(tls->ctx);
    wr_tls_options_free(&tls->options);
    wr_free(tls);
}

/* ---- making a context */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct wr_tls *find(struct weir_loop *loop, enum wr_tls_role role,
                           const struct wr_tls_options *options)
{
    for (struct wr_list *node = loop->tls.next; node != &loop->tls; node = node->next) {
        struct wr_tls *tls = WR_OWNER(node, struct wr_tls, link);
        if (tls->role == role && tls->options.trust_anybody == options->trust_anybody &&
            same_text(tls->options.ca_file, options->ca_file) &&
            same_text(tls->options.ca_folder, options->ca_folder) &&
            same_text(tls->options.cert_file, options->cert_file) &&
            same_text(tls->options.key_file, options->key_file)) {
            return tls;
        }
    }
    return NULL;
}

static int no_password(char *to, int cap, int writing, void *ctx)
{
    (void)to;
    (void)cap;
    (void)writing;
    (void)ctx;
    return -1;
}

struct making {
    struct wr_tls *tls;
    weir_error *error;
    bool made;
};

static bool refuse(const struct making *making, const char *what, const char *file)
{
    wr_error_set(making->error, WEIR_EINVAL, 0, "tls", "%s '%s': %s", what, file, wr_tls_reason());
    return false;
}

static bool load(const struct making *making)
{
    SSL_CTX *ctx = making->tls->ctx;
    const struct wr_tls_options *o = &making->tls->options;
    if (o->ca_file != NULL && SSL_CTX_load_verify_file(ctx, o->ca_file) != 1) {
        return refuse(making, "cannot load the trusted certificates in", o->ca_file);
    }
    if (o->ca_folder != NULL && SSL_CTX_load_verify_dir(ctx, o->ca_folder) != 1) {
        return refuse(making, "cannot load the folder of trusted certificates", o->ca_folder);
    }
    if (o->ca_file == NULL && o->ca_folder == NULL && !o->trust_anybody &&
        making->tls->role == WR_TLS_CLIENT) {
        (void)SSL_CTX_set_default_verify_paths(ctx); /* if there are none, no peer is trusted */
    }
    if (o->cert_file == NULL) {
        return true;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1) {
        return refuse(making, "cannot load the certificate in", o->cert_file);
    }
    const char *key = o->key_file != NULL ? o->key_file : o->cert_file;
    return SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 ||
           refuse(making, "cannot load the key in", key);
}

static void make(void *arg)
{
    struct making *making = arg;
    struct wr_tls *tls = making->tls;
    bool client = tls->role == WR_TLS_CLIENT;
    ERR_clear_error();
    tls->ctx = wr_fault("SSL_CTX_new")
                   ? NULL
                   : SSL_CTX_new(client ? TLS_client_method() : TLS_server_method());
    if (tls->ctx == NULL || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1) {
        wr_error_set(making->error, WEIR_ENOMEM, 0, "tls", "no memory for TLS");
        return;
    }
    /* The transport reports an end without close_notify, and it ends one direction only. */
    SSL_CTX_set_options(tls->ctx,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(tls->ctx, 0);
    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls->ctx, 1);
    SSL_CTX_set_default_passwd_cb(tls->ctx, no_password);
    int verify = client ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    bool checks = client ? !tls->options.trust_anybody : tls->options.ca_file != NULL;
    SSL_CTX_set_verify(tls->ctx, checks ? verify : SSL_VERIFY_NONE, NULL);
    making->made = load(making);
    if (making->made && !client && tls->options.ca_file != NULL) {
        SSL_CTX_set_client_CA_list(tls->ctx, SSL_load_client_CA_file(tls->options.ca_file));
    }
    ERR_clear_error();
}

bool wr_tls_options_copy(struct wr_tls_options *to, const struct wr_tls_options *from)
{
    to->trust_anybody = from->trust_anybody;
    to->ca_file = wr_strdup(from->ca_file);
    to->ca_folder = wr_strdup(from->ca_folder);
    to->cert_file = wr_strdup(from->cert_file);
    to->key_file = wr_strdup(from->key_file);
    return (to->ca_file != NULL || from->ca_file == NULL) &&
           (to->ca_folder != NULL || from->ca_folder == NULL) &&
           (to->cert_file != NULL || from->cert_file == NULL) &&
           (to->key_file != NULL || from->key_file == NULL);
}

void wr_tls_options_free(struct wr_tls_options *options)
{
    wr_free((void *)(uintptr_t)options->ca_file);
    wr_free((void *)(uintptr_t)options->ca_folder);
    wr_free((void *)(uintptr_t)options->cert_file);
    wr_free((void *)(uintptr_t)options->key_file);
}

struct wr_tls *wr_tls_new(struct weir_loop *loop, enum wr_tls_role role,
                          const struct wr_tls_options *options, weir_error *error)
{
    struct wr_tls *tls = find(loop, role, options);
    wr_error_clear(error);
    if (tls != NULL) {
        tls->refs++;
        return tls;
    }
    tls = wr_zalloc(sizeof *tls);
    if (tls == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, "tls", "no memory for TLS");
        return NULL;
    }
    tls->loop = loop;
    tls->refs = 1;
    tls->role = role;
    wr_list_init(&tls->link);
    struct making making = {.tls = tls, .error = error};
    if (!wr_tls_options_copy(&tls->options, options)) {
        wr_error_set(error, WEIR_ENOMEM, 0, "tls", "no memory for TLS");
    } else if (role == WR_TLS_SERVER && options->cert_file == NULL) {
        wr_error_set(error, WEIR_EINVAL, 0, "tls", "a server needs a certificate");
    } else {
        wr_on_loop_stack(loop, make, &making);
    }
    if (!making.made) {
        wr_tls_unref(tls);
        return NULL;
    }
    wr_list_append(&loop->tls, &tls->link);
    return tls;
}
