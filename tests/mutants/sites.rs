//! Where a source file is changed, and into what.

use proc_macro2::{LineColumn, Span};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprBinary, ExprStruct, ExprUnary, ItemConst};

/// One change, as cargo-mutants describes it.
pub struct Mutant {
    pub number: usize,
    pub name: String,
    genre: String,
    start: LineColumn,
    replacement: String,
}

impl Mutant {
    pub fn new(number: usize, json: &Value) -> Self {
        let text = |key: &str| json[key].as_str().unwrap().to_owned();
        let start = |key: &str| json["span"]["start"][key].as_u64().unwrap() as usize;
        Mutant {
            number,
            name: text("name"),
            genre: text("genre"),
            start: LineColumn { line: start("line"), column: start("column") - 1 },
            replacement: text("replacement"),
        }
    }
}

/// A place that is changed, in bytes of the file, and the mutants that do it.
#[derive(Clone)]
struct Site {
    range: Range<usize>,
    kind: Kind,
    mutants: Vec<(usize, String)>,
}

#[derive(Clone)]
enum Kind {
    /// The statements of a function give way to a value.
    Body,
    /// An operator gives way to another one.
    Binary { left: Range<usize>, operator: Range<usize>, right: Range<usize> },
    /// An operator goes.
    Unary { operand: usize },
    /// An arm of a match is passed over; its pattern ends where the site begins.
    Arm { guard: Option<Range<usize>> },
    /// The guard of an arm gives way to a value.
    Guard,
    /// A field of a struct with a base goes.
    Field { field: Range<usize> },
}

/// The text with all the mutants in it that have a place there, and which those are.
pub fn weave(text: &str, mutants: &[Mutant]) -> (String, BTreeSet<usize>) {
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut finder = Finder { text, lines, mutants, sites: Vec::new() };
    finder.visit_file(&syn::parse_file(text).unwrap());
    let woven = finder.sites.iter().flat_map(|site| site.mutants.iter().map(|(number, _)| *number)).collect();
    (render(text, finder.sites.iter().collect(), 0..text.len()), woven)
}

/// The number of the mutant that a line is about.
pub fn number_in(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("crate::mutant(")?;
    rest.split_once(')')?.0.parse().ok()
}

