//! A page as a PDF: lines are broken, tables set with their heads on each sheet, sheets numbered. Nothing is cut off: a word
//! that is wider than its place goes on in the next line.

use pdf_writer::{Content, Str};

use crate::bag::page::{Block, Cell, Line, Page, Span, Table, plain, strong};
use crate::bag::pdf_file::{self, Front, Mark, SHEET, resource};
use crate::bag::pdf_font::{Face, Fonts, Glyph};
use crate::model::time::Timestamp;

const LEFT: f32 = 51.0;
const WIDTH: f32 = SHEET.0 - 2.0 * LEFT;
const TOP: f32 = SHEET.1 - 54.0;
const BOTTOM: f32 = 62.0;
const TEXT: f32 = 9.5;
const SMALL: f32 = 8.0;
/// Distance of lines, of the size of their letters.
const LEADING: f32 = 1.42;
/// Space between the columns of a table, and above and below its cells.
const GAP: f32 = 8.0;
const PAD: f32 = 4.0;

/// The page as a PDF file, made at an instant that the file says.
pub fn pdf(page: &Page, made: Timestamp) -> Vec<u8> {
    let mut press = Press { fonts: Fonts::new(), sheets: Vec::new(), marks: Vec::new(), y: TOP };
    press.new_sheet();
    page.blocks.iter().for_each(|block| press.block(block));
    press.feet(&page.foot, page.count);
    pdf_file::file(Front { name: &page.name, language: page.language, made }, press.sheets, &press.marks, &press.fonts)
}

/// A line that fits.
type Set = Vec<Glyph>;

struct Press {
    fonts: Fonts,
    sheets: Vec<Content>,
    marks: Vec<Mark>,
    y: f32,
}

impl Press {
    fn new_sheet(&mut self) {
        self.sheets.push(Content::new());
        self.y = TOP;
    }

    fn need(&mut self, height: f32) {
        if self.y - height < BOTTOM && self.y < TOP {
            self.new_sheet();
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Title(text) => self.lines(&vec![strong(*text)], 22.0, 0.0),
            Block::Heading(text) => self.heading(text),
            Block::Text(line) => {
                self.lines(line, TEXT, 0.0);
                self.y -= 5.0;
            }
            Block::Notice(lines) => self.notice(lines),
            Block::Quote(text) => self.quote(text),
            Block::Pairs(pairs) => {
                let rows = pairs.iter().map(|(name, value)| vec![vec![vec![strong(*name)]], value.clone()]);
                self.table(&Table { columns: vec![("", 26), ("", 74)], rows: rows.collect() });
            }
            Block::Table(table) => self.table(table),
            Block::Code(text) => {
                self.lines(&vec![Span::Fixed((*text).to_owned())], SMALL, 10.0);
                self.y -= 6.0;
            }
            Block::NewPage => {
                if self.y < TOP {
                    self.new_sheet();
                }
            }
        }
    }

    fn heading(&mut self, text: &'static str) {
        self.y -= 12.0;
        // Never alone at the end of a sheet.
        self.need(90.0);
        self.marks.push(Mark { name: text, sheet: self.sheets.len().saturating_sub(1), top: self.y + 6.0 });
        self.lines(&vec![strong(text)], 13.0, 0.0);
        self.rule(self.y + 2.0, LEFT, WIDTH, 0.6);
        self.y -= 7.0;
    }

    fn lines(&mut self, line: &Line, size: f32, indent: f32) {
        for set in self.broken(line, size, WIDTH - indent) {
            self.need(size * LEADING);
            self.y -= size * LEADING;
            self.draw(&set, LEFT + indent, self.y + size * 0.3, size);
        }
    }

