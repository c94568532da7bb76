//! A page as HTML: one file, no script, nothing fetched from anywhere, fit for paper. Text from outside is escaped and kept
//! apart, so that neither markup nor a right-to-left name changes what stands beside it.

use crate::bag::page::{Block, Cell, Line, Page, Span, Table};

const HEAD: &str = "
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"referrer\" content=\"no-referrer\">
<style>
@page { size: A4; margin: 18mm 16mm 20mm }
body { font: 10.5pt/1.45 \"DejaVu Sans\", \"Noto Sans\", sans-serif; color: #111; max-width: 178mm; margin: 2em auto; padding: 0 1em }
h1 { font-size: 22pt; margin: 0 0 .5em }
h2 { font-size: 14pt; margin: 1.8em 0 .5em; border-bottom: 1px solid #999; break-after: avoid }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin: .5em 0 1em }
th, td { text-align: left; vertical-align: top; padding: .3em .5em .3em 0; border-bottom: 1px solid #ccc; overflow-wrap: anywhere; unicode-bidi: isolate }
thead { display: table-header-group }
thead th { border-bottom: 1px solid #333 }
tr { break-inside: avoid }
table.pairs th { width: 28%; font-weight: 600 }
code, pre { font-family: \"DejaVu Sans Mono\", monospace; font-size: 85% }
code { overflow-wrap: anywhere }
pre { white-space: pre-wrap; background: #f3f3f3; padding: .6em }
blockquote { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3em 0 .8em; padding: .5em .8em; border-left: 3px solid #555; background: #f7f7f7; unicode-bidi: isolate }
div.notice { border: 1.5px solid #111; padding: .4em .9em; margin: 1em 0; break-inside: avoid }
div.page { break-after: page }
p { margin: .5em 0 }
</style>
";

/// The page as one HTML file.
pub fn html(page: &Page) -> String {
    let mut out = format!("<!DOCTYPE html>\n<html lang=\"{}\">{HEAD}", escaped(page.language));
    out.push_str(&format!("<title>{}</title>\n</head>\n<body>\n", escaped(&page.name)));
    for block in &page.blocks {
        write_block(&mut out, block);
    }
    out.push_str(&format!("<p>{}</p>\n</body>\n</html>\n", escaped(&page.foot)));
    out
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Title(text) => out.push_str(&format!("<h1>{}</h1>\n", escaped(text))),
        Block::Heading(text) => out.push_str(&format!("<h2>{}</h2>\n", escaped(text))),
        Block::Text(line) => out.push_str(&format!("<p>{}</p>\n", spans(line))),
        Block::Notice(lines) => {
            out.push_str("<div class=\"notice\">\n");
            lines.iter().for_each(|line| out.push_str(&format!("<p>{}</p>\n", spans(line))));
            out.push_str("</div>\n");
        }
        Block::Quote(text) => out.push_str(&format!("<blockquote dir=\"auto\">{}</blockquote>\n", escaped(text))),
        Block::Pairs(pairs) => {
            out.push_str("<table class=\"pairs\">\n");
            for (name, value) in pairs {
                out.push_str(&format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), lines(value)));
            }
            out.push_str("</table>\n");
        }
        Block::Table(table) => write_table(out, table),
        Block::Code(text) => out.push_str(&format!("<pre>{}</pre>\n", escaped(text))),
        Block::NewPage => out.push_str("<div class=\"page\"></div>\n"),
    }
}

fn write_table(out: &mut String, table: &Table) {
    out.push_str("<table>\n<thead><tr>");
    for (head, width) in &table.columns {
        out.push_str(&format!("<th scope=\"col\" style=\"width: {width}%\">{}</th>", escaped(head)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        let cells: String = row.iter().map(|cell| format!("<td>{}</td>", lines(cell))).collect();
        out.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    out.push_str("</tbody>\n</table>\n");
}

fn lines(cell: &Cell) -> String {
    cell.iter().map(spans).collect::<Vec<_>>().join("<br>")
}

fn spans(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Plain(text) => escaped(text),
        Span::Strong(text) => format!("<strong>{}</strong>", escaped(text)),
        Span::Fixed(text) => format!("<code>{}</code>", escaped(text)),
        Span::Outside(text) => format!("<bdi>{}</bdi>", escaped(text)),
    };
    line.iter().map(span).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bag::page::{cell, outside, plain, quote};

    fn page(name: &str, blocks: Vec<Block>) -> Page {
        Page { name: name.to_owned(), foot: name.to_owned(), language: "en", count: ("page", "of"), blocks }
    }

    #[test]
    fn markup_from_outside_is_text_wherever_it_stands() {
        let bad = "<script>alert(\"1\")</script>'&\u{202e}";
        let row = vec![cell(outside(bad))];
        let blocks = vec![
            Block::Text(vec![plain("a"), outside(bad)]),
            quote(bad),
            Block::Pairs(vec![("b", cell(outside(bad)))]),
            Block::Table(Table { columns: vec![("c", 100)], rows: vec![row] }),
            Block::Notice(vec![vec![outside(bad)]]),
        ];
        let html = html(&page(bad, blocks));
        let safe = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;";
        assert!(!html.contains("<script") && !html.contains("alert(\""));
        assert_eq!(html.matches(&format!("{safe}[U+202E]")).count(), 5);
    }

    #[test]
    fn the_file_stands_alone() {
        let html = html(&page("", Vec::new()));
        for outside in [
            "<script", "<link", "<img", "<iframe", "<object", "src=", "href=", "url(", "@import", "http://", "https://",
        ] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(html.contains("default-src 'none'"));
    }
}
