/* yaml.c - libyaml's documents as plain values.  SPDX-License-Identifier: MIT */
#include "script/yaml.h"

#include <string.h>
#include <yaml.h>

typedef struct reading {
    yaml_document_t *doc;
    size_t left; /* nodes that may still be made */
    mw_err *err;
} reading;

static int at(mw_err *err, int code, yaml_mark_t mark, const char *what)
{
    return mw_fail(err, code, (int)mark.line + 1, (int)mark.column + 1, "%s", what);
}

/* -- one node --------------------------------------------------------------------------------- */

static mw_value *node_value(reading *r, const yaml_node_t *node, int depth);

/* The nodes with numbers FIRST, FIRST + STRIDE, ... as a list: items, keys or values. */
static mw_value *nodes(reading *r, const int *first, size_t n, size_t stride, int depth)
{
    mw_value *list = mw_list_new();
    for (size_t i = 0; i < n; i++) {
        const yaml_node_t *node = yaml_document_get_node(r->doc, first[i * stride]);
        mw_value *v = node_value(r, node, depth);
        if (!v) {
            mw_value_free(list);
            return NULL;
        }
        mw_list_add(list, v);
    }
    return list;
}

static bool set_list(mw_value *map, const char *key, mw_value *list)
{
    if (list) mw_map_set(map, key, list);
    return list != NULL;
}

static void set_text(mw_value *map, const yaml_node_t *node)
{
    mw_str text = {(const char *)node->data.scalar.value, node->data.scalar.length};
    mw_map_set(map, "text", mw_text_new(text));
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) mw_map_set_bool(map, "plain", true);
}

static bool fill(reading *r, mw_value *map, const yaml_node_t *node, int depth)
{
    switch (node->type) {
    case YAML_SCALAR_NODE:
        mw_map_set_text(map, "kind", "text");
        set_text(map, node);
        return true;
    case YAML_SEQUENCE_NODE: {
        const int *first = node->data.sequence.items.start;
        size_t n = (size_t)(node->data.sequence.items.top - first);
        mw_map_set_text(map, "kind", "list");
        return set_list(map, "items", nodes(r, first, n, 1, depth + 1));
    }
    case YAML_MAPPING_NODE: {
        const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
        size_t n = (size_t)(node->data.mapping.pairs.top - pairs);
        mw_map_set_text(map, "kind", "map");
        return set_list(map, "keys", n ? nodes(r, &pairs->key, n, 2, depth + 1) : mw_list_new()) &&
               set_list(map, "values",
                        n ? nodes(r, &pairs->value, n, 2, depth + 1) : mw_list_new());
    }
    default: at(r->err, MW_EPARSE, node->start_mark, "an empty node"); return false;
    }
}

/* A block ends where the next thing begins, which may be lines behind it. */
static double last_line(const yaml_node_t *node)
{
    bool before = node->end_mark.column == 0 && node->end_mark.line > node->start_mark.line;
    return (double)node->end_mark.line + (before ? 0 : 1);
}

static const char *written_tag(const yaml_node_t *node)
{
    static const char *const usual[] = {YAML_STR_TAG, YAML_SEQ_TAG, YAML_MAP_TAG};
    const char *tag = (const char *)node->tag;
    for (size_t i = 0; tag && i < sizeof usual / sizeof *usual; i++)
        if (!strcmp(tag, usual[i])) return NULL;
    return tag;
}

/* NULL with an error: too deep (which an anchor inside itself is too), too many. */
static mw_value *node_value(reading *r, const yaml_node_t *node, int depth)
{
    if (depth > MW_YAML_DEPTH) {
        at(r->err, MW_ELIMIT, node->start_mark, "nested too deeply, or an anchor holds itself");
        return NULL;
    }
    if (!r->left--) {
        r->left = 0;
        at(r->err, MW_ELIMIT, node->start_mark, "too many values, each use of an anchor counted");
        return NULL;
    }
    mw_value *map = mw_map_new();
    mw_map_set_number(map, "line", (double)node->start_mark.line + 1);
    mw_map_set_number(map, "col", (double)node->start_mark.column + 1);
    mw_map_set_number(map, "last", last_line(node));
    mw_map_set_text(map, "tag", written_tag(node));
    if (fill(r, map, node, depth)) return map;
    mw_value_free(map);
    return NULL;
}

/* -- the text --------------------------------------------------------------------------------- */

/* Where the byte at OFFSET stands; the reader does not say. */
static yaml_mark_t mark_of(mw_str text, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < text.n; i++)
        if (text.p[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else {
            mark.column++;
        }
    return mark;
}

static int syntax(yaml_parser_t *p, mw_str text, mw_err *err)
{
    const char *what = p->problem ? p->problem : "not YAML";
    yaml_mark_t mark = p->problem_mark;
    if (p->error == YAML_READER_ERROR) mark = mark_of(text, p->problem_offset);
    return mw_fail(err, MW_EPARSE, (int)mark.line + 1, (int)mark.column + 1, "%s%s%s",
                   p->context ? p->context : "", p->context ? ": " : "", what);
}

/* The next document into LIST; false at the end and after a failure. */
static bool next_document(yaml_parser_t *p, mw_str text, mw_value *list, size_t *left, mw_err *err)
{
    yaml_document_t doc;
    if (!yaml_parser_load(p, &doc)) {
        syntax(p, text, err);
        return false;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    reading r = {&doc, *left, err};
    mw_value *v = root ? node_value(&r, root, 0) : NULL;
    *left = r.left;
    if (v) mw_list_add(list, v);
    yaml_document_delete(&doc);
    return v != NULL;
}

mw_value *mw_yaml_read(mw_str text, mw_err *err)
{
    mw_err own;
    if (!err) err = &own;
    mw_err_init(err);
    if (text.n > MW_YAML_BYTES) {
        mw_fail(err, MW_ETOOBIG, 1, 1, "larger than %d MB", MW_YAML_BYTES >> 20);
        return NULL;
    }
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p)) {
        mw_fail(err, MW_ELIMIT, 0, 0, "no memory for a YAML parser");
        return NULL;
    }
    yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
    mw_value *list = mw_list_new();
    size_t left = MW_YAML_NODES;
    while (next_document(&p, text, list, &left, err)) continue;
    yaml_parser_delete(&p);
    if (err->code == MW_OK) return list;
    mw_value_free(list);
    return NULL;
}
