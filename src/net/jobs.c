/* jobs.c - reading scrape jobs out of the values that Lua sends.
 *
 * A job keeps a copy of its specification and points into it.
 * SPDX-License-Identifier: MIT */
#include "net/jobs.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/labels.h"
#include "net/http_op.h"
#include "net/sd.h"
#include "net/tls.h"

enum { EVERY_S = 15, TIMEOUT_S = 10, BODY_LIMIT = 64 << 20 };

static uint64_t series_rule(const mw_scrape_job *job)
{
    mw_buf text = {0};
    if (!job->keep.n && !job->drop.n && !job->only.n) return 0;
    mw_buf_str(&text, job->keep);
    mw_selectors_text(&job->drop, &text);
    mw_buf_text(&text, "\n--");
    mw_selectors_text(&job->only, &text);
    uint64_t rule = mw_hash(text.p, text.n);
    mw_buf_deinit(&text);
    return rule | 1;
}

/* -- a job ----------------------------------------------------------------------------------- */

void mw_scrape_job_release(mw_scrape_job *job)
{
    if (!job || --job->refs) return;
    for (size_t i = 0; i < job->n_headers; i++) mw_free(job->header[i]);
    mw_free(job->header);
    mw_selectors_deinit(&job->drop);
    mw_selectors_deinit(&job->only);
    mw_value_free(job->spec);
    mw_free(job);
}

void mw_scrape_jobs_deinit(mw_scrape_jobs *jobs)
{
    for (size_t i = 0; i < jobs->n; i++) mw_scrape_job_release(jobs->job[i]);
    mw_free(jobs->job);
    *jobs = (mw_scrape_jobs){0};
}

static mw_str text_or(const mw_value *spec, const char *key, const char *def)
{
    mw_str s = mw_map_text(spec, key);
    return s.n ? s : mw_str_of(def);
}

/* A field that must be absent or of TYPE with only texts inside. */
static int read_texts(const mw_scrape_job *job, const char *key, mw_type type, const mw_value **out,
                      mw_err *err)
{
    const mw_value *v = mw_map_find(job->spec, key);
    *out = NULL;
    if (!v || v->type == MW_NIL) return MW_OK;
    bool list = v->type == MW_LIST;
    size_t n = list ? v->list.n : v->type == MW_MAP ? v->map.n : 0;
    if (!n && (list || v->type == MW_MAP)) return MW_OK; /* an empty Lua table is either */
    bool good = v->type == type;
    for (size_t i = 0; good && i < n; i++) {
        const mw_value *item = list ? v->list.item[i] : v->map.entry[i].value;
        good = item->type == MW_TEXT && (list || v->map.entry[i].key.n);
    }
    if (!good)
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": %s must be a %s of texts", job->name.p,
                       key, type == MW_LIST ? "list" : "table");
    *out = v;
    return MW_OK;
}

static int read_labels(const mw_scrape_job *job, mw_err *err)
{
    for (size_t i = 0; job->labels && i < job->labels->map.n; i++)
        if (!mw_label_name_valid(job->labels->map.entry[i].key))
            return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": \"%s\" is no valid label name",
                           job->name.p, job->labels->map.entry[i].key.p);
    return MW_OK;
}

static int read_selectors(const mw_scrape_job *job, const char *key, mw_selectors *out, mw_err *err)
{
    mw_err inner;
    mw_err_init(&inner);
    if (mw_selectors_read(mw_map_find(job->spec, key), out, &inner) == MW_OK) return MW_OK;
    return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": %s: %s", job->name.p, key, inner.msg);
}

bool mw_scrape_job_selects(const mw_scrape_job *job, const mw_labels *ls)
{
    return !mw_selectors_any(&job->drop, ls) && (!job->only.n || mw_selectors_any(&job->only, ls));
}

/* A list of rows that CHECK takes. */
typedef int check_row(const mw_value *row, mw_err *err);

