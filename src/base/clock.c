/* clock.c - time from the system, or from a test.  SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int64_t system_now(const mw_clock *self)
{
    (void)self;
    return mw_wall_ns() / 1000000;
}

const mw_clock mw_clock_system = {system_now};

static int64_t manual_now(const mw_clock *self)
{
    return __atomic_load_n(&((const mw_clock_manual *)self)->ms, __ATOMIC_ACQUIRE);
}

void mw_clock_manual_init(mw_clock_manual *c, int64_t ms)
{
    c->clock.now_ms = manual_now;
    mw_clock_manual_set(c, ms);
}

void mw_clock_manual_set(mw_clock_manual *c, int64_t ms)
{
    __atomic_store_n(&c->ms, ms, __ATOMIC_RELEASE);
}

int64_t mw_now_ms(const mw_clock *c) { return c->now_ms(c); }
int64_t mw_mono_ns(void) { return read_ns(CLOCK_MONOTONIC); }

int64_t mw_boot_ms(void) { return read_ns(CLOCK_BOOTTIME) / 1000000; }
int64_t mw_wall_ns(void) { return read_ns(CLOCK_REALTIME); }

char *mw_time_rfc3339(int64_t ms, char *out)
{
    int64_t s = ms / 1000, rest = ms % 1000;
    if (rest < 0) rest += 1000, s--;
    time_t t = (time_t)s;
    struct tm tm;
    gmtime_r(&t, &tm);
    size_t n = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03dZ", (int)rest);
    return out;
}