    /// In a frame, on one sheet if it fits on one.
    fn notice(&mut self, lines: &Cell) {
        let sets: Vec<Set> = lines.iter().flat_map(|line| self.broken(line, TEXT, WIDTH - 20.0)).collect();
        let step = TEXT * LEADING + 1.5;
        let height = line_count(sets.len()) * step + 14.0;
        self.y -= 6.0;
        self.need(height);
        let (top, sheet) = (self.y, self.sheets.len());
        self.y -= 7.0;
        for set in sets {
            self.need(step);
            self.y -= step;
            self.draw(&set, LEFT + 10.0, self.y + TEXT * 0.3, TEXT);
        }
        self.y -= 7.0;
        if self.sheets.len() == sheet {
            let height = top - self.y;
            let y = self.y;
            if let Some(content) = self.sheets.last_mut() {
                content.save_state().set_stroke_gray(0.0).set_line_width(1.0);
                content.rect(LEFT, y, WIDTH, height).stroke().restore_state();
            }
        }
        self.y -= 8.0;
    }

    fn quote(&mut self, text: &str) {
        let step = TEXT * LEADING;
        for line in text.split('\n') {
            for set in self.broken(&vec![Span::Outside(line.to_owned())], TEXT, WIDTH - 16.0) {
                self.need(step);
                self.y -= step;
                let y = self.y;
                if let Some(content) = self.sheets.last_mut() {
                    content
                        .save_state()
                        .set_fill_gray(0.35)
                        .rect(LEFT + 3.0, y, 2.2, step)
                        .fill_nonzero()
                        .restore_state();
                }
                self.draw(&set, LEFT + 14.0, y + TEXT * 0.3, TEXT);
            }
        }
        self.y -= 8.0;
    }

    fn table(&mut self, table: &Table) {
        let mut x = LEFT;
        let mut places = Vec::new();
        for (_, share) in &table.columns {
            let width = WIDTH * f32::from(*share) / 100.0;
            places.push((x, width - GAP));
            x += width;
        }
        let has_head = table.columns.iter().any(|(head, _)| !head.is_empty());
        let head: Vec<Cell> = table.columns.iter().map(|(head, _)| vec![vec![strong(*head)]]).collect();
        let head = has_head.then(|| self.row(&head, &places));
        let step = SMALL * LEADING;
        let needed = head.as_ref().map_or(0.0, |head| height(head, step));
        self.need(needed + 4.0 * step);
        if let Some(head) = &head {
            self.put_row(head, &places, 0.9);
        }
        for row in &table.rows {
            let row = self.row(row, &places);
            self.flow(row, head.as_deref(), &places);
        }
        self.y -= 8.0;
    }

    fn row(&self, cells: &[Cell], places: &[(f32, f32)]) -> Vec<Vec<Set>> {
        let set = |(cell, (_, width)): (&Cell, &(f32, f32))| {
            cell.iter().flat_map(|line| self.broken(line, SMALL, *width)).collect()
        };
        cells.iter().zip(places).map(set).collect()
    }

    /// Puts a row where it fits: here, on the next sheet, or in pieces if no sheet is high enough.
    fn flow(&mut self, row: Vec<Vec<Set>>, head: Option<&[Vec<Set>]>, places: &[(f32, f32)]) {
        let step = SMALL * LEADING;
        let mut rest = row;
        loop {
            if self.y - height(&rest, step) >= BOTTOM {
                return self.put_row(&rest, places, 0.3);
            }
            let fresh = TOP - head.map_or(0.0, |head| height(head, step)) - BOTTOM;
            // A point to spare: sums of fractions must not decide between one sheet and the next for ever.
            let whole = fresh >= height(&rest, step) + 1.0;
            let room = lines_in(self.y - BOTTOM - 2.0 * PAD, step);
            if !whole && room >= 3 {
                let piece =
                    rest.iter_mut().map(|cell| cell.drain(..room.min(cell.len())).collect()).collect::<Vec<_>>();
                self.put_row(&piece, places, 0.3);
            }
            self.new_sheet();
            if let Some(head) = head {
                self.put_row(head, places, 0.9);
            }
        }
    }