static int read_rows(const mw_scrape_job *job, const char *key, check_row *check,
                     const mw_value **out, mw_err *err)
{
    const mw_value *list = mw_map_find(job->spec, key);
    mw_err inner;
    mw_err_init(&inner);
    *out = NULL;
    if (!list || list->type == MW_NIL || (list->type == MW_MAP && !list->map.n)) return MW_OK;
    if (list->type != MW_LIST)
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": %s must be a list", job->name.p, key);
    for (size_t i = 0; i < list->list.n; i++)
        if (check(list->list.item[i], &inner) != MW_OK)
            return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": %s", job->name.p, inner.msg);
    *out = list;
    return MW_OK;
}

static int check_dns(const mw_value *row, mw_err *err) { return mw_sd_check(MW_SD_DNS, row, err); }
static int check_http(const mw_value *row, mw_err *err)
{
    return mw_sd_check(MW_SD_HTTP, row, err);
}

/* In place: an empty table of Lua may be a list or a map. */
static int check_group(const mw_value *row, mw_err *err)
{
    const mw_value *targets = mw_map_find(row, "targets"), *labels = mw_map_find(row, "labels");
    if (!targets || targets->type != MW_LIST || !labels || labels->type != MW_MAP)
        return mw_fail(err, MW_EARG, 0, 0, "groups must have targets and labels");
    for (size_t i = 0; i < targets->list.n; i++)
        if (targets->list.item[i]->type != MW_TEXT)
            return mw_fail(err, MW_EARG, 0, 0, "a target is no text");
    for (size_t i = 0; i < labels->map.n; i++)
        if (labels->map.entry[i].value->type != MW_TEXT ||
            !mw_label_name_valid(labels->map.entry[i].key))
            return mw_fail(err, MW_EARG, 0, 0, "a label of a group is not valid");
    return MW_OK;
}

/* {name = text or list of texts}. */
static int read_params(mw_scrape_job *job, mw_err *err)
{
    const mw_value *map = mw_map_find(job->spec, "params");
    bool good = !map || map->type == MW_NIL || map->type == MW_MAP ||
                (map->type == MW_LIST && !map->list.n);
    for (size_t i = 0; good && map && map->type == MW_MAP && i < map->map.n; i++) {
        const mw_value *v = map->map.entry[i].value;
        good = v->type == MW_TEXT || v->type == MW_LIST;
        for (size_t k = 0; good && v->type == MW_LIST && k < v->list.n; k++)
            good = v->list.item[k]->type == MW_TEXT;
    }
    if (!good)
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": params must be a table of texts",
                       job->name.p);
    job->params = map && map->type == MW_MAP ? map : NULL;
    return MW_OK;
}

static int read_headers(mw_scrape_job *job, mw_err *err)
{
    const mw_value *map;
    int code = read_texts(job, "headers", MW_MAP, &map, err);
    for (size_t i = 0; code == MW_OK && map && i < map->map.n; i++) {
        mw_str name = map->map.entry[i].key, value = map->map.entry[i].value->text;
        if (!mw_http_token(name) || !mw_http_field_value(value))
            return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": header \"%s\" is not valid",
                           job->name.p, name.p);
        MW_PUSH(job->header, job->n_headers, job->cap_headers,
                mw_sprintf("%s: %s", name.p, value.p));
    }
    return code;
}

static int read_tls(mw_scrape_job *job, mw_err *err)
{
    mw_err inner;
    mw_err_init(&inner);
    if (mw_tls_read(mw_map_find(job->spec, "tls"), &job->tls, &inner) == MW_OK) return MW_OK;
    return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": %s", job->name.p, inner.msg);
}

static int read_times(mw_scrape_job *job, mw_err *err)
{
    double every = mw_map_number(job->spec, "every", EVERY_S);
    double timeout = mw_map_number(job->spec, "timeout", every < TIMEOUT_S ? every : TIMEOUT_S);
    if (!(every >= 0.05 && every <= 86400))
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": every must be from 50ms to 1d",
                       job->name.p);
    if (!(timeout > 0))
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": timeout must be above 0", job->name.p);
    if (timeout > every) timeout = every;
    job->every_ms = (int64_t)(every * 1000);
    job->timeout_ms = timeout < 0.001 ? 1 : (int)(timeout * 1000);
    return MW_OK;
}

