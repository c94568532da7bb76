//! Drawn sheets and their fonts as a PDF file. The same sheets give the same bytes: no clock, no chance, nothing from outside.

use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Date, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::bag::pdf_font::{Face, Fonts, Part};
use crate::crypto::digest::sha256;
use crate::model::time::Timestamp;

/// A4, in points.
pub const SHEET: (f32, f32) = (595.28, 841.89);
/// How hard streams are packed, of 0 to 10.
const PACKING: u8 = 6;
const CATALOG: Ref = Ref::new(1);
const SHEETS: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
const OUTLINE: Ref = Ref::new(4);
const FIRST_FREE: i32 = 5;
const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A chapter: its name, its sheet counted from 0, and how high it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The name.
    pub name: &'static str,
    /// The sheet.
    pub sheet: usize,
    /// Points above the lower edge.
    pub top: f32,
}

/// The name by which sheets call a font.
pub const fn resource(face: Face) -> Name<'static> {
    match face {
        Face::Sans => Name(b"F0"),
        Face::Bold => Name(b"F1"),
        Face::Mono => Name(b"F2"),
    }
}

/// What the file says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Front<'a> {
    /// Its name.
    pub name: &'a str,
    /// The language of its words (BCP 47).
    pub language: &'a str,
    /// When it was made.
    pub made: Timestamp,
}

/// Writes the file.
pub fn file(front: Front<'_>, sheets: Vec<Content>, marks: &[Mark], fonts: &Fonts) -> Vec<u8> {
    let mut next = FIRST_FREE;
    let mut free = || {
        next += 1;
        Ref::new(next)
    };
    let mut pdf = Pdf::new();
    let parts: Vec<(Part, Ref)> = fonts.parts().into_iter().map(|part| (part, free())).collect();
    let mut digests = Vec::new();
    for (part, id) in &parts {
        write_font(&mut pdf, part, *id, [free(), free(), free(), free()]);
    }
    let pages: Vec<Ref> = sheets.iter().map(|_| free()).collect();
    for (sheet, id) in sheets.into_iter().zip(&pages) {
        let drawn = free();
        let bytes = sheet.finish().to_vec();
        digests.extend(sha256(&bytes).0);
        pdf.stream(drawn, &compress_to_vec_zlib(&bytes, PACKING)).filter(Filter::FlateDecode);
        let mut page = pdf.page(*id);
        page.parent(SHEETS).media_box(Rect::new(0.0, 0.0, SHEET.0, SHEET.1)).contents(drawn);
        let mut resources = page.resources();
        let mut named = resources.fonts();
        parts.iter().for_each(|(part, id)| {
            named.pair(resource(part.face), *id);
        });
    }
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    pdf.pages(SHEETS).kids(pages.iter().copied()).count(count);
    write_outline(&mut pdf, marks, &pages, &mut free);
    let mut catalog = pdf.catalog(CATALOG);
    catalog.pages(SHEETS).outlines(OUTLINE).lang(TextStr(front.language));
    catalog.viewer_preferences().display_doc_title(true);
    catalog.finish();
    let mut info = pdf.document_info(INFO);
    info.title(TextStr(front.name)).producer(TextStr("Rogatory"));
    if let Some(date) = date(front.made) {
        info.creation_date(date);
    }
    info.finish();
    let id = sha256(&digests).0.to_vec();
    pdf.set_file_id((id.clone(), id));
    pdf.finish()
}

fn write_outline(pdf: &mut Pdf, marks: &[Mark], pages: &[Ref], free: &mut dyn FnMut() -> Ref) {
    let ids: Vec<Ref> = marks.iter().map(|_| free()).collect();
    let mut outline = pdf.outline(OUTLINE);
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        outline.first(*first).last(*last).count(i32::try_from(ids.len()).unwrap_or(i32::MAX));
    }
    outline.finish();
    for (place, (mark, id)) in marks.iter().zip(&ids).enumerate() {
        let Some(page) = pages.get(mark.sheet) else { continue };
        let mut item = pdf.outline_item(*id);
        item.title(TextStr(mark.name)).parent(OUTLINE);
        if let Some(earlier) = place.checked_sub(1).and_then(|place| ids.get(place)) {
            item.prev(*earlier);
        }
        if let Some(later) = ids.get(place + 1) {
            item.next(*later);
        }
        item.dest().page(*page).xyz(0.0, mark.top, None);
    }
}

fn write_font(pdf: &mut Pdf, part: &Part, id: Ref, [cid, descriptor, file, cmap]: [Ref; 4]) {
    // A subset carries a tag of six letters before its name (PDF 32000-1, 9.6.4); one of its own for each face.
    let tag = ["ROGAAA", "ROGAAB", "ROGAAC"].get(part.face.place()).copied().unwrap_or_default();
    let name = format!("{tag}+{}", part.face.name());
    let name = Name(name.as_bytes());
    pdf.type0_font(id).base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(cmap);
    let mut font = pdf.cid_font(cid);
    font.subtype(CidFontType::Type2).base_font(name).system_info(IDENTITY).font_descriptor(descriptor);
    font.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
    font.widths().consecutive(1, part.glyphs.iter().map(|glyph| glyph.width));
    font.finish();
    let metrics = &part.metrics;
    let bounds = metrics.bounds.unwrap_or_default();
    let mut flags = FontFlags::SYMBOLIC;
    if part.face == Face::Mono {
        flags |= FontFlags::FIXED_PITCH;
    }
    let mut described = pdf.font_descriptor(descriptor);
    described.name(name).flags(flags).italic_angle(0.0).stem_v(if part.face == Face::Bold { 140.0 } else { 80.0 });
    described.bbox(Rect::new(bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max));
    described.ascent(metrics.ascent).descent(metrics.descent).cap_height(metrics.cap_height.unwrap_or(729.0));
    described.font_file2(file);
    described.finish();
    let length = i32::try_from(part.file.len()).unwrap_or(i32::MAX);
    let packed = compress_to_vec_zlib(&part.file, PACKING);
    pdf.stream(file, &packed).filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
    let mut names = UnicodeCmap::new(Name(b"Rogatory"), IDENTITY);
    for (number, glyph) in (1_u16..).zip(&part.glyphs) {
        names.pair(number, glyph.c);
    }
    pdf.cmap(cmap, &names.finish());
}

/// `None` outside the years that a PDF can say.
fn date(at: Timestamp) -> Option<Date> {
    let text = at.to_string();
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let mut small = || next().and_then(|number| u8::try_from(number).ok());
    let (hour, minute, second) = (small()?, small()?, small()?);
    let date = Date::new(year).month(u8::try_from(month).ok()?).day(u8::try_from(day).ok()?);
    Some(date.hour(hour).minute(minute).second(second).utc_offset_hour(0).utc_offset_minute(0))
}
