/* relabel.c - verdicts in a table by who they are about; questions in batches.
 *
 * A verdict is about a job, its function and the labels that were discovered: when any of them is
 * another, it is another verdict.  SPDX-License-Identifier: MIT */
#include "net/relabel.h"

#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

enum { RETRY_MS = 60000 };

struct entry {
    char *job, *rule;
    mw_labels *ls;
    uint64_t hash;
    mw_verdict verdict;
    bool asked, used; /* a question is under way; named since begin */
    int64_t retry_ms; /* when to ask again because the function failed */
};

struct mw_relabel {
    pthread_mutex_t *lock;
    void (*news)(void *arg);
    void *arg;
    struct entry **entry;
    size_t n, cap;
    uint32_t *table; /* open addressing, size a power of two; 0 empty, else index + 1 */
    size_t size;
    int64_t now_ms; /* as of the last ask */
    mw_series *failing, *dropped;
};

struct batch {
    mw_relabel *relabel;
    struct entry *entry[MW_JUDGE_BATCH];
    size_t n;
};

mw_relabel *mw_relabel_new(pthread_mutex_t *lock, void (*news)(void *arg), void *arg,
                           mw_registry *reg)
{
    mw_relabel *r = mw_zalloc(sizeof *r);
    *r = (mw_relabel){.lock = lock, .news = news, .arg = arg};
    r->failing =
        mw_gauge(reg, "moonwatch_sd_relabel_failing_targets",
                 "Targets that are left out because the function of their job fails.", NULL);
    r->dropped = mw_gauge(reg, "moonwatch_sd_dropped_targets",
                          "Targets that are discovered, and dropped by a function.", NULL);
    return r;
}

static void entry_free(struct entry *e)
{
    mw_verdict_deinit(&e->verdict);
    mw_free(e->job);
    mw_free(e->rule);
    mw_free(e->ls);
    mw_free(e);
}

void mw_relabel_free(mw_relabel *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n; i++) entry_free(r->entry[i]);
    mw_free(r->entry);
    mw_free(r->table);
    mw_free(r);
}

/* -- finding ---------------------------------------------------------------------------------- */

static void place(mw_relabel *r, uint32_t index)
{
    size_t at = r->entry[index]->hash & (r->size - 1);
    while (r->table[at]) at = (at + 1) & (r->size - 1);
    r->table[at] = index + 1;
}

static void rebuild(mw_relabel *r)
{
    r->size = 64;
    while (r->size < 2 * r->n + 2) r->size *= 2;
    mw_free(r->table);
    r->table = mw_array(r->size, sizeof *r->table);
    for (size_t i = 0; i < r->n; i++) place(r, (uint32_t)i);
}

static bool is(const struct entry *e, uint64_t hash, const mw_scrape_job *job, const mw_labels *ls)
{
    return e->hash == hash && mw_str_is(job->name, e->job) && mw_str_is(job->relabel, e->rule) &&
           mw_labels_eq(e->ls, ls);
}

static struct entry *find(const mw_relabel *r, uint64_t hash, const mw_scrape_job *job,
                          const mw_labels *ls)
{
    if (!r->size) return NULL;
    for (size_t at = hash & (r->size - 1); r->table[at]; at = (at + 1) & (r->size - 1))
        if (is(r->entry[r->table[at] - 1], hash, job, ls)) return r->entry[r->table[at] - 1];
    return NULL;
}

static struct entry *add(mw_relabel *r, uint64_t hash, const mw_scrape_job *job,
                         const mw_labels *ls)
{
    struct entry *e = mw_zalloc(sizeof *e);
    *e = (struct entry){.job = mw_strdup(job->name.p),
                        .rule = mw_strdup(job->relabel.p),
                        .ls = mw_labels_copy(ls),
                        .hash = hash,
                        .verdict.fate = MW_FATE_WAIT};
    MW_PUSH(r->entry, r->n, r->cap, e);
    if (2 * r->n > r->size)
        rebuild(r);
    else
        place(r, (uint32_t)(r->n - 1));
    return e;
}

void mw_relabel_begin(mw_relabel *r)
{
    for (size_t i = 0; i < r->n; i++) r->entry[i]->used = false;
}

mw_fate mw_relabel_judge(mw_relabel *r, const mw_scrape_job *job, const mw_labels *ls,
                         const mw_labels **as)
{
    uint64_t hash = mw_hash_seed(job->relabel.p, job->relabel.n, ls->hash);
    struct entry *e = find(r, hash, job, ls);
    if (!e) e = add(r, hash, job, ls);
    e->used = true;
    if (e->verdict.fate == MW_FATE_AS) *as = e->verdict.as;
    return e->verdict.fate;
}

