/* line.c - looking into log lines.
 *
 * What was found first stays: callers ask the structured sources before the text.
 * SPDX-License-Identifier: MIT */
#include "ingest/line.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/num.h"

/* -- words ---------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    mw_level level;
} words[] = {
    {"trace", MW_DEBUG}, {"debug", MW_DEBUG},      {"dbg", MW_DEBUG},   {"verbose", MW_DEBUG},
    {"info", MW_INFO},   {"information", MW_INFO}, {"notice", MW_INFO}, {"inf", MW_INFO},
    {"warn", MW_WARN},   {"warning", MW_WARN},     {"wrn", MW_WARN},    {"error", MW_ERROR},
    {"err", MW_ERROR},   {"critical", MW_FATAL},   {"crit", MW_FATAL},  {"fatal", MW_FATAL},
    {"emerg", MW_FATAL}, {"emergency", MW_FATAL},  {"alert", MW_FATAL}, {"panic", MW_FATAL},
};

bool mw_level_of_word(mw_str word, mw_level *out)
{
    static const mw_level pino[] = {MW_DEBUG, MW_DEBUG, MW_INFO, MW_WARN, MW_ERROR, MW_FATAL};
    int64_t number;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == word.n && !strncasecmp(words[i].word, word.p, word.n))
            return *out = words[i].level, true;
    if (word.n != 2 || !mw_int64_parse(word, &number) || number < 10 || number > 69) return false;
    return *out = pino[number / 10 - 1], true;
}

/* -- names ---------------------------------------------------------------------------------- */

enum fact { LEVEL, TRACE, SPAN };

static const struct {
    const char *name;
    enum fact fact;
} names[] = {
    {"level", LEVEL},     {"detected_level", LEVEL}, {"severity", LEVEL}, {"lvl", LEVEL},
    {"log.level", LEVEL}, {"trace_id", TRACE},       {"traceId", TRACE},  {"traceID", TRACE},
    {"traceid", TRACE},   {"trace.id", TRACE},       {"span_id", SPAN},   {"spanId", SPAN},
    {"spanID", SPAN},     {"spanid", SPAN},          {"span.id", SPAN},
};

static bool any_set(const uint8_t *id, size_t n)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < n; i++) bits |= id[i];
    return bits != 0;
}

static bool read_id(mw_str hex, uint8_t *out, size_t n)
{
    uint8_t id[16];
    if (!mw_unhex(hex, id, n) || !any_set(id, n)) return false;
    memcpy(out, id, n);
    return true;
}

bool mw_line_fact(mw_line_facts *f, mw_str key, mw_str value)
{
    size_t i = 0, n = sizeof names / sizeof *names;
    while (i < n && !mw_str_is(key, names[i].name)) i++;
    if (i == n) return false;
    if (names[i].fact == LEVEL && !f->has_level) f->has_level = mw_level_of_word(value, &f->level);
    if (names[i].fact == TRACE && !f->has_trace) f->has_trace = read_id(value, f->trace_id, 16);
    if (names[i].fact == SPAN && !f->has_span) f->has_span = read_id(value, f->span_id, 8);
    return true;
}

/* -- lines ---------------------------------------------------------------------------------- */

static void read_json(mw_line_facts *facts, mw_str line, mw_arena *a)
{
    mw_json j;
    mw_str key, value;
    mw_json_init(&j, line, a, NULL);
    if (!mw_json_object(&j)) return;
    while (mw_json_key(&j, &key)) {
        mw_json_type type = mw_json_peek(&j);
        if (type == MW_JSON_STRING ? mw_json_string(&j, &value)
                                   : type == MW_JSON_NUMBER && mw_json_number(&j, &value))
            mw_line_fact(facts, key, value);
        else
            mw_json_skip(&j);
    }
}

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

/* The value behind '=': in quotes, or up to a blank. */
static mw_str logfmt_value(const char *p, const char *end)
{
    const char *from = p;
    if (p < end && *p == '"') {
        from = ++p;
        while (p < end && *p != '"') p++;
    } else {
        while (p < end && *p != ' ' && *p != '\t' && *p != ',' && *p != '\n') p++;
    }
    return (mw_str){from, (size_t)(p - from)};
}

static void read_logfmt(mw_line_facts *facts, mw_str line)
{
    const char *end = line.p + line.n, *at = line.p, *equals;
    while (at < end && (equals = memchr(at, '=', (size_t)(end - at)))) {
        const char *key = equals;
        while (key > at && word_char(key[-1])) key--;
        mw_str value = logfmt_value(equals + 1, end);
        mw_line_fact(facts, (mw_str){key, (size_t)(equals - key)}, value);
        at = value.p + value.n;
        if (at <= equals) at = equals + 1;
    }
}

void mw_line_read(mw_line_facts *facts, mw_str line, mw_arena *a)
{
    mw_str text = mw_str_trim(line);
    if (text.n && *text.p == '{')
        read_json(facts, text, a);
    else
        read_logfmt(facts, text);
}
