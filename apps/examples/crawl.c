/*
 * crawl.c - reads the pages that a page leads to, on any host:  crawl SEEN URL
 *
 * A worker has a queue of pages, and all pages of a host have the same worker, so a host is asked for one
 * page at a time, with a pause. The links go into one queue, the frontier, which main() reads. A page that
 * was read is a line of SEEN, and is not read again, by a later run neither; only URL always is.
 */
#include <search.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

enum { URL_MAX = 512, WORKERS = 8, PAGES_MAX = 1 << 20, PAUSE_MS = 10 };
static weir_sink *frontier, *in[WORKERS];
static void *seen; /* a tree of URLs */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* "http://HOST" of a URL, as a length. */
static size_t origin_of(const char *url)
{
    size_t scheme = strcspn(url, "/") + 2;
    return strncmp(url, "http", 4) != 0 ? 0 : scheme + strcspn(url + scheme, "/");
}

static void put(weir_sink *to, const char *text)
{
    weir_item item = weir_bytes(text, strlen(text));
    (void)!weir_put(to, &item);
}

static int read_pages(weir_scope *scope, void *args)
{
    weir_item page, line;
    weir_error error;
    for (weir_gen *pages = *(weir_gen **)args; weir_next(pages, &page);) {
        char url[URL_MAX + 1], text[URL_MAX];
        snprintf(url, sizeof url, "-%.*s", (int)page.len, page.data);
        weir_gen *html = weir_http_lines(scope, url + 1, NULL);
        while (weir_next(html, &line)) {
            const char *to, *at = line.data, *end = at + line.len;
            while ((at = memmem(at, (size_t)(end - at), "href=\"", 6)) != NULL) {
                at += 6;
                if ((to = memchr(at, '"', (size_t)(end - at))) == NULL) {
                    break;
                }
                int base = *at == '/' ? (int)origin_of(url + 1) : 0, len = (int)(to - at);
                snprintf(text, sizeof text, "%.*s%.*s", base, url + 1, len, at);
                put(frontier, text);
            }
        }
        if (weir_finish(html, &error) < 0) {
            fprintf(stderr, "crawl: %s\n", error.message);
        }
        put(frontier, url); /* with a minus: it was read */
        (void)!weir_sleep(scope, PAUSE_MS);
    }
    return 0;
}

int main(int argc, char **argv)
{
    char url[URL_MAX + 1];
    FILE *book = argc == 3 ? fopen(argv[1], "a+") : NULL;
    weir_loop *loop = weir_loop_new(NULL);
    weir_item item = weir_bytes(argv[argc - 1], strlen(argv[argc - 1]));
    weir_gen *pages, *found = weir_queue(weir_root(loop), NULL, &frontier);
    for (size_t i = 0; i < WORKERS; i++) {
        pages = weir_queue(weir_root(loop),
                           WEIR_OPTIONS(weir_queue_options, .items_max = PAGES_MAX), &in[i]);
        weir_spawn(weir_root(loop), "worker", read_pages, &pages, sizeof pages);
    }
    while (book != NULL && fscanf(book, "%511s", url) == 1) {
        (void)!(strcmp(url, argv[2]) != 0 && tsearch(strdup(url), &seen, compare));
    }
    size_t left = 0;
    do {
        size_t worker = 0, origin;
        snprintf(url, sizeof url, "%.*s", (int)item.len, item.data);
        if (url[0] == '-' && --left < PAGES_MAX) {
            fprintf(book, "%s\n", url + 1);
        } else if ((origin = origin_of(url)) > 0 && tfind(url, &seen, compare) == NULL) {
            (void)tsearch(strdup(url), &seen, compare);
            for (size_t i = 0; i < origin; i++) {
                worker = (worker * 31 + (unsigned char)url[i]) % WORKERS;
            }
            put(in[worker], url);
            left++;
        }
    } while (left > 0 && book != NULL && weir_next(found, &item));
    weir_loop_free(loop); /* ends the workers, too */
    return book == NULL || fclose(book) != 0;
}
