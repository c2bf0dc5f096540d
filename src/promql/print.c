/* print.c - a tree as text in one line, spelled as Prometheus spells it.
 *
 * Parentheses are those that were written: the tree remembers them, so that no precedence has to be
 * worked out here.  What is gone for good is spelling without meaning: comments, spaces, the kind
 * of quotes, the order of matchers, "offset 0s", an empty by().
 * SPDX-License-Identifier: MIT */
#include "promql/print.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "promql/functions.h"

/* -- strings and names ---------------------------------------------------------------------- */

/* What is not printed as it is, beyond ASCII: controls, spaces, formats, private use. */
static bool unprintable(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x80, 0xa0},       {0xad, 0xad},        {0x600, 0x605},     {0x61c, 0x61c},
        {0x6dd, 0x6dd},     {0x70f, 0x70f},      {0x890, 0x891},     {0x8e2, 0x8e2},
        {0x1680, 0x1680},   {0x180e, 0x180e},    {0x2000, 0x200f},   {0x2028, 0x202f},
        {0x205f, 0x206f},   {0x3000, 0x3000},    {0xd800, 0xf8ff},   {0xfeff, 0xfeff},
        {0xfff0, 0xfffb},   {0xfffe, 0xffff},    {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
        {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff},
        {0x2fffe, 0x2ffff}, {0x3fffe, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i][0]; i++)
        if (c <= ranges[i][1]) return true;
    return false;
}

/* Bytes of the character at P; 0 when it is not UTF-8. */
static size_t character(const char *p, size_t left, uint32_t *c)
{
    unsigned char first = (unsigned char)*p;
    size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (!n || n > left || !mw_utf8_valid((mw_str){p, n})) return 0;
    *c = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) *c = *c << 6 | (p[i] & 0x3f);
    return n;
}

static void escaped(mw_buf *b, uint32_t c)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    const char *simple = c && c < 0x80 ? strchr(from, (int)c) : NULL;
    if (simple)
        mw_buf_printf(b, "\\%c", to[simple - from]);
    else
        mw_buf_printf(b, c < 0x80 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

static void print_string(mw_buf *b, mw_str s)
{
    mw_buf_byte(b, '"');
    for (size_t i = 0, n; i < s.n; i += n) {
        uint32_t c = 0;
        n = character(s.p + i, s.n - i, &c);
        if (!n)
            mw_buf_printf(b, "\\x%02x", (unsigned char)s.p[i]), n = 1;
        else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || unprintable(c))
            escaped(b, c);
        else
            mw_buf_add(b, s.p + i, n);
    }
    mw_buf_byte(b, '"');
}

static bool is_plain_name(mw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c != '_' && !(c < 0x80 && isalpha(c)) && !(i && isdigit(c))) return false;
    }
    return s.n > 0;
}

static void print_name(mw_buf *b, mw_str name)
{
    if (is_plain_name(name))
        mw_buf_str(b, name);
    else
        print_string(b, name);
}

static void print_names(mw_buf *b, const char *word, const struct names *names)
{
    mw_buf_text(b, word);
    mw_buf_text(b, " (");
    for (size_t i = 0; i < names->n; i++) {
        if (i) mw_buf_text(b, ", ");
        print_name(b, names->p[i]);
    }
    mw_buf_byte(b, ')');
}

/* -- numbers and durations ------------------------------------------------------------------ */

static void print_number(mw_buf *b, double v)
{
    char text[MW_DOUBLE_MAX];
    mw_double_fixed(v, text);
    mw_buf_text(b, text);
}

/* Whole milliseconds in units; anything finer stays the number that it is. */
static void print_seconds(mw_buf *b, double s)
{
    char text[40];
    int64_t ms = fabs(s) < 9e15 ? (int64_t)round(s * 1000) : 0;
    if ((double)ms / 1000 == s)
        mw_buf_text(b, mw_duration_format(ms, text));
    else
        print_number(b, s);
}

bool mw_pq_infinite_base(const struct node *n)
{
    const struct node *l = n->bin.lhs;
    return n->bin.op == OP_POW && l->kind == N_NUMBER && !l->parens && l->number == INFINITY;
}

