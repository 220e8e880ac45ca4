/*
 * codec_media.c - the types of bodies, and how each is cut into items.
 */
#include "codec_media.h"

#include <string.h>

static const struct {
    const char *word, *type, *other;
    int32_t frame;
    char delim;
} medias[WR_MEDIA_COUNT] = {
    [WR_MEDIA_LINES] = {"lines", NULL, NULL, WEIR_FRAME_LINES, 0},
    [WR_MEDIA_JSON] = {"json", "application/json", "text/json", WEIR_FRAME_JSON, 0},
    [WR_MEDIA_CSV] = {"csv", "text/csv", "application/csv", WEIR_FRAME_CSV, ','},
    [WR_MEDIA_TSV] = {"tsv", "text/tab-separated-values", NULL, WEIR_FRAME_CSV, '\t'},
    [WR_MEDIA_EVENTS] = {"sse", "text/event-stream", NULL, WEIR_FRAME_SSE, 0},
    [WR_MEDIA_GZIP] = {"gunzip", "application/gzip", "application/x-gzip", WEIR_FRAME_NONE, 0},
    [WR_MEDIA_ZSTD] = {"unzstd", "application/zstd", NULL, WEIR_FRAME_NONE, 0},
};

enum wr_media wr_media_of(struct wr_text type)
{
    static const char suffix[] = "+json";
    size_t len = sizeof suffix - 1;
    for (int i = WR_MEDIA_LINES; i < WR_MEDIA_COUNT; i++) {
        if ((medias[i].type != NULL && wr_text_is(type, medias[i].type)) ||
            (medias[i].other != NULL && wr_text_is(type, medias[i].other))) {
            return (enum wr_media)i;
        }
    }
    bool json =
        type.len > len && wr_text_is((struct wr_text){type.data + type.len - len, len}, suffix);
    return json ? WR_MEDIA_JSON : WR_MEDIA_LINES;
}

/* Take the ending off the text. */
static bool ends_with(struct wr_text *text, const char *ending)
{
    size_t len = strlen(ending);
    bool ends =
        text->len > len && wr_text_is((struct wr_text){text->data + text->len - len, len}, ending);
    text->len -= ends ? len : 0;
    return ends;
}

enum wr_media wr_media_inside(const char *url)
{
    static const struct {
        const char *ending;
        enum wr_media media;
    } inside[] = {{".csv", WR_MEDIA_CSV},
                  {".tsv", WR_MEDIA_TSV},
                  {".json", WR_MEDIA_JSON},
                  {".sse", WR_MEDIA_EVENTS}};
    struct wr_text path = {url, strcspn(url, "?#")};
    bool cut = ends_with(&path, ".gz") || ends_with(&path, ".zst");
    for (size_t i = 0; cut && i < sizeof inside / sizeof *inside; i++) {
        if (ends_with(&path, inside[i].ending)) {
            return inside[i].media;
        }
    }
    return WR_MEDIA_LINES;
}

const char *wr_media_word(enum wr_media media)
{
    return medias[media].word;
}

enum wr_media wr_media_of_word(struct wr_text word)
{
    for (int i = WR_MEDIA_LINES; i < WR_MEDIA_COUNT; i++) {
        if (word.len == strlen(medias[i].word) &&
            memcmp(word.data, medias[i].word, word.len) == 0) {
            return (enum wr_media)i;
        }
    }
    return WR_MEDIA_UNKNOWN;
}

weir_framing wr_media_framing(enum wr_media media, bool strict)
{
    return (weir_framing){.struct_size = sizeof(weir_framing),
                          .kind = medias[media].frame,
                          .overlong = strict ? WEIR_LONG_FAILS : WEIR_LONG_SKIP,
                          .delim = medias[media].delim,
                          .header = medias[media].frame == WEIR_FRAME_CSV};
}
