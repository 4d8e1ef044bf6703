//! Arguments that were not taken, in words. clap's own are kept where they say what to type; where
//! one of our parsers said what is wrong with a value, its sentence is the whole of it.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;

/// What is said on standard error.
pub fn refusal(error: &clap::Error) -> String {
    let argument = context(error, ContextKind::InvalidArg).unwrap_or_default();
    let flag = argument.split([' ', '=', '[']).next().unwrap_or_default();
    match (error.kind(), error.source()) {
        (ErrorKind::ValueValidation, Some(reason)) if flag.starts_with('-') => {
            format!("error: {flag}: {reason}")
        }
        (ErrorKind::ValueValidation, Some(reason)) => format!("error: {reason}"),
        (ErrorKind::InvalidValue, _) if flag == "--output" => output(error),
        _ => error.render().to_string().trim_end().to_owned(),
    }
}

/// kubectl's formats with a template need a library of their own; `jq` does as much.
fn output(error: &clap::Error) -> String {
    let asked = context(error, ContextKind::InvalidValue).unwrap_or_default();
    let format = asked.split('=').next().unwrap_or_default();
    let templates = [
        "jsonpath",
        "jsonpath-as-json",
        "jsonpath-file",
        "custom-columns",
        "custom-columns-file",
        "go-template",
        "go-template-file",
        "template",
    ];
    if templates.contains(&format) {
        return format!("error: there is no -o {format} here: use -o json and pipe it into jq");
    }
    error.render().to_string().trim_end().to_owned()
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}
