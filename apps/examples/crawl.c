/*
 * crawl.c - reads the pages that a page leads to, on any host:  crawl SEEN URL
 *
 * All pages of a host have the same worker, so a host is asked for one page at a time, with a pause. A
 * worker is a stage: pages in, links out; main() reads the links of all. A page that was read is a line of
 * SEEN, and is not read again, by a later run neither; only URL always is.
 */
#include <search.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

enum { URL_MAX = 512, WORKERS = 8, PAGES_MAX = 1 << 20, PAUSE_MS = 10 };
#define LINKS "encode json | map (scan(`href=\"(/[^\"]*|http[^\"]*)\"`)[0])"

static size_t origin_of(const char *url) /* the length of "http://HOST" */
{
    return strlen(url) < 8 ? 0 : 8 + strcspn(url + 8, "/");
}

WEIR_STAGE(worker)
{
    weir_scope *scope = weir_gen_scope(self);
    weir_item page, link, found;
    while (weir_next(up, &page)) {
        char url[URL_MAX + 1], text[URL_MAX];
        size_t len = (size_t)snprintf(url, sizeof url, "-%.*s", (int)page.len, page.data);
        weir_gen *links = weir_parse(scope, weir_http_lines(scope, url + 1, NULL), LINKS, NULL);
        links = weir_shown(links, WEIR_OPTIONS(weir_show_options, .raw = 1));
        while (weir_next(links, &link)) {
            int base = link.data[0] == '/' ? (int)origin_of(url + 1) : 0;
            snprintf(text, sizeof text, "%.*s%.*s", base, url + 1, (int)link.len, link.data);
            found = weir_bytes(text, strlen(text));
            (void)!weir_yield(self, &found);
        }
        weir_discard(links);          /* a failure goes to the log */
        found = weir_bytes(url, len); /* with a minus: it was read */
        (void)!(weir_yield(self, &found) && weir_sleep(scope, PAUSE_MS));
    }
    return 0;
}

int main(int argc, char **argv)
{
    char url[URL_MAX + 1];
    weir_sink *pages[WORKERS];
    weir_gen *links[WORKERS];
    FILE *book = argc == 3 ? fopen(argv[1], "a+") : NULL;
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = weir_log_stderr));
    (void)!hcreate(PAGES_MAX); /* what was seen; when it is full, no more is read */
    const weir_queue_options large = {.struct_size = sizeof large, .items_max = PAGES_MAX};
    for (size_t i = 0; i < WORKERS; i++) {
        links[i] = worker(weir_queue(weir_root(loop), &large, &pages[i]));
    }
    weir_gen *frontier = weir_merge(weir_root(loop), links, WORKERS);
    while (book != NULL && fscanf(book, "%511s", url) == 1) {
        (void)!(strcmp(url, argv[2]) != 0 && hsearch((ENTRY){.key = strdup(url)}, ENTER));
    }
    (void)!(book != NULL && fseek(book, 0, SEEK_END)); /* from now on it is written */
    weir_item item = weir_bytes(argv[argc - 1], strlen(argv[argc - 1]));
    size_t left = 0;
    do {
        snprintf(url, sizeof url, "%.*s", (int)item.len, item.data);
        if (url[0] == '-') {
            left--;
            fprintf(book, "%s\n", url + 1);
        } else if (hsearch((ENTRY){.key = url}, FIND) == NULL &&
                   hsearch((ENTRY){.key = strdup(url)}, ENTER)) {
            size_t sum = 0; /* of the host: which worker has it */
            for (size_t i = origin_of(url); i > 0; i--) {
                sum = sum * 31 + (unsigned char)url[i - 1];
            }
            item = weir_bytes(url, strlen(url));
            left += weir_put(pages[sum % WORKERS], &item);
        }
    } while (left > 0 && book != NULL && weir_next(frontier, &item));
    weir_loop_free(loop); /* ends the workers, too */
    return book == NULL || fclose(book) != 0;
}
