-- Token buckets of one endpoint: one for everybody and one for the caller. Both or neither give a token.
-- Time is Redis' own, in microseconds.
--
-- KEYS  1 figures in force (hash: scope -> "rate:burst")  2 bucket of everybody  3 bucket of the caller
-- ARGV  1 endpoint  2 caller  3 rate  4 burst of everybody  5 rate  6 burst of a caller: where no figure is in force
--
-- Answers: given (1 or 0), wait (ms), 'all' or 'token', and the figures used for both.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local endpoint, caller = ARGV[1], ARGV[2]
local figures = redis.call('HMGET', KEYS[1],
  endpoint .. '/all', endpoint .. '/token', endpoint .. '/token:' .. caller)

local function read(text, rate, burst)
  if not text then return tonumber(rate), tonumber(burst) end
  local r, b = string.match(text, '([%d.]+):([%d.]+)')
  return tonumber(r), tonumber(b)
end

local rate_all, burst_all = read(figures[1], ARGV[3], ARGV[4])
local rate_one, burst_one = read(figures[3] or figures[2], ARGV[5], ARGV[6])

local function filled(key, rate, burst)
  local held = redis.call('HMGET', key, 'tokens', 'at')
  if not held[1] then return burst end
  return math.min(burst, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) / 1000000 * rate)
end

local function keep(key, tokens, rate, burst)
  redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', key, math.ceil(burst / rate * 1000) + 1000)
end

local all, one = filled(KEYS[2], rate_all, burst_all), filled(KEYS[3], rate_one, burst_one)
local used = {tostring(rate_all), tostring(burst_all), tostring(rate_one), tostring(burst_one)}
if one < 1 then return {0, math.ceil((1 - one) / rate_one * 1000), 'token', unpack(used)} end
if all < 1 then return {0, math.ceil((1 - all) / rate_all * 1000), 'all', unpack(used)} end
keep(KEYS[2], all - 1, rate_all, burst_all)
keep(KEYS[3], one - 1, rate_one, burst_one)
return {1, 0, '', unpack(used)}
