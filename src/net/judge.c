/* judge.c - questions and verdicts as values.  SPDX-License-Identifier: MIT */
#include "net/judge.h"

#include <string.h>

#include "base/mem.h"

void mw_verdict_deinit(mw_verdict *v)
{
    mw_free(v->as);
    mw_free(v->error);
    *v = (mw_verdict){.fate = MW_FATE_WAIT};
}

static mw_value *labels_value(const mw_labels *ls)
{
    mw_value *map = mw_map_new();
    for (uint32_t i = 0; i < ls->n; i++)
        mw_map_add(map, ls->l[i].name, false, mw_text_new(ls->l[i].value));
    return map;
}

int mw_judge_ask(mw_actor *rules, const char *what, const mw_scrape_job *job,
                 const mw_labels *const *ls, size_t n, mw_reply *reply, void *arg)
{
    mw_value *msg = mw_map_new(), *list = mw_list_new();
    bool targets = !strcmp(what, "targets");
    for (size_t i = 0; i < n; i++) mw_list_add(list, labels_value(ls[i]));
    mw_map_set_text(msg, "type", "relabel");
    mw_map_set_text(msg, "what", what);
    mw_map_set_text(msg, "job", job->name.p);
    mw_map_set_text(msg, "rule", (targets ? job->relabel : job->keep).p);
    mw_map_set(msg, "labels", list);
    return mw_actor_ask(rules, msg, reply, arg);
}

/* -- verdicts --------------------------------------------------------------------------------- */

static void refuse(mw_verdict *out, const char *why)
{
    out->fate = MW_FATE_DROP;
    out->error = mw_strdup(why);
}

static void read_labels(const mw_value *map, mw_verdict *out)
{
    mw_err err;
    size_t n = 0;
    mw_label *l = mw_array(map->map.n + 1, sizeof *l);
    mw_err_init(&err);
    for (size_t i = 0; i < map->map.n; i++) {
        const mw_entry *e = &map->map.entry[i];
        if (e->value->type != MW_TEXT || !e->key.n || !mw_utf8_valid(e->key) ||
            !mw_utf8_valid(e->value->text))
            mw_fail(&err, MW_EARG, 0, 0, "label \"%.80s\" must be a text in UTF-8", e->key.p);
        else
            l[n++] = (mw_label){e->key, e->value->text};
    }
    if (err.code == MW_OK) out->as = mw_labels_new(l, n, &err);
    mw_free(l);
    if (!out->as)
        refuse(out, err.msg);
    else
        out->fate = out->as->n ? MW_FATE_AS : MW_FATE_DROP;
}

static void read_verdict(const mw_value *v, mw_verdict *out)
{
    mw_verdict_deinit(out);
    switch (v->type) {
    case MW_BOOL: out->fate = v->b ? MW_FATE_KEEP : MW_FATE_DROP; break;
    case MW_MAP: read_labels(v, out); break;
    case MW_TEXT: refuse(out, v->text.p); break;
    default: out->fate = MW_FATE_DROP; break;
    }
}

int mw_judge_read(const mw_value *answer, mw_verdict *out, size_t n, mw_err *err)
{
    mw_str error = mw_map_text(answer, "error");
    const mw_value *list = mw_map_find(answer, "verdicts");
    if (mw_map_bool(answer, "again", false))
        return mw_fail(err, MW_EBUSY, 0, 0, "the rules are being loaded again");
    if (error.n) return mw_fail(err, MW_EEXEC, 0, 0, "%s", error.p);
    if (!list || list->type != MW_LIST || list->list.n != n)
        return mw_fail(err, MW_EEXEC, 0, 0, "the rules did not judge what was asked");
    for (size_t i = 0; i < n; i++) read_verdict(list->list.item[i], &out[i]);
    return MW_OK;
}
