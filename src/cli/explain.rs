//! `explain`: its argument.

/// What a check looks for, why, and how to fix what it finds
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// The check: EG201 (default: a list of all)
    #[arg(value_name = "CODE")]
    pub topic: Option<String>,
}
