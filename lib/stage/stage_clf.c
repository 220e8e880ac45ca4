/*
 * stage_clf.c - the component clf: a record of each line of an access log. The decoder
 * (codec_clf.h) in the stage of records.
 */
#include <weir/module.h>

#include "codec_clf.h"
#include "stage_record.h"

static int clf_read(void *self, weir_slice text, struct wr_fields *fields)
{
    (void)self;
    return wr_clf_read(fields, text);
}

static const struct wr_record_ops clf_ops = {.kind = "clf", .read = clf_read};

static weir_gen *clf_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return wr_record_stage(up, &clf_ops, NULL, 0);
}

const weir_component wr_component_clf = {
    .struct_size = sizeof wr_component_clf,
    .name = "clf",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS,
    .help = "Reads access logs (common or combined): remote, user, time, method, path, protocol, "
            "status, bytes, referer, agent.",
    .example = "./access.log | clf",
    .open = clf_open,
};
