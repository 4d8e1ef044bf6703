//! All checks, most upstream cause first: of two findings that explain the same failure the earlier one is the root.

use super::Check;

/// Every check. Adding one is one line here.
pub static CHECKS: &[Check] = &[];
