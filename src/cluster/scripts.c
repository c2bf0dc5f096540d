/* scripts.c - the scripts that run inside Redis.
 *
 * All keys of a cluster share one hash tag, {moonwatch:NAME}, so that a Redis Cluster keeps them in
 * one place.  The keys (each after "{moonwatch:NAME}:"):
 *
 *     epoch        text     random, written once: another value means that Redis lost its data
 *     nodes        zset     node name -> when it was seen last, in Redis's milliseconds
 *     info         hash     node name -> JSON about it
 *     lease:SLOT   text     "SESSION NODE" of the holder, expires unless renewed
 *     fences       hash     slot -> fencing token, one more with every new holder
 *     shared       hash     "KIND\nID" -> JSON {kind, id, node, value}
 *     events       stream   type (shared, bundle, lease) and data, trimmed to about 10000
 *     blob:SHA     text     JSON {files}, named by its sha256
 *     versions     list     JSON {version, sha, time, author, comment}, oldest first
 *     version      number   the newest version
 *     counters     hash     name -> number
 *
 * SPDX-License-Identifier: MIT */
#include "cluster/scripts.h"

/* KEYS epoch; ARGV random.  Gives the epoch. */
const char mw_script_hello[] = "redis.call('SETNX', KEYS[1], ARGV[1])\n"
                               "return redis.call('GET', KEYS[1])\n";

/* KEYS events shared versions.  Gives the newest event's id, the newest version's JSON or "", and
 * then field, value, field, value, ... of the shared hash: all as of one moment. */
const char mw_script_snapshot[] =
    "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)\n"
    "return { last[1] and last[1][1] or '0-0',\n"
    "         redis.call('LINDEX', KEYS[3], -1) or '',\n"
    "         redis.call('HGETALL', KEYS[2]) }\n";

/* KEYS nodes info; ARGV node, its JSON, milliseconds after which the dead are forgotten.
 * Gives now, then name, last seen, JSON of every node. */
const char mw_script_beat[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])\n"
    "redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])\n"
    "local old = string.format('%.0f', now - ARGV[3])\n"
    "for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', old)) do\n"
    "  redis.call('ZREM', KEYS[1], name)\n"
    "  redis.call('HDEL', KEYS[2], name)\n"
    "end\n"
    "local out = { string.format('%.0f', now) }\n"
    "local seen = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')\n"
    "for i = 1, #seen, 2 do\n"
    "  out[#out + 1] = seen[i]\n"
    "  out[#out + 1] = seen[i + 1]\n"
    "  out[#out + 1] = redis.call('HGET', KEYS[2], seen[i]) or '{}'\n"
    "end\n"
    "return out\n";

/* KEYS fences events lease:SLOT...; ARGV holder, lease in milliseconds, then for each slot its
 * name, take|leave|look, and the highest fence the caller knows of.
 * Gives for each slot its holder ("" when free) and its fence.  A slot that moved is told to all.
 */
const char mw_script_leases[] =
    "local out, moved = {}, false\n"
    "for i = 3, #KEYS do\n"
    "  local at = 3 * (i - 2)\n"
    "  local slot, want, known = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])\n"
    "  local holder = redis.call('GET', KEYS[i])\n"
    "  local fence = tonumber(redis.call('HGET', KEYS[1], slot) or 0)\n"
    "  if holder == ARGV[1] and want == 'leave' then\n"
    "    redis.call('DEL', KEYS[i])\n"
    "    holder, moved = false, true\n"
    "  elseif holder == ARGV[1] then\n"
    "    redis.call('PEXPIRE', KEYS[i], ARGV[2])\n"
    "  elseif not holder and want == 'take' then\n"
    "    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])\n"
    "    fence = math.max(fence, known) + 1\n"
    "    redis.call('HSET', KEYS[1], slot, string.format('%.0f', fence))\n"
    "    holder, moved = ARGV[1], true\n"
    "  end\n"
    "  out[#out + 1] = holder or ''\n"
    "  out[#out + 1] = string.format('%.0f', fence)\n"
    "end\n"
    "if moved then\n"
    "  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'type', 'lease', 'data', '{}')\n"
    "end\n"
    "return out\n";

