/* otlp_names.c - the naming rules of "Prometheus and OpenMetrics Compatibility" of OpenTelemetry,
 * as Prometheus's own OTLP endpoint applies them.  SPDX-License-Identifier: MIT */
#include "ingest/otlp_names.h"

#include <string.h>

struct unit {
    const char *code, *word;
};

static const struct unit units[] = {
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
};
static const struct unit per_units[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
    {"w", "week"},   {"mo", "month"}, {"y", "year"},
};

static mw_str word_of(mw_str code, const struct unit *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_is(code, rows[i].code)) return mw_str_of(rows[i].word);
    return code;
}

static bool alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* -- names as words joined by '_' ----------------------------------------------------------- */

/* The next run of letters, digits (and ':') of S at or behind *AT; empty at the end. */
static mw_str next_word(mw_str s, size_t *at, bool colon)
{
    while (*at < s.n && !alnum(s.p[*at]) && !(colon && s.p[*at] == ':')) ++*at;
    size_t from = *at;
    while (*at < s.n && (alnum(s.p[*at]) || (colon && s.p[*at] == ':'))) ++*at;
    return (mw_str){s.p + from, *at - from};
}

static void add_word(mw_buf *name, mw_str word)
{
    if (name->n) mw_buf_byte(name, '_');
    mw_buf_str(name, word);
}

static bool has_word(const mw_buf *name, mw_str word)
{
    mw_str s = {name->p, name->n}, w;
    for (size_t at = 0; (w = next_word(s, &at, true)).n;)
        if (mw_str_eq(w, word)) return true;
    return false;
}

/* WORD at the end of NAME and nowhere else. */
static void end_with(mw_buf *name, const char *word)
{
    mw_buf kept;
    mw_str s = {name->p, name->n}, w;
    mw_buf_init(&kept);
    for (size_t at = 0; (w = next_word(s, &at, true)).n;)
        if (!mw_str_is(w, word)) add_word(&kept, w);
    add_word(&kept, mw_str_of(word));
    mw_buf_deinit(name);
    *name = kept;
}

/* -- units ---------------------------------------------------------------------------------- */

static bool annotated(mw_str unit) /* "{request}" says nothing about the scale */
{
    return unit.n && (memchr(unit.p, '{', unit.n) || memchr(unit.p, '}', unit.n));
}

static void add_unit(mw_buf *name, mw_str unit, const struct unit *rows, size_t n,
                     const char *front)
{
    unit = mw_str_trim(unit);
    if (!unit.n || annotated(unit)) return;
    mw_str word = word_of(unit, rows, n), w;
    mw_buf clean;
    mw_buf_init(&clean);
    for (size_t at = 0; (w = next_word(word, &at, false)).n;) add_word(&clean, w);
    mw_str text = {clean.p, clean.n};
    if (text.n && !has_word(name, text)) {
        if (front) add_word(name, mw_str_of(front));
        add_word(name, text);
    }
    mw_buf_deinit(&clean);
}

void mw_otlp_metric_name(mw_str name, mw_str unit, mw_otlp_kind kind, mw_buf *out)
{
    mw_str w;
    mw_buf_reset(out);
    for (size_t at = 0; (w = next_word(name, &at, true)).n;) add_word(out, w);
    if (!out->n) return;
    const char *slash = unit.n ? memchr(unit.p, '/', unit.n) : NULL;
    size_t main = slash ? (size_t)(slash - unit.p) : unit.n;
    add_unit(out, (mw_str){unit.p, main}, units, sizeof units / sizeof *units, NULL);
    if (slash)
        add_unit(out, (mw_str){slash + 1, unit.n - main - 1}, per_units,
                 sizeof per_units / sizeof *per_units, "per");
    if (kind == MW_OTLP_KIND_COUNTER) end_with(out, "total");
    if (kind == MW_OTLP_KIND_GAUGE && mw_str_is(unit, "1")) end_with(out, "ratio");
    if (out->p[0] < '0' || out->p[0] > '9') return;
    mw_buf_byte(out, 0);
    memmove(out->p + 1, out->p, out->n - 1);
    out->p[0] = '_';
}

void mw_otlp_label_name(mw_str key, mw_buf *out)
{
    if (key.n && key.p[0] >= '0' && key.p[0] <= '9') mw_buf_text(out, "key_");
    for (size_t i = 0; i < key.n; i++) mw_buf_byte(out, alnum(key.p[i]) ? key.p[i] : '_');
}
