//! Columns of a terminal: a wide character (East Asian Width W and F) takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` with blanks behind it, `columns` wide.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    text.to_owned() + &" ".repeat(columns.saturating_sub(width(text)))
}

/// As much of the beginning of `text` as `columns` hold.
pub(crate) fn cut(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let over = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > columns
    });
    over.map_or(text, |(at, _)| &text[..at])
}

/// `text` in lines of at most `columns`. A line breaks at a blank, or between two characters of which one is wide, but
/// not before a mark that may not begin a line, and not inside of quotes: what they hold is there to be pasted. A piece
/// that is longer than a line has one of its own.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for piece in pieces(text) {
        let needed = width(piece.trim_end());
        if used > 0 && used + needed > columns {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
        used += width(piece);
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// `text` in lines of at most `columns`, of which all but the first are indented.
pub(crate) fn hang(text: &str, columns: usize, indent: usize) -> String {
    match width(text) <= columns {
        true => text.to_owned(),
        false => wrap(text, columns.saturating_sub(indent)).join(&format!("\n{}", " ".repeat(indent))),
    }
}

/// The pieces between which a line may break; a piece keeps its blank.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let mut before: Option<char> = None;
    let mut quoted: Option<char> = None;
    for (at, c) in text.char_indices() {
        let wide = |c: char| c.width() == Some(2);
        let breaks = before.is_some_and(|b| {
            (b == ' ' || wide(b) || wide(c)) && c != ' ' && !begins_no_line(c) && !ends_no_line(b)
        });
        if breaks && quoted.is_none() {
            pieces.push(&text[start..at]);
            start = at;
        }
        quoted = match quoted {
            Some(end) => Some(end).filter(|end| *end != c),
            None => closing(before, c).filter(|end| text[at + c.len_utf8()..].contains(*end)),
        };
        before = Some(c);
    }
    pieces.push(&text[start..]);
    pieces
}

/// What closes the quotes that `c` opens, if it does; an apostrophe has a letter before it.
fn closing(before: Option<char>, c: char) -> Option<char> {
    match c {
        '「' => Some('」'),
        '\'' if before.is_none_or(|b| !b.is_alphanumeric()) => Some('\''),
        _ => None,
    }
}

fn begins_no_line(c: char) -> bool {
    "、。」』)）],.:;?!ーぁぃぅぇぉっゃゅょァィゥェォッャュョ".contains(c)
}

fn ends_no_line(c: char) -> bool {
    "「『(（['".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("データ a"), 8);
        assert_eq!(pad("予算", 6), "予算  ");
        assert_eq!([cut("予算", 3), cut("予算", 4), cut("", 0), cut("abc", 2)], ["予", "予算", "", "ab"]);
    }

    #[test]
    fn lines_break_between_wide_characters_but_not_before_a_comma() {
        assert_eq!(wrap("トークンを、表示します", 10), ["トークン", "を、表示し", "ます"]);
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("値は --timeout です", 12), ["値は", "--timeout で", "す"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn what_is_to_be_pasted_stays_in_one_line() {
        assert_eq!(wrap("Zoho's word: run 'zc get' now", 12), ["Zoho's word:", "run 'zc get'", "now"]);
        assert_eq!(wrap("to see, run 'zc get it' now", 12), ["to see, run", "'zc get it'", "now"]);
        assert_eq!(wrap("次は「zc login crm」を", 12), ["次は", "「zc login crm」", "を"]);
        assert_eq!(wrap("it's a 'quote without end", 9), ["it's a", "'quote", "without", "end"]);
    }

    #[test]
    fn lines_after_the_first_hang() {
        assert_eq!(hang("hint: try again later", 14, 2), "hint: try\n  again later");
        assert_eq!(hang("short", 14, 2), "short");
    }
}
