/* groups.c - reading lists of targets.
 *
 * YAML becomes the value that the same list in JSON would be, with every scalar a text, and then
 * both are held against one form.  SPDX-License-Identifier: MIT */
#include "net/groups.h"

#include "model/labels.h"
#include "script/yaml.h"

/* -- the form --------------------------------------------------------------------------------- */

static bool fits(const mw_value *v)
{
    return v->type == MW_TEXT && v->text.n <= MW_GROUPS_LABEL_BYTES && mw_utf8_valid(v->text);
}

static int check_targets(const mw_value *targets, size_t at, mw_err *err)
{
    if (!targets || targets->type != MW_LIST)
        return mw_fail(err, MW_EPARSE, 0, 0, "entry %zu has no list \"targets\"", at);
    for (size_t i = 0; i < targets->list.n; i++)
        if (!fits(targets->list.item[i]))
            return mw_fail(err, MW_EPARSE, 0, 0, "entry %zu: target %zu is not a text", at, i + 1);
    return MW_OK;
}

static int check_labels(const mw_value *labels, size_t at, mw_err *err)
{
    if (labels->type != MW_MAP)
        return mw_fail(err, MW_EPARSE, 0, 0, "entry %zu: \"labels\" is not an object", at);
    if (labels->map.n > MW_GROUPS_LABELS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "entry %zu has more than %d labels", at,
                       (int)MW_GROUPS_LABELS);
    for (size_t i = 0; i < labels->map.n; i++) {
        const mw_entry *e = &labels->map.entry[i];
        if (!fits(e->value) || !mw_label_name_valid(e->key))
            return mw_fail(err, MW_EPARSE, 0, 0, "entry %zu: label \"%.80s\" is not valid", at,
                           e->key.p);
    }
    return MW_OK;
}

static int check_group(mw_value *group, size_t at, mw_err *err)
{
    if (group->type != MW_MAP)
        return mw_fail(err, MW_EPARSE, 0, 0, "entry %zu has no list \"targets\"", at);
    if (check_targets(mw_map_find(group, "targets"), at, err)) return err->code;
    if (!mw_map_find(group, "labels")) mw_map_set(group, "labels", mw_map_new());
    return check_labels(mw_map_find(group, "labels"), at, err);
}

static size_t label_bytes(const mw_value *labels)
{
    size_t n = 0;
    for (size_t i = 0; i < labels->map.n; i++)
        n += labels->map.entry[i].key.n + labels->map.entry[i].value->text.n;
    return n;
}

/* A few labels on many targets are a lot. */
static int check_size(const mw_value *groups, mw_err *err)
{
    size_t n = mw_groups_targets(groups), bytes = 0;
    for (size_t i = 0; i < groups->list.n; i++) {
        const mw_value *group = groups->list.item[i];
        bytes += mw_map_find(group, "targets")->list.n * label_bytes(mw_map_find(group, "labels"));
    }
    if (n > MW_GROUPS_TARGETS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "it has more than %d targets", (int)MW_GROUPS_TARGETS);
    if (bytes > MW_GROUPS_UNFOLDED)
        return mw_fail(err, MW_ELIMIT, 0, 0, "its labels on its targets are more than %d bytes",
                       (int)MW_GROUPS_UNFOLDED);
    return MW_OK;
}

static mw_value *checked(mw_value *groups, const char *no_list, mw_err *err)
{
    int code = MW_OK;
    if (groups->type != MW_LIST) code = mw_fail(err, MW_EPARSE, 0, 0, "%s", no_list);
    for (size_t i = 0; !code && i < groups->list.n; i++)
        code = check_group(groups->list.item[i], i + 1, err);
    if (!code) code = check_size(groups, err);
    if (!code) return groups;
    mw_value_free(groups);
    return NULL;
}

static bool small_enough(mw_str text, mw_err *err)
{
    if (text.n <= MW_GROUPS_BYTES) return true;
    mw_fail(err, MW_ETOOBIG, 0, 0, "it is larger than %d bytes", (int)MW_GROUPS_BYTES);
    return false;
}

