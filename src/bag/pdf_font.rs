//! The three fonts of the PDF report: which glyph a character has, how wide it is, and the part of each font that a document
//! needs. A character that no font holds is never dropped: it is written as its number.

use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::{GlyphMetrics, Metrics};
use skrifa::{FontRef, MetadataProvider as _};
use subsetter::GlyphRemapper;

use crate::bag::page;

/// A font of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Running text.
    Sans,
    /// What is to be seen first.
    Bold,
    /// Digests, paths, commands.
    Mono,
}

impl Face {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Sans, Self::Bold, Self::Mono];

    /// The PostScript name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sans => "DejaVuSans",
            Self::Bold => "DejaVuSans-Bold",
            Self::Mono => "DejaVuSansMono",
        }
    }

    /// Its number.
    pub const fn place(self) -> usize {
        match self {
            Self::Sans => 0,
            Self::Bold => 1,
            Self::Mono => 2,
        }
    }

    const fn file(self) -> &'static [u8] {
        match self {
            Self::Sans => include_bytes!("fonts/DejaVuSans.ttf"),
            Self::Bold => include_bytes!("fonts/DejaVuSans-Bold.ttf"),
            Self::Mono => include_bytes!("fonts/DejaVuSansMono.ttf"),
        }
    }
}

/// A character in its font.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// Which font.
    pub face: Face,
    /// Its number in the font.
    pub id: u16,
    /// The character.
    pub c: char,
    /// Its width in thousandths of the size.
    pub width: f32,
}

/// The fonts, and what was used of them so far.
pub struct Fonts {
    faces: [Used; 3],
}

struct Used {
    face: Face,
    font: FontRef<'static>,
    widths: GlyphMetrics<'static>,
    remapper: GlyphRemapper,
    /// The characters by their numbers in the part, in the order in which they came.
    chars: Vec<Glyph>,
}

/// The part of a font that a document needs.
#[derive(Debug)]
pub struct Part {
    /// Which font.
    pub face: Face,
    /// The font file with the used glyphs only.
    pub file: Vec<u8>,
    /// The glyphs from number 1 on; 0 is the one for no character.
    pub glyphs: Vec<Glyph>,
    /// The measures of the whole font, in thousandths.
    pub metrics: Metrics,
}

impl Fonts {
    /// The fonts, none of them used.
    pub fn new() -> Self {
        Self { faces: Face::ALL.map(Used::of) }
    }

    /// The glyphs of a text in a font. What that font lacks comes from the running one, what that lacks as its number.
    pub fn glyphs(&self, face: Face, text: &str) -> Vec<Glyph> {
        let mut out = Vec::with_capacity(text.len());
        for c in text.chars() {
            match [face, Face::Sans].into_iter().find_map(|face| self.glyph(face, c)) {
                Some(glyph) => out.push(glyph),
                None => out.extend(page::number(c).chars().filter_map(|c| self.glyph(face, c))),
            }
        }
        out
    }

    /// The number that the glyph has in the document's part of its font.
    pub fn number(&mut self, glyph: Glyph) -> u16 {
        let [sans, bold, mono] = &mut self.faces;
        let used = match glyph.face {
            Face::Sans => sans,
            Face::Bold => bold,
            Face::Mono => mono,
        };
        let known = used.remapper.get(glyph.id);
        known.unwrap_or_else(|| {
            used.chars.push(glyph);
            used.remapper.remap(glyph.id)
        })
    }

    /// The parts that were used.
    pub fn parts(&self) -> Vec<Part> {
        let part = |used: &Used| Part {
            face: used.face,
            file: subsetter::subset(used.face.file(), 0, &used.remapper)
                .expect("invariant: the fonts inside this program can be divided; a test divides each"),
            glyphs: used.chars.clone(),
            metrics: used.font.metrics(Size::new(1_000.0), LocationRef::default()),
        };
        self.faces.iter().filter(|used| !used.chars.is_empty()).map(part).collect()
    }

    fn glyph(&self, face: Face, c: char) -> Option<Glyph> {
        let used = self.faces.get(face.place())?;
        let glyph = used.font.charmap().map(c)?;
        let width = used.widths.advance_width(glyph)?;
        Some(Glyph { face, id: u16::try_from(glyph.to_u32()).ok()?, c, width })
    }
}

impl Default for Fonts {
    fn default() -> Self {
        Self::new()
    }
}

impl Used {
    fn of(face: Face) -> Self {
        let font = FontRef::new(face.file()).expect("invariant: the fonts inside this program read; a test reads each");
        let widths = font.glyph_metrics(Size::new(1_000.0), LocationRef::default());
        Self { face, font, widths, remapper: GlyphRemapper::new(), chars: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_reads_divides_and_holds_the_letters_of_europe() {
        let letters = "AZaz09 čšžđćñéüőłąęěřůßøåæœþðğışțșĦħ Ελλάδα ΑΩϊ Київ ЖЩЪыэюя Ґґ їє Ђђ Љљ €„“”’–—…•";
        for face in [Face::Sans, Face::Bold] {
            let mut fonts = Fonts::new();
            let glyphs = fonts.glyphs(face, letters);
            assert_eq!(glyphs.len(), letters.chars().count(), "each has a glyph of its own");
            assert!(glyphs.iter().all(|glyph| glyph.face == face && glyph.id != 0 && glyph.width > 0.0));
            glyphs.iter().for_each(|glyph| assert_ne!(fonts.number(*glyph), 0));
            let parts = fonts.parts();
            assert!(matches!(parts.as_slice(), [part] if part.face == face && part.file.len() < 100_000));
        }
        assert!(Fonts::new().glyphs(Face::Mono, "0123456789abcdef/.-_").iter().all(|glyph| glyph.face == Face::Mono));
    }

    #[test]
    fn what_no_font_holds_is_written_as_its_number() {
        let told = |text: &str| Fonts::new().glyphs(Face::Sans, text).iter().map(|glyph| glyph.c).collect::<String>();
        assert_eq!(told("a سل 証\u{1f600}"), "a [U+0633][U+0644] [U+8A3C][U+1F600]");
    }
}
