/* test_scripts.c - runs files in Prometheus's promqltest format.
 *
 * Without arguments: every .test file in tests/promql/data.  With arguments: those files;
 * "--closed" before them asks for the ranges of Prometheus 2, "-v" shows every failure in full.
 * SPDX-License-Identifier: MIT */
#include "memsource.h"
#include "nhcb.h"
/* clang-format off */
#include "promql/promql.h"
/* clang-format on */
#include <glob.h>

struct script {
    char **lines;
    size_t n, cap, at;
    struct mem_source source;
    mw_promql *engine;
    const char *path;
    bool verbose;
    size_t passed, failed, skipped;
};

struct expectation {
    mw_labels *labels;
    struct mem_values values;
};

struct eval {
    size_t line;
    bool range, fail, ordered, any_text, as_matrix;
    int64_t start, end, step;
    char expr[8192], message[1024], text[1024];
    bool has_text, has_number;
    bool warn, no_warn, info, no_info;
    double number;
    struct expectation *rows;
    size_t n, cap;
};

/* -- reading -------------------------------------------------------------------------------- */

static char *trimmed(char *line)
{
    line = (char *)mem_blank(line);
    size_t n = strlen(line);
    while (n && isspace((unsigned char)line[n - 1])) line[--n] = 0;
    return line;
}

static bool read_lines(struct script *s)
{
    char buf[1 << 16];
    FILE *f = fopen(s->path, "r");
    if (!f) return fprintf(stderr, "cannot read %s\n", s->path), false;
    while (fgets(buf, sizeof buf, f)) {
        char *line = trimmed(buf);
        MW_PUSH(s->lines, s->n, s->cap, mw_strdup(*line == '#' ? "" : line));
    }
    fclose(f);
    return true;
}

static bool starts(const char *line, const char *word)
{
    return !strncmp(line, word, strlen(word));
}

static bool duration(const char *text, size_t n, int64_t *out)
{
    double v;
    bool minus = n && *text == '-';
    mw_str s = {text + minus, n - minus};
    if (mw_double_parse(s, &v))
        *out = (int64_t)llround(v * 1000);
    else if (!mw_duration_parse(s, out))
        return false;
    if (minus) *out = -*out;
    return true;
}

/* The word at *P as a duration, and past it. */
static bool take_duration(const char **p, int64_t *out)
{
    *p = mem_blank(*p);
    size_t n = strcspn(*p, " \t");
    bool ok = duration(*p, n, out);
    *p += n;
    return ok;
}

static bool take_word(const char **p, const char *word)
{
    *p = mem_blank(*p);
    size_t n = strlen(word);
    if (strncmp(*p, word, n) || ((*p)[n] && !isspace((unsigned char)(*p)[n]))) return false;
    *p += n;
    return true;
}

/* -- load ----------------------------------------------------------------------------------- */

static bool load(struct script *s, const char *line)
{
    int64_t step;
    const char *p = line + 4;
    bool with_nhcb = starts(line, "load_with_nhcb");
    if (with_nhcb) p += 10;
    if (!take_duration(&p, &step)) return false;
    for (; s->at < s->n && *s->lines[s->at]; s->at++) {
        const char *row = s->lines[s->at];
        if (strstr(row, "@st ")) continue;
        if (!mem_load(&s->source, row, step)) return false;
    }
    if (with_nhcb) nhcb_add(&s->source);
    return true;
}

/* -- eval ----------------------------------------------------------------------------------- */

static bool eval_header(struct eval *e, const char *line)
{
    const char *p = line + 4;
    if (starts(p, "_fail")) e->fail = true, p += 5;
    if (starts(p, "_ordered")) e->ordered = true, p += 8;
    if (starts(p, "_warn")) e->warn = true, p += 5;
    if (starts(p, "_info")) e->info = true, p += 5;
    if (take_word(&p, "instant")) {
        if (take_word(&p, "at") && !take_duration(&p, &e->start)) return false;
    } else if (take_word(&p, "range")) {
        e->range = true;
        if (!take_word(&p, "from") || !take_duration(&p, &e->start)) return false;
        if (!take_word(&p, "to") || !take_duration(&p, &e->end)) return false;
        if (!take_word(&p, "step") || !take_duration(&p, &e->step)) return false;
    } else
        return false;
    snprintf(e->expr, sizeof e->expr, "%s", mem_blank(p));
    return true;
}

