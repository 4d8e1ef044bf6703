//! Which file of `src` names which, as the compiler resolves it: a `use` is followed through
//! `pub use` to the file that has the thing. Tests inside files are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;
use syn::{Item, ItemMod, ItemUse, UseTree, Visibility};

/// A module, as the words of its path below the crate.
pub(super) type Module = Vec<String>;

/// What one file names.
#[derive(Default)]
struct Names {
    /// Paths below the crate.
    uses: Vec<Module>,
    /// `pub use`: what it is called here, and where it is.
    offers: BTreeMap<String, Module>,
}

/// All files, and the modules that each names.
pub(super) struct Graph {
    files: BTreeMap<Module, Names>,
}

impl Graph {
    /// Read all files of `src`.
    pub(super) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let paths: Vec<(Module, PathBuf)> = super::sources("src")
            .into_iter()
            .filter(|(path, _)| !path.ends_with("main.rs") && !path.ends_with("tests.rs"))
            .map(|(path, _)| (module(path.strip_prefix(&root).expect("below src")), path))
            .collect();
        let modules: BTreeSet<Module> = paths.iter().map(|(module, _)| module.clone()).collect();
        let files = paths.into_iter().map(|(module, path)| {
            let text = std::fs::read_to_string(&path).expect("text");
            let file = syn::parse_file(&text).expect("Rust");
            let mut reader = Reader {
                here: &module,
                modules: &modules,
                names: Names::default(),
            };
            reader.visit_file(&file);
            let names = reader.names;
            (module, names)
        });
        Self {
            files: files.collect(),
        }
    }

    /// The other files that one names.
    fn named_by(&self, module: &Module) -> BTreeSet<Module> {
        let uses = self.files[module].uses.iter();
        let mut named: BTreeSet<Module> = uses.map(|path| self.resolve(path, 0)).collect();
        // The root names everything that is there, and nobody needs it for anything.
        named.retain(|other| other != module && !other.is_empty());
        named
    }

    /// The file that has what a path names.
    fn resolve(&self, path: &[String], depth: usize) -> Module {
        let known = (0..=path.len())
            .rev()
            .find(|n| self.files.contains_key(&path[..*n]));
        let (module, rest) = path.split_at(known.unwrap_or_default());
        let offer = rest
            .first()
            .and_then(|name| self.files.get(module)?.offers.get(name));
        match offer {
            Some(offer) if depth < 16 => {
                let whole: Module = offer.iter().chain(&rest[1..]).cloned().collect();
                self.resolve(&whole, depth + 1)
            }
            _ => module.to_vec(),
        }
    }

    /// Files that name each other, directly or by way of others.
    pub(super) fn circles(&self) -> Vec<Vec<Module>> {
        let edges: BTreeMap<&Module, BTreeSet<Module>> = self
            .files
            .keys()
            .map(|module| (module, self.named_by(module)))
            .collect();
        let mut found: Vec<Vec<Module>> = Vec::new();
        for start in self.files.keys() {
            let forth = reached(&edges, start);
            if !forth.contains(start) || found.iter().any(|circle| circle.contains(start)) {
                continue;
            }
            let back = |other: &&Module| reached(&edges, other).contains(start);
            found.push(forth.iter().filter(back).cloned().collect());
        }
        found
    }
}

/// All that can be reached from a file, itself only by a circle.
fn reached(edges: &BTreeMap<&Module, BTreeSet<Module>>, start: &Module) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(module) = next.pop() {
        for other in edges.get(module).into_iter().flatten() {
            if reached.insert(other.clone()) {
                next.push(other);
            }
        }
    }
    reached
}

/// `model/scope/owners.rs` is `model::scope::owners`, `model/mod.rs` is `model`.
fn module(path: &Path) -> Module {
    let mut words: Module = path
        .with_extension("")
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if ["mod", "lib"].contains(&words.last().map_or("", String::as_str)) {
        words.pop();
    }
    words
}

struct Reader<'r> {
    here: &'r Module,
    modules: &'r BTreeSet<Module>,
    names: Names,
}

impl Reader<'_> {
    /// A path below the crate; none for one of another crate.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        let ups = path.iter().take_while(|word| *word == "super").count();
        let (base, rest): (&[String], &[String]) = match path.first()?.as_str() {
            "crate" => (&[], &path[1..]),
            "self" => (self.here, &path[1..]),
            "super" => (
                &self.here[..self.here.len().checked_sub(ups)?],
                &path[ups..],
            ),
            word => {
                let child: Module = self.here.iter().cloned().chain([word.to_owned()]).collect();
                self.modules.contains(&child).then_some(())?;
                (self.here, path)
            }
        };
        Some(base.iter().chain(rest).cloned().collect())
    }

    fn read(&mut self, tree: &UseTree, before: &[String], public: bool) {
        let after = |word: String| -> Module { before.iter().cloned().chain([word]).collect() };
        match tree {
            UseTree::Path(path) => self.read(&path.tree, &after(path.ident.to_string()), public),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read(tree, before, public);
                }
            }
            UseTree::Glob(_) => self.keep(before, None),
            UseTree::Name(name) if name.ident == "self" => {
                let called = before.last().cloned().filter(|_| public);
                self.keep(before, called);
            }
            UseTree::Name(name) => {
                let word = name.ident.to_string();
                self.keep(&after(word.clone()), public.then_some(word));
            }
            UseTree::Rename(name) => {
                let called = public.then(|| name.rename.to_string());
                self.keep(&after(name.ident.to_string()), called);
            }
        }
    }

    fn keep(&mut self, path: &[String], called: Option<String>) {
        let Some(path) = self.absolute(path) else {
            return;
        };
        match called {
            Some(called) => {
                self.names.offers.insert(called, path);
            }
            None => self.names.uses.push(path),
        }
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        match item {
            // Tests may use anything.
            Item::Mod(ItemMod {
                content: Some(_), ..
            }) => {}
            item => syn::visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        self.read(&item.tree, &[], public);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let words: Module = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if ["crate", "super"].contains(&words[0].as_str()) && words.len() > 1 {
            self.keep(&words, None);
        }
        syn::visit::visit_path(self, path);
    }
}
