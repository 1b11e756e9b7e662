//! `api`: calls a Zoho API with the profile's token.

mod call;
mod explain;
mod fields;
mod pages;
mod target;

use crate::cli::{ApiArgs, Global};
use crate::commands::Session;
use crate::commands::api::call::{ApiReply, Call};
use crate::commands::api::target::ApiTarget;
use crate::config::hosts;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::problem::Problem;
use crate::sanitize::{sanitize, sanitize_lines};
use crate::system::{ApiBody, System, files};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What is read from a connection at once, in bytes.
const PIECE: usize = 64 * 1024;
/// The longest page of `--paginate`, in bytes.
const LONGEST_PAGE: u64 = 256 * 1024 * 1024;

/// Sends one request, or one a page, and prints the answer. A status of 400 or more is `Code::Api`.
pub(crate) fn run(system: &mut System, global: &Global, args: &ApiArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, global.profile.as_deref())?;
    let product = args.product.as_deref().map(target::product).transpose()?;
    let fields = [&args.raw_fields[..], &args.typed_fields].concat();
    let sends_body = args.input.is_some() || (!fields.is_empty() && !args.paginate);
    let method = args.method.clone().unwrap_or_else(|| if sends_body { "POST" } else { "GET" }.to_owned());
    let is_get = ["GET", "HEAD"].contains(&&*method);
    if args.paginate && method != "GET" {
        return Err(Error::usage(tr!("--paginate is for GET"), "zoho-cred api"));
    }
    let (in_query, body) = match &args.input {
        Some(path) => (true, input(system, path)?),
        None if is_get || fields.is_empty() => (true, ApiBody::Empty),
        None => (false, ApiBody::Bytes(fields::json(&fields)?.to_string().into_bytes())),
    };
    let mut call = Call::new(session, &method, &args.headers, body);
    // A foreign URL is refused before a token request is spent.
    let early = target::is_url(&args.endpoint) && !hosts::depend_on_answer(&call.session.profile);
    let api_domain = if early { None } else { call.token(system)?.api_domain };
    let mut target = ApiTarget::new(&call.session.profile, product, &args.endpoint, api_domain.as_deref())?;
    if in_query {
        target.add_query(&fields);
    }
    call.add_organization(&mut target);
    (system.http)(&call.session.roots).ready(target.url.as_str())?;
    if args.paginate {
        return walk(system, &mut call, target, args.include);
    }
    let reply = call.send(system, &target)?;
    print(system, &call, &target, reply, args.include)
}

fn input(system: &mut System, path: &Path) -> Result<ApiBody, Error> {
    if path != Path::new("-") {
        return ApiBody::of_file(path);
    }
    ApiBody::of_reader(&mut system.stdin).map_err(|error| files::unreadable(path, &error))
}

/// Prints an answer as it arrives.
fn print(
    system: &mut System,
    call: &Call<'_>,
    target: &ApiTarget,
    reply: ApiReply,
    include: bool,
) -> Result<u8, Error> {
    if include {
        system.print(head(&reply).as_bytes())?;
    }
    let failed = explain::failure(call, target, &reply);
    let mut unfinished = Vec::new();
    show(system, &mut unfinished, &reply.start)?;
    let (mut body, mut piece) = (reply.answer.body, vec![0; PIECE]);
    let mut last = reply.start.last().copied();
    loop {
        match body.read(&mut piece) {
            Ok(0) => {
                system.print(sanitize_lines(&String::from_utf8_lossy(&unfinished)).as_bytes())?;
                if system.terminal.stdout && last.is_some_and(|byte| byte != b'\n') {
                    system.print(b"\n")?;
                }
                return failed.map_or(Ok(0), Err);
            }
            Ok(read) => {
                last = piece[..read].last().copied();
                show(system, &mut unfinished, &piece[..read])?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Problem::ResponseTruncated.error(target.host(), None)),
        }
    }
}

/// Prints a piece of a body. On a terminal, control characters are escaped. `unfinished` keeps the beginning of a
/// character for the next piece.
fn show(system: &mut System, unfinished: &mut Vec<u8>, piece: &[u8]) -> Result<(), Error> {
    if !system.terminal.stdout {
        return system.print(piece);
    }
    system.print(sanitize_lines(&whole_characters(unfinished, piece)).as_bytes())
}

/// `unfinished` and `piece` as text, up to the last whole character; the rest replaces `unfinished`.
fn whole_characters(unfinished: &mut Vec<u8>, piece: &[u8]) -> String {
    unfinished.extend_from_slice(piece);
    let end = match std::str::from_utf8(unfinished) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => unfinished.len(),
    };
    let rest = unfinished.split_off(end);
    String::from_utf8_lossy(&std::mem::replace(unfinished, rest)).into_owned()
}

fn head(reply: &ApiReply) -> String {
    let headers = reply.answer.headers.iter();
    let lines = headers.map(|(name, value)| format!("{name}: {}\n", sanitize(value))).collect::<String>();
    format!("{}\n{lines}\n", reply.answer.status_line)
}

/// Prints one page after the other, each on a line of its own.
fn walk(system: &mut System, call: &mut Call<'_>, mut target: ApiTarget, include: bool) -> Result<u8, Error> {
    let paging = target.product.and_then(|product| product.paging).ok_or_else(|| {
        Error::usage(tr!("--paginate knows the lists of CRM, Books and Desk only"), "zoho-cred api")
    })?;
    let mut seen = Vec::new();
    loop {
        let mut reply = call.send(system, &target)?;
        if !(200..300).contains(&reply.answer.status) {
            return print(system, call, &target, reply, include);
        }
        if include {
            system.print(head(&reply).as_bytes())?;
        }
        let mut page = std::mem::take(&mut reply.start);
        let read = reply.answer.body.take(LONGEST_PAGE).read_to_end(&mut page);
        read.map_err(|_| Problem::ResponseTruncated.error(target.host(), None))?;
        if page.len() as u64 >= LONGEST_PAGE {
            return Err(Error::new(
                Code::Unavailable,
                tr!("the page is too long"),
                tr!("ask for fewer records a page, or leave --paginate out"),
            ));
        }
        if !page.is_empty() {
            if !page.ends_with(b"\n") {
                page.push(b'\n');
            }
            show(system, &mut Vec::new(), &page)?;
        }
        let Some(next) = pages::next(paging, &target.url, &page) else { return Ok(0) };
        seen.push(std::mem::replace(&mut target.url, next));
        if seen.contains(&target.url) {
            return Err(Error::new(
                Code::Unavailable,
                tr!("the API named a page as the next one that it had sent already"),
                tr!("leave --paginate out, and ask for one page after the other"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_pieces_stays_whole() {
        let (text, mut unfinished, mut shown) = ("a山\u{1b}[2J", Vec::new(), String::new());
        for byte in text.as_bytes() {
            shown += &whole_characters(&mut unfinished, &[*byte]);
        }
        assert_eq!((&*shown, unfinished.len()), (text, 0));
        assert!(!sanitize_lines(&shown).contains('\u{1b}'));
        assert_eq!(whole_characters(&mut unfinished, b"a\xffb\xe5"), "a\u{fffd}b\u{fffd}");
    }
}
