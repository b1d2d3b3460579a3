-- One breaker, shared by every process. Time is Redis' own, in milliseconds.
--
-- KEYS  1 state (hash)  2 calls of the window (hash)  3 probes under way (zset)  4 changes to be written down (list)
--       5 work that failed, by when it first did (zset)
-- ARGV  1 verb  2 neighbour  3 failures in a row  4 calls of the window  5 share of failures  6 window (s)
--       7 open (ms)  8 probes  9 lease of a probe (ms), then the verb's own. `acquire` and `report` end with what
--       the process did not tell since it was last here: a generation, calls admitted unasked, successes among them
--
-- A generation ends with every change of state; what is told of an older one is ignored. Generations grow with the
-- clock, so that those of a Redis that lost everything are still younger than those before.

local verb, name = ARGV[1], ARGV[2]
local row_limit, call_limit, share = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local window, open_ms, probes, lease = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local MOST_TOKENS, PER_CALL, PER_SECOND = 10, 0.1, 0.1
local MOST_CHANGES = 1000
local FORGIVEN, MOST_FORGIVEN = 15 * 60 * 1000, 1000

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local held = redis.call('HMGET', KEYS[1],
  'state', 'gen', 'since', 'until', 'fails', 'oks', 'forced', 'forced_until', 'tokens', 'tokens_at')
local state, gen, since = held[1] or 'closed', tonumber(held[2] or 0), tonumber(held[3] or 0)
local ends, fails, oks = tonumber(held[4] or 0), tonumber(held[5] or 0), tonumber(held[6] or 0)
local forced, forced_until = held[7] or '', tonumber(held[8] or 0)

local function int(number) return string.format('%.0f', number) end

local function shown()
  if forced ~= '' then return 'forced_' .. forced end
  return state
end

local function counted()
  local calls, failures, oldest = 0, 0, math.floor(now / 1000) - window
  for _, slot in ipairs(redis.call('HVALS', KEYS[2])) do
    local second, all, bad = string.match(slot, '(%d+):(%d+):(%d+)')
    if tonumber(second) > oldest then calls, failures = calls + tonumber(all), failures + tonumber(bad) end
  end
  return calls, failures
end

local function count(calls, failures)
  local second = math.floor(now / 1000)
  local slot, all, bad = second % window, 0, 0
  local there = redis.call('HGET', KEYS[2], slot)
  if there then
    local at, a, b = string.match(there, '(%d+):(%d+):(%d+)')
    if tonumber(at) == second then all, bad = tonumber(a), tonumber(b) end
  end
  redis.call('HSET', KEYS[2], slot, int(second) .. ':' .. int(all + calls) .. ':' .. int(bad + failures))
end

local function begin(target)
  gen, since, fails, oks, state = math.max(now, gen + 1), now, 0, 0, target
  ends = target == 'open' and now + open_ms or 0
  redis.call('HSET', KEYS[1], 'state', state, 'gen', int(gen), 'since', int(since), 'until', int(ends),
    'fails', 0, 'oks', 0)
  redis.call('DEL', KEYS[3])
  if target == 'closed' then redis.call('DEL', KEYS[2]) end
end

local function enter(target, cause)
  local was, calls, failures = shown(), counted()
  forced = ''
  redis.call('HDEL', KEYS[1], 'forced', 'forced_until')
  begin(target)
  -- The end of an operator's word is written down from its row (orders/services/breakers.py).
  if cause == 'expiry' then return end
  redis.call('RPUSH', KEYS[4], cjson.encode({
    key = name .. ':' .. int(gen), upstream = name, source = was, target = target, cause = cause,
    at = int(now), ['until'] = int(ends), calls = calls, failures = failures}))
  redis.call('LTRIM', KEYS[4], -MOST_CHANGES, -1)
end

-- What the clock alone decides.
local function settle()
  if forced ~= '' and forced_until <= now then
    enter(forced == 'open' and 'half_open' or 'closed', 'expiry')
  elseif forced == '' and state == 'open' and ends <= now then
    enter('half_open', 'time')
  end
end

-- Every call brings a tenth of a retry; a retry costs one. A quiet neighbour gets one back in ten seconds.
local function saved()
  local had, at = tonumber(held[9] or MOST_TOKENS), tonumber(held[10] or now)
  return math.min(MOST_TOKENS, had + math.max(0, now - at) / 1000 * PER_SECOND), had
end

local function save(tokens)
  held[9], held[10] = string.format('%.3f', tokens), int(now)
  redis.call('HSET', KEYS[1], 'tokens', held[9], 'tokens_at', held[10])
end

local function spend(is_retry)
  local tokens, had = saved()
  if is_retry and tokens < 1 then return false end
  tokens = is_retry and tokens - 1 or math.min(MOST_TOKENS, tokens + PER_CALL)
  if tokens ~= had or is_retry then save(tokens) end
  return true