    fn put_row(&mut self, row: &[Vec<Set>], places: &[(f32, f32)], rule: f32) {
        let step = SMALL * LEADING;
        for (cell, (x, _)) in row.iter().zip(places) {
            let mut y = self.y - PAD;
            for set in cell {
                y -= step;
                self.draw(set, *x, y + SMALL * 0.3, SMALL);
            }
        }
        self.y -= height(row, step);
        self.rule(self.y, LEFT, WIDTH, rule);
    }

    fn rule(&mut self, y: f32, x: f32, width: f32, weight: f32) {
        if let Some(content) = self.sheets.last_mut() {
            content.save_state().set_stroke_gray(0.45).set_line_width(weight);
            content.move_to(x, y).line_to(x + width, y).stroke().restore_state();
        }
    }

    /// Lines of at most that width. Breaks behind a space, else behind a sign that divides a path, else anywhere.
    fn broken(&self, line: &Line, size: f32, width: f32) -> Vec<Set> {
        let glyphs = line.iter().flat_map(|span| {
            let (face, text) = match span {
                Span::Plain(text) | Span::Outside(text) => (Face::Sans, text),
                Span::Strong(text) => (Face::Bold, text),
                Span::Fixed(text) => (Face::Mono, text),
            };
            self.fonts.glyphs(face, text)
        });
        let width = width * 1_000.0 / size;
        let (mut sets, mut set, mut x) = (Vec::new(), Set::new(), 0.0_f32);
        for glyph in glyphs {
            if x + glyph.width > width && !set.is_empty() && glyph.c != ' ' {
                let kept = break_at(&set);
                let rest = set.split_off(kept);
                sets.push(std::mem::replace(&mut set, rest));
                x = set.iter().map(|glyph| glyph.width).sum();
            }
            x += glyph.width;
            set.push(glyph);
        }
        sets.push(set);
        sets
    }

    fn draw(&mut self, set: &Set, x: f32, y: f32, size: f32) {
        let mut x = x;
        for run in set.chunk_by(|a, b| a.face == b.face) {
            let Some(first) = run.first() else { continue };
            let codes: Vec<u8> = run.iter().flat_map(|glyph| self.fonts.number(*glyph).to_be_bytes()).collect();
            if let Some(content) = self.sheets.last_mut() {
                content.begin_text().set_font(resource(first.face), size).next_line(x, y).show(Str(&codes)).end_text();
            }
            x += run.iter().map(|glyph| glyph.width).sum::<f32>() * size / 1_000.0;
        }
    }

    fn feet(&mut self, foot: &str, (page, of): (&str, &str)) {
        let sheets = std::mem::take(&mut self.sheets);
        let count = sheets.len();
        for (number, sheet) in (1..).zip(sheets) {
            self.sheets.push(sheet);
            self.rule(BOTTOM - 14.0, LEFT, WIDTH, 0.3);
            let text = vec![plain(format!("{foot}  \u{b7}  {page} {number} {of} {count}"))];
            for set in self.broken(&text, SMALL, WIDTH).iter().take(1) {
                self.draw(set, LEFT, BOTTOM - 26.0, SMALL);
            }
        }
    }
}

/// How many glyphs of a full line stay in it.
fn break_at(set: &Set) -> usize {
    let behind = |wanted: fn(char) -> bool| set.iter().rposition(|glyph| wanted(glyph.c)).map(|place| place + 1);
    let space = behind(|c| c == ' ').filter(|place| *place > 1);
    let sign = || behind(|c| matches!(c, '/' | '-' | '_')).filter(|place| *place > set.len() / 2);
    space.or_else(sign).unwrap_or(set.len())
}

fn height(row: &[Vec<Set>], step: f32) -> f32 {
    let lines = row.iter().map(Vec::len).max().unwrap_or(0);
    line_count(lines) * step + 2.0 * PAD
}

fn line_count(lines: usize) -> f32 {
    f32::from(u16::try_from(lines).unwrap_or(u16::MAX))
}

/// How many lines fit.
fn lines_in(height: f32, step: f32) -> usize {
    let mut lines = 0_usize;
    let mut used = step;
    while used <= height {
        lines += 1;
        used += step;
    }
    lines
}
