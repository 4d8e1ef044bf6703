//! A table: its lines, and the standing of a field.

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The module that reads it.
    Modelled(&'static str),
    /// What a report says where it is set.
    Noted(&'static str),
    /// What it limits: of no concern until a call fails that nothing else explains.
    Limits(&'static str),
    /// Why it does not matter.
    Irrelevant(&'static str),
    /// Another path, whose fields these are too.
    Like(&'static str),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The path, as `spec.http[].match[].port`.
    pub path: &'static str,
    /// The only keys or values that the line is for; empty for any.
    pub only: Vec<&'static str>,
    /// What becomes of it.
    pub standing: Standing,
}

/// All lines of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In the order of the text.
    pub fields: Vec<Field>,
}

impl Table {
    /// Read a table. A line that is none has no standing, which a test of this room finds.
    pub(super) fn parse(text: &'static str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self {
            fields: lines.filter_map(Field::parse).collect(),
        }
    }

    /// The line for a field, given as its names from `spec` on. A field of a part that is like
    /// another one has the line of that one.
    pub fn find(&self, path: &[&str], value: Option<&str>) -> Option<&Field> {
        for field in &self.fields {
            if let Standing::Like(other) = field.standing {
                if let Some(rest) = below(field.path, path) {
                    let path: Vec<&str> = other.split('.').chain(rest.iter().copied()).collect();
                    return self.find(&path, value);
                }
            } else if field.is_for(value) && field.covers(path) {
                return Some(field);
            }
        }
        None
    }
}

impl Table {
    /// Whether some line is for a part of what is at a path.
    pub(super) fn has_below(&self, path: &[&str]) -> bool {
        self.fields.iter().any(|field| {
            let names: Vec<&str> = field.path.split('.').take(field.depth()).collect();
            let fits = |(name, given): (&&str, &&str)| *name == "*" || name == given;
            names.len() + usize::from(field.is_whole()) > path.len()
                && names.iter().zip(path).all(fits)
        })
    }

    /// The line for a setting that is no field: a switch, an annotation.
    pub fn setting(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_for_setting(name))
    }

    /// The same, for one that has this value.
    pub fn setting_with(&self, name: &str, value: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.is_for_setting(name) && field.is_for(Some(value)))
    }
}

impl Field {
    /// Whether the line is for that setting.
    pub fn is_for_setting(&self, name: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.path,
        }
    }

    fn parse(line: &'static str) -> Option<Self> {
        let (path, rest) = line.split_once(char::is_whitespace)?;
        let (standing, words) = rest.trim_start().split_once(char::is_whitespace)?;
        let words = words.trim();
        let standing = match standing {
            "modelled" => Standing::Modelled(words),
            "noted" => Standing::Noted(words),
            "limits" => Standing::Limits(words),
            "irrelevant" => Standing::Irrelevant(words),
            "like" => Standing::Like(words),
            _ => return None,
        };
        let (path, only) = match path.split_once('{') {
            Some((path, keys)) => (path, keys.trim_end_matches('}').split(',').collect()),
            None => (path, Vec::new()),
        };
        Some(Self {
            path,
            only,
            standing,
        })
    }

    fn is_for(&self, value: Option<&str>) -> bool {
        self.only.is_empty()
            || value.is_some_and(|v| self.only.iter().any(|o| o.eq_ignore_ascii_case(v)))
    }

    /// Whether the line is for all that is below its path.
    pub fn is_whole(&self) -> bool {
        self.path.ends_with(".**")
    }

    /// How many names its path has, without a trailing `**`.
    pub(super) fn depth(&self) -> usize {
        self.path.split('.').count() - usize::from(self.is_whole())
    }

    /// Whether the line is for the field, or for all that it is in.
    pub fn covers(&self, path: &[&str]) -> bool {
        match self.path.strip_suffix(".**") {
            Some(above) => below(above, path).is_some_and(|rest| !rest.is_empty()),
            None => below(self.path, path).is_some_and(<[&str]>::is_empty),
        }
    }
}

/// What is left of a path below a pattern, where it is there.
fn below<'p, 's>(pattern: &str, path: &'p [&'s str]) -> Option<&'p [&'s str]> {
    let names: Vec<&str> = pattern.split('.').collect();
    let (head, rest) = path.split_at_checked(names.len())?;
    let fits = |(name, given): (&&str, &&str)| *name == "*" || name == given;
    names.iter().zip(head).all(fits).then_some(rest)
}
