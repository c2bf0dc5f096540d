/* pipeline.c - records and spans through the pipelines that are about them.
 * SPDX-License-Identifier: MIT */
#include "ingest/pipeline.h"

#include <string.h>

#include "base/mem.h"

/* -- what a condition asks about ------------------------------------------------------------ */

typedef struct subject {
    const mw_log_record *log; /* one of the two */
    const mw_span *span;
    mw_buf *text; /* for values that are none */
} subject;

static mw_str of_log(const subject *of, mw_str name)
{
    const mw_log_record *r = of->log;
    mw_str out = {"", 0};
    if (mw_str_is(name, "message")) return r->message;
    if (mw_str_is(name, "level")) return mw_str_of(mw_level_name(r->level));
    mw_str label = mw_labels_find(r->stream, name.p);
    if (label.p) return label;
    mw_attr_named(r->fields, r->n_fields, name, of->text, &out);
    return out;
}

static bool holds(const mw_condition *c, const subject *of)
{
    for (size_t i = 0; i < c->n; i++) {
        const mw_matcher *m = &c->matcher[i];
        mw_str value = of->log ? of_log(of, m->name) : mw_span_value(of->span, m->name, of->text);
        if (!mw_matcher_matches(m, value.p ? value : (mw_str){"", 0})) return false;
    }
    return true;
}

static bool any_holds(const mw_condition *c, size_t n, const subject *of)
{
    for (size_t i = 0; i < n; i++)
        if (holds(&c[i], of)) return true;
    return false;
}

/* -- fields --------------------------------------------------------------------------------- */

/* Attributes that may be written: a copy in the arena, made when the first one changes. */
typedef struct attrs {
    const mw_attr *at;
    mw_attr *own;
    size_t n;
} attrs;

static mw_attr *own(mw_scrub *s, attrs *list, size_t room)
{
    if (list->own) return list->own;
    mw_attr *copy = mw_arena_array(s->arena, list->n + room + 1, sizeof *copy);
    if (!copy) {
        s->full = true;
        return NULL;
    }
    if (list->n) memcpy(copy, list->at, list->n * sizeof *copy);
    list->at = list->own = copy;
    return copy;
}

static bool is_there(const mw_names *names, mw_str key, size_t *at)
{
    for (*at = 0; *at < names->n; ++*at)
        if (mw_str_eq(names->name[*at], key)) return true;
    return false;
}

static void set_fields(mw_scrub *s, attrs *list)
{
    const mw_pipe *p = s->pipe;
    for (size_t i = 0; i < p->set.n; i++) {
        size_t k = 0;
        while (k < list->n && !mw_str_eq(list->at[k].key, p->set.name[i])) k++;
        mw_attr *to = own(s, list, p->set.n);
        if (!to) return;
        mw_str key = p->set.name[i], value = p->values.name[i];
        char *kept = mw_arena_strndup(s->arena, key.p, key.n),
             *text = mw_arena_strndup(s->arena, value.p, value.n);
        if (!kept || !text) {
            s->full = true;
            return;
        }
        to[k] = (mw_attr){.key = {kept, key.n}, .type = MW_ATTR_STRING, .s = {text, value.n}};
        if (k == list->n) list->n++;
    }
}

static void leave_out(mw_scrub *s, attrs *list)
{
    const mw_pipe *p = s->pipe;
    size_t kept = 0, at;
    if (p->remove.n || p->renamed.n) {
        for (size_t i = 0; i < list->n; i++) {
            mw_attr a = list->at[i];
            bool gone = mw_names_have(&p->remove, a.key);
            bool other = !gone && is_there(&p->renamed, a.key, &at);
            if (other) a.key = p->rename.name[at];
            if ((gone || other) && !own(s, list, p->set.n)) return;
            if (!gone && list->own) list->own[kept] = a;
            kept += !gone;
        }
        list->n = kept;
    }
}

static void become(mw_scrub *s, attrs *list, size_t i, mw_attr_type type, mw_str value)
{
    if (!own(s, list, 0)) return;
    list->own[i].type = type;
    list->own[i].s = value;
}

