//! The layout of reports: aligned, colored only on a terminal, and never wider than it.

use crate::i18n::{cut, width, wrap};
use crate::sanitize::sanitize_lines;
use crate::system::System;
use clap::builder::styling::{self, AnsiColor};
use jiff::{Timestamp, tz::TimeZone};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Good,
    Caution,
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StyledText {
    text: String,
    style: Style,
}

impl StyledText {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

pub(crate) fn plain(text: impl Into<String>) -> StyledText {
    styled(Style::Plain, text)
}

/// Text in a style. Its line breaks are kept; values that could contain others must be sanitized first.
pub(crate) fn styled(style: Style, text: impl Into<String>) -> StyledText {
    StyledText { text: sanitize_lines(&text.into()).into_owned(), style }
}

/// A terminal with fewer columns is narrow.
const NARROW: usize = 60;
/// Blanks between two columns of a table.
const GAP: usize = 2;
/// A column of a table is made narrower only down to this.
const NARROWEST_COLUMN: usize = 8;

/// The terminal or file that a report is formatted for.
pub(crate) struct Report {
    color: bool,
    /// Whether bars can use block characters.
    blocks: bool,
    /// Columns of the terminal; `None` if unknown or not a terminal.
    columns: Option<usize>,
    zone: TimeZone,
    now_ms: i64,
}

impl Report {
    pub(crate) fn of(system: &System) -> Self {
        let blocks = system.draws_lines();
        let columns = system.terminal.stdout_columns();
        let now_ms = system.clock.now().wall_ms;
        Report { color: system.styles_stdout(), blocks, columns, zone: TimeZone::system(), now_ms }
    }

    /// Whether the terminal is too narrow for columns side by side.
    pub(crate) fn is_narrow(&self) -> bool {
        self.columns.is_some_and(|columns| columns < NARROW)
    }

    /// A bar of which `part` of `whole` is filled.
    pub(crate) fn bar(&self, part: u64, whole: u64) -> String {
        let cells = if self.is_narrow() { 10 } else { 20 };
        let filled = (part.min(whole) * cells).div_ceil(whole.max(1)) as usize;
        // Not `#`: two in a row begin a command for CI runners, and would be escaped.
        let (full, empty) = if self.blocks { ("█", "░") } else { ("=", ".") };
        full.repeat(filled) + &empty.repeat(cells as usize - filled)
    }

    /// A time (ms since 1970) in local time: `14:03`, with the date if it is not today.
    pub(crate) fn time(&self, ms: i64) -> String {
        let local = |ms| Timestamp::from_millisecond(ms).map(|at| at.to_zoned(self.zone.clone()));
        let (Ok(at), Ok(now)) = (local(ms), local(self.now_ms)) else { return "?".into() };
        let form = if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        at.strftime(form).to_string()
    }

    /// Formats rows as a table that fits the terminal.
    pub(crate) fn table(&self, rows: impl IntoIterator<Item = Vec<StyledText>>) -> String {
        let rows: Vec<Vec<StyledText>> = rows.into_iter().collect();
        let widths = self.column_widths(&rows);
        let mut table = String::new();
        for row in &rows {
            let cells: Vec<_> = row
                .iter()
                .zip(&widths)
                .map(|(cell, columns)| (cell.style, fit(&cell.text, *columns)))
                .collect();
            let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
            for line in 0..height {
                let parts = cells.iter().zip(&widths).map(|((style, lines), columns)| {
                    let part = lines.get(line).map_or("", String::as_str);
                    self.paint(*style, part) + &" ".repeat((columns + GAP).saturating_sub(width(part)))
                });
                table += parts.collect::<String>().trim_end_matches(' ');
                table.push('\n');
            }
        }
        table
    }

    /// The widths of the columns. If all together are too wide for the terminal, the widest become narrower.
    fn column_widths(&self, rows: &[Vec<StyledText>]) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for row in rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = cell.text.lines().map(width).fold(*widest, usize::max);
            }
        }
        let available = self.columns.map_or(usize::MAX, |columns| columns.saturating_sub(GAP * widths.len()));
        while widths.iter().sum::<usize>() > available
            && let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > NARROWEST_COLUMN)
        {
            *widest -= 1;
        }
        widths
    }

    fn paint(&self, style: Style, text: &str) -> String {
        let style = match style {
            _ if !self.color || text.is_empty() => styling::Style::new(),
            Style::Plain => styling::Style::new(),
            Style::Strong => styling::Style::new().bold(),
            Style::Good => AnsiColor::Green.on_default(),
            Style::Caution => AnsiColor::Yellow.on_default(),
            Style::Bad => AnsiColor::Red.on_default(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// The lines of a cell. Words that are wider than `columns` are broken.
fn fit(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in wrap(text, columns).lines() {
        let mut rest = line;
        while width(rest) > columns {
            let (part, after) = rest.split_at(cut(rest, columns.max(2)).len());
            lines.push(part.to_owned());
            rest = after;
        }
        lines.push(rest.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(columns: Option<usize>) -> Report {
        Report { color: false, blocks: true, columns, zone: TimeZone::UTC, now_ms: 1_800_000_000_000 }
    }

    #[test]
    fn a_bar_is_empty_only_at_nought() {
        let report = report(Some(40));
        assert_eq!(report.bar(0, 10), "░░░░░░░░░░");
        assert_eq!(report.bar(1, 3600), "█░░░░░░░░░");
        assert_eq!(report.bar(3600, 3600), "██████████");
        assert_eq!(report.bar(5, 0), "░░░░░░░░░░");
    }

    #[test]
    fn another_day_is_named() {
        assert_eq!(report(None).time(1_800_000_000_000), "08:00");
        assert_eq!(report(None).time(1_800_000_000_000 + 86_400_000), "2027-01-16 08:00");
    }

    #[test]
    fn a_command_in_the_last_column_stays_in_one_line() {
        let rows =
            [vec![plain("failed"), plain("nothing is there\nfix: run 'zoho-cred login crm', or wait")]];
        let shown = report(Some(40)).table(rows);
        assert!(shown.contains("'zoho-cred login crm'"), "{shown}");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let long = "text that go on and on ".repeat(8);
        let shown = report(Some(40)).table([vec![plain("label"), plain(long)]]);
        assert!(shown.lines().count() > 4 && shown.lines().all(|line| line.chars().count() <= 40), "{shown}");
        assert!(shown.lines().skip(1).all(|line| line.starts_with("       ")), "{shown}");
    }

    #[test]
    fn only_the_text_of_a_cell_is_styled() {
        let rows =
            || [vec![styled(Style::Good, "ready"), plain("x")], vec![plain("a longer one"), plain("y")]];
        let colored = Report { color: true, ..report(None) }.table(rows());
        assert_eq!(colored, "\u{1b}[32mready\u{1b}[0m         x\na longer one  y\n");
        assert_eq!(report(None).table(rows()), "ready         x\na longer one  y\n");
    }
}
