/* api_loki.c - the readable half of Loki's API: labels, values, series, query_range of a selector
 * with line filters.  Metric queries and parsers of LogQL are refused by name.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/route.h"

enum { USUAL = 100, MOST = 5000, MOST_FILTERS = 16, HOUR_S = 3600 };
static const size_t most_bytes = (size_t)64 << 20;

/* -- a query: {selector} |= "a" != "b" |~ "c" !~ "d" ------------------------------------------ */

typedef enum filter_op { CONTAINS, NOT_CONTAINS, LIKE, NOT_LIKE, FILTER_OPS } filter_op;
static const char filter_texts[FILTER_OPS][3] = {"|=", "!=", "|~", "!~"};

typedef struct filter {
    filter_op op;
    mw_str text;
    mw_regex *regex; /* of LIKE and NOT_LIKE; found anywhere in the line */
} filter;

typedef struct log_query {
    mw_matcher *matchers;
    size_t n_matchers, n_filters;
    filter filters[MOST_FILTERS];
} log_query;

static void log_query_deinit(log_query *q)
{
    mw_matchers_free(q->matchers, q->n_matchers);
    for (size_t i = 0; i < q->n_filters; i++) mw_regex_free(q->filters[i].regex);
}

/* The bytes of TEXT up to the } that closes the selector; quotes hide braces. */
static size_t selector_bytes(mw_str text)
{
    char quote = 0;
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if (quote && ch == '\\' && quote != '`')
            i++;
        else if (quote)
            quote = ch == quote ? 0 : quote;
        else if (ch == '"' || ch == '`')
            quote = ch;
        else if (ch == '}')
            return i + 1;
    }
    return 0;
}

static mw_str skip_space(mw_str s)
{
    while (s.n && strchr(" \t\r\n", s.p[0])) s = (mw_str){s.p + 1, s.n - 1};
    return s;
}

/* A quoted text at the beginning of *REST; the usual escapes, none between back quotes. */
static bool quoted(mw_call *c, mw_str *rest, mw_str *out)
{
    if (!rest->n || (rest->p[0] != '"' && rest->p[0] != '`')) return false;
    char quote = rest->p[0], *to = mw_arena_alloc(c->arena, rest->n + 1);
    size_t n = 0;
    for (size_t i = 1; i < rest->n; i++) {
        char ch = rest->p[i];
        if (ch == quote) {
            to[n] = 0;
            *out = (mw_str){to, n};
            *rest = (mw_str){rest->p + i + 1, rest->n - i - 1};
            return true;
        }
        if (ch == '\\' && quote == '"') {
            if (++i == rest->n) return false;
            ch = rest->p[i];
            ch = ch == 'n' ? '\n' : ch == 't' ? '\t' : ch == 'r' ? '\r' : ch;
        }
        to[n++] = ch;
    }
    return false;
}

static int unknown_stage(mw_str rest, mw_err *err)
{
    return mw_fail(err, MW_EMISSING, 0, 0,
                   "not implemented: \"%.*s\"; a selector and the line filters |= != |~ !~ are",
                   (int)(rest.n > 40 ? 40 : rest.n), rest.p);
}