static void print_lhs(mw_buf *b, const struct node *n, void (*print)(mw_buf *, const struct node *))
{
    if (mw_pq_infinite_base(n))
        mw_buf_text(b, "Inf");
    else
        print(b, n->bin.lhs);
}

bool mw_pq_is_literal(const struct node *n, double *seconds)
{
    double sign = 1;
    if (n->kind == N_UNARY && !n->parens) {
        if (!n->unary.plus) sign = -1;
        n = n->unary.inner;
    }
    if (n->kind != N_NUMBER || n->parens) return false;
    *seconds = sign * n->number;
    return true;
}

/* Inside of a duration parentheses are written once, and a plus says nothing. */
static void print_duration(mw_buf *b, const struct node *n)
{
    if (n->parens) mw_buf_byte(b, '(');
    if (n->kind == N_NUMBER)
        (n->units ? print_seconds : print_number)(b, n->number);
    else if (n->kind == N_UNARY) {
        if (!n->unary.plus) mw_buf_byte(b, '-');
        print_duration(b, n->unary.inner);
    } else if (n->kind == N_BINARY) {
        print_lhs(b, n, print_duration);
        mw_buf_printf(b, " %s ", mw_pq_op_text(n->bin.op));
        print_duration(b, n->bin.rhs);
    } else {
        mw_buf_printf(b, "%s(", n->call.fn->name);
        for (size_t i = 0; i < n->call.n_args; i++) {
            if (i) mw_buf_text(b, ", ");
            print_duration(b, n->call.args[i]);
        }
        mw_buf_byte(b, ')');
    }
    if (n->parens) mw_buf_byte(b, ')');
}

static void print_span(mw_buf *b, const struct node *n)
{
    double seconds;
    if (mw_pq_is_literal(n, &seconds))
        print_seconds(b, seconds);
    else
        print_duration(b, n);
}

/* -- selectors ------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

static bool is_name_in_front(const struct node *n, const mw_matcher *m)
{
    return n->sel.name.n && m->op == MW_MATCH_EQ && mw_str_is(m->name, MW_METRIC_NAME) &&
           mw_str_eq(m->value, n->sel.name);
}

static void print_matchers(mw_buf *b, const struct node *n)
{
    mw_buf text = {0};
    size_t shown = 0, at = 0;
    mw_str *list = mw_array(n->sel.n_matchers + 1, sizeof *list);
    for (size_t i = 0; i < n->sel.n_matchers; i++) {
        const mw_matcher *m = &n->sel.matchers[i];
        size_t before = text.n;
        if (is_name_in_front(n, m)) continue;
        print_name(&text, m->name);
        mw_buf_text(&text, mw_match_op_text(m->op));
        print_string(&text, m->value);
        list[shown++].n = text.n - before;
    }
    for (size_t i = 0; i < shown; i++) list[i].p = text.p + at, at += list[i].n;
    qsort(list, shown, sizeof *list, by_text);
    for (size_t i = 0; i < shown; i++) {
        mw_buf_byte(b, i ? ',' : '{');
        mw_buf_str(b, list[i]);
    }
    if (shown || !n->sel.name.n) mw_buf_text(b, shown ? "}" : "{}");
    mw_free(list);
    mw_buf_deinit(&text);
}

static void print_at(mw_buf *b, const struct when *w)
{
    if (w->at == AT_TIME) mw_buf_printf(b, " @ %.3f", (double)w->at_ms / 1000);
    if (w->at == AT_START) mw_buf_text(b, " @ start()");
    if (w->at == AT_END) mw_buf_text(b, " @ end()");
}

/* An extended range is named before @ where there are brackets, and behind it where not. */
void mw_pq_print_when(mw_buf *b, const struct node *n)
{
    static const char *const windows[] = {
        [WINDOW_PLAIN] = "", [WINDOW_ANCHORED] = " anchored", [WINDOW_SMOOTHED] = " smoothed"};
    const struct when *w = &n->sel.when;
    double seconds;
    if (w->range_expr) {
        mw_buf_byte(b, '[');
        print_span(b, w->range_expr);
        if (n->kind == N_SUBQUERY) mw_buf_byte(b, ':');
        if (w->step_expr) print_span(b, w->step_expr);
        mw_buf_byte(b, ']');
        mw_buf_text(b, windows[n->sel.window]);
    }
    print_at(b, w);
    if (!w->range_expr) mw_buf_text(b, windows[n->sel.window]);
    if (!w->offset_expr || (mw_pq_is_literal(w->offset_expr, &seconds) && seconds == 0)) return;
    mw_buf_text(b, " offset ");
    print_span(b, w->offset_expr);
}

