/* log.c - lines on stderr.
 *
 * The sink is the one piece of state that this program keeps in a file-level variable: there is
 * one stderr.  A line is built whole and written with one call, so lines never mix.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static struct {
    mw_level lowest;
    bool json;
    mw_log_tap *tap;
    void *arg;
} sink = {.lowest = MW_INFO};

static const char *const names[MW_LEVELS] = {"debug", "info", "warn", "error", "fatal"};

const char *mw_level_name(mw_level level) { return names[level]; }

bool mw_level_parse(const char *name, mw_level *out)
{
    for (int i = 0; i < MW_LEVELS; i++)
        if (!strcasecmp(name, names[i])) return *out = (mw_level)i, true;
    if (!strcasecmp(name, "warning")) return *out = MW_WARN, true;
    return false;
}

void mw_log_setup(mw_level lowest, bool json)
{
    sink.lowest = lowest;
    sink.json = json;
}

void mw_log_set_tap(mw_log_tap *tap, void *arg)
{
    sink.tap = tap;
    sink.arg = arg;
}

void mw_log(mw_level level, const char *message, const char *fields, ...)
{
    if (level < sink.lowest) return;
    char when[32];
    mw_buf extra, line;
    mw_buf_init(&extra);
    mw_buf_init(&line);
    if (fields) {
        va_list ap;
        va_start(ap, fields);
        char *to = mw_buf_room(&extra, 2000);
        int n = vsnprintf(to, 2000, fields, ap);
        extra.n = n < 0 ? 0 : n < 2000 ? (size_t)n : 1999;
        va_end(ap);
    }
    mw_time_rfc3339(mw_now_ms(&mw_clock_system), when);
    if (sink.json) {
        mw_buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, names[level]);
        mw_buf_json(&line, mw_str_of(message));
        if (extra.n)
            mw_buf_text(&line, ",\"fields\":"), mw_buf_json(&line, (mw_str){extra.p, extra.n});
        mw_buf_text(&line, "}\n");
    } else {
        mw_buf_printf(&line, "%s %-5s %s%s", when, names[level], message, extra.n ? " " : "");
        for (size_t i = 0; i < extra.n; i++)
            mw_buf_byte(&line, extra.p[i] == '\n' ? ' ' : extra.p[i]);
        mw_buf_byte(&line, '\n');
    }
    if (write(STDERR_FILENO, line.p, line.n) < 0) { /* nowhere left to say it */
    }
    if (sink.tap) sink.tap(sink.arg, level, line.p);
    mw_buf_deinit(&extra);
    mw_buf_deinit(&line);
}
