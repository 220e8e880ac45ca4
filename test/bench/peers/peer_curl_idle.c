/*
 * peer_curl_idle.c - what libcurl itself holds for each idle stream: COUNT transfers of URL in one
 * multi handle, whose first bytes have come. The same settings as weir's: 64 KiB of receive buffer
 * (of which an idle stream touches little), HTTP/1.1, no signals.
 *
 *   peer_curl_idle URL COUNT      one JSON object: bytes_each
 */
#define _GNU_SOURCE /* getrlimit */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WARM_UP = 20 };

static long started; /* transfers whose first bytes have come */

static long rss_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static size_t on_bytes(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    started++;
    return size * count;
}

static void add(CURLM *multi, const char *url)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        exit(1);
    }
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65536L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_multi_add_handle(multi, easy);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    int running = 1;
    if (argc != 3) {
        fprintf(stderr, "usage: peer_curl_idle URL COUNT\n");
        return 2;
    }
    long count = atol(argv[2]);
    long before = 0;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    for (long i = 0; i < count + WARM_UP; i++) {
        add(multi, argv[1]);
        while (running > 0 && started < i + 1) {
            curl_multi_perform(multi, &running);
            curl_multi_poll(multi, NULL, 0, 10, NULL);
        }
        if (i == WARM_UP - 1) {
            before = rss_bytes();
        }
    }
    if (started < count + WARM_UP) {
        fprintf(stderr, "peer_curl_idle: %ld of %ld streams\n", started, count + WARM_UP);
        return 1;
    }
    printf("{\"bench\":\"curl_idle\",\"streams\":%ld,\"bytes_each\":%ld}\n", count,
           (rss_bytes() - before) / count);
    return 0;
}