mw_value *mw_groups_json(mw_str text, mw_err *err)
{
    mw_value *groups = small_enough(text, err) ? mw_value_from_json(text, err) : NULL;
    return groups ? checked(groups, "it is not a JSON list", err) : NULL;
}

/* -- YAML ------------------------------------------------------------------------------------- */

static mw_value *plain(const mw_value *node, mw_err *err);

static mw_value *plain_list(const mw_value *node, mw_err *err)
{
    const mw_value *items = mw_map_find(node, "items");
    mw_value *list = mw_list_new();
    for (size_t i = 0; items && items->type == MW_LIST && i < items->list.n; i++) {
        mw_value *item = plain(items->list.item[i], err);
        if (!item) return mw_value_free(list), NULL;
        mw_list_add(list, item);
    }
    return list;
}

static mw_value *plain_map(const mw_value *node, mw_err *err)
{
    const mw_value *keys = mw_map_find(node, "keys"), *values = mw_map_find(node, "values");
    mw_value *map = mw_map_new();
    if (keys && keys->type == MW_LIST && keys->list.n > MW_GROUPS_LABELS) {
        mw_fail(err, MW_ELIMIT, (int)mw_map_number(node, "line", 0), 0,
                "a map of more than %d keys", (int)MW_GROUPS_LABELS);
        return mw_value_free(map), NULL;
    }
    for (size_t i = 0; keys && keys->type == MW_LIST && i < keys->list.n; i++) {
        mw_str key = mw_map_text(keys->list.item[i], "text");
        mw_value *value = NULL;
        if (!key.n || mw_map_find(map, key.p))
            mw_fail(err, MW_EPARSE, (int)mw_map_number(keys->list.item[i], "line", 0), 0,
                    "the key \"%.80s\" is empty or comes twice", key.p);
        else
            value = plain(values->list.item[i], err);
        if (!value) return mw_value_free(map), NULL;
        mw_map_set(map, key.p, value);
    }
    return map;
}

static mw_value *plain(const mw_value *node, mw_err *err)
{
    mw_str kind = mw_map_text(node, "kind");
    if (mw_str_is(kind, "list")) return plain_list(node, err);
    if (mw_str_is(kind, "map")) return plain_map(node, err);
    return mw_text_new(mw_map_text(node, "text"));
}

mw_value *mw_groups_yaml(mw_str text, mw_err *err)
{
    mw_value *documents = small_enough(text, err) ? mw_yaml_read(text, err) : NULL, *groups = NULL;
    if (!documents) return NULL;
    if (documents->list.n == 1)
        groups = plain(documents->list.item[0], err);
    else if (documents->list.n)
        mw_fail(err, MW_EPARSE, 0, 0, "it is more than one document");
    else
        groups = mw_list_new();
    mw_value_free(documents);
    return groups ? checked(groups, "it is not a YAML list", err) : NULL;
}

/* -- what others ask -------------------------------------------------------------------------- */

size_t mw_groups_targets(const mw_value *groups)
{
    size_t n = 0;
    for (size_t i = 0; groups && i < groups->list.n; i++)
        n += mw_map_find(groups->list.item[i], "targets")->list.n;
    return n;
}

void mw_groups_each(const mw_value *groups, mw_groups_visit *visit, void *arg)
{
    for (size_t i = 0; groups && i < groups->list.n; i++) {
        const mw_value *group = groups->list.item[i];
        visit(arg, mw_map_find(group, "targets"), mw_map_find(group, "labels"));
    }
}

void mw_groups_set(mw_value *groups, const char *name, const char *value)
{
    for (size_t i = 0; i < groups->list.n; i++) {
        mw_value *labels = (mw_value *)mw_map_find(groups->list.item[i], "labels");
        mw_map_set_text(labels, name, value);
    }
}
