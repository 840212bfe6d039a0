//! Asks the API server, with the crate `kube` for what every client has to do alike: configurations, credentials,
//! TLS. Lists and watches are our own: an agent on every node needs answers decoded object by object, so that memory
//! does not follow the size of a list, and an error that hides one object or one kind and nothing else.
//!
//! Lists ask for any version first (`resourceVersion=0`, served from the API server's cache, as kubelets do it), later
//! for one that is no older than what was seen, and after 410 for the latest. Kubernetes' API concepts
//! (kubernetes.io/docs/reference/using-api/api-concepts) say what each means, and that a watch may end at any time.

mod answer;
mod asker;
mod connection;
mod failure;
mod items;
mod lines;
mod migrating;
mod start;
mod version;
mod watch;

pub use self::start::{read_once, start};