static void expect_line(struct eval *e, const char *p)
{
    const char *msg = strstr(p, "msg:");
    if (starts(p, "string")) {
        const char *text = mem_blank(p + 6);
        mem_word(text, e->text, false);
        e->has_text = true;
    } else if (starts(p, "fail")) {
        e->fail = true;
        if (msg) snprintf(e->message, sizeof e->message, "%s", mem_blank(msg + 4));
    } else if (starts(p, "ordered"))
        e->ordered = true;
    else if (starts(p, "no_warn"))
        e->no_warn = true;
    else if (starts(p, "no_info"))
        e->no_info = true;
    else if (starts(p, "warn"))
        e->warn = true;
    else if (starts(p, "info"))
        e->info = true;
    else if (starts(p, "range vector")) {
        p += 12;
        e->as_matrix = take_word(&p, "from") && take_duration(&p, &e->start) &&
                       take_word(&p, "to") && take_duration(&p, &e->end) && take_word(&p, "step") &&
                       take_duration(&p, &e->step);
    }
}

static bool eval_body(struct script *s, struct eval *e)
{
    for (; s->at < s->n && *s->lines[s->at]; s->at++) {
        const char *line = s->lines[s->at], *rest;
        if (starts(line, "eval") && (line[4] == ' ' || line[4] == '_')) return true;
        if (starts(line, "expected_fail_message")) {
            snprintf(e->message, sizeof e->message, "%s", mem_blank(line + 21));
            continue;
        }
        if (starts(line, "expected_fail_regexp")) continue;
        if (starts(line, "expect ")) {
            expect_line(e, mem_blank(line + 7));
            continue;
        }
        if (mw_double_parse(mw_str_of(line), &e->number)) {
            e->has_number = true;
            continue;
        }
        struct expectation x = {.labels = mem_labels(line, &rest)};
        if (!x.labels) return false;
        if (!mem_parse_values(rest, s->source.histograms, &x.values))
            return mw_free(x.labels), false;
        MW_PUSH(e->rows, e->n, e->cap, x);
    }
    return true;
}

/* -- comparing ------------------------------------------------------------------------------ */

static bool close_to(double want, double got)
{
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (want == got) return true;
    if (isinf(want) || isinf(got)) return false;
    double sum = fabs(want) + fabs(got), diff = fabs(want - got);
    if (want == 0 || got == 0 || sum < 2.3e-308) return diff < 1e-6 * 2.3e-308;
    return diff / sum < 1e-6;
}

static const struct expectation *expected_row(const struct eval *e, const mw_labels *ls, size_t *at)
{
    for (size_t i = 0; i < e->n; i++)
        if (mw_labels_eq(e->rows[i].labels, ls)) return *at = i, &e->rows[i];
    return NULL;
}

static bool say(const struct script *s, const struct eval *e, const char *what)
{
    printf("%s:%zu: %s\n    %s\n", s->path, e->line, e->expr, what);
    return false;
}

static bool value_matches(const struct mem_values *want, size_t i, const mw_promql_row *row,
                          size_t k, size_t k_h)
{
    if (want->h[i])
        return k_h < row->n_h && histtext_equal(want->h[i], row->h[k_h], want->hinted[i]);
    return k < row->n && close_to(want->v[i], row->v[k]);
}