void mw_relabel_end(mw_relabel *r)
{
    size_t kept = 0, dropped = 0, failing = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct entry *e = r->entry[i];
        dropped += e->used && e->verdict.fate == MW_FATE_DROP;
        failing += e->used && e->verdict.error;
        if (e->used || e->asked)
            r->entry[kept++] = e;
        else
            entry_free(e);
    }
    r->n = kept;
    rebuild(r);
    mw_gauge_set(r->dropped, (double)dropped);
    mw_gauge_set(r->failing, (double)failing);
}

/* -- asking ----------------------------------------------------------------------------------- */

/* A function fails by its text or by chance, as when the machine is too busy for its budget. */
static void note_failure(const struct batch *b, struct entry *e, bool again)
{
    mw_str address = mw_labels_find(e->ls, "__address__");
    e->retry_ms = b->relabel->now_ms + RETRY_MS;
    if (again) return;
    mw_log(MW_ERROR, "relabel failed, and the target is left out",
           "job=%s target=\"%.*s\" error=\"%s\"", e->job, MW_STR_ARG(address), e->verdict.error);
}

static void learn(struct batch *b, const mw_value *answer)
{
    mw_err err;
    mw_verdict verdict[MW_JUDGE_BATCH] = {0};
    mw_err_init(&err);
    int code = mw_judge_read(answer, verdict, b->n, &err);
    for (size_t i = 0; i < b->n; i++) {
        struct entry *e = b->entry[i];
        e->asked = false;
        if (code != MW_OK) continue; /* asked again when the scraper looks next */
        bool again = e->verdict.error != NULL;
        mw_verdict_deinit(&e->verdict);
        e->verdict = verdict[i];
        if (e->verdict.error) note_failure(b, e, again);
    }
    if (code == MW_EEXEC) mw_log(MW_WARN, "targets are not judged", "error=\"%s\"", err.msg);
}

static void on_answer(void *arg, mw_value *answer)
{
    struct batch *b = arg;
    mw_relabel *r = b->relabel;
    pthread_mutex_lock(r->lock);
    learn(b, answer);
    if (b->n && b->entry[0]->verdict.fate != MW_FATE_WAIT) r->news(r->arg);
    pthread_mutex_unlock(r->lock);
    mw_value_free(answer);
    mw_free(b);
}

static void ask_batch(struct batch *b, mw_actor *rules)
{
    const mw_labels *ls[MW_JUDGE_BATCH];
    mw_scrape_job job = {.name = mw_str_of(b->entry[0]->job),
                         .relabel = mw_str_of(b->entry[0]->rule)};
    for (size_t i = 0; i < b->n; i++) {
        ls[i] = b->entry[i]->ls;
        b->entry[i]->asked = true;
    }
    if (mw_judge_ask(rules, "targets", &job, ls, b->n, on_answer, b) == MW_OK) return;
    for (size_t i = 0; i < b->n; i++) b->entry[i]->asked = false;
    mw_free(b);
}

static bool same_question(const struct batch *b, const struct entry *e)
{
    return b->n < MW_JUDGE_BATCH && !strcmp(b->entry[0]->job, e->job) &&
           !strcmp(b->entry[0]->rule, e->rule);
}

static bool wants_asking(const mw_relabel *r, const struct entry *e)
{
    if (e->asked || !e->used) return false;
    return e->verdict.fate == MW_FATE_WAIT || (e->verdict.error && r->now_ms >= e->retry_ms);
}

void mw_relabel_ask(mw_relabel *r, mw_actor *rules, int64_t now_ms)
{
    struct batch *b = NULL;
    r->now_ms = now_ms;
    for (size_t i = 0; i < r->n && rules; i++) {
        struct entry *e = r->entry[i];
        if (!wants_asking(r, e)) continue;
        if (b && !same_question(b, e)) {
            ask_batch(b, rules);
            b = NULL;
        }
        if (!b) {
            b = mw_zalloc(sizeof *b);
            b->relabel = r;
        }
        b->entry[b->n++] = e;
    }
    if (b) ask_batch(b, rules);
}

void mw_relabel_each_dropped(const mw_relabel *r, mw_relabel_visit *visit, void *arg)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->entry[i]->used && r->entry[i]->verdict.fate == MW_FATE_DROP)
            visit(arg, mw_str_of(r->entry[i]->job), r->entry[i]->ls);
}
