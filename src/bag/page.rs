//! What a page for people is made of: headings, texts, tables, told once and drawn as HTML and as PDF. Refuses nothing, and
//! hides nothing: a character that no reader could see, or that would re-order its neighbours, is written as its number.

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Our own words.
    Plain(String),
    /// Our own words, to be seen first.
    Strong(String),
    /// A digest, a path, a command: every character counts.
    Fixed(String),
    /// Words of somebody else, made visible.
    Outside(String),
}

/// Pieces one after the other.
pub type Line = Vec<Span>;

/// What stands in a cell of a table: lines, one below the other.
pub type Cell = Vec<Line>;

/// A part of a page, as wide as the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The name of the whole.
    Title(&'static str),
    /// Begins a chapter.
    Heading(&'static str),
    /// A paragraph.
    Text(Line),
    /// A paragraph in a frame.
    Notice(Cell),
    /// Words of somebody else in full, with their line breaks.
    Quote(String),
    /// Names and what they stand for.
    Pairs(Vec<(&'static str, Cell)>),
    /// A table; its head stands again on each page.
    Table(Table),
    /// Commands, line by line.
    Code(&'static str),
    /// The next part begins a page.
    NewPage,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The head of each column, and its part of the width in hundredths.
    pub columns: Vec<(&'static str, u8)>,
    /// As many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What a window or a list of files calls it.
    pub name: String,
    /// What stands at the foot of each sheet.
    pub foot: String,
    /// The language of our own words (BCP 47).
    pub language: &'static str,
    /// How a sheet is counted: `page` 2 `of` 5.
    pub count: (&'static str, &'static str),
    /// The parts.
    pub blocks: Vec<Block>,
}

/// Our own words.
pub fn plain(text: impl Into<String>) -> Span {
    Span::Plain(text.into())
}

/// Our own words, to be seen first.
pub fn strong(text: impl Into<String>) -> Span {
    Span::Strong(text.into())
}

/// A digest, a path, a command.
pub fn fixed(text: impl AsRef<str>) -> Span {
    Span::Fixed(visible(text.as_ref()))
}

/// Words of somebody else.
pub fn outside(text: impl AsRef<str>) -> Span {
    Span::Outside(visible(text.as_ref()))
}

/// A cell of one line of one piece.
pub fn cell(span: Span) -> Cell {
    vec![vec![span]]
}

/// Words of somebody else in a cell, line by line.
pub fn prose(text: &str) -> Cell {
    text.lines().map(|line| vec![outside(line.replace('\t', "    "))]).collect()
}

/// Words of somebody else in full: line breaks stay, everything else that cannot be seen is written as its number.
pub fn quote(text: &str) -> Block {
    let lines: Vec<String> = text.lines().map(|line| visible(&line.replace('\t', "    "))).collect();
    Block::Quote(lines.join("\n"))
}

/// The text with every character that cannot be seen, or that changes the order of others, as `[U+202E]`. One line.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hidden(c) {
            true => out.push_str(&number(c)),
            false => out.push(c),
        }
    }
    out
}

/// A character by its number.
pub fn number(c: char) -> String {
    format!("[U+{:04X}]", u32::from(c))
}

/// Whether a character cannot be seen, or changes the order or the form of others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_or_turns_the_line_round_is_written_as_its_number() {
        assert_eq!(visible("exe\u{202e}fdp.\u{0}"), "exe[U+202E]fdp.[U+0000]");
        assert_eq!(visible("a\nb\u{200b}c\u{e0041}"), "a[U+000A]b[U+200B]c[U+E0041]");
        assert_eq!(visible("Žluťoučký kůň, Ελλάδα, Київ, سلام, 証拠"), "Žluťoučký kůň, Ελλάδα, Київ, سلام, 証拠");
    }

    #[test]
    fn a_quote_keeps_its_lines() {
        assert_eq!(quote("a\r\n\tb\u{7}"), Block::Quote("a\n    b[U+0007]".to_owned()));
    }
}
