/* sieve.c - series in the order in which they were met, and a table of them by their hash.
 * SPDX-License-Identifier: MIT */
#include "net/sieve.h"

#include "base/mem.h"

struct mw_sieve {
    const mw_scrape_job *job;
    mw_labels **ls; /* n of them, with verdicts; the first `asked` were asked about */
    mw_verdict *verdict;
    size_t n, cap_ls, n_verdicts, cap_verdicts, asked, asking;
    uint32_t *table; /* open addressing, size a power of two; 0 empty, else index + 1 */
    size_t size;
};

mw_sieve *mw_sieve_new(const mw_scrape_job *job)
{
    mw_sieve *k = mw_zalloc(sizeof *k);
    k->job = job;
    return k;
}

void mw_sieve_free(mw_sieve *k)
{
    if (!k) return;
    for (size_t i = 0; i < k->n; i++) {
        mw_free(k->ls[i]);
        mw_verdict_deinit(&k->verdict[i]);
    }
    mw_free(k->ls);
    mw_free(k->verdict);
    mw_free(k->table);
    mw_free(k);
}

/* -- finding ---------------------------------------------------------------------------------- */

static size_t place_of(const mw_sieve *k, const mw_labels *ls)
{
    size_t at = ls->hash & (k->size - 1);
    while (k->table[at] && !mw_labels_eq(k->ls[k->table[at] - 1], ls))
        at = (at + 1) & (k->size - 1);
    return at;
}

static void grow_table(mw_sieve *k)
{
    if (2 * (k->n + 1) < k->size) return;
    mw_free(k->table);
    k->size = k->size ? k->size * 2 : 64;
    k->table = mw_array(k->size, sizeof *k->table);
    for (size_t i = 0; i < k->n; i++) k->table[place_of(k, k->ls[i])] = (uint32_t)i + 1;
}

mw_fate mw_sieve_judge(void *sieve, const mw_labels *ls, const mw_labels **as)
{
    mw_sieve *k = sieve;
    if (!mw_scrape_job_selects(k->job, ls)) return MW_FATE_DROP;
    if (!k->job->keep.n) return MW_FATE_KEEP;
    grow_table(k);
    size_t at = place_of(k, ls);
    if (!k->table[at]) {
        const mw_verdict unknown = {.fate = MW_FATE_WAIT};
        MW_PUSH(k->ls, k->n, k->cap_ls, mw_labels_copy(ls));
        MW_PUSH(k->verdict, k->n_verdicts, k->cap_verdicts, unknown);
        k->table[at] = (uint32_t)k->n;
    }
    const mw_verdict *v = &k->verdict[k->table[at] - 1];
    if (v->fate == MW_FATE_AS) *as = v->as;
    return v->fate;
}

/* -- asking ----------------------------------------------------------------------------------- */

bool mw_sieve_waits(const mw_sieve *k) { return k->asked < k->n; }

int mw_sieve_ask(mw_sieve *k, mw_actor *rules, mw_reply *reply, void *arg)
{
    size_t left = k->n - k->asked;
    k->asking = left < MW_JUDGE_BATCH ? left : MW_JUDGE_BATCH;
    return mw_judge_ask(rules, "series", k->job, (const mw_labels *const *)k->ls + k->asked,
                        k->asking, reply, arg);
}

int mw_sieve_learn(mw_sieve *k, const mw_value *answer, mw_err *err)
{
    mw_verdict *v = k->verdict + k->asked;
    int code = mw_judge_read(answer, v, k->asking, err);
    for (size_t i = 0; i < k->asking && !code; i++) {
        if (!v[i].error) continue;
        mw_buf who = {0};
        mw_labels_text(k->ls[k->asked + i], &who);
        code = mw_fail(err, MW_EEXEC, 0, 0, "keep failed for %.*s: %s",
                       (int)(who.n < 200 ? who.n : 200), who.p, v[i].error);
        mw_buf_deinit(&who);
    }
    k->asked += k->asking;
    return code;
}
