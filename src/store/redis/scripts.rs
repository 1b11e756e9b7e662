//! Lua scripts, which Redis runs atomically. They use Redis's clock, and every key expires.
//!
//! KEYS are always lease, ledger, token. The lease is a string with its owner's id. The ledger is a hash: `json`,
//! with times by Redis's clock, and `rev`, a random version that changes with every write. The token is a hash: `gen`
//! counts writes, `sealed` is the token, `mark` its HMAC, `asked` the time of its request, and `tomb` the HMAC of the
//! token that was last rejected.

/// Takes the lease if it is free or from an earlier attempt of the same process, and returns the state. An empty owner only
/// looks. ARGV: owner, lease in ms, ids of our keys. Returns 1 (taken), 0 (not free) or -1 (the token is sealed with another
/// key; nothing changed), then the time in ms, gen, sealed, tomb, rev and json.
pub const TAKE: &str = r"
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local token = redis.call('HMGET', KEYS[3], 'gen', 'sealed', 'tomb')
local ledger = redis.call('HMGET', KEYS[2], 'rev', 'json')
local sealed = token[2] or ''
local got = 0
if #sealed > 5 and string.byte(sealed, 1) == 1 then
  got = -1
  for i = 3, #ARGV do
    if ARGV[i] == string.sub(sealed, 2, 5) then got = 0 end
  end
end
local held = redis.call('GET', KEYS[1])
-- A lease that ends later than a new one would is from before the clock was set back.
if held and redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then held = false end
local free = not held or (string.sub(held, 1, 32) == string.sub(ARGV[1], 1, 32) and held <= ARGV[1])
if got == 0 and free and ARGV[1] ~= '' then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  got = 1
end
return {got, now, token[1] or '0', sealed, token[3] or '', ledger[1] or '', ledger[2] or ''}
";

/// Writes the ledger ahead of a request and renews the lease. ARGV: owner, lease in ms, rev as read, new rev, new
/// json, expiry in ms. Returns 1, or -1 if the lease is lost, or -2 if the ledger changed, then the number of replicas.
pub const RESERVE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1, 0} end
local rev = redis.call('HGET', KEYS[2], 'rev') or ''
if rev ~= ARGV[3] and rev ~= ARGV[4] then return {-2, 0} end
redis.call('HSET', KEYS[2], 'rev', ARGV[4], 'json', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local info = redis.pcall('INFO', 'replication')
local replicas = type(info) == 'string' and string.match(info, 'connected_slaves:(%d+)')
return {1, tonumber(replicas or 0)}
";

/// Writes the ledger if its version is unchanged. ARGV: rev as read, new rev, new json, expiry in ms. Returns the
/// current rev and json.
pub const RECORD: &str = r"
local rev = redis.call('HGET', KEYS[2], 'rev') or ''
if rev == ARGV[1] then
  redis.call('HSET', KEYS[2], 'rev', ARGV[2], 'json', ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
local ledger = redis.call('HMGET', KEYS[2], 'rev', 'json')
return {ledger[1] or '', ledger[2] or ''}
";

/// Stores a token. ARGV: gen as read, sealed, mark, asked, expiry in ms, HMACs under other keys. Returns 0 and
/// changes nothing if there is a newer token, or if this one was rejected. A token that is there already is stored.
pub const COMMIT: &str = r"
local there = redis.call('HMGET', KEYS[3], 'gen', 'asked', 'sealed', 'tomb', 'mark')
if (there[3] or '') ~= '' and there[5] == ARGV[3] then return 1 end
local gen = tonumber(there[1] or '0')
local newer = (there[3] or '') ~= '' and tonumber(there[2] or '0') >= tonumber(ARGV[4])
if gen > tonumber(ARGV[1]) and newer then return 0 end
for i = 6, #ARGV do
  if ARGV[i] == there[4] then return 0 end
end
gen = math.max(gen, tonumber(ARGV[1])) + 1
redis.call('HSET', KEYS[3], 'gen', gen, 'sealed', ARGV[2], 'mark', ARGV[3], 'asked', ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return 1
";

/// Deletes a rejected token and revokes it. ARGV: expiry in ms, its HMACs.
pub const DROP: &str = r"
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[3], 'mark') == ARGV[i] then
    redis.call('HDEL', KEYS[3], 'sealed', 'mark', 'asked')
    redis.call('HINCRBY', KEYS[3], 'gen', 1)
  end
end
redis.call('HSET', KEYS[3], 'tomb', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[1])
return 1
";

/// Deletes a sealed value that cannot be opened, if it is unchanged. ARGV: sealed.
pub const SET_ASIDE: &str = r"
if redis.call('HGET', KEYS[3], 'sealed') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[3], 'sealed', 'mark', 'asked')
";

/// Releases the lease if it is still ours. ARGV: owner.
pub const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
";
