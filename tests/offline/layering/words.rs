//! The words of texts: those of CONTRIBUTING's table that are not used, in every string literal of
//! the source and on every page.

use std::path::PathBuf;
use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, LitStr};

/// Words that an operator does not use for these things.
const NOT_OURS: &[&str] = &[
    "anew", "caller", "callers", "lead", "leads", "led", "patience", "shall", "unwired", "wire",
    "wired", "wires",
];

/// Turns of phrase.
const NOT_SAID: &[&str] = &["for want of", " round the gateway", " way out", " ways out"];

/// Where such words stand: the file and the text.
pub(super) fn found() -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in super::sources("src") {
        if path.ends_with("tests.rs") {
            continue;
        }
        let mut reader = Reader::default();
        reader.visit_file(&syn::parse_file(&text).expect("Rust"));
        let wrong = reader.texts.iter().filter(|text| is_wrong(text));
        found.extend(wrong.map(|text| format!("{}: {text:?}", path.display())));
    }
    for path in pages() {
        let text = std::fs::read_to_string(&path).expect("text");
        let wrong = text.lines().filter(|line| is_wrong(line));
        found.extend(wrong.map(|line| format!("{}: {line:?}", path.display())));
    }
    found
}

fn is_wrong(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| NOT_OURS.contains(&word)) || NOT_SAID.iter().any(|turn| text.contains(turn))
}

/// The pages of checks and flows, and the documentation.
fn pages() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("src"), root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The string literals of a file, without those of its tests and of its attributes: a field that
/// scripts read keeps its name.
#[derive(Default)]
struct Reader {
    texts: Vec<String>,
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a Item) {
        match item {
            Item::Mod(ItemMod {
                content: Some(_), ..
            }) => {}
            item => syn::visit::visit_item(self, item),
        }
    }

    fn visit_attribute(&mut self, _: &'a Attribute) {}

    fn visit_lit_str(&mut self, literal: &'a LitStr) {
        self.texts.push(literal.value());
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        read_tokens(call.tokens.clone(), &mut self.texts);
    }
}

/// What stands between the brackets of a macro is tokens: `format!("…")`.
fn read_tokens(tokens: proc_macro2::TokenStream, texts: &mut Vec<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Group(group) => read_tokens(group.stream(), texts),
            proc_macro2::TokenTree::Literal(literal) => {
                let text = syn::parse_str::<LitStr>(&literal.to_string());
                texts.extend(text.map(|text| text.value()));
            }
            _ => {}
        }
    }
}
