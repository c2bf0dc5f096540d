/* host_clock.c - what time it is here, and how the kernel keeps it: adjtimex.
 * SPDX-License-Identifier: MIT */
#include <sys/timex.h>
#include <time.h>

#include "base/clock.h"
#include "metrics/host_inside.h"

#define MICRO 1e6
#define PPM   (1e6 * 65536) /* frequencies are parts of a million with 16 bits behind the point */

static void zone(mw_host_stats *h, time_t now)
{
    struct tm local;
    if (!localtime_r(&now, &local)) return;
    mw_label l = {MW_STR("time_zone"), mw_str_of(local.tm_zone)};
    mw_passing_set(&h->passing, MW_GAUGE, "node_time_zone_offset_seconds",
                   "System time zone offset in seconds.", &l, 1, (double)local.tm_gmtoff);
}

void mw_host_tell_clock(mw_host_stats *h)
{
    int64_t now = mw_wall_ns();
    mw_passing_set(&h->passing, MW_GAUGE, "node_time_seconds",
                   "System time in seconds since epoch.", NULL, 0, (double)now / 1e9);
    zone(h, (time_t)(now / 1000000000));
    struct timex t = {0};
    int state = adjtimex(&t);
    if (state < 0) return;
    double small = t.status & STA_NANO ? 1e9 : MICRO;
    const struct {
        const char *name, *help;
        mw_kind kind;
        double v;
    } rows[] = {
        {"node_timex_sync_status", "1 when the clock is synchronized.", MW_GAUGE,
         state != TIME_ERROR},
        {"node_timex_offset_seconds", "Offset from the reference.", MW_GAUGE,
         (double)t.offset / small},
        {"node_timex_frequency_adjustment_ratio", "How much quicker it is made.", MW_GAUGE,
         1 + (double)t.freq / PPM},
        {"node_timex_maxerror_seconds", "Maximum error.", MW_GAUGE, (double)t.maxerror / MICRO},
        {"node_timex_estimated_error_seconds", "Estimated error.", MW_GAUGE,
         (double)t.esterror / MICRO},
        {"node_timex_status", "Bits of its status.", MW_GAUGE, t.status},
        {"node_timex_loop_time_constant", "Constant of its loop.", MW_GAUGE, (double)t.constant},
        {"node_timex_tick_seconds", "Seconds between ticks.", MW_GAUGE, (double)t.tick / MICRO},
        {"node_timex_tai_offset_seconds", "Seconds to international atomic time.", MW_GAUGE, t.tai},
        {"node_timex_pps_frequency_hertz", "Pulse per second: frequency.", MW_GAUGE,
         (double)t.ppsfreq / PPM},
        {"node_timex_pps_jitter_seconds", "Pulse per second: jitter.", MW_GAUGE,
         (double)t.jitter / small},
        {"node_timex_pps_shift_seconds", "Pulse per second: interval.", MW_GAUGE, t.shift},
        {"node_timex_pps_stability_hertz", "Pulse per second: stability.", MW_GAUGE,
         (double)t.stabil / PPM},
        {"node_timex_pps_jitter_total", "Pulse per second: jitter exceeded.", MW_COUNTER,
         (double)t.jitcnt},
        {"node_timex_pps_calibration_total", "Pulse per second: calibrations.", MW_COUNTER,
         (double)t.calcnt},
        {"node_timex_pps_error_total", "Pulse per second: errors.", MW_COUNTER, (double)t.errcnt},
        {"node_timex_pps_stability_exceeded_total", "Pulse per second: stability exceeded.",
         MW_COUNTER, (double)t.stbcnt},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        mw_passing_set(&h->passing, rows[i].kind, rows[i].name, rows[i].help, NULL, 0, rows[i].v);
}
