/*
 * codec_syslog.c - one pass over a syslog message. No state between two messages.
 *
 * A digit and a space after the priority begin a message of RFC 5424, which has a fixed order of
 * fields; errors in it are errors. Everything else is what RFC 3164 found in use: a time, a host
 * and a tag, each of which may be missing, so only a priority out of range is an error there.
 */
#include "codec_syslog.h"

#include <string.h>

#include "codec_date.h"
#include "codec_text.h"

static const weir_slice facility_name = WR_SLICE("facility"), severity_name = WR_SLICE("severity"),
                        time_name = WR_SLICE("time"), host_name = WR_SLICE("host"),
                        app_name = WR_SLICE("app"), pid_name = WR_SLICE("pid"),
                        msgid_name = WR_SLICE("msgid"), message_name = WR_SLICE("message");

enum { PRIORITY_MAX = 191, BSD_TIME = 15 };

struct cursor {
    struct wr_fields *fields;
    weir_slice text;
    size_t at;
};

static int bad(struct cursor *c, const char *problem)
{
    return wr_fields_bad(c->fields, c->at, problem);
}

static bool is_at(const struct cursor *c, char byte)
{
    return c->at < c->text.len && c->text.data[c->at] == byte;
}

/* Up to the next space; not past it. */
static weir_slice word_at(const struct cursor *c)
{
    weir_slice rest = wr_slice_of(c->text, c->at, c->text.len);
    const char *space = rest.len > 0 ? memchr(rest.data, ' ', rest.len) : NULL;
    rest.len = space != NULL ? (size_t)(space - rest.data) : rest.len;
    return rest;
}

static bool is_none(weir_slice word)
{
    return word.len == 1 && word.data[0] == '-';
}

static bool is_instant(weir_slice word)
{
    return wr_date_time_is((struct wr_text){word.data, word.len});
}

/* <34>: 1; none: 0. */
static int read_priority(struct cursor *c)
{
    static const char numbers[][3] = {"0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",
                                      "8",  "9",  "10", "11", "12", "13", "14", "15",
                                      "16", "17", "18", "19", "20", "21", "22", "23"};
    size_t i = c->at + 1, number = 0;
    if (!is_at(c, '<')) {
        return 0;
    }
    for (; i < c->text.len && i < c->at + 4 && wr_is_digit(c->text.data[i]); i++) {
        number = number * 10 + (size_t)(c->text.data[i] - '0');
    }
    if (i == c->at + 1 || i == c->text.len || c->text.data[i] != '>' || number > PRIORITY_MAX) {
        return bad(c, "the priority is not from <0> to <191>");
    }
    c->at = i + 1;
    const char *facility = numbers[number / 8], *severity = numbers[number % 8];
    int rc =
        wr_fields_add_number(c->fields, facility_name, (weir_slice){facility, strlen(facility)});
    rc = rc == 0 ? wr_fields_add_number(c->fields, severity_name, (weir_slice){severity, 1}) : rc;
    return rc == 0 ? 1 : rc;
}

/* The rest of the text; without a byte order mark. */
static int add_message(struct cursor *c)
{
    weir_slice message = wr_slice_of(c->text, c->at, c->text.len);
    if (message.len >= 3 && memcmp(message.data, "\xef\xbb\xbf", 3) == 0) {
        message.data += 3;
        message.len -= 3;
    }
    return message.len > 0 ? wr_fields_add(c->fields, message_name, message) : 0;
}

/* ---- RFC 5424 */

/* The next word and the space after it. */
static int add_word(struct cursor *c, weir_slice name, const char *missing)
{
    weir_slice word = word_at(c);
    if (word.len == 0) {
        return bad(c, missing);
    }
    c->at += word.len;
    if (!is_at(c, ' ')) {
        return bad(c, "a space is missing");
    }
    c->at++;
    return is_none(word) ? 0 : wr_fields_add(c->fields, name, word);
}

