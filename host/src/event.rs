//! What can be seen of a run.

use plugnet_policy::{Decision, Request};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Something that happened in a run: what `--audit` writes down.
///
/// Serialized as a map whose `event` says which: `decision` has the fields of
/// [`Decision`](plugnet_policy::Decision), a path's may have a `detail`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The policy decided about something that the program asked for.
    Decision(Decision),
    /// The file system decided about a path, otherwise than the policy's text says: a grant
    /// that [`RunOptions::allow_ipc`](crate::RunOptions::allow_ipc) gave, or a path that would
    /// leave its grant.
    Path {
        /// What was asked for.
        request: Request,
        /// Whether the program may.
        allowed: bool,
        /// Why not.
        detail: Option<String>,
    },
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Event::Decision(decision) => Tagged {
                event: "decision",
                fields: decision,
            }
            .serialize(serializer),
            Event::Path {
                request,
                allowed,
                detail,
            } => {
                let mut fields = serializer.serialize_map(None)?;
                fields.serialize_entry("event", "decision")?;
                fields.serialize_entry("action", request.action())?;
                fields.serialize_entry("target", &request.target())?;
                fields.serialize_entry("allowed", allowed)?;
                fields.serialize_entry("reason", "path")?;
                if let Some(detail) = detail {
                    fields.serialize_entry("detail", detail)?;
                }
                fields.end()
            }
        }
    }
}

#[derive(serde::Serialize)]
struct Tagged<'a, T> {
    event: &'static str,
    #[serde(flatten)]
    fields: &'a T,
}