/* Numbers are looked at that have as many digits as a card, and for whose looks there are words. */
static void scrub_number(mw_scrub *s, attrs *list, size_t i)
{
    const mw_attr *a = &list->at[i];
    bool whole = a->type == MW_ATTR_INT;
    if (!whole && a->type != MW_ATTR_DOUBLE) return;
    bool long_one = whole ? a->i >= 100000000000LL : a->d >= 1e11 && a->d < 1e19;
    if (!s->pipe->n_regex && !(long_one && s->pipe->kinds & 1u << MW_PII_CARD)) return;
    mw_buf text = {0};
    mw_attr_text(a, &text);
    mw_str before = {text.p, text.n}, after = mw_scrub_text(s, a->key, before);
    if (after.p != before.p) become(s, list, i, MW_ATTR_STRING, after);
    mw_buf_deinit(&text);
}

/* A regular expression may have left no JSON of what was some. */
static void scrub_value(mw_scrub *s, attrs *list, size_t i)
{
    const mw_attr *a = &list->at[i];
    bool json = a->type == MW_ATTR_JSON;
    mw_str after = json ? mw_scrub_json(s, a->key, a->s) : mw_scrub_text(s, a->key, a->s);
    if (after.p == a->s.p) return;
    bool still = json && (!s->pipe->n_regex || mw_scrub_is_json(s, after));
    become(s, list, i, still ? MW_ATTR_JSON : MW_ATTR_STRING, after);
}

static void hide_value(mw_scrub *s, attrs *list, size_t i, unsigned kind)
{
    mw_buf text = {0};
    mw_attr_text(&list->at[i], &text);
    mw_str value = mw_scrub_whole(s, kind, (mw_str){text.p ? text.p : "", text.n});
    become(s, list, i, MW_ATTR_STRING, value);
    mw_buf_deinit(&text);
}

/* Names are short, and those with personal data in them rare: one look tells most. */
static bool may_hide_somebody(mw_str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (mw_pii_digit(key.p[i]) || key.p[i] == '@' || key.p[i] == ':') return true;
    return false;
}

static void scrub_attr(mw_scrub *s, attrs *list, size_t i)
{
    mw_str key = list->at[i].key;
    mw_attr_type type = list->at[i].type;
    bool words = s->pipe->kinds & 1u << MW_PII_TOKEN && type == MW_ATTR_STRING;
    if (mw_names_have(&s->pipe->fields, key))
        hide_value(s, list, i, MW_PIPE_FIELD);
    else if (words && list->at[i].s.n && mw_pii_is_secret(key))
        hide_value(s, list, i, MW_PII_TOKEN);
    else if (type == MW_ATTR_STRING || type == MW_ATTR_JSON)
        scrub_value(s, list, i);
    else
        scrub_number(s, list, i);
    if (!may_hide_somebody(key)) return;
    mw_str named = mw_scrub_key(s, key);
    if (named.p != key.p && own(s, list, 0)) list->own[i].key = named;
}

static void scrub_attrs(mw_scrub *s, const mw_attr **at, size_t *n, bool record)
{
    attrs list = {.at = *at, .n = *n};
    leave_out(s, &list);
    if (record) set_fields(s, &list);
    for (size_t i = 0; i < list.n && !s->full; i++) scrub_attr(s, &list, i);
    *at = list.at;
    *n = list.n;
}

/* -- records -------------------------------------------------------------------------------- */

static const mw_str nothing = {"", 0};

static mw_str scrub_named(mw_scrub *s, const char *key, mw_str value)
{
    if (!value.n) return value;
    return mw_names_have(&s->pipe->fields, mw_str_of(key))
               ? mw_scrub_whole(s, MW_PIPE_FIELD, value)
               : mw_scrub_text(s, mw_str_of(key), value);
}

/* Labels are who speaks: their names stay. */
static void scrub_stream(mw_scrub *s, mw_log_record *r)
{
    mw_label *own = NULL;
    const mw_labels *ls = r->stream;
    for (uint32_t i = 0; i < ls->n; i++) {
        mw_str value = scrub_named(s, ls->l[i].name.p, ls->l[i].value);
        if (value.p == ls->l[i].value.p) continue;
        if (!own && (own = mw_arena_array(s->arena, ls->n, sizeof *own)))
            memcpy(own, ls->l, ls->n * sizeof *own);
        if (!own) {
            s->full = true;
            return;
        }
        own[i].value = value;
    }
    if (!own) return;
    const mw_labels *made = mw_labels_new_in(s->arena, own, ls->n, NULL);
    if (made)
        r->stream = made;
    else
        s->full = true;
}

