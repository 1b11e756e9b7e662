//! The answer to a call that the warm path understands.

use super::Surroundings;
use super::args::Call;
use super::cached::Cached;
use super::files::{LONGEST, PathText, is_our_folder, path, read_ours};
use super::memory::{self, Meaning};
use crate::output::{Output, is_plain};
use crate::token::Freshness;
use arrayvec::ArrayVec;
use jiff::Timestamp;
use jiff::tz::Offset;
use std::mem::MaybeUninit;
use zeroize::Zeroize;

/// What is written to stdout.
pub type Answer = ArrayVec<u8, 4096>;

/// What `run` would write to stdout, exiting with 0 and without a word on stderr; `None` where it might do anything
/// else. `args` begin with the program's name.
pub fn answer(args: &[&str], outside: &impl Surroundings) -> Option<Answer> {
    let call = Call::read(args)?;
    let (mut state, mut name) = (PathText::new(), PathText::new());
    let state = memory::state_folder(outside, &mut state)?;
    let mut room = [const { MaybeUninit::uninit() }; LONGEST];
    let name = memory::path_of(&memory::key(call.profile, outside), state, &mut name)?;
    let meaning = Meaning::read(read_ours(name, &mut room)?)?;
    let mut folder = PathText::new();
    if !is_our_folder(path(&mut folder, &[state])?) {
        return None;
    }
    let mut room = [const { MaybeUninit::uninit() }; LONGEST];
    let bytes = read_ours(meaning.cache, &mut room)?;
    let answer = Cached::read(bytes).and_then(|cached| print(call.output, meaning, cached, outside));
    bytes.zeroize();
    answer
}

fn print(
    output: Output,
    meaning: Meaning<'_>,
    cached: Cached<'_>,
    outside: &impl Surroundings,
) -> Option<Answer> {
    let now = outside.now();
    if cached.lifetime.freshness(now, output.min_ttl()) != Freshness::Fresh {
        return None;
    }
    let mut answer = Answer::new();
    let mut put = |text: &str| answer.try_extend_from_slice(text.as_bytes()).ok();
    match output {
        Output::Token => put(cached.access_token)?,
        Output::Header => {
            put("Authorization: ")?;
            put(meaning.scheme)?;
            put(" ")?;
            put(cached.access_token)?;
        }
        Output::Json => {
            put("{\"version\":1,\"profile\":")?;
            put(meaning.profile)?;
            put(",\"access_token\":\"")?;
            put(cached.access_token)?;
            put("\",\"scheme\":\"")?;
            put(meaning.scheme)?;
            put("\",\"expires_at\":\"")?;
            put_time(cached.lifetime.expires_at_ms.div_euclid(1000), &mut put)?;
            put("\",\"expires_in\":")?;
            put(itoa::Buffer::new().format(cached.lifetime.left_ms(now).div_euclid(1000)))?;
            put(",\"api_domain\":")?;
            match cached.api_domain.filter(|domain| is_plain(domain)) {
                Some(domain) => {
                    put("\"")?;
                    put(domain)?;
                    put("\"")?;
                }
                None => put(meaning.api_domain)?,
            }
            put(",\"data_center\":")?;
            put(meaning.data_center)?;
            put(",\"scopes\":[")?;
            put(if cached.scopes.is_empty() { meaning.scopes } else { cached.scopes })?;
            put("]}")?;
        }
        _ => return None,
    }
    put("\n")?;
    Some(answer)
}

/// In seconds since 1970; RFC 3339 has four digits for the year.
const END_OF_9999: i64 = 253_402_300_800;

/// RFC 3339 in UTC, whole seconds, `Z`.
fn put_time(seconds: i64, put: &mut impl FnMut(&str) -> Option<()>) -> Option<()> {
    // A number that is no time would be an error, which takes memory from the heap.
    let time = Some(seconds).filter(|seconds| (0..END_OF_9999).contains(seconds))?;
    let time = Offset::UTC.to_datetime(Timestamp::from_second(time).ok()?);
    let mut two = |number: i8, after: &str| {
        if number < 10 {
            put("0")?;
        }
        put(itoa::Buffer::new().format(number))?;
        put(after)
    };
    two((time.year() / 100) as i8, "")?;
    two((time.year() % 100) as i8, "-")?;
    two(time.month(), "-")?;
    two(time.day(), "T")?;
    two(time.hour(), ":")?;
    two(time.minute(), ":")?;
    two(time.second(), "Z")
}