static int add_filter(mw_call *c, log_query *q, mw_str *rest, mw_err *err)
{
    filter *f = &q->filters[q->n_filters];
    unsigned op = 0;
    while (op < FILTER_OPS && !mw_str_starts(*rest, filter_texts[op])) op++;
    if (op == FILTER_OPS) return unknown_stage(*rest, err);
    if (q->n_filters == MOST_FILTERS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d line filters", MOST_FILTERS);
    mw_str text = skip_space((mw_str){rest->p + 2, rest->n - 2});
    *f = (filter){.op = (filter_op)op};
    if (!quoted(c, &text, &f->text))
        return mw_fail(err, MW_EPARSE, 0, 0, "a quoted text must follow %s", filter_texts[op]);
    if (op == LIKE || op == NOT_LIKE) {
        mw_buf anywhere = {0};
        mw_buf_printf(&anywhere, "(?:[\\s\\S]*)(?:%.*s)(?:[\\s\\S]*)", MW_STR_ARG(f->text));
        f->regex = mw_regex_new((mw_str){anywhere.p, anywhere.n}, err);
        mw_buf_deinit(&anywhere);
        if (!f->regex) return MW_EPARSE;
    }
    q->n_filters++;
    *rest = skip_space(text);
    return MW_OK;
}

static int log_query_parse(mw_call *c, mw_str text, log_query *q, mw_err *err)
{
    text = skip_space(text);
    if (!text.n || text.p[0] != '{') return unknown_stage(text, err);
    size_t n = selector_bytes(text);
    if (!n) return mw_fail(err, MW_EPARSE, 0, 0, "the selector has no closing }");
    int rc = mw_promql_selector((mw_str){text.p, n}, &q->matchers, &q->n_matchers, err);
    mw_str rest = skip_space((mw_str){text.p + n, text.n - n});
    while (!rc && rest.n) rc = add_filter(c, q, &rest, err);
    return rc;
}

static bool passes(const log_query *q, mw_str line)
{
    for (size_t i = 0; i < q->n_filters; i++) {
        const filter *f = &q->filters[i];
        bool found = f->regex ? mw_regex_matches(f->regex, line)
                              : memmem(line.p, line.n, f->text.p, f->text.n) != NULL;
        if (found == (f->op == NOT_CONTAINS || f->op == NOT_LIKE)) return false;
    }
    return true;
}

/* -- query_range ------------------------------------------------------------------------------ */

typedef struct stream_lines {
    mw_labels *labels;
    mw_buf values;
} stream_lines;

typedef struct lines {
    const log_query *q;
    stream_lines *streams;
    size_t n, cap, given, limit, bytes;
} lines;

static stream_lines *stream_of(lines *l, const mw_labels *labels)
{
    for (size_t i = 0; i < l->n; i++)
        if (mw_labels_eq(l->streams[i].labels, labels)) return &l->streams[i];
    stream_lines s = {.labels = mw_labels_copy(labels)};
    MW_PUSH(l->streams, l->n, l->cap, s);
    return &l->streams[l->n - 1];
}

static int add_line(void *arg, const mw_log_record *r)
{
    lines *l = arg;
    if (!passes(l->q, r->message)) return 0;
    mw_buf *out = &stream_of(l, r->stream)->values;
    size_t before = out->n;
    mw_buf_printf(out, "%s[\"%lld\",", before ? "," : "", (long long)r->t_ns);
    mw_buf_json(out, r->message);
    mw_buf_byte(out, ']');
    l->bytes += out->n - before;
    return ++l->given >= l->limit || l->bytes > most_bytes;
}

static void answer_lines(mw_call *c, lines *l)
{
    call_open_data(c);
    mw_buf_text(&c->out, "{\"resultType\":\"streams\",\"result\":[");
    for (size_t i = 0; i < l->n; i++) {
        mw_buf_text(&c->out, i ? ",{\"stream\":" : "{\"stream\":");
        mw_labels_json(l->streams[i].labels, &c->out);
        mw_buf_text(&c->out, ",\"values\":[");
        mw_buf_add(&c->out, l->streams[i].values.p, l->streams[i].values.n);
        mw_buf_text(&c->out, "]}");
    }
    mw_buf_printf(&c->out, "],\"stats\":{\"summary\":{\"totalEntriesReturned\":%zu}}}", l->given);
    call_close_data(c);
}

/* start and end; by default the last hour. */
static int read_range(const mw_call *c, int64_t *min_ns, int64_t *max_ns, mw_err *err)
{
    *max_ns = mw_now_ms(c->parts->host->clock) * 1000000 + 1;
    int rc = call_time_ns(c, "end", max_ns, err);
    *min_ns = *max_ns - (int64_t)HOUR_S * 1000000000;
    return rc ? rc : call_time_ns(c, "start", min_ns, err);
}

void loki_query_range(mw_call *c)
{
    log_query q = {0};
    lines l = {.q = &q, .limit = USUAL};
    mw_logs_query search = {.cancel = &c->cancel};
    mw_err err;
    mw_err_init(&err);
    search.oldest_first = mw_str_is(call_param(c, "direction"), "forward");
    int rc = log_query_parse(c, call_param(c, "query"), &q, &err);
    if (!rc) rc = read_range(c, &search.min_ns, &search.max_ns, &err);
    if (!rc) rc = call_size(c, "limit", MOST, &l.limit, &err);
    search.matchers = q.matchers;
    search.n_matchers = q.n_matchers;
    if (!rc && l.limit) rc = mw_logs_search(c->parts->host->logs, &search, add_line, &l, &err);
    if (rc)
        call_fail(c, &err);
    else
        answer_lines(c, &l);
    for (size_t i = 0; i < l.n; i++) {
        mw_free(l.streams[i].labels);
        mw_buf_deinit(&l.streams[i].values);
    }
    mw_free(l.streams);
    log_query_deinit(&q);
}

/* -- labels, values, series -------------------------------------------------------------------- */

typedef struct texts {
    const char *label; /* NULL: names */
    mw_str *text;
    size_t n, cap;
} texts;

static void add_text(texts *t, mw_str s)
{
    mw_str copy = {mw_strndup(s.p, s.n), s.n};
    MW_PUSH(t->text, t->n, t->cap, copy);
}

static int add_labels(void *arg, const mw_labels *stream)
{
    texts *t = arg;
    if (t->label) {
        mw_str value = mw_labels_find(stream, t->label);
        if (value.p) add_text(t, value);
        return 0;
    }
    for (uint32_t i = 0; i < stream->n; i++) add_text(t, stream->l[i].name);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

static void answer_texts(mw_call *c, const char *label)
{
    texts t = {.label = label};
    log_query q = {0};
    int64_t min_ns, max_ns;
    mw_err err;
    mw_err_init(&err);
    mw_str selector = call_param(c, "query");
    int rc = read_range(c, &min_ns, &max_ns, &err);
    if (!rc && selector.n) rc = log_query_parse(c, selector, &q, &err);
    if (!rc)
        rc = mw_logs_streams(c->parts->host->logs, q.matchers, q.n_matchers, min_ns, max_ns,
                             add_labels, &t);
    if (rc) {
        call_fail(c, &err);
    } else {
        if (t.n) qsort(t.text, t.n, sizeof *t.text, by_text);
        call_open_data(c);
        mw_buf_byte(&c->out, '[');
        for (size_t i = 0; i < t.n; i++) {
            if (i && mw_str_eq(t.text[i], t.text[i - 1])) continue;
            if (i) mw_buf_byte(&c->out, ',');
            mw_buf_json(&c->out, t.text[i]);
        }
        mw_buf_byte(&c->out, ']');
        call_close_data(c);
    }
    for (size_t i = 0; i < t.n; i++) mw_free((char *)t.text[i].p);
    mw_free(t.text);
    log_query_deinit(&q);
}

void loki_labels(mw_call *c) { answer_texts(c, NULL); }
void loki_label_values(mw_call *c) { answer_texts(c, c->wildcard[0].p); }

static int add_stream(void *arg, const mw_labels *stream)
{
    mw_call *c = arg;
    if (c->out.p[c->out.n - 1] != '[') mw_buf_byte(&c->out, ',');
    mw_labels_json(stream, &c->out);
    return c->out.n > most_bytes;
}

/* One match=; several would need their union, which is refused rather than guessed.
 */
void loki_series(mw_call *c)
{
    log_query q = {0};
    int64_t min_ns, max_ns;
    mw_err err;
    mw_err_init(&err);
    const mw_pair *first = call_each_param(c, "match", NULL);
    if (!first) first = call_each_param(c, "match[]", NULL);
    int rc = read_range(c, &min_ns, &max_ns, &err);
    if (!rc && first && call_each_param(c, first->name.p, first))
        rc = mw_fail(&err, MW_EMISSING, 0, 0, "more than one match is not implemented");
    if (!rc && first) rc = log_query_parse(c, first->value, &q, &err);
    call_open_data(c);
    mw_buf_byte(&c->out, '[');
    if (!rc)
        rc = mw_logs_streams(c->parts->host->logs, q.matchers, q.n_matchers, min_ns, max_ns,
                             add_stream, c);
    mw_buf_byte(&c->out, ']');
    if (rc)
        call_fail(c, &err);
    else
        call_close_data(c);
    log_query_deinit(&q);
}