/* -- what stands in front of operands ------------------------------------------------------- */

static void print_fills(mw_buf *b, const struct matching *m)
{
    char left[MW_DOUBLE_MAX], right[MW_DOUBLE_MAX];
    mw_double_general(m->fill_left, left);
    mw_double_general(m->fill_right, right);
    if (m->fills_left && m->fills_right && m->fill_left == m->fill_right) {
        mw_buf_printf(b, " fill (%s)", left);
        return;
    }
    if (m->fills_left) mw_buf_printf(b, " fill_left (%s)", left);
    if (m->fills_right) mw_buf_printf(b, " fill_right (%s)", right);
}

static void print_operator(mw_buf *b, const struct node *n)
{
    const struct matching *m = &n->bin.match;
    bool vectors = n->bin.lhs->type == MW_VALUE_VECTOR && n->bin.rhs->type == MW_VALUE_VECTOR;
    bool grouped = m->group_left || m->group_right;
    mw_buf_text(b, mw_pq_op_text(n->bin.op));
    if (n->bin.returns_bool) mw_buf_text(b, " bool");
    if (!vectors) return; /* "on ()" between others means nothing */
    if (m->on || m->labels.n || grouped) print_names(b, m->on ? " on" : " ignoring", &m->labels);
    if (grouped) print_names(b, m->group_left ? " group_left" : " group_right", &m->include);
    print_fills(b, m);
}

void mw_pq_print_head(mw_buf *b, const struct node *n)
{
    if (n->kind == N_CALL) mw_buf_text(b, n->call.fn->name);
    if (n->kind == N_BINARY) print_operator(b, n);
    if (n->kind == N_UNARY) mw_buf_byte(b, n->unary.plus ? '+' : '-');
    if (n->kind != N_AGGREGATE) return;
    mw_buf_text(b, mw_pq_token_name(n->agg.op));
    if (!n->agg.without && !n->agg.by.n) return;
    print_names(b, n->agg.without ? " without" : " by", &n->agg.by);
    mw_buf_byte(b, ' ');
}

/* -- nodes ---------------------------------------------------------------------------------- */

static void print_operands(mw_buf *b, const struct node *n)
{
    mw_pq_print_head(b, n);
    mw_buf_byte(b, '(');
    if (n->kind == N_AGGREGATE) {
        if (n->agg.param) mw_pq_print(b, n->agg.param), mw_buf_text(b, ", ");
        mw_pq_print(b, n->agg.arg);
    }
    for (size_t i = 0; n->kind == N_CALL && i < n->call.n_args; i++) {
        if (i) mw_buf_text(b, ", ");
        mw_pq_print(b, n->call.args[i]);
    }
    mw_buf_byte(b, ')');
}

void mw_pq_print_bare(mw_buf *b, const struct node *n)
{
    switch (n->kind) {
    case N_NUMBER: (n->units ? print_seconds : print_number)(b, n->number); break;
    case N_STRING: print_string(b, n->string); break;
    case N_SELECTOR:
        mw_buf_str(b, n->sel.name);
        print_matchers(b, n);
        mw_pq_print_when(b, n);
        break;
    case N_SUBQUERY:
        mw_pq_print(b, n->sel.sub);
        mw_pq_print_when(b, n);
        break;
    case N_CALL:
    case N_AGGREGATE: print_operands(b, n); break;
    case N_BINARY:
        print_lhs(b, n, mw_pq_print);
        mw_buf_byte(b, ' ');
        print_operator(b, n);
        mw_buf_byte(b, ' ');
        mw_pq_print(b, n->bin.rhs);
        break;
    case N_UNARY:
        mw_pq_print_head(b, n);
        mw_pq_print(b, n->unary.inner);
        break;
    }
}

void mw_pq_print(mw_buf *b, const struct node *n)
{
    for (unsigned i = 0; i < n->parens; i++) mw_buf_byte(b, '(');
    mw_pq_print_bare(b, n);
    for (unsigned i = 0; i < n->parens; i++) mw_buf_byte(b, ')');
}
