//! The real node's cluster of phase `4-vm`, on ports of the loopback interface: an API server with its objects, its
//! virt-handler and virt-controller, and what may answer inside of its VM.

use std::fs;

use edgebench::cluster::{Ask, Asked, Asker};
use edgebench_exporter::endpoints::{EndpointFlags, SkipVerifyFlag};
use edgebench_exporter::guests::GuestFlags;
use serde_json::Value;
use tempfile::TempDir;

use crate::fake_endpoint::{Behaviour, FakeEndpoint};
use crate::host::fixture;
use crate::scripted_api::{CDIS, DEPLOYMENTS, KUBEVIRTS, PODS, ScriptedApi, VMIS, answer};

/// Name of the node.
pub const NODE: &str = "edge-node";

/// All that speaks of the node beside its `/proc`.
pub struct EdgeCluster {
    /// The API server.
    pub api: ScriptedApi,
    /// virt-handler of the node.
    pub handler: FakeEndpoint,
    /// virt-controller.
    pub controller: FakeEndpoint,
    /// node_exporter in the VM.
    pub node_exporter: FakeEndpoint,
    /// edgeAgent in the VM.
    pub edge_agent: FakeEndpoint,
    dir: TempDir,
}

impl EdgeCluster {
    /// What was said at the moment of `t1`. Nobody in the VM says anything: it ran firmware only.
    ///
    /// # Panics
    /// If a fixture can't be read.
    #[allow(clippy::new_without_default, reason = "servers are not made by the way")]
    pub fn new() -> EdgeCluster {
        let api = ScriptedApi::new();
        for (collection, list) in [
            (KUBEVIRTS, answer("kubevirts.json")),
            (CDIS, answer("cdis.json")),
            (DEPLOYMENTS, answer("deployments-kubevirt.json")),
            (DEPLOYMENTS, answer("deployments-cdi.json")),
            (PODS, of_phase("api-pods.json")),
            (VMIS, of_phase("api-virtualmachineinstances.json")),
        ] {
            for item in list["items"].as_array().unwrap() {
                api.put(collection, item.clone());
            }
        }
        EdgeCluster {
            api,
            handler: serving("kubevirt-metrics/virt-handler-1.9.prom"),
            controller: serving("kubevirt-metrics/virt-controller-1.9.prom"),
            node_exporter: FakeEndpoint::new(Behaviour::Close),
            edge_agent: FakeEndpoint::new(Behaviour::Close),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The flags of the exporter that name all of them but the guest.
    pub fn flags(&self) -> Vec<String> {
        let kubeconfig = self.api.kubeconfig(self.dir.path(), "", "");
        vec![
            format!("--node-name={NODE}"),
            "--kubevirt.scope=cluster".into(),
            format!("--kube.kubeconfig={}", kubeconfig.display()),
            format!("--kubevirt.endpoint=virt-handler={}", self.handler.url()),
            format!("--kubevirt.endpoint=virt-controller={}", self.controller.url()),
        ]
    }

    /// The same VM with other UIDs, as another node runs it.
    ///
    /// # Panics
    /// If the cluster has lost it.
    pub fn is_run_by(&self, vmi_uid: &str, pod_uid: &str) {
        let pods = self.api.selected(PODS, "");
        let pod = pods.iter().find(|pod| pod["metadata"]["labels"]["kubevirt.io"] == "virt-launcher");
        let mut pod = pod.expect("a virt-launcher").clone();
        pod["metadata"]["uid"] = pod_uid.into();
        pod["metadata"]["labels"]["kubevirt.io/created-by"] = vmi_uid.into();
        pod["metadata"]["ownerReferences"][0]["uid"] = vmi_uid.into();
        self.api.put(PODS, pod);
        self.api.edit(VMIS, "default", "edge-vm", |vmi| vmi["metadata"]["uid"] = vmi_uid.into());
    }

    /// Whom `edgebench footprint` asks.
    ///
    /// # Panics
    /// If the kubeconfig can't be written.
    pub fn asker(&self, guests: &str) -> Asker {
        let minute = std::time::Duration::from_secs(60);
        let endpoints = EndpointFlags {
            fixed: vec![
                format!("virt-handler={}", self.handler.url()).parse().unwrap(),
                format!("virt-controller={}", self.controller.url()).parse().unwrap(),
            ],
            interval: minute,
            timeout: minute,
            ca_file: None,
            token_file: None,
            skip_verify: SkipVerifyFlag::None,
        };
        let targets = if guests.is_empty() { Vec::new() } else { vec![guests.parse().unwrap()] };
        let guests = GuestFlags { targets, interval: minute, timeout: minute };
        let kubeconfig = self.api.kubeconfig(self.dir.path(), "", "");
        Asker::new(Some(kubeconfig), NODE.to_owned(), &endpoints, &guests).unwrap()
    }

    /// The flags of `edgebench footprint` that name all of them.
    pub fn footprint_flags(&self) -> Vec<String> {
        let kubeconfig = self.api.kubeconfig(self.dir.path(), "", "");
        vec![
            format!("--node-name={NODE}"),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--kubevirt-endpoint=virt-handler={}", self.handler.url()),
            format!("--kubevirt-endpoint=virt-controller={}", self.controller.url()),
            format!("--guest-targets={}", self.guests()),
        ]
    }

    /// node_exporter and edgeAgent in the VM, as a flag names them.
    pub fn guests(&self) -> String {
        let port = |endpoint: &FakeEndpoint| endpoint.address().port();
        format!(
            "default/edge-vm@127.0.0.1=node_exporter={},edgeAgent={}",
            port(&self.node_exporter),
            port(&self.edge_agent)
        )
    }
}

/// Answers that are twelve seconds old, whatever the clock says.
pub struct Dated<A>(pub A);

impl<A: Ask> Ask for Dated<A> {
    fn ask(&self) -> Asked {
        let mut asked = self.0.ask();
        asked.at = 1012.0;
        for endpoint in &mut asked.endpoints {
            endpoint.read_at = endpoint.read_at.map(|_| 1000.0);
        }
        for guest in &mut asked.guests {
            if let Some(system) = &mut guest.system {
                system.read_at = 1000.0;
            }
            if let Some(edge) = &mut guest.iot_edge {
                edge.read_at = 1000.0;
            }
        }
        asked
    }
}

fn of_phase(name: &str) -> Value {
    let path = fixture(&format!("node-kubevirt-1.9/4-vm/{name}"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn serving(name: &str) -> FakeEndpoint {
    FakeEndpoint::new(Behaviour::Text(fs::read_to_string(fixture(name)).unwrap()))
}
