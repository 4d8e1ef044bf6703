//! All checks, most upstream cause first: of two findings that explain the same failure the earlier one is the root.

use super::Check;

/// Every check. Adding one is one line here.
pub static CHECKS: &[Check] = &[];

/// The check of that code, in either case of its letters.
pub fn find(code: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.code.0.eq_ignore_ascii_case(code))
}