static bool row_matches(const struct eval *e, const struct expectation *x, const mw_promql_row *row)
{
    size_t k = 0, k_h = 0;
    if (!e->range && !e->as_matrix)
        return x->values.n == 1 && row->n + row->n_h == 1 &&
               value_matches(&x->values, 0, row, 0, 0);
    for (size_t i = 0; i < x->values.n; i++) {
        int64_t t = e->start + (int64_t)i * e->step;
        bool h = x->values.h[i] != NULL;
        if (!x->values.there[i]) continue;
        if (!value_matches(&x->values, i, row, k, k_h)) return false;
        if ((h ? row->t_h[k_h++] : row->t[k++]) != t) return false;
    }
    return k == row->n && k_h == row->n_h;
}

static void show_row(const mw_promql_row *row)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_labels_text(row->labels, &b);
    for (size_t i = 0; i < row->n && i < 12; i++) mw_buf_printf(&b, " %.17g", row->v[i]);
    for (size_t i = 0; i < row->n_h && i < 12; i++) {
        mw_buf_printf(&b, " schema %d hint %d ", row->h[i]->schema, row->h[i]->hint);
        mw_nhist_text(row->h[i], &b);
    }
    printf("        got %s\n", b.p);
    mw_buf_deinit(&b);
}

static bool rows_match(const struct script *s, const struct eval *e, const mw_promql_result *r)
{
    bool ok = r->n == e->n;
    for (size_t i = 0; i < r->n; i++) {
        size_t at = 0;
        const struct expectation *x = expected_row(e, r->rows[i].labels, &at);
        ok &= x && row_matches(e, x, &r->rows[i]) && (!e->ordered || at == i);
    }
    if (ok) return true;
    say(s, e, "other rows than expected");
    for (size_t i = 0; s->verbose && i < r->n && i < 12; i++) show_row(&r->rows[i]);
    return false;
}

static bool answer_matches(const struct script *s, const struct eval *e, int rc,
                           const mw_promql_result *r, const mw_err *err)
{
    if (e->fail != (rc != MW_OK)) return say(s, e, rc ? err->msg : "should have failed");
    if (e->fail && *e->message && strcmp(e->message, err->msg)) return say(s, e, err->msg);
    if (e->fail) return true;
    if (e->warn != (r->n_warnings > 0) && (e->warn || e->no_warn))
        return say(s, e, r->n_warnings ? r->warnings[0] : "should have warned");
    if (e->info != (r->n_infos > 0) && (e->info || e->no_info))
        return say(s, e, r->n_infos ? r->infos[0] : "should have informed");
    if (e->has_text)
        return mw_str_is(r->string, e->text) || say(s, e, "another string than expected");
    if (e->has_number && !e->range)
        return (r->n == 1 && close_to(e->number, r->rows[0].v[0])) || say(s, e, "another number");
    return rows_match(s, e, r);
}

/* An instant query is also asked as a range around its time: the middle must be the same. */
static bool range_agrees(const struct script *s, const struct eval *e)
{
    mw_promql_query q = {.expr = mw_str_of(e->expr), .range = true, .step = 60000};
    q.histograms = true;
    mw_promql_result *r;
    struct eval middle = *e;
    mw_err err;
    bool ok = true;
    mw_err_init(&err);
    q.start = e->start - 60000, q.end = e->start + 60000;
    if (mw_promql_eval(s->engine, (mw_source *)&s->source.source, &q, &r, &err) != MW_OK)
        return true; /* a neighbouring step may fail where this one does not */
    size_t found = 0;
    for (size_t i = 0; i < r->n; i++) {
        const mw_promql_row *from = &r->rows[i];
        mw_promql_row row = {.labels = from->labels};
        for (size_t k = 0; k < from->n; k++)
            if (from->t[k] == e->start) row.n = 1, row.t = &from->t[k], row.v = &from->v[k];
        for (size_t k = 0; k < from->n_h; k++)
            if (from->t_h[k] == e->start) row.n_h = 1, row.t_h = &from->t_h[k], row.h = &from->h[k];
        if (!row.n && !row.n_h) continue;
        size_t at;
        const struct expectation *x = expected_row(e, row.labels, &at);
        ok &= e->has_number ? close_to(e->number, row.v[0]) : x && row_matches(&middle, x, &row);
        found++;
    }
    ok &= found == (e->has_number ? 1 : e->n);
    if (!ok) say(s, e, "as a range query the middle differs");
    mw_promql_result_free(r);
    return ok;
}