static void scrub_log(mw_scrub *s, mw_log_record *r)
{
    scrub_attrs(s, &r->fields, &r->n_fields, true);
    r->message = mw_names_have(&s->pipe->fields, MW_STR("message"))
                     ? mw_scrub_whole(s, MW_PIPE_FIELD, r->message)
                     : mw_scrub_text(s, nothing, r->message);
    scrub_stream(s, r);
}

static void scrub_events(mw_scrub *s, mw_span *span)
{
    mw_span_event *own = mw_arena_array(s->arena, span->n_events + 1, sizeof *own);
    if (!own) {
        s->full = true;
        return;
    }
    if (span->n_events) memcpy(own, span->events, span->n_events * sizeof *own);
    for (size_t i = 0; i < span->n_events; i++) {
        own[i].name = mw_scrub_text(s, nothing, own[i].name);
        scrub_attrs(s, &own[i].attrs, &own[i].n_attrs, false);
    }
    span->events = own;
}

static void scrub_links(mw_scrub *s, mw_span *span)
{
    mw_span_link *own = mw_arena_array(s->arena, span->n_links + 1, sizeof *own);
    if (!own) {
        s->full = true;
        return;
    }
    if (span->n_links) memcpy(own, span->links, span->n_links * sizeof *own);
    for (size_t i = 0; i < span->n_links; i++)
        scrub_attrs(s, &own[i].attrs, &own[i].n_attrs, false);
    span->links = own;
}

static void scrub_span(mw_scrub *s, mw_span *span)
{
    scrub_attrs(s, &span->attrs, &span->n_attrs, true);
    scrub_attrs(s, &span->resource, &span->n_resource, false);
    span->name = scrub_named(s, "name", span->name);
    span->service = scrub_named(s, "service.name", span->service);
    span->status_message = mw_scrub_text(s, nothing, span->status_message);
    span->trace_state = mw_scrub_text(s, nothing, span->trace_state);
    span->scope = mw_scrub_text(s, nothing, span->scope);
    if (span->n_events) scrub_events(s, span);
    if (span->n_links) scrub_links(s, span);
}

static void count(const mw_scrub *s)
{
    for (size_t i = 0; i < MW_PIPE_COUNTS; i++)
        if (s->count[i] && s->pipe->replaced[i])
            mw_counter_add(s->pipe->replaced[i], (double)s->count[i]);
}

/* One of LOG and SPAN, in one pipeline. */
static mw_passed pass(const mw_pipe *p, mw_log_record *log, mw_span *span, mw_scrub *s)
{
    subject of = {log, span, &s->out};
    if (log ? !p->logs : !p->spans) return MW_PASS;
    if (p->n_match && !any_holds(p->match, p->n_match, &of)) return MW_PASS;
    if (any_holds(p->drop, p->n_drop, &of)) {
        if (p->dropped[!log]) mw_counter_add(p->dropped[!log], 1);
        return MW_PASS_DROP;
    }
    s->pipe = p;
    s->plain = p->hash || mw_str_plain(p->with.p, p->with.p + p->with.n) == p->with.p + p->with.n;
    memset(s->count, 0, sizeof s->count);
    if (log)
        scrub_log(s, log);
    else
        scrub_span(s, span);
    count(s);
    return s->full ? MW_PASS_FULL : MW_PASS;
}

static mw_passed pass_all(const mw_pipes *set, mw_log_record *log, mw_span *span, mw_arena *a)
{
    mw_passed how = MW_PASS;
    mw_scrub s = {.arena = a};
    if (!set) return MW_PASS;
    for (size_t i = 0; i < set->n && how == MW_PASS; i++) how = pass(&set->pipe[i], log, span, &s);
    mw_buf_deinit(&s.out);
    mw_buf_deinit(&s.hold);
    return how;
}

mw_passed mw_pipes_log(const mw_pipes *p, mw_log_record *r, mw_arena *a)
{
    return pass_all(p, r, NULL, a);
}

mw_passed mw_pipes_span(const mw_pipes *p, mw_span *s, mw_arena *a)
{
    return pass_all(p, NULL, s, a);
}
