//! The reading that costs something: proxies, control planes, and connections that are tried. What
//! is worth reading follows from the paths ([`places`]); everything is read side by side, few at a
//! time, and ends by the deadline. What could not be read is kept with its reason.

mod leaving;
mod observe;
mod places;
mod planes;
mod proxies;
mod question;
mod round;
mod runaways;
mod witness;

pub use leaving::{Leaving, leaving};
pub use observe::observe;
pub use planes::planes;
pub use proxies::proxies;
pub use round::round;
pub use runaways::runaways;
pub use witness::{gateway_pod, witnesses};

use crate::cluster::{Attributes, missing_right};
use crate::error::Error;
use crate::kubernetes::Kind;

/// What an HTTP request asks for.
const PATH: &str = "/";

/// So many requests are in flight at most: more gains nothing over HTTP/1.1.
const SIDE_BY_SIDE: usize = 8;

/// Why something was not read; for a missing right with the Role that would grant it.
fn why(error: &Error, (namespace, subresource): (&str, &'static str)) -> String {
    if !error.is_forbidden() {
        return error.to_string();
    }
    let right = Attributes {
        verb: "create",
        kind: Kind::Pod,
        subresource,
        namespace,
    };
    format!("{error}; this would allow it:\n{}", missing_right(right))
}
