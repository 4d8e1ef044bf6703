//! `explain`: its argument.

const EXAMPLES: &str = "\
Examples:
  # All flows and checks
  kubectl egress explain

  # A finding of doctor
  kubectl egress explain EG201

  # What the objects of a flow are for
  kubectl egress explain passthrough

  # A ClusterRole with the rights that a verb needs
  kubectl egress explain rights setup | kubectl apply -f -";

/// Explain a check, the objects of a flow, or the rights that a verb needs
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// A check (EG201), a flow (http, passthrough, originate, tcp), or rights; default: a list of
    /// all
    #[arg(value_name = "CODE|FLOW|rights")]
    pub topic: Option<String>,
    /// With rights: the verb (default: all, a role for each)
    #[arg(value_name = "VERB")]
    pub verb: Option<String>,
}
