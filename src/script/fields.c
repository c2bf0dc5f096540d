/* fields.c - key=value pairs out of a map; texts are quoted as JSON.
 * SPDX-License-Identifier: MIT */
#include "script/fields.h"

void mw_log_fields(mw_level level, const char *message, const mw_value *fields)
{
    mw_buf text;
    mw_buf_init(&text);
    for (size_t i = 0; fields && fields->type == MW_MAP && i < fields->map.n; i++) {
        const mw_entry *e = &fields->map.entry[i];
        mw_buf_printf(&text, "%s%s=", i ? " " : "", e->key.p);
        mw_value_to_json(e->value, &text);
    }
    mw_log(level, message, text.n ? "%s" : NULL, text.p);
    mw_buf_deinit(&text);
}