static bool moves_with_range(const char *expr)
{
    static const char *const words[] = {"range()", "step()", "start()", "end()"};
    for (size_t i = 0; i < 4; i++)
        if (strcasestr(expr, words[i])) return true;
    return false;
}

static void run_eval(struct script *s, struct eval *e)
{
    mw_promql_query q = {.expr = mw_str_of(e->expr), .range = e->range, .histograms = true};
    mw_promql_result *r = NULL;
    mw_err err;
    mw_err_init(&err);
    q.start = e->as_matrix ? e->end : e->start, q.end = e->end, q.step = e->step;
    int rc = mw_promql_eval(s->engine, &s->source.source, &q, &r, &err);
    bool ok = answer_matches(s, e, rc, r, &err);
    if (ok && rc == MW_OK && !e->range && !e->as_matrix && !e->has_text &&
        !moves_with_range(e->expr))
        ok = range_agrees(s, e);
    mw_promql_result_free(r);
    if (s->source.open) ok = say(s, e, "a series set was left open");
    *(ok ? &s->passed : &s->failed) += 1;
}

static bool eval_block(struct script *s, const char *line)
{
    struct eval *e = mw_zalloc(sizeof *e);
    e->line = s->at;
    bool ok = eval_header(e, line) && eval_body(s, e);
    if (ok) run_eval(s, e);
    for (size_t i = 0; i < e->n; i++) {
        mw_free(e->rows[i].labels);
        mem_values_free(&e->rows[i].values);
    }
    mw_free(e->rows);
    mw_free(e);
    return ok;
}

/* -- whole files ---------------------------------------------------------------------------- */

static void run_script(struct script *s)
{
    if (!read_lines(s)) {
        s->failed++;
        return;
    }
    mem_init(&s->source);
    while (s->at < s->n) {
        const char *line = s->lines[s->at++];
        bool ok = true;
        if (!*line) continue;
        if (!strcmp(line, "clear")) {
            mem_deinit(&s->source);
            mem_init(&s->source);
        } else if (starts(line, "load"))
            ok = load(s, line);
        else if (starts(line, "eval"))
            ok = eval_block(s, line);
        else
            ok = false;
        if (!ok) printf("%s:%zu: not understood: %s\n", s->path, s->at, line), s->failed++;
    }
    mem_deinit(&s->source);
    for (size_t i = 0; i < s->n; i++) mw_free(s->lines[i]);
    mw_free(s->lines);
}

int main(int argc, char **argv)
{
    mw_promql_options opt = {0};
    size_t passed = 0, failed = 0, skipped = 0;
    bool verbose = false;
    glob_t found = {0};
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        opt.closed_ranges |= !strcmp(argv[first], "--closed");
        verbose |= !strcmp(argv[first], "-v");
    }
    if (first == argc) glob("tests/promql/data/*.test", 0, NULL, &found);
    size_t n = first < argc ? (size_t)(argc - first) : found.gl_pathc;
    mw_promql *engine = mw_promql_new(&opt);
    for (size_t i = 0; i < n; i++) {
        struct script s = {.engine = engine, .verbose = verbose};
        s.path = first < argc ? argv[first + (int)i] : found.gl_pathv[i];
        run_script(&s);
        printf("%s %s: %zu passed, %zu failed, %zu skipped\n",
               s.failed ? "[  FAILED  ]" : "[       OK ]", s.path, s.passed, s.failed, s.skipped);
        passed += s.passed, failed += s.failed, skipped += s.skipped;
    }
    mw_promql_free(engine);
    globfree(&found);
    printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed ? 1 : 0;
}
