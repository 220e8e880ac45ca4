/*
 * codec_metrics.h - samples of metrics: statsd, the exposition text of Prometheus, the line protocol
 * of InfluxDB. Sans-I/O. All three are decoders of records: see codec_fields.h.
 */
#ifndef WR_CODEC_METRICS_H
#define WR_CODEC_METRICS_H

#include "codec_row.h"

/*
 * page.views:1|c|@0.1|#host:a,eu
 *
 * Fields: name, value, type, rate, then each tag by its name; a tag without a value is true. Value
 * and rate are numbers; the value of a gauge with a sign, which is a change of it, is a string that
 * keeps the sign, and so is the member of a set. A text has a metric in each line; empty lines
 * hold none. at: where the next line begins; 0 for a new text. The line read is fields->body.
 * Returns WR_FIELDS_NONE at the end of the text. After WEIR_EPARSE the next line can be read.
 */
int wr_statsd_read(struct wr_fields *fields, weir_slice text, size_t *at);
/*
 * http_requests_total{method="post",code="200"} 1027 1395066363000
 *
 * Fields: name, each label by its name, value, time (milliseconds since 1970, if there is one). Value and
 * time are numbers, but NaN and infinities are strings. \\,
 * \" and \n in the value of a label are an escape. Empty lines and comments (HELP, TYPE) hold no
 * record, and what follows a # after the value (an exemplar) is left out.
 */
int wr_prom_read(struct wr_fields *fields, weir_slice text);
/* The same back: the members name and value are required, time is written if it is there and not
 * null, and all others are labels, but for null. 0; WEIR_EPARSE: something is missing or not allowed
 * (wr_fields_bad). */
WEIR_MUST_CHECK int wr_prom_write(struct wr_out *out, struct wr_fields *fields,
                                  const struct wr_row *row);
/*
 * weather,city=Oslo,kind=a\ b temperature=82.5,id=7i,note="a \"b\"",ok=t 1465839830100400200
 *
 * Fields: measurement, each tag and each field by its name, time (as it came, usually nanoseconds
 * since 1970). Numbers, given without their i or u, and the time are numbers, logical values true or
 * false; other fields and tags are strings. Empty
 * lines and comments hold no record.
 */
int wr_influx_read(struct wr_fields *fields, weir_slice text);

#endif
