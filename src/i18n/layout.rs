//! Text layout in terminal columns. A wide character (East Asian Width W and F) takes two.

use crate::i18n::catalog::ambiguous_is_wide;
use std::ops::Range;
use textwrap::WordSeparator;
use textwrap::core::{Fragment, Word};
use textwrap::wrap_algorithms::wrap_first_fit;
use unicode_width::UnicodeWidthStr;

/// The columns of `text`, counting characters of ambiguous width as the user's terminal may draw them.
pub(crate) fn width(text: &str) -> usize {
    if ambiguous_is_wide() { text.width_cjk() } else { text.width() }
}

/// Pads `text` with blanks to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    text.to_owned() + &" ".repeat(columns.saturating_sub(width(text)))
}

/// The longest prefix of `text` that fits into `columns`.
pub(crate) fn cut(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let over = text.char_indices().find(|(_, c)| {
        used += width(c.encode_utf8(&mut [0; 4]));
        used > columns
    });
    over.map_or(text, |(at, _)| &text[..at])
}

/// Breaks `text` into lines of at most `columns`. A word that is longer gets a line of its own.
pub(crate) fn wrap(text: &str, columns: usize) -> String {
    hang("", text, columns, 0)
}

/// Like [`wrap`], with `start` before the first line and the other lines indented.
pub(crate) fn hang(start: &str, text: &str, columns: usize, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let first = if lines.is_empty() { start } else { &*indent };
        let rooms = [first, &*indent].map(|indent| columns.saturating_sub(width(indent)));
        let pieces: Vec<Piece<'_>> = words(line, rooms[1]).into_iter().map(Piece).collect();
        for pieces in wrap_first_fit(&pieces, &rooms.map(|room| room as f64)) {
            let mut line = if lines.is_empty() { start.to_owned() } else { indent.clone() };
            pieces.iter().for_each(|Piece(word)| line.extend([word.word, word.whitespace]));
            lines.push(line.trim_end_matches(' ').to_owned());
        }
    }
    lines.join("\n")
}

/// A word, measured by [`width`].
#[derive(Debug)]
struct Piece<'a>(Word<'a>);

impl Fragment for Piece<'_> {
    fn width(&self) -> f64 {
        width(self.0.word) as f64
    }

    fn whitespace_width(&self) -> f64 {
        self.0.whitespace.len() as f64
    }

    fn penalty_width(&self) -> f64 {
        0.0
    }
}

/// The parts between which a line may break. Japanese text breaks as UAX #14 defines, between words if they fit into
/// `columns`. ASCII text breaks only at blanks and never inside quotes, so that commands, paths and URLs can be pasted.
fn words(line: &str, columns: usize) -> Vec<Word<'_>> {
    let breaks = breaks(line);
    let (mut words, mut start) = (Vec::new(), 0);
    for group in breaks.split_inclusive(|at| !splits_word(line, *at)) {
        let end = group.last().copied().unwrap_or(start);
        let whole = Word::from(&line[start..end]);
        if width(whole.word) <= columns {
            words.push(whole);
        } else {
            let starts = [start].into_iter().chain(group.iter().copied());
            words.extend(starts.zip(group).map(|(start, end)| Word::from(&line[start..*end])));
        }
        start = end;
    }
    words
}

/// Where a line may break, with its end.
fn breaks(line: &str) -> Vec<usize> {
    let quoted = quoted(line);
    let parts = WordSeparator::UnicodeBreakProperties.find_words(line);
    let ends = parts.scan(0, |end, part| {
        *end += part.word.len() + part.whitespace.len();
        Some(*end)
    });
    // UAX #14 keeps a path with the blank before it.
    let mut ends: Vec<usize> = ends.chain(line.match_indices(" /").map(|(at, _)| at + 1)).collect();
    ends.sort_unstable();
    ends.dedup();
    ends.retain(|end| {
        let (before, after) = line.split_at(*end);
        let is_ascii = |c: char| c.is_ascii();
        let breaks = before.ends_with(' ') || !before.ends_with(is_ascii) || !after.starts_with(is_ascii);
        breaks && !splits_number(before, after) && !quoted.iter().any(|range| range.contains(end))
    });
    ends
}

/// Whether a break would split a Japanese word: a new one begins where the script changes, but not with the hiragana that
/// end it.
fn splits_word(line: &str, at: usize) -> bool {
    let (before, after) = line.split_at(at);
    let script = |c: char| match c {
        '\u{3041}'..='\u{309f}' => Some('あ'),
        '\u{30a0}'..='\u{30ff}' => Some('ア'),
        '々' | '\u{4e00}'..='\u{9fff}' => Some('字'),
        _ => None,
    };
    match (before.chars().next_back(), after.chars().next()) {
        (Some('お' | 'ご'), Some(_)) => true,
        (Some(before), Some(after)) => {
            let (before, after) = (script(before), script(after));
            before.is_some() && (after == Some('あ') || before == after)
        }
        _ => false,
    }
}

