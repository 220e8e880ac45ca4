/*
 * support_sweep_libraries.c - first use of other libraries, made once before a sweep's runs.
 *
 * Each run of a sweep is a process forked from one that has run nothing. Where a test uses libcurl
 * or OpenSSL, each run would set them up again, which takes as long as the rest of it; and what they
 * then keep looks like what a test has lost, so that each run would be searched for leaks, which
 * takes longer still. The sweep calls this when the first run of a test has left something; the
 * runs after that find the libraries as they are after their first use. Of weir's own
 * functions only such are called that reach no fault point, or whose first call is for weir as any
 * other: all fault points are still ahead of each run.
 */
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>

#include "codec_json_index.h"
#include "curl_bridge.h"
#include "loop_tls.h"
#include "support_sweep.h"
#include "support_tls.h"

enum {
    THREADS = 8,
    HANDSHAKE_TURNS_MAX = 16,
    LARGE_BLOCKS = 500 /* libcurl and OpenSSL keep more, and each fork copies the tables of it */
};

static void must(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

static void *meet(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

/* The C library keeps the stacks of threads that have ended, and what belongs to them. */
static void use_threads(void)
{
    pthread_barrier_t barrier;
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        must(pthread_create(&threads[i], NULL, meet, &barrier) == 0, "sweep: thread");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
}

/* Both ends in one thread, joined by memory. */
static void shake_hands(SSL *client, SSL *server)
{
    BIO *client_end, *server_end;
    char byte = 'x';
    must(BIO_new_bio_pair(&client_end, 0, &server_end, 0) == 1, "sweep: BIO_new_bio_pair");
    SSL_set_bio(client, client_end, client_end);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    bool done = false;
    for (int i = 0; i < HANDSHAKE_TURNS_MAX && !done; i++) {
        int client_rc = SSL_do_handshake(client);
        done = SSL_do_handshake(server) == 1 && client_rc == 1;
    }
    must(done && SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1,
         "sweep: TLS handshake");
    (void)SSL_shutdown(client);
    (void)SSL_shutdown(server);
}

static void use_tls(void)
{
    struct wr_certificates all;
    wr_certificates_make(&all);
    const char *ca = wr_folder_path(&all.folder, "ca.pem");
    const char *own = wr_certificate(&all, "own.pem", "DNS:localhost", 1);
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX *server_ctx = SSL_CTX_new(TLS_server_method());
    must(client_ctx != NULL && server_ctx != NULL &&
             SSL_CTX_load_verify_locations(client_ctx, ca, NULL) == 1 &&
             SSL_CTX_set_default_verify_paths(client_ctx) == 1 &&
             SSL_CTX_use_certificate_chain_file(server_ctx, own) == 1 &&
             SSL_CTX_use_PrivateKey_file(server_ctx, own, SSL_FILETYPE_PEM) == 1,
         "sweep: TLS");
    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
    SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
    must(client != NULL && server != NULL && SSL_set1_host(client, "localhost") == 1,
         "sweep: SSL_new");
    shake_hands(client, server);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
    wr_certificates_remove(&all);
    ERR_clear_error();
}

static bool used;

void wr_sweep_leave_libraries(void)
{
    if (used) {
        OPENSSL_thread_stop(); /* the texts of its errors */
    }
}

void wr_sweep_use_libraries(long blocks)
{
    static bool small_used;
    if (!small_used) {
        wr_json_indexer_free(wr_json_indexer_new());
        use_threads();
        small_used = true;
    }
    if (!used && blocks >= LARGE_BLOCKS) {
        must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "sweep: libcurl");
        use_tls();
        wr_tls_prepare();
        wr_transfer_prepare_tls();
        used = true;
    }
}