/* name="value" in the element `id`. */
static int read_parameter(struct cursor *c, weir_slice id)
{
    size_t from = c->at, i = from;
    weir_slice text = c->text;
    while (i < text.len && text.data[i] != '=' && text.data[i] != ' ' && text.data[i] != ']' &&
           text.data[i] != '"') {
        i++;
    }
    if (i == from || text.len - i < 2 || text.data[i] != '=' || text.data[i + 1] != '"') {
        return bad(c, "structured data has no name=\"value\"");
    }
    size_t end = i + 2;
    for (; end < text.len && text.data[end] != '"'; end++) {
        end += text.data[end] == '\\';
    }
    if (end >= text.len) {
        c->at = i + 1;
        return bad(c, "a value of structured data does not end");
    }
    char *name = c->fields->made + c->fields->made_len;
    memcpy(name, id.data, id.len);
    name[id.len] = '.';
    memcpy(name + id.len + 1, text.data + from, i - from);
    c->fields->made_len += id.len + 1 + (i - from);
    c->at = end + 1;
    return wr_fields_add(c->fields, (weir_slice){name, id.len + 1 + (i - from)},
                         wr_fields_unquote(c->fields, wr_slice_of(text, i + 2, end), "\"\\]"));
}

/* [id name="value" ...] */
static int read_element(struct cursor *c)
{
    size_t from = ++c->at;
    while (c->at < c->text.len && strchr(" ]=\"", c->text.data[c->at]) == NULL) {
        c->at++;
    }
    weir_slice id = wr_slice_of(c->text, from, c->at);
    if (id.len == 0 || id.len > WR_SYSLOG_ID_MAX) {
        c->at = from;
        return bad(c, id.len == 0 ? "structured data has no id"
                                  : "an id of structured data has more than 255 bytes");
    }
    bool alone = is_at(c, ']');
    int rc = alone ? wr_fields_add(c->fields, id, (weir_slice){"", 0}) : 0;
    while (rc == 0 && is_at(c, ' ')) {
        c->at++;
        rc = read_parameter(c, id);
    }
    if (rc == 0 && !is_at(c, ']')) {
        return bad(c, "structured data does not end with ]");
    }
    c->at++;
    return rc;
}

/* Structured data, or -. */
static int read_data(struct cursor *c)
{
    size_t quotes = 0;
    if (is_at(c, '-')) {
        c->at++;
        return 0;
    }
    if (!is_at(c, '[')) {
        return bad(c, "structured data, or -, is missing");
    }
    for (size_t i = c->at; i < c->text.len; i++) {
        quotes += c->text.data[i] == '"';
    }
    size_t parameters = WR_MIN(quotes / 2, (size_t)WR_FIELDS_MAX);
    int rc = wr_fields_reserve(c->fields, c->text.len + parameters * (WR_SYSLOG_ID_MAX + 1));
    while (rc == 0 && is_at(c, '[')) {
        rc = read_element(c);
    }
    return rc;
}

static int read_5424(struct cursor *c)
{
    if (!is_none(word_at(c)) && !is_instant(word_at(c))) {
        return bad(c, "the time is not as RFC 3339 has it");
    }
    int rc = add_word(c, time_name, "the time is missing");
    rc = rc == 0 ? add_word(c, host_name, "the host is missing") : rc;
    rc = rc == 0 ? add_word(c, app_name, "the name of the program is missing") : rc;
    rc = rc == 0 ? add_word(c, pid_name, "the process id is missing") : rc;
    rc = rc == 0 ? add_word(c, msgid_name, "the message id is missing") : rc;
    rc = rc == 0 ? read_data(c) : rc;
    if (rc < 0 || c->at == c->text.len) {
        return rc;
    }
    if (!is_at(c, ' ')) {
        return bad(c, "a space is missing after the structured data");
    }
    c->at++;
    return add_message(c);
}

/* "1 ": the version, which begins RFC 5424. */
static bool take_version(struct cursor *c)
{
    weir_slice word = word_at(c);
    bool version =
        word.len > 0 && word.len <= 3 && c->at + word.len < c->text.len && word.data[0] != '0';
    for (size_t i = 0; version && i < word.len; i++) {
        version = wr_is_digit(word.data[i]);
    }
    c->at += version ? word.len + 1 : 0;
    return version;
}

/* ---- RFC 3164 */

/* Two digits, or a space and one. */
static int number_at(const char *t)
{
    return (t[0] == ' ' ? 0 : (t[0] - '0') * 10) + (t[1] - '0');
}

