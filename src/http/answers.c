/* answers.c - warnings and fields.  SPDX-License-Identifier: MIT */
#include "http/answers.h"

#include <string.h>

enum { MOST_NOTES = 10 };

notes notes_begin(mw_buf *out, const char *name) { return (notes){.out = out, .name = name}; }

void note(notes *n, const char *text)
{
    if (n->n++ >= MOST_NOTES) return;
    if (n->n == 1)
        mw_buf_printf(n->out, ",\"%s\":[", n->name);
    else
        mw_buf_byte(n->out, ',');
    mw_buf_json(n->out, mw_str_of(text));
}

void notes_end(notes *n)
{
    if (n->n > MOST_NOTES)
        mw_buf_printf(n->out, ",\"%zu more %.*s annotations omitted\"", n->n - MOST_NOTES,
                      (int)strlen(n->name) - 1, n->name);
    if (n->n) mw_buf_byte(n->out, ']');
}

/* -- objects --------------------------------------------------------------------------------- */

void field_open(fields *f, const char *name)
{
    mw_buf_byte(f->out, f->started ? ',' : '{');
    mw_buf_json(f->out, mw_str_of(name));
    mw_buf_byte(f->out, ':');
    f->started = true;
}

void field_text(fields *f, const char *name, mw_str text)
{
    field_open(f, name);
    mw_buf_json(f->out, text);
}

void field(fields *f, const char *name, const char *text) { field_text(f, name, mw_str_of(text)); }

void field_number(fields *f, const char *name, int64_t n)
{
    field_open(f, name);
    mw_buf_int(f->out, n);
}

void field_flag(fields *f, const char *name, bool yes)
{
    field_open(f, name);
    mw_buf_text(f->out, yes ? "true" : "false");
}

fields fields_begin(mw_call *c)
{
    call_open_data(c);
    return (fields){.out = &c->out};
}

void fields_finish(mw_call *c, fields *f)
{
    mw_buf_text(&c->out, f->started ? "}" : "{}");
    call_close_data(c);
}

void put_metadata_fields(mw_buf *out, const mw_metadata *m)
{
    mw_buf_text(out, "\"type\":");
    mw_buf_json(out, m->type.n ? m->type : MW_STR("unknown"));
    mw_buf_text(out, ",\"help\":");
    mw_buf_json(out, m->help);
    mw_buf_text(out, ",\"unit\":");
    mw_buf_json(out, m->unit);
}