/// Whether a Japanese number would lose its unit, or a time its second half: `10 分 15 秒後`.
fn splits_number(before: &str, after: &str) -> bool {
    let units = ["時間", "時", "分", "秒", "回", "個"];
    let ends_with_digit = |text: &str| text.trim_end().ends_with(|c: char| c.is_ascii_digit());
    let ends_with_unit =
        units.iter().any(|unit| before.trim_end().strip_suffix(unit).is_some_and(ends_with_digit));
    let goes_on = |c: char| c.is_ascii_digit() || "間後前中".contains(c);
    (ends_with_digit(before) && units.iter().any(|unit| after.starts_with(unit)))
        || (ends_with_unit && after.starts_with(goes_on))
}

/// The ranges between quotes. An apostrophe follows a letter and opens no quote.
fn quoted(line: &str) -> Vec<Range<usize>> {
    let (mut quoted, mut start) = (Vec::new(), 0);
    while let Some(found) = line[start..].find(['\'', '「']) {
        let (before, after) = line.split_at(start + found);
        let (open, close) = if after.starts_with('「') { ('「', '」') } else { ('\'', '\'') };
        start = before.len() + open.len_utf8();
        let is_apostrophe = open == '\'' && before.ends_with(char::is_alphanumeric);
        if let Some(length) = line[start..].find(close).filter(|_| !is_apostrophe) {
            quoted.push(start..start + length + 1);
            start += length + close.len_utf8();
        }
    }
    quoted
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
        assert_eq!(wrap("トークンを、表示します", 10), "トークン\nを、\n表示します");
        assert_eq!(wrap("お使いの保存先: /a/b を更新しました", 18), "お使いの保存先:\n/a/b を\n更新しました");
        assert_eq!(wrap("クライアントーッシュ", 14), "クライアン\nトーッシュ");
        assert_eq!(wrap("値は（予算）です", 6), "値は\n（予\n算）\nです");
        assert_eq!(wrap("one two three", 8), "one two\nthree");
        assert_eq!(wrap("値は --timeout です", 12), "値は\n--timeout\nです");
        for mark in ["・", "？", "！", "々", "ゎ", "ヵ", "ヶ", "ー", "っ", "）", "」"] {
            assert_eq!(wrap(&format!("あいう{mark}え"), 6), format!("あい\nう{mark}え"));
        }
        assert_eq!(wrap("", 8), "");
        assert_eq!(wrap("a\n\nb", 8), "a\n\nb");
    }

    #[test]
    fn a_time_stays_in_one_line() {
        assert_eq!(wrap("次の空きは 10 分 15 秒後です", 20), "次の空きは\n10 分 15 秒後です");
        assert_eq!(wrap("トークンは 59 分有効です", 14), "トークンは\n59 分有効です");
        assert_eq!(wrap("回数は 1 時間に 10 回中 3 回", 16), "回数は 1 時間に\n10 回中 3 回");
    }

    #[test]
    fn ambiguous_characters_get_the_room_that_east_asian_terminals_need() {
        let _speaking = crate::i18n::speak(crate::i18n::Language::named("ja").unwrap());
        assert_eq!(wrap("→→→ ■■ →→→", 10), "→→→\n■■\n→→→");
        assert_eq!(cut("█████", 5), "██");
    }

    #[test]
    fn what_is_to_be_pasted_stays_in_one_line() {
        assert_eq!(wrap("Zoho's word: run 'zc get' now", 12), "Zoho's word:\nrun 'zc get'\nnow");
        assert_eq!(wrap("to see, run 'zc get it' now", 12), "to see, run\n'zc get it'\nnow");
        assert_eq!(wrap("次は「zc login crm」を", 12), "次は\n「zc login crm」\nを");
        assert_eq!(wrap("it's a 'quote without end", 9), "it's a\n'quote\nwithout\nend");
        assert_eq!(wrap("see https://x.jp/a/b or /etc/zc-x", 12), "see\nhttps://x.jp/a/b\nor /etc/zc-x");
    }

    #[test]
    fn lines_after_the_first_hang() {
        assert_eq!(hang("", "hint: try again later", 14, 2), "hint: try\n  again later");
        assert_eq!(hang("", "short", 14, 2), "short");
        assert_eq!(hang("  予算  ", "あと 10 回", 14, 8), "  予算  あと\n        10 回");
    }
}
