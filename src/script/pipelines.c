/* pipelines.c - rows of policy as a set of pipelines.
 *
 * Words have been checked before (lua/moonwatch/words/pipeline.lua); what is wrong all the same is
 * told, and the set that was in use stays.  SPDX-License-Identifier: MIT */
#include "script/pipelines.h"

#include "base/mem.h"

/* -- small pieces --------------------------------------------------------------------------- */

static mw_str copy(mw_str s) { return (mw_str){mw_strndup(s.p ? s.p : "", s.n), s.n}; }

static size_t count(const mw_value *list)
{
    return list && list->type == MW_LIST ? list->list.n : 0;
}

static void read_names(const mw_value *list, mw_names *out)
{
    out->name = mw_array(count(list) + 1, sizeof *out->name);
    for (size_t i = 0; i < count(list); i++)
        if (list->list.item[i]->type == MW_TEXT)
            out->name[out->n++] = copy(list->list.item[i]->text);
}

static void read_map(const mw_value *map, mw_names *keys, mw_names *values)
{
    size_t n = map && map->type == MW_MAP ? map->map.n : 0;
    keys->name = mw_array(n + 1, sizeof *keys->name);
    values->name = mw_array(n + 1, sizeof *values->name);
    for (size_t i = 0; i < n; i++) {
        if (map->map.entry[i].value->type != MW_TEXT) continue;
        keys->name[keys->n++] = copy(map->map.entry[i].key);
        values->name[values->n++] = copy(map->map.entry[i].value->text);
    }
}

static int read_op(mw_str text)
{
    for (int op = MW_MATCH_EQ; op <= MW_MATCH_NRE; op++)
        if (mw_str_is(text, mw_match_op_text((mw_match_op)op))) return op;
    return -1;
}

static int read_condition(const mw_value *list, mw_condition *out, mw_err *err)
{
    out->matcher = mw_array(count(list) + 1, sizeof *out->matcher);
    for (size_t i = 0; i < count(list); i++) {
        const mw_value *row = list->list.item[i];
        int op = read_op(mw_map_text(row, "op"));
        if (op < 0) return mw_fail(err, MW_EARG, 0, 0, "a matcher has no op");
        int rc = mw_matcher_init(&out->matcher[out->n], (mw_match_op)op, mw_map_text(row, "name"),
                                 mw_map_text(row, "value"), err);
        if (rc) return rc;
        out->n++;
    }
    return MW_OK;
}

static int read_conditions(const mw_value *list, mw_condition **out, size_t *n, mw_err *err)
{
    int rc = MW_OK;
    *out = mw_array(count(list) + 1, sizeof **out);
    for (size_t i = 0; i < count(list) && !rc; i++)
        rc = read_condition(list->list.item[i], &(*out)[(*n)++], err);
    return rc;
}

static bool has(const mw_value *list, const char *word)
{
    for (size_t i = 0; i < count(list); i++)
        if (list->list.item[i]->type == MW_TEXT && mw_str_is(list->list.item[i]->text, word))
            return true;
    return false;
}

/* -- a pipeline ----------------------------------------------------------------------------- */

static int read_patterns(const mw_value *row, mw_pipe *p, mw_err *err)
{
    const mw_value *kinds = mw_map_find(row, "patterns"), *regex = mw_map_find(row, "regex");
    for (unsigned k = 0; k < MW_PII_KINDS; k++)
        if (has(kinds, mw_pii_names[k])) p->kinds |= 1u << k;
    p->regex = mw_array(count(regex) + 1, sizeof(mw_regex *));
    for (size_t i = 0; i < count(regex); i++) {
        mw_regex *re = mw_regex_new_search(regex->list.item[i]->text, err);
        if (!re) return MW_EARG;
        p->regex[p->n_regex++] = re;
    }
    return MW_OK;
}

/* A counter of P; NULL when there is none to be had. */
static mw_series *figure(mw_registry *reg, const char *name, const char *help, const mw_pipe *p,
                         const char *label, const char *value)
{
    mw_series *s = NULL;
    mw_label labels[] = {{MW_STR("pipeline"), mw_str_of(p->name)},
                         {mw_str_of(label), mw_str_of(value)}};
    mw_family f = {.kind = MW_COUNTER, .name = name, .help = help};
    return reg && mw_registry_series(reg, &f, labels, 2, &s, NULL) == MW_OK ? s : NULL;
}

static void open_figures(mw_registry *reg, mw_pipe *p)
{
    bool used[MW_PIPE_COUNTS] = {
        [MW_PIPE_FIELD] = p->fields.n > 0, [MW_PIPE_REGEX] = p->n_regex > 0};
    for (unsigned k = 0; k < MW_PII_KINDS; k++) used[k] = p->kinds >> k & 1;
    for (unsigned k = 0; k < MW_PIPE_COUNTS; k++)
        if (used[k])
            p->replaced[k] = figure(reg, "moonwatch_pipeline_redactions_total",
                                    "Pieces of log records and spans that were replaced.", p,
                                    "kind", mw_pipe_kind(k));
    for (int span = 0; span < 2; span++)
        if (p->n_drop && (span ? p->spans : p->logs))
            p->dropped[span] = figure(reg, "moonwatch_pipeline_dropped_total",
                                      "Log records and spans that were not stored.", p, "of",
                                      span ? "spans" : "logs");
}

static int read_pipe(const mw_value *row, mw_registry *reg, mw_pipe *p, mw_err *err)
{
    const mw_value *of = mw_map_find(row, "of");
    p->name = mw_strdup(mw_map_text(row, "name").p);
    p->logs = has(of, "logs");
    p->spans = has(of, "spans");
    p->with = copy(mw_map_text(row, "with"));
    mw_str salt = mw_map_text(row, "salt");
    if (salt.n) p->hash = mw_hmac_new(salt);
    read_names(mw_map_find(row, "remove"), &p->remove);
    read_names(mw_map_find(row, "fields"), &p->fields);
    read_map(mw_map_find(row, "rename"), &p->renamed, &p->rename);
    read_map(mw_map_find(row, "set"), &p->set, &p->values);
    int rc = read_conditions(mw_map_find(row, "match"), &p->match, &p->n_match, err);
    if (!rc) rc = read_conditions(mw_map_find(row, "drop"), &p->drop, &p->n_drop, err);
    if (!rc) rc = read_patterns(row, p, err);
    if (!rc) open_figures(reg, p);
    return rc;
}

int mw_pipelines_put(mw_pipe_slot *slot, const mw_value *list, mw_err *err)
{
    int rc = MW_OK;
    mw_pipes *set = mw_pipes_new(count(list));
    for (size_t i = 0; i < set->n && !rc; i++)
        rc = read_pipe(list->list.item[i], mw_pipe_slot_registry(slot), &set->pipe[i], err);
    if (rc)
        mw_pipes_release(set);
    else
        mw_pipe_slot_put(slot, set);
    return rc;
}

static void call(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_err err;
    mw_err_init(&err);
    int rc = mw_pipelines_put(self, mw_map_find(arg, "list"), &err);
    mw_value_free(arg);
    reply(reply_arg, rc ? mw_error_new(err.msg) : mw_map_new());
}

void mw_pipelines_offer(mw_pipe_slot *slot, mw_host *host)
{
    mw_host_add_op(host, "pipelines", slot, call);
}
