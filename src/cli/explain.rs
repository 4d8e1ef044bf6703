//! `explain`: its argument.

/// What the objects of a flow are for, and what a check looks for
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// A flow (http, passthrough, originate, tcp) or a check (EG201); default: a list of all
    #[arg(value_name = "FLOW|CODE")]
    pub topic: Option<String>,
}