/* KEYS nodes info events lease:SLOT...; ARGV node, holder. */
const char mw_script_farewell[] =
    "redis.call('ZREM', KEYS[1], ARGV[1])\n"
    "redis.call('HDEL', KEYS[2], ARGV[1])\n"
    "for i = 4, #KEYS do\n"
    "  if redis.call('GET', KEYS[i]) == ARGV[2] then redis.call('DEL', KEYS[i]) end\n"
    "end\n"
    "redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', 'lease', 'data', '{}')\n"
    "return 'ok'\n";

/* KEYS shared events fences; ARGV field, JSON or "" to remove, slot or "", fence, JSON to tell.
 * Gives "ok", or the newer fence that refused the write. */
const char mw_script_put[] =
    "if ARGV[3] ~= '' then\n"
    "  local fence = redis.call('HGET', KEYS[3], ARGV[3]) or '0'\n"
    "  if tonumber(fence) > tonumber(ARGV[4]) then return fence end\n"
    "end\n"
    "if ARGV[2] == '' then\n"
    "  redis.call('HDEL', KEYS[1], ARGV[1])\n"
    "else\n"
    "  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"
    "end\n"
    "redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'type', 'shared', 'data', ARGV[5])\n"
    "return 'ok'\n";

/* KEYS shared events; ARGV field, JSON.  For a Redis that lost its data: what is there stays. */
const char mw_script_seed[] =
    "if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then\n"
    "  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'type', 'shared', 'data', ARGV[2])\n"
    "end\n"
    "return 'ok'\n";

/* Appends a version and tells it; the oldest beyond 200 leave, with their blob when no version
 * names it any more. */
#define APPEND_VERSION                                                                           \
    "local function append(sha, author, comment)\n"                                              \
    "  local t = redis.call('TIME')\n"                                                           \
    "  local meta = cjson.encode({ version = redis.call('INCR', KEYS[2]), sha = sha,\n"          \
    "    time = tonumber(t[1]), author = author, comment = comment })\n"                         \
    "  redis.call('RPUSH', KEYS[1], meta)\n"                                                     \
    "  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', 'bundle', 'data', meta)\n" \
    "  while redis.call('LLEN', KEYS[1]) > 200 do\n"                                             \
    "    local old, used = cjson.decode(redis.call('LPOP', KEYS[1])).sha, false\n"               \
    "    for _, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do\n"                       \
    "      used = used or cjson.decode(text).sha == old\n"                                       \
    "    end\n"                                                                                  \
    "    if not used then redis.call('DEL', ARGV[1] .. old) end\n"                               \
    "  end\n"                                                                                    \
    "  return meta\n"                                                                            \
    "end\n"

/* KEYS versions version events; ARGV prefix of blobs, sha, blob, author, comment.
 * Gives the new version's JSON. */
const char mw_script_push[] = APPEND_VERSION "redis.call('SET', ARGV[1] .. ARGV[2], ARGV[3])\n"
                                             "return append(ARGV[2], ARGV[4], ARGV[5])\n";

/* KEYS versions version events; ARGV prefix of blobs, version to return to, author.
 * Gives the new version's JSON, or "" when there is no such version. */
const char mw_script_rollback[] =
    APPEND_VERSION "for _, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do\n"
                   "  local meta = cjson.decode(text)\n"
                   "  if meta.version == tonumber(ARGV[2]) then\n"
                   "    return append(meta.sha, ARGV[3], 'rollback to version ' .. ARGV[2])\n"
                   "  end\n"
                   "end\n"
                   "return ''\n";

/* KEYS versions version blob:SHA; ARGV version, its JSON, blob.  For a Redis that lost its data. */
const char mw_script_restore[] = "if redis.call('EXISTS', KEYS[1]) == 0 then\n"
                                 "  redis.call('SET', KEYS[3], ARGV[3])\n"
                                 "  redis.call('SET', KEYS[2], ARGV[1])\n"
                                 "  redis.call('RPUSH', KEYS[1], ARGV[2])\n"
                                 "end\n"
                                 "return 'ok'\n";