struct Finder<'a> {
    text: &'a str,
    /// Where lines begin.
    lines: Vec<usize>,
    mutants: &'a [Mutant],
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn at(&self, place: LineColumn) -> usize {
        let line = self.lines[place.line - 1];
        let rest = &self.text[line..];
        line + rest.char_indices().nth(place.column).map_or(rest.len(), |(at, _)| at)
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.at(span.start())..self.at(span.end())
    }

    /// A site, if mutants of this genre begin at `key`; the first syntax that is met there is theirs.
    fn add(&mut self, genre: &str, key: Span, range: Range<usize>, kind: Kind) {
        let is_new =
            |number: usize| !self.sites.iter().any(|site| site.mutants.iter().any(|(n, _)| *n == number));
        let here = self.mutants.iter().filter(|mutant| mutant.genre == genre && mutant.start == key.start());
        let mutants: Vec<_> = here
            .filter(|mutant| is_new(mutant.number))
            .map(|mutant| (mutant.number, mutant.replacement.clone()))
            .collect();
        if !mutants.is_empty() {
            self.sites.push(Site { range, kind, mutants });
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_block(&mut self, block: &'ast Block) {
        if let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) {
            let range = self.range(first.span()).start..self.range(last.span()).end;
            self.add("FnValue", first.span(), range, Kind::Body);
        }
        visit::visit_block(self, block);
    }

    /// A constant has its value before anybody can say which mutant to take.
    fn visit_item_const(&mut self, _: &'ast ItemConst) {}

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        // A condition with `let` cannot be put in brackets, and allows no other operator.
        if !has_let(&binary.left) && !has_let(&binary.right) {
            let (left, right) = (self.range(binary.left.span()), self.range(binary.right.span()));
            let kind = Kind::Binary {
                left: left.clone(),
                operator: self.range(binary.op.span()),
                right: right.clone(),
            };
            self.add("BinaryOperator", binary.op.span(), left.start..right.end, kind);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast ExprUnary) {
        let kind = Kind::Unary { operand: self.range(unary.op.span()).end };
        self.add("UnaryOperator", unary.op.span(), self.range(unary.span()), kind);
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        let pattern = self.range(arm.pat.span());
        let guard = arm.guard.as_ref().map(|(_, guard)| guard.span());
        let guard_range = guard.map(|span| self.range(span));
        let end = guard_range.as_ref().map_or(pattern.end, |guard| guard.end);
        self.add("MatchArm", arm.pat.span(), pattern.end..end, Kind::Arm { guard: guard_range.clone() });
        if let (Some(span), Some(range)) = (guard, guard_range) {
            self.add("MatchArmGuard", span, range, Kind::Guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, value: &'ast ExprStruct) {
        for field in &value.fields {
            let mut range = self.range(field.span());
            let rest = &self.text[range.end..];
            range.end += rest.find(',').filter(|at| rest[..*at].trim().is_empty()).map_or(0, |at| at + 1);
            self.add("StructField", field.span(), self.range(value.span()), Kind::Field { field: range });
        }
        visit::visit_expr_struct(self, value);
    }
}

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// A part of the text with the sites in it changed, the outer one first where one is in another.
fn render(text: &str, mut sites: Vec<&Site>, part: Range<usize>) -> String {
    let (mut out, mut at) = (String::new(), part.start);
    loop {
        sites.retain(|site| at <= site.range.start && site.range.end <= part.end);
        let outer = (0..sites.len()).min_by_key(|i| (sites[*i].range.start, Reverse(sites[*i].range.end)));
        let Some(site) = outer.map(|i| sites.remove(i)) else { break };
        out += &text[at..site.range.start];
        at = site.range.end;
        out += &changed(text, &sites, site);
    }
    out + &text[at..part.end]
}

/// Each mutant's text is as it was but for its own change, on a line of its own; the rest is the program as it is.
fn changed(text: &str, sites: &[&Site], site: &Site) -> String {
    let woven = |part: Range<usize>| render(text, sites.to_vec(), part);
    let Range { start, end } = site.range;
    let one_of = |change: &dyn Fn(&str) -> String, rest: String| {
        let tried =
            site.mutants.iter().map(|(n, to)| format!("\nif crate::mutant({n}) {{ {} }} else ", change(to)));
        format!("({}{{ {rest} }})", tried.collect::<String>())
    };
    match &site.kind {
        Kind::Body => {
            let tried =
                site.mutants.iter().map(|(n, to)| format!("\nif crate::mutant({n}) {{ return {to}; }}\n"));
            tried.collect::<String>() + &woven(start..end)
        }
        Kind::Binary { left, operator, right } => one_of(
            &|to| format!("{} {to} {}", &text[left.clone()], &text[right.clone()]),
            format!("{} {} {}", woven(left.clone()), &text[operator.clone()], woven(right.clone())),
        ),
        Kind::Unary { operand } => one_of(
            &|_| text[*operand..end].to_owned(),
            format!("{}{}", &text[start..*operand], woven(*operand..end)),
        ),
        Kind::Arm { guard: None } => format!("\nif !crate::mutant({}) ", site.mutants[0].0),
        Kind::Arm { guard: Some(guard) } => {
            let pass = format!("\n!crate::mutant({})", site.mutants[0].0);
            format!("{}{pass} && ({})", &text[start..guard.start], woven(guard.clone()))
        }
        Kind::Guard => one_of(&str::to_owned, woven(start..end)),
        Kind::Field { field } => {
            one_of(&|_| format!("{}{}", &text[start..field.start], &text[field.end..end]), woven(start..end))
        }
    }
}