static int read_limit(const mw_scrape_job *job, const char *key, double def, size_t *out,
                      mw_err *err)
{
    double v = mw_map_number(job->spec, key, def);
    if (!(v >= 0 && v <= 1e12))
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": %s must be 0 or more", job->name.p, key);
    *out = (size_t)v;
    return MW_OK;
}

static int read_job(mw_scrape_job *job, mw_err *err)
{
    const mw_value *spec = job->spec;
    int code;
    job->name = mw_map_text(spec, "job");
    if (!job->name.n) return mw_fail(err, MW_EARG, 0, 0, "scrape: a job has no name");
    job->path = text_or(spec, "path", "/metrics");
    job->scheme = text_or(spec, "scheme", "http");
    job->honor_labels = mw_map_bool(spec, "honor_labels", false);
    job->honor_times = mw_map_bool(spec, "honor_timestamps", true);
    job->track_times = mw_map_bool(spec, "track_timestamps_staleness", false);
    if (!mw_str_is(job->scheme, "http") && !mw_str_is(job->scheme, "https"))
        return mw_fail(err, MW_EARG, 0, 0, "scrape \"%s\": scheme must be http or https",
                       job->name.p);
    if ((code = read_times(job, err)) || (code = read_headers(job, err)) ||
        (code = read_tls(job, err)) ||
        (code = read_texts(job, "targets", MW_LIST, &job->targets, err)) ||
        (code = read_texts(job, "files", MW_LIST, &job->files, err)) ||
        (code = read_params(job, err)) ||
        (code = read_rows(job, "groups", check_group, &job->groups, err)) ||
        (code = read_rows(job, "dns", check_dns, &job->dns, err)) ||
        (code = read_rows(job, "http", check_http, &job->http, err)) ||
        (code = read_selectors(job, "drop", &job->drop, err)) ||
        (code = read_selectors(job, "only", &job->only, err)) ||
        (code = read_texts(job, "labels", MW_MAP, &job->labels, err)) ||
        (code = read_labels(job, err)) ||
        (code = read_limit(job, "target_limit", 0, &job->target_limit, err)) ||
        (code = read_limit(job, "sample_limit", 0, &job->sample_limit, err)) ||
        (code = read_limit(job, "label_limit", 0, &job->label_limit, err)) ||
        (code = read_limit(job, "label_value_limit", 0, &job->label_value_limit, err)) ||
        (code = read_limit(job, "body_limit", BODY_LIMIT, &job->body_limit, err)))
        return code;
    if (!job->body_limit) job->body_limit = BODY_LIMIT;
    job->relabel = mw_map_text(spec, "relabel");
    job->keep = mw_map_text(spec, "keep");
    job->series_rule = series_rule(job);
    return MW_OK;
}

int mw_scrape_jobs_read(const mw_value *arg, mw_scrape_jobs *out, mw_err *err)
{
    const mw_value *list = mw_map_find(arg, "jobs");
    *out = (mw_scrape_jobs){0};
    if (!list || list->type != MW_LIST) {
        bool empty = list && list->type == MW_MAP && !list->map.n;
        return empty ? MW_OK : mw_fail(err, MW_EARG, 0, 0, "scrape: jobs must be a list");
    }
    for (size_t i = 0; i < list->list.n; i++) {
        mw_scrape_job *job = mw_zalloc(sizeof *job);
        job->refs = 1;
        job->spec = mw_value_copy(list->list.item[i]);
        MW_PUSH(out->job, out->n, out->cap, job);
        if (read_job(job, err) == MW_OK) continue;
        mw_scrape_jobs_deinit(out);
        return err->code;
    }
    return MW_OK;
}
