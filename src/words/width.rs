//! Columns of a terminal: a wide character (East Asian Width W and F) takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` with blanks behind it, `columns` wide.
pub fn pad(text: &str, columns: usize) -> String {
    text.to_owned() + &" ".repeat(columns.saturating_sub(width(text)))
}

/// As much of the beginning of `text` as `columns` hold.
pub fn cut(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let over = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > columns
    });
    over.map_or(text, |(at, _)| &text[..at])
}

/// `text` in lines of at most `columns`. A line breaks at a blank, or between two characters of which one is wide, but
/// not before a mark that may not begin a line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
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

/// The pieces between which a line may break; a piece keeps its blank.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let wide = |c: char| c.width() == Some(2);
        let breaks = before.is_some_and(|b| {
            (b == ' ' || wide(b) || wide(c)) && c != ' ' && !begins_no_line(c) && !ends_no_line(b)
        });
        if breaks {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    pieces.push(&text[start..]);
    pieces
}

fn begins_no_line(c: char) -> bool {
    "、。」』)）],.:;?!'ーぁぃぅぇぉっゃゅょァィゥェォッャュョ".contains(c)
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
}
