/*
 * crawl.c - reads the pages that a page leads to, on any host:  crawl SEEN URL
 *
 * All pages of a host have the same worker, so a host is asked for one page at a time, with a pause. The
 * links go into one queue, the frontier, which main() reads. A page that was read is a line of SEEN, and is
 * not read again, by a later run neither; only URL always is.
 */
#include <search.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

enum { URL_MAX = 512, WORKERS = 8, PAGES_MAX = 1 << 20, PAUSE_MS = 10 };
struct worker {
    weir_sink *in, *frontier;
    weir_gen *pages;
};
static void *seen; /* a tree of URLs */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static size_t origin_of(const char *url) /* the length of "http://HOST" */
{
    return strlen(url) < 8 ? 0 : 8 + strcspn(url + 8, "/");
}

static int read_pages(weir_scope *scope, void *args)
{
    struct worker *worker = args;
    weir_item page, line, found;
    while (weir_next(worker->pages, &page)) {
        char url[URL_MAX + 1], text[URL_MAX];
        size_t len = (size_t)snprintf(url, sizeof url, "-%.*s", (int)page.len, page.data);
        weir_gen *html = weir_http_lines(scope, url + 1, NULL);
        while (weir_next(html, &line)) {
            const char *to, *at = line.data, *end = at + line.len;
            while ((at = memmem(at, (size_t)(end - at), "href=\"", 6)) != NULL &&
                   (to = memchr(at + 6, '"', (size_t)(end - at) - 6)) != NULL) {
                int base = at[6] == '/' ? (int)origin_of(url + 1) : 0, length = (int)(to - at) - 6;
                snprintf(text, sizeof text, "%.*s%.*s", base, url + 1, length, at + 6);
                found = weir_bytes(text, strlen(text));
                (void)!(strncmp(text, "http", 4) == 0 && weir_put(worker->frontier, &found));
                at = to;
            }
        }
        weir_discard(html);           /* a failure goes to the log */
        found = weir_bytes(url, len); /* with a minus: it was read */
        (void)!(weir_put(worker->frontier, &found) && weir_sleep(scope, PAUSE_MS));
    }
    weir_sink_discard(worker->frontier);
    return 0;
}

static void print_log(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)!(level <= WEIR_LOG_WARNING && fprintf(stderr, "crawl: %s: %s\n", origin, text));
}

int main(int argc, char **argv)
{
    char url[URL_MAX + 1];
    struct worker workers[WORKERS];
    FILE *book = argc == 3 ? fopen(argv[1], "a+") : NULL;
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = print_log));
    weir_sink *frontier;
    weir_gen *found = weir_queue(weir_root(loop), NULL, &frontier);
    const weir_queue_options large = {.struct_size = sizeof large, .items_max = PAGES_MAX};
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i].pages = weir_queue(weir_root(loop), &large, &workers[i].in);
        workers[i].frontier = weir_sink_share(frontier);
        weir_spawn(weir_root(loop), "worker", read_pages, &workers[i], sizeof workers[i]);
    }
    while (book != NULL && fscanf(book, "%511s", url) == 1) {
        (void)!(strcmp(url, argv[2]) != 0 && tsearch(strdup(url), &seen, compare));
    }
    (void)!(book != NULL && fseek(book, 0, SEEK_END)); /* from now on it is written */
    weir_item item = weir_bytes(argv[argc - 1], strlen(argv[argc - 1]));
    size_t left = 0;
    do {
        snprintf(url, sizeof url, "%.*s", (int)item.len, item.data);
        if (url[0] == '-') {
            left--;
            fprintf(book, "%s\n", url + 1);
        } else if (tfind(url, &seen, compare) == NULL && tsearch(strdup(url), &seen, compare)) {
            size_t worker = 0;
            for (size_t i = origin_of(url); i > 0; i--) {
                worker = (worker * 31 + (unsigned char)url[i - 1]) % WORKERS;
            }
            item = weir_bytes(url, strlen(url));
            left += weir_put(workers[worker].in, &item);
        }
    } while (left > 0 && book != NULL && weir_next(found, &item));
    weir_loop_free(loop); /* ends the workers, too */
    return book == NULL || fclose(book) != 0;
}