/* "Oct 11 22:14:15 ", the day with a space before it if it has one digit. There is no year: February
 * may have 29 days. */
static bool is_bsd_time(weir_slice text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "### 90 90:90:90 ";
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *t = text.data;
    size_t month = 0;
    if (text.len <= BSD_TIME) {
        return false;
    }
    for (size_t i = 3; i <= BSD_TIME; i++) {
        bool digit = form[i] == '9' || form[i] == '0';
        if (digit ? !wr_is_digit(t[i]) && !(i == 4 && t[i] == ' ') : t[i] != form[i]) {
            return false;
        }
    }
    while (month < 12 && memcmp(months + 3 * month, t, 3) != 0) {
        month++;
    }
    int day = number_at(t + 4);
    return month < 12 && day >= 1 && day <= days[month] && number_at(t + 7) < 24 &&
           number_at(t + 10) < 60 && number_at(t + 13) <= 60;
}

/* 1: a time was there. */
static int take_time(struct cursor *c)
{
    weir_slice rest = wr_slice_of(c->text, c->at, c->text.len), time = word_at(c);
    if (is_bsd_time(rest)) {
        time = wr_slice_of(rest, 0, BSD_TIME);
    } else if (time.len == rest.len || !is_instant(time)) {
        return 0;
    }
    c->at += time.len + 1;
    int rc = wr_fields_add(c->fields, time_name, time);
    return rc == 0 ? 1 : rc;
}

/* What a word begins with: "su:", "su[230]" or "su[230]:". Its bytes; 0: it is no tag, as http://x
 * and the host [fe80::1] are not. */
static size_t tag_of(weir_slice word, weir_slice *app, weir_slice *pid)
{
    size_t i = 0;
    while (i < word.len && word.data[i] != '[' && word.data[i] != ':') {
        i++;
    }
    *app = wr_slice_of(word, 0, i);
    *pid = (weir_slice){NULL, 0};
    if (i == word.len || i == 0) {
        return 0;
    }
    if (word.data[i] == ':') {
        return i + 1 == word.len ? word.len : 0;
    }
    const char *bracket = memchr(word.data + i, ']', word.len - i);
    size_t end = bracket != NULL ? (size_t)(bracket - word.data) : word.len;
    if (end == word.len || (end + 1 < word.len && word.data[end + 1] != ':')) {
        return 0;
    }
    *pid = wr_slice_of(word, i + 1, end);
    return WR_MIN(end + 2, word.len);
}

/* 0, also if there is none, or a code. */
static int take_tag(struct cursor *c)
{
    weir_slice app, pid;
    size_t len = tag_of(word_at(c), &app, &pid);
    if (len == 0) {
        return 0;
    }
    c->at += len;
    c->at += is_at(c, ' ');
    int rc = wr_fields_add(c->fields, app_name, app);
    return rc == 0 && pid.len > 0 ? wr_fields_add(c->fields, pid_name, pid) : rc;
}

static int read_3164(struct cursor *c, bool priority)
{
    int rc = take_time(c);
    if (rc == 0 && !priority) {
        return bad(c, "neither a priority nor a time");
    }
    if (rc > 0) {
        weir_slice word = word_at(c), app, pid;
        bool tag = tag_of(word, &app, &pid) > 0;
        rc = word.len > 0 && !tag ? wr_fields_add(c->fields, host_name, word) : 0;
        c->at += word.len > 0 && !tag ? word.len : 0;
        c->at += !tag && is_at(c, ' ');
    }
    rc = rc == 0 ? take_tag(c) : rc;
    return rc == 0 ? add_message(c) : rc;
}

int wr_syslog_read(struct wr_fields *fields, weir_slice text)
{
    while (text.len > 0 && strchr("\r\n", text.data[text.len - 1]) != NULL) {
        text.len--; /* strchr finds a NUL, too */
    }
    if (text.len == 0) {
        return WR_FIELDS_NONE;
    }
    struct cursor c = {fields, text, 0};
    int priority = read_priority(&c);
    if (priority < 0) {
        return priority;
    }
    return priority > 0 && take_version(&c) ? read_5424(&c) : read_3164(&c, priority > 0);
}
