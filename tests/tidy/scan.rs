//! Reads one Rust file with `syn` and lists what the rules ask about: paths, functions, definitions. Judges nothing.

use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, ImplItemFn, Item, ItemFn, ItemMod, ItemUse, Signature, Type, UseTree, Visibility};
use unparsed::path_segments;

/// What was found in one file.
#[derive(Default)]
pub struct Facts {
    /// Every path that is imported or used, also inside macros and attributes.
    pub paths: Vec<Named>,
    /// Every function.
    pub functions: Vec<Function>,
    /// Every macro called, and its line.
    pub macros: Vec<(String, usize)>,
    /// Lines of items that are no module declaration.
    pub definitions: Vec<usize>,
    /// Lines of `pub use`.
    pub reexports: Vec<usize>,
    /// What a name stands for that `use` or `mod` bound: it may hide a crate of the same name.
    bound: BTreeMap<String, Vec<String>>,
}

/// One path.
pub struct Named {
    /// Its segments; where the first was bound by `use`, what it was bound to.
    pub segments: Vec<String>,
    /// Its line.
    pub line: usize,
    /// Whether it stands in a test module.
    pub in_test: bool,
    inline: Vec<String>,
    imported: bool,
}

/// One function.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its first line.
    pub line: usize,
    /// How many lines it has, from `fn` to its closing brace.
    pub lines: usize,
    /// Who may call it.
    pub visible: Visible,
    /// Whether a parameter is a plain bool.
    pub takes_bool: bool,
    /// Whether it is a test.
    pub is_test: bool,
}

/// Who may call a function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// `pub`, also `pub(crate)` and `pub(super)`.
    Public,
    /// Its own module.
    Private,
}

impl Named {
    /// The directory of `src/` that the path leads into, if it leads anywhere in this crate; `place` is its file.
    pub fn wing(&self, place: &str) -> Option<String> {
        let mut module: Vec<String> = place.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        module.extend(self.inline.iter().cloned());
        let mut rest = self.segments.iter().peekable();
        match rest.next()?.as_str() {
            "crate" | "rogatory" => module.clear(),
            "super" => {
                module.pop();
                while rest.next_if(|segment| *segment == "super").is_some() {
                    module.pop();
                }
            }
            _ => return None,
        }
        module.extend(rest.cloned());
        module.into_iter().next().filter(|wing| wing.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    }
}

/// Reads a file.
pub fn read(text: &str) -> syn::Result<Facts> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader { facts: Facts::default(), inline: Vec::new(), in_test: false, macros: Vec::new() };
    for item in &file.items {
        if !matches!(item, Item::Mod(module) if module.content.is_none()) {
            reader.facts.definitions.push(line(item.span()));
        }
    }
    reader.visit_file(&file);
    let mut facts = reader.facts;
    for path in facts.paths.iter_mut().filter(|path| !path.imported) {
        if let Some(full) = path.segments.first().and_then(|first| facts.bound.get(first)) {
            path.segments.splice(..1, full.iter().cloned());
        }
    }
    Ok(facts)
}

struct Reader {
    facts: Facts,
    inline: Vec<String>,
    in_test: bool,
    /// Macros that the file has defined so far.
    macros: Vec<String>,
}

impl Reader {
    fn path(&mut self, segments: Vec<String>, line: usize, imported: bool) {
        self.facts.paths.push(Named { segments, line, in_test: self.in_test, inline: self.inline.clone(), imported });
    }

    fn uses(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.uses(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(tree, before)),
            UseTree::Glob(glob) => self.path(before.to_vec(), line(glob.span()), true),
            UseTree::Name(name) => self.bind(with(&name.ident), name.ident.to_string(), line(name.span())),
            UseTree::Rename(name) => self.bind(with(&name.ident), name.rename.to_string(), line(name.span())),
        }
    }

    fn bind(&mut self, segments: Vec<String>, name: String, line: usize) {
        if segments.len() > 1 && name != "self" {
            self.facts.bound.insert(name, segments.clone());
        }
        self.path(segments, line, true);
    }

    fn function(&mut self, signature: &Signature, attributes: &[Attribute], visible: Visible, end: Span) {
        let bool_typed = |input: &FnArg| matches!(input, FnArg::Typed(typed) if is_bool(&typed.ty));
        self.facts.functions.push(Function {
            name: signature.ident.to_string(),
            line: line(signature.span()),
            lines: end.end().line + 1 - line(signature.span()),
            visible,
            takes_bool: signature.inputs.iter().any(bool_typed),
            is_test: attributes.iter().any(|one| one.path().segments.last().is_some_and(|last| last.ident == "test")),
        });
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for (segments, line) in path_segments(tokens) {
            self.path(segments, line, false);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // A macro has a path only by a `use` beside it: that is its definition, no face.
        let of_macro = matches!(&item.tree, syn::UseTree::Name(name) if self.macros.contains(&name.ident.to_string()));
        if !matches!(item.vis, Visibility::Inherited) && !of_macro {
            self.facts.reexports.push(line(item.span()));
        }
        self.uses(&item.tree, &[]);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.macros.extend(item.ident.iter().map(ToString::to_string));
        visit::visit_item_macro(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.facts.bound.insert(item.ident.to_string(), vec!["self".to_owned(), item.ident.to_string()]);
        let before = self.in_test;
        self.in_test |= item
            .attrs
            .iter()
            .any(|one| one.path().is_ident("cfg") && one.parse_args::<syn::Ident>().is_ok_and(|name| name == "test"));
        self.inline.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inline.pop();
        self.in_test = before;
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.sig, &item.attrs, visible(&item.vis), item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig, &item.attrs, visible(&item.vis), item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // One bare word is a name in scope, not the way to something; `use` told where it came from.
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.path(segments, line(path.span()), false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        if let Some(last) = called.path.segments.last() {
            self.facts.macros.push((last.ident.to_string(), line(last.span())));
        }
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }
}

fn visible(visibility: &Visibility) -> Visible {
    if matches!(visibility, Visibility::Inherited) { Visible::Private } else { Visible::Public }
}

fn is_bool(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("bool"))
}

fn line(span: Span) -> usize {
    span.start().line
}

/// Paths inside a token stream that nobody parses: macro calls and attributes.
mod unparsed {
    use super::{TokenStream, TokenTree, line};

    /// Every `a::b::c` of two segments or more, with its line.
    pub fn path_segments(tokens: TokenStream) -> Vec<(Vec<String>, usize)> {
        let (mut found, mut open, mut colons, mut start) = (Vec::new(), Vec::<String>::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        close(&mut found, &mut open, start);
                        start = line(ident.span());
                    }
                    open.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    close(&mut found, &mut open, start);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        found.extend(path_segments(group.stream()));
                    }
                }
            }
        }
        close(&mut found, &mut open, start);
        found
    }

    fn close(found: &mut Vec<(Vec<String>, usize)>, open: &mut Vec<String>, line: usize) {
        let segments = std::mem::take(open);
        if segments.len() > 1 {
            found.push((segments, line));
        }
    }
}