end

-- Calls of this process that nobody asked about: in a closed breaker, a moment ago.
local function catch_up(told, calls, successes)
  if tonumber(told) ~= gen then return end
  if calls > 0 then save(math.min(MOST_TOKENS, saved() + calls * PER_CALL)) end
  if successes == 0 then return end
  count(successes, 0)
  if fails > 0 then redis.call('HSET', KEYS[1], 'fails', 0) end
  fails = 0
end

local function answer(admitted, why, probe)
  local left = shown() == 'forced_open' and forced_until - now or ends - now
  return {admitted, why, int(gen), int(math.max(0, left)), probe}
end

local function acquire(ticket, is_retry)
  settle()
  catch_up(ARGV[12], tonumber(ARGV[13]), tonumber(ARGV[14]))
  if forced == 'open' or (forced == '' and state == 'open') then return answer(0, shown(), 0) end
  if not spend(is_retry) then return answer(0, 'budget', 0) end
  if forced == 'closed' or state == 'closed' then return answer(1, shown(), 0) end
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  if oks + redis.call('ZCARD', KEYS[3]) >= probes then return answer(0, 'half_open', 0) end
  redis.call('ZADD', KEYS[3], now + lease, ticket)
  return answer(1, 'half_open', 1)
end

local function is_too_much()
  if row_limit > 0 and fails >= row_limit then return true end
  if call_limit == 0 then return false end
  local calls, failures = counted()
  return calls >= call_limit and failures >= share * calls
end

local function told_in_half_open(is_failure)
  if is_failure then return enter('open', 'probe') end
  oks = oks + 1
  redis.call('HSET', KEYS[1], 'oks', oks)
  if oks >= probes then enter('closed', 'probes') end
end

-- In a row stand failures of different work: the tries of one order's look say once that nobody answers for it.
local function told_in_closed(is_failure, is_again)
  local before = fails
  fails = is_failure and fails + (is_again and 0 or 1) or 0
  if fails ~= before then redis.call('HSET', KEYS[1], 'fails', fails) end
  if is_failure and is_too_much() then enter('open', 'failures') end
end

-- How long ago (ms) this piece of work failed first, and false where it has not: one order that nobody can answer
-- for would otherwise keep the breaker open for all.
local function failed_ago(work, is_failure)
  if work == '' or not is_failure then return false end
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - FORGIVEN)
  local first = redis.call('ZSCORE', KEYS[5], work)
  if first then return now - tonumber(first) end
  redis.call('ZADD', KEYS[5], now, work)
  redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -MOST_FORGIVEN - 1)
  redis.call('PEXPIRE', KEYS[5], FORGIVEN)
  return false
end

-- `look` is how long one look at a piece of work takes, with its retries; what fails later counts as nothing.
local function report(told, ticket, verdict, work, look)
  settle()
  catch_up(ARGV[15], tonumber(ARGV[16]), tonumber(ARGV[17]))
  if tonumber(told) ~= gen then return {'late', shown(), int(gen)} end
  if ticket ~= '' and redis.call('ZREM', KEYS[3], ticket) == 0 then return {'late', shown(), int(gen)} end
  if verdict == 'ours' then return {'counted', shown(), int(gen)} end
  local is_failure = verdict == 'failure'
  local ago = failed_ago(work, is_failure)
  if ago and ago >= look then return {'counted', shown(), int(gen)} end
  count(1, is_failure and 1 or 0)
  if forced == '' and state == 'half_open' then told_in_half_open(is_failure) end
  if forced == '' and state == 'closed' then told_in_closed(is_failure, ago) end
  return {'counted', shown(), int(gen)}
end

local function look()
  settle()
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  local calls, failures = counted()
  return {shown(), int(gen), int(since), int(forced == 'open' and forced_until or ends), forced, int(forced_until),
    fails, oks, redis.call('ZCARD', KEYS[3]), calls, failures, int(now)}
end

-- An operator's word. Saying it again changes nothing, so that it can be said again to a Redis that lost it.
local function force(mode, till)
  if forced == mode and forced_until == tonumber(till) then return 0 end
  begin(mode == 'open' and 'open' or 'closed')
  redis.call('HSET', KEYS[1], 'forced', mode, 'forced_until', till)
  return 1
end

local function reset()
  redis.call('DEL', KEYS[1])
  forced = ''
  begin('closed')
  return 1
end

if verb == 'acquire' then return acquire(ARGV[10], ARGV[11] == '1') end
if verb == 'report' then return report(ARGV[10], ARGV[11], ARGV[12], ARGV[13], tonumber(ARGV[14])) end
if verb == 'look' then return look() end
if verb == 'force' then return force(ARGV[10], ARGV[11]) end
if verb == 'reset' then return reset() end
if verb == 'tell' then return redis.call('RPUSH', KEYS[4], ARGV[10]) end
return redis.error_reply('no such verb')
