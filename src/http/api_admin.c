/* api_admin.c - what changes the store as a whole: snapshots and deletions.
 *
 * A deletion is in force, on disk too, when it is answered; so there are no tombstones to clean.
 * A page of another site may send a form here without being asked; browsers say so, and it is
 * refused.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "http/selection.h"

/* -- the audit ----------------------------------------------------------------------------- */

/* Who asked, as a proxy before this server says it; see lua/moonwatch/audit.lua. */
static mw_str who_of(const mw_call *c)
{
    static const char *const names[] = {"x-forwarded-user", "x-remote-user", "x-webauth-user"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mw_str name = call_header(c, names[i]);
        if (name.n) return name;
    }
    return MW_STR("unknown");
}

static void audit(const mw_call *c, const char *what, const char *more)
{
    mw_err err;
    mw_buf d = {0};
    size_t n = 0;
    mw_audit *a = c->parts->host->audit;
    if (!a) return;
    mw_err_init(&err);
    mw_buf_text(&d, "{");
    for (const mw_pair *p = NULL; (p = call_each_param(c, "match[]", p));) {
        mw_buf_printf(&d, "%s\"match%zu\":", n ? "," : "", n + 1);
        mw_buf_json(&d, p->value);
        n++;
    }
    static const char *const times[] = {"start", "end"};
    for (size_t i = 0; i < 2; i++) {
        mw_str text = call_param(c, times[i]);
        if (!text.n) continue;
        mw_buf_printf(&d, "%s\"%s\":", n++ ? "," : "", times[i]);
        mw_buf_json(&d, text);
    }
    if (more) {
        mw_buf_printf(&d, "%s\"name\":", n ? "," : "");
        mw_buf_json(&d, mw_str_of(more));
    }
    mw_buf_byte(&d, '}');
    mw_audit_note note = {
        .what = mw_str_of(what), .who = who_of(c), .from = c->remote, .details = {d.p, d.n}};
    if (mw_audit_add(a, &note, NULL, &err))
        mw_log(MW_ERROR, "an audit entry was not written", "what=%s error=\"%s\"", what, err.msg);
    mw_buf_deinit(&d);
}

/* -- snapshots ------------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 40 };

/* 20261123T090000Z-0123456789abcdef */
static void make_name(int64_t now_ms, char out[NAME_MAX_BYTES])
{
    time_t s = (time_t)(now_ms / 1000);
    struct tm tm;
    unsigned char random[8];
    gmtime_r(&s, &tm);
    size_t n = strftime(out, NAME_MAX_BYTES, "%Y%m%dT%H%M%SZ-", &tm);
    MW_ASSERT(getrandom(random, sizeof random, 0) == sizeof random);
    mw_hex(random, sizeof random, out + n);
}

static int make_folder(const char *path, mw_err *err)
{
    if (!mkdir(path, 0755) || errno == EEXIST) return MW_OK;
    return mw_fail(err, errno == ENOSPC ? MW_EFULL : MW_EIO, 0, 0, "cannot make the folder %s: %s",
                   path, strerror(errno));
}

static int snapshot(const mw_host *host, const char *name, bool head, mw_err *err)
{
    char *all = mw_sprintf("%s/snapshots", host->data_dir), *own = mw_sprintf("%s/%s", all, name);
    char *metrics = mw_sprintf("%s/metrics", own);
    int rc = make_folder(all, err);
    if (!rc) rc = make_folder(own, err);
    if (!rc && (rc = mw_tsdb_snapshot(host->tsdb, metrics, head, err))) rmdir(own);
    mw_free(metrics);
    mw_free(own);
    mw_free(all);
    return rc;
}

/* As Prometheus reads it. */
static bool read_bool(mw_str text, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (mw_str_is(text, yes[i]) || mw_str_is(text, no[i])) {
            *out = mw_str_is(text, yes[i]);
            return true;
        }
    return false;
}

void api_admin_snapshot(mw_call *c)
{
    char name[NAME_MAX_BYTES];
    bool skip_head = false;
    mw_err err;
    mw_str skip = call_param(c, "skip_head");
    const mw_host *host = c->parts->host;
    mw_err_init(&err);
    if (skip.n && !read_bool(skip, &skip_head)) {
        call_fail_text(c, MW_EARG,
                       "invalid parameter \"skip_head\": unable to parse boolean \"%.*s\"",
                       (int)(skip.n > 100 ? 100 : skip.n), skip.p);
        return;
    }
    make_name(mw_now_ms(host->clock), name);
    if (snapshot(host, name, !skip_head, &err)) {
        call_fail(c, &err);
        return;
    }
    audit(c, "data.snapshot", name);
    call_open_data(c);
    mw_buf_printf(&c->out, "{\"name\":\"%s\"}", name);
    call_close_data(c);
}

/* -- deletions ------------------------------------------------------------------------------- */

void api_admin_delete(mw_call *c)
{
    selection s;
    mw_err err;
    int rc = MW_OK;
    mw_err_init(&err);
    if (!selection_required(c) || !selection_init(&s, c)) return;
    if (s.sel[0].max_t < s.sel[0].min_t)
        rc = mw_fail(&err, MW_EARG, 0, 0, "end timestamp must not be before start timestamp");
    for (size_t i = 0; i < s.n && !rc; i++) {
        s.sel[i].labels_only = false;
        s.sel[i].cancel = NULL; /* whoever asked may leave: half a deletion is none */
        rc = mw_tsdb_delete(c->parts->host->tsdb, &s.sel[i], &err);
    }
    if (rc)
        call_fail(c, &err);
    else {
        audit(c, "data.deleted", NULL);
        call_answer(c, 204, NULL);
    }
    selection_deinit(&s);
}

void api_admin_clean(mw_call *c) { call_answer(c, 204, NULL); }
