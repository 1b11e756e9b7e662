//! What runs inside Redis, each script at once and whole. The clock is Redis's own; every key expires.
//!
//! KEYS are always lease, ledger, token. The lease is a string, its owner. The ledger is a hash: `json`, whose times
//! are Redis's, and `rev`, a random word that changes with every write. The token is a hash: `gen` counts its writes,
//! `sealed` is the token, `mark` its keyed hash, `asked` when it was asked for, `tomb` the mark of the one that was
//! last rejected.

/// Takes the lease if it is free, and tells all there is: ARGV owner, lease in ms, then the ids of our keys.
/// Answers 1 (ours), 0 (somebody's) or -1 (the token is sealed with a foreign key: nothing was changed), then the
/// time in ms, gen, sealed, tomb, rev and json.
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
if got == 0 and redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then got = 1 end
return {got, now, token[1] or '0', sealed, token[3] or '', ledger[1] or '', ledger[2] or ''}
";

/// Makes a request safe to send: ARGV owner, lease in ms, rev as it was read, new rev, new json, life in ms.
/// Answers 1 with the lease renewed, -1 if the lease is no longer ours, -2 if the ledger changed meanwhile.
pub const RESERVE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if (redis.call('HGET', KEYS[2], 'rev') or '') ~= ARGV[3] then return -2 end
redis.call('HSET', KEYS[2], 'rev', ARGV[4], 'json', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
";

/// Replaces the ledger if nobody else did: ARGV rev as it was read, new rev, new json, life in ms.
/// Answers rev and json as they are now.
pub const RECORD: &str = r"
local rev = redis.call('HGET', KEYS[2], 'rev') or ''
if rev == ARGV[1] then
  redis.call('HSET', KEYS[2], 'rev', ARGV[2], 'json', ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
local ledger = redis.call('HMGET', KEYS[2], 'rev', 'json')
return {ledger[1] or '', ledger[2] or ''}
";

/// Puts a token there: ARGV gen as it was read, sealed, mark, asked, life in ms, then marks under other keys.
/// Answers 0 and changes nothing if a newer one is there, or if this one was rejected.
pub const COMMIT: &str = r"
local there = redis.call('HMGET', KEYS[3], 'gen', 'asked', 'sealed', 'tomb')
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

/// Drops a rejected token if it is still there, and bars it: ARGV life in ms, then its marks.
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

/// Sets a value aside that nobody can open, if it is still the one: ARGV sealed.
pub const SET_ASIDE: &str = r"
if redis.call('HGET', KEYS[3], 'sealed') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[3], 'sealed', 'mark', 'asked')
";

/// Gives the lease back if it is still ours: ARGV owner.
pub const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
";
