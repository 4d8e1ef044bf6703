//! A gateway that is there already and that no installer of ours made.

use super::GatewayPatch;
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::snapshot::Snapshot;

/// A gateway of that name which the installer does not know is somebody else's.
pub(super) fn refuse_strangers(snapshot: &Snapshot, patch: &GatewayPatch) -> Result<(), Error> {
    let mut services = snapshot.objects.services.iter();
    match services.find(|s| s.namespace() == patch.namespace && s.name() == patch.name) {
        None => Ok(()),
        Some(service) => Err(Error::Refused {
            why: format!(
                "{} is there already, and this installer did not make it",
                service.reference(Kind::Service)
            ),
            hint: Some(
                "use it as it is, without --installer, or name another with --gateway NS/SERVICE"
                    .into(),
            ),
        }),
    }
}
