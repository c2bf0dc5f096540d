/* audit_check.c - walking a chain of audit entries.
 *
 * A line is believed only when its hash is that of the hash before and of its own text.  What does
 * not fit is told by what is nearest to the truth: a number that is not the next one means that
 * entries are missing, were moved or were put in; the right number with another hash means that
 * this entry was changed, or that all before it was written anew.
 * SPDX-License-Identifier: MIT */
#include "store/audit_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

const char mw_audit_start[] = "0000000000000000000000000000000000000000000000000000000000000000";

static const char magic[] = "moonwatch-audit 1 ";

/* -- lines ---------------------------------------------------------------------------------- */

bool mw_audit_line(mw_str *rest, mw_str *line)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    if (!end) return false;
    *line = (mw_str){rest->p, (size_t)(end - rest->p)};
    *rest = (mw_str){end + 1, rest->n - line->n - 1};
    return true;
}

static bool is_hash(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f'))) return false;
    return s.n == MW_SHA256_HEX;
}

/* Digits at the beginning of *S, which loses them; at most 18 of them, no zero in front. */
static bool take_number(mw_str *s, uint64_t *out)
{
    size_t n = 0;
    for (*out = 0; n < s->n && n < 19 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *out = *out * 10 + (uint64_t)(s->p[n] - '0');
    bool good = n > 0 && n < 19 && s->p[0] != '0';
    *s = (mw_str){s->p + n, s->n - n};
    return good;
}

static bool take_text(mw_str *s, const char *text)
{
    if (!mw_str_starts(*s, text)) return false;
    size_t n = strlen(text);
    *s = (mw_str){s->p + n, s->n - n};
    return true;
}

bool mw_audit_head_line(mw_str line, uint64_t *seq, mw_str *before)
{
    if (!take_text(&line, magic) || !take_number(&line, seq) || !take_text(&line, " "))
        return false;
    *before = line;
    return is_hash(line);
}

bool mw_audit_entry_line(mw_str line, mw_audit_entry *out)
{
    if (line.n < MW_SHA256_HEX + 1) return false;
    out->hash = (mw_str){line.p, MW_SHA256_HEX};
    out->json = (mw_str){line.p + MW_SHA256_HEX + 1, line.n - MW_SHA256_HEX - 1};
    mw_str rest = out->json;
    return line.p[MW_SHA256_HEX] == ' ' && is_hash(out->hash) && take_text(&rest, "{\"seq\":") &&
           take_number(&rest, &out->seq) && take_text(&rest, ",");
}

mw_str mw_audit_time_of(mw_str json)
{
    uint64_t seq;
    if (!take_text(&json, "{\"seq\":") || !take_number(&json, &seq) ||
        !take_text(&json, ",\"time\":\"") || json.n < MW_AUDIT_TIME)
        return (mw_str){"", 0};
    return (mw_str){json.p, MW_AUDIT_TIME};
}

void mw_audit_hash(mw_str before, mw_str json, char out[MW_SHA256_HEX + 1])
{
    mw_sha256_hex((mw_str[]){before, MW_STR(" "), json}, 3, out);
}

/* -- one entry ------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void misfit(mw_audit_check *c, uint64_t seq,
                                                         const char *fmt, ...)
{
    va_list ap;
    if (c->out->problem[0]) return;
    c->out->bad = seq ? seq : 1;
    va_start(ap, fmt);
    vsnprintf(c->out->problem, sizeof c->out->problem, fmt, ap);
    va_end(ap);
}

static void copy_hash(char *to, mw_str hash)
{
    memcpy(to, hash.p, MW_SHA256_HEX);
    to[MW_SHA256_HEX] = 0;
}

typedef struct expiry {
    mw_str what, hash;
    double through;
} expiry;

static void read_details(mw_json *j, expiry *x)
{
    mw_str key;
    if (!mw_json_object(j)) return;
    while (mw_json_key(j, &key)) {
        if (mw_str_is(key, "through"))
            mw_json_double(j, &x->through);
        else if (mw_str_is(key, "hash"))
            mw_json_string(j, &x->hash);
        else
            mw_json_skip(j);
    }
}

static bool read_expiry(mw_str json, mw_arena *arena, expiry *x)
{
    mw_json j;
    mw_str key;
    mw_json_init(&j, json, arena, NULL);
    if (!mw_json_object(&j)) return false;
    while (mw_json_key(&j, &key)) {
        if (mw_str_is(key, "what"))
            mw_json_string(&j, &x->what);
        else if (mw_str_is(key, "details"))
            read_details(&j, x);
        else
            mw_json_skip(&j);
    }
    return mw_json_end(&j) == MW_OK;
}

/* Is E the word that all before this chain's first entry has expired?  When more has than is gone,
 * a crash came between the word and the removal. */
static bool proves_expiry(const mw_audit_report *r, const mw_audit_entry *e)
{
    static const char word[] = "audit.expired";
    if (!memmem(e->json.p, e->json.n, word, sizeof word - 1)) return false;
    mw_arena *arena = mw_arena_new(0);
    expiry x = {{0}, {0}, 0};
    bool proves = read_expiry(e->json, arena, &x) && mw_str_is(x.what, word) &&
                  (x.through > (double)(r->first - 1) ||
                   (x.through == (double)(r->first - 1) && mw_str_is(x.hash, r->began)));
    mw_arena_free(arena);
    return proves;
}

static void meet_anchor(mw_audit_check *c, const mw_audit_entry *e)
{
    if (!c->anchor || c->anchor->seq != e->seq) return;
    c->out->met = true;
    mw_str known = c->anchor->hash;
    if (known.n > MW_SHA256_HEX || memcmp(known.p, e->hash.p, known.n) != 0)
        misfit(c, e->seq,
               "entry %" PRIu64 " is not the one that was remembered: its hash was %.*s, "
               "and is %.*s; the chain was written anew",
               e->seq, (int)(known.n > 64 ? 64 : known.n), known.p, MW_STR_ARG(e->hash));
}

/* The line is the next entry, or C knows why not. */
static bool fits(mw_audit_check *c, const char *name, mw_str line, mw_audit_entry *e)
{
    mw_audit_report *r = c->out;
    char hash[MW_SHA256_HEX + 1];
    uint64_t next = r->last + 1;
    if (!mw_audit_entry_line(line, e)) {
        misfit(c, next, "%s: the line where entry %" PRIu64 " should be is no entry", name, next);
        return false;
    }
    if (e->seq != next) {
        misfit(c, next,
               e->seq > next ? "%s: after entry %" PRIu64 " comes entry %" PRIu64
                               "; what was between them was removed or moved"
                             : "%s: after entry %" PRIu64 " comes entry %" PRIu64
                               "; entries were moved or put in",
               name, r->last, e->seq);
        return false;
    }
    mw_audit_hash(mw_str_of(r->head), e->json, hash);
    if (!mw_str_is(e->hash, hash)) {
        misfit(c, e->seq, "%s: entry %" PRIu64 " was changed: its hash should be %s, and is %.*s",
               name, e->seq, hash, MW_STR_ARG(e->hash));
        return false;
    }
    return true;
}

/* -- segments ------------------------------------------------------------------------------- */

void mw_audit_check_begin(mw_audit_check *c)
{
    *c->out = (mw_audit_report){0};
    strcpy(c->out->head, mw_audit_start);
}

/* The line before the first entry of a segment. */
static bool begin_segment(mw_audit_check *c, const char *name, mw_str line)
{
    mw_audit_report *r = c->out;
    uint64_t seq;
    mw_str before;
    if (!mw_audit_head_line(line, &seq, &before)) {
        misfit(c, r->last + 1, "%s: this is no segment of an audit chain", name);
        return false;
    }
    if (!r->segments) {
        r->first = seq;
        r->last = seq - 1;
        copy_hash(r->began, before);
        copy_hash(r->head, before);
        if (seq == 1 && !mw_str_is(before, mw_audit_start)) {
            misfit(c, 1, "%s: nothing comes before entry 1, and here something does", name);
            return false;
        }
    } else if (seq != r->last + 1 || !mw_str_is(before, r->head)) {
        misfit(c, r->last + 1,
               "%s begins with entry %" PRIu64 " after %.*s, and the segment before it ends with "
               "entry %" PRIu64 " and %s; entries between them were removed, or replaced",
               name, seq, MW_STR_ARG(before), r->last, r->head);
        return false;
    }
    r->segments++;
    return true;
}

/* Several segments may stand in one text, one behind the other. */
int mw_audit_check_segment(mw_audit_check *c, const char *name, mw_str bytes, bool more,
                           mw_err *err)
{
    mw_audit_report *r = c->out;
    mw_str line;
    bool begun = false;
    const char *start = bytes.p;
    r->bytes += bytes.n;
    r->fit = 0;
    while (!r->problem[0] && mw_audit_line(&bytes, &line)) {
        mw_audit_entry e;
        if (!begun || mw_str_starts(line, magic)) {
            if (!begin_segment(c, name, line)) return MW_OK;
            begun = true;
            r->fit = (uint64_t)(bytes.p - start);
            continue;
        }
        if (!fits(c, name, line, &e)) return MW_OK;
        r->last = e.seq;
        r->entries++;
        r->fit = (uint64_t)(bytes.p - start);
        copy_hash(r->head, e.hash);
        meet_anchor(c, &e);
        if (r->first > 1 && !c->proven) c->proven = proves_expiry(r, &e);
        int rc = c->visit && !r->problem[0] ? c->visit(c->arg, &e, err) : MW_OK;
        if (rc) return rc;
    }
    if (r->problem[0] || !bytes.n) return MW_OK;
    if (more)
        misfit(c, r->last + 1, "%s ends with %zu bytes that are no entry", name, bytes.n);
    else
        r->torn = bytes.n;
    return MW_OK;
}

void mw_audit_check_end(mw_audit_check *c)
{
    mw_audit_report *r = c->out;
    r->expired = r->first > 1 && c->proven;
    if (!r->entries && !r->problem[0]) r->first = r->last = 0;
    if (r->entries && r->first > 1 && !c->proven)
        misfit(c, r->first,
               "the chain begins with entry %" PRIu64 ", and no entry says that those before it "
               "have expired; they were removed",
               r->first);
    if (c->anchor) mw_audit_check_reaches(c, c->anchor->seq);
}

void mw_audit_check_reaches(mw_audit_check *c, uint64_t seq)
{
    if (seq <= c->out->last) return;
    misfit(c, c->out->last + 1,
           "entry %" PRIu64 " was seen before, and the chain ends with entry %" PRIu64
           "; its end was cut off",
           seq, c->out->last);
}

void mw_audit_check_missing(mw_audit_check *c, const char *name)
{
    misfit(c, c->out->last + 1, "%s is not there any more; it was removed", name);
}
