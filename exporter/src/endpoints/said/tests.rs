use super::*;
use crate::scrape_text::{Arriving, Bounds, Format, Refusal};

const BOUNDS: Bounds = Bounds { bytes: 16 << 20, series: 200_000, line: 32 << 10 };

fn try_hear(text: &str, fallback: Option<&str>) -> Result<Said, Refusal> {
    let mut hearing = Hearing::default();
    let mut arriving = Arriving::new(Format::Text, BOUNDS);
    for piece in text.as_bytes().chunks(1000) {
        arriving.push(piece, &mut hearing)?;
    }
    arriving.finish()?;
    Ok(hearing.finish(fallback.and_then(Version::parse)))
}

fn hear(text: &str) -> Said {
    try_hear(text, None).unwrap()
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/kubevirt-metrics/", $name))
    };
}

const MIB: u64 = 1 << 20;

fn seconds(seconds: f64) -> Option<Nanos> {
    Some(Nanos((seconds * 1e9).round() as u64))
}

#[test]
fn the_virt_handler_of_the_real_node_tells_of_itself_and_of_its_vm() {
    let said = hear(fixture!("virt-handler-1.9.prom"));
    assert_eq!(said.kubevirt_version.as_deref(), Some("v1.9.0-rc.2"));
    let process = said.process;
    assert_eq!(
        (process.resident, process.cpu, process.open_fds),
        (Some(Bytes(85_118_976)), seconds(0.52), Some(35))
    );
    assert_eq!(process.start_time, Some(1_795_332_390.48));
    let [vmi] = said.vmis.as_slice() else { panic!("{} VMIs", said.vmis.len()) };
    assert_eq!(
        (vmi.namespace.as_str(), vmi.name.as_str(), vmi.node.as_deref()),
        ("default", "edge-vm", Some("edge-node"))
    );
    assert_eq!(
        (vmi.resident, vmi.domain, vmi.cpu),
        (Some(Bytes(52_736_000)), Some(Bytes(512 * MIB)), seconds(0.59))
    );
    // Firmware has no balloon driver.
    assert_eq!((vmi.available, vmi.usable, vmi.unused, vmi.cached), (None, None, None, None));
    assert_eq!(vmi.overhead, None);
}

#[test]
fn the_virt_controller_of_the_real_node_tells_what_it_reserves() {
    let said = hear(fixture!("virt-controller-1.9.prom"));
    assert_eq!(said.kubevirt_version, None);
    assert_eq!(said.process.resident, Some(Bytes(86_552_576)));
    let [vmi] = said.vmis.as_slice() else { panic!("{} VMIs", said.vmis.len()) };
    assert_eq!(
        (vmi.name.as_str(), vmi.node.as_deref(), vmi.overhead),
        ("edge-vm", None, Some(Bytes(288 * MIB)))
    );
}

#[test]
fn the_virt_api_of_the_real_node_tells_of_itself_alone() {
    let said = hear(fixture!("virt-api-1.9.prom"));
    assert_eq!((said.process.resident, said.process.cpu), (Some(Bytes(209_248_256)), seconds(4.12)));
    assert_eq!(said.vmis, []);
}

#[test]
fn the_vcpus_of_1_2_2_are_mended() {
    let said = hear(fixture!("virt-handler-1.2.2.prom"));
    assert_eq!(said.kubevirt_version.as_deref(), Some("v1.2.2"));
    let figures = |vmi: &SaidVmi| (vmi.name.clone(), vmi.cpu, vmi.vcpus[0].cpu, vmi.vcpus[0].delay);
    assert_eq!(
        said.vmis.iter().map(figures).collect::<Vec<_>>(),
        [
            ("aws-kubevirt-vm-1".into(), seconds(397.3), seconds(238.3), seconds(21.632295298)),
            ("aws-kubevirt-vm-2".into(), seconds(415.3), seconds(247.1), seconds(31.020036404)),
            ("aws-kubevirt-vm-4".into(), seconds(386.89), seconds(230.38), seconds(19.0588205)),
            ("aws-kubevirt-vm-6".into(), seconds(193.19), seconds(118.44), seconds(6.744160432)),
        ]
    );
    for vmi in &said.vmis {
        assert!(vmi.vcpus[0].cpu < vmi.cpu, "a vCPU is a part of its qemu");
        assert_eq!((vmi.vcpus.len(), vmi.vcpus[0].wait), (1, Some(Nanos(0))));
    }
}

#[test]
fn without_a_version_the_time_of_a_vcpu_is_not_known() {
    let text =
        "kubevirt_vmi_vcpu_seconds_total{id=\"1\",name=\"a\",namespace=\"b\",state=\"running\"} 5000\n";
    let vcpu = |fallback| try_hear(text, fallback).unwrap().vmis[0].vcpus[0];
    assert_eq!(vcpu(None), SaidVcpu { id: 1, ..SaidVcpu::default() });
    assert_eq!(vcpu(Some("v1.4.0")).cpu, seconds(5.0));
    assert_eq!(vcpu(Some("v1.6.0")).cpu, seconds(5000.0));
    let says = format!("{text}kubevirt_info{{kubeversion=\"v1.6.0\"}} 1\n");
    assert_eq!(
        try_hear(&says, Some("v1.4.0")).unwrap().vmis[0].vcpus[0].cpu,
        seconds(5000.0),
        "its own word counts"
    );
}

#[test]
fn former_names_are_todays_figures() {
    let labels = "{name=\"a\",namespace=\"b\",node=\"n\"}";
    for (former, set) in [
        ("kubevirt_vmi_memory_used_total_bytes", "domain"),
        ("kubevirt_vmi_memory_domain_total_bytes", "domain"),
        ("kubevirt_vmi_memory_domain_bytes_total", "domain"),
        ("kubevirt_vmi_cpu_usage_seconds", "cpu"),
    ] {
        let vmi = hear(&format!("{former}{labels} 1.5e+09\n")).vmis.remove(0);
        let expected = (set == "domain").then_some(Bytes(1_500_000_000));
        assert_eq!((vmi.domain, vmi.cpu.is_some()), (expected, set == "cpu"), "{former}");
    }
    let legacy = hear(fixture!("virt-handler-legacy.prom"));
    assert_eq!(legacy.vmis[0].resident, Some(Bytes(25_595_904)));
}

#[test]
fn two_vms_of_one_name_in_two_namespaces_are_two() {
    let text = "kubevirt_vmi_memory_resident_bytes{name=\"a\",namespace=\"b\"} 1\n\
                kubevirt_vmi_memory_resident_bytes{name=\"a\",namespace=\"c\"} 2\n\
                kubevirt_vmi_memory_domain_bytes{namespace=\"b\",name=\"a\"} 3\n";
    let said = hear(text);
    let figures = |vmi: &SaidVmi| (vmi.namespace.clone(), vmi.resident, vmi.domain);
    assert_eq!(
        said.vmis.iter().map(figures).collect::<Vec<_>>(),
        [("b".into(), Some(Bytes(1)), Some(Bytes(3))), ("c".into(), Some(Bytes(2)), None),]
    );
}

#[test]
fn what_is_there_twice_is_not_believed() {
    for line in [
        "process_resident_memory_bytes 1\n",
        "kubevirt_info{kubeversion=\"v1.9.0\"} 1\n",
        "kubevirt_vmi_memory_resident_bytes{name=\"a\",namespace=\"b\",kubernetes_vmi_label_x=\"y\"} 1\n",
        "kubevirt_vmi_cpu_usage_seconds_total{name=\"a\",namespace=\"b\"} NaN\n",
        "kubevirt_vmi_vcpu_seconds_total{id=\"0\",name=\"a\",namespace=\"b\"} 1\n",
    ] {
        assert!(try_hear(line, None).is_ok());
        assert!(matches!(try_hear(&line.repeat(2), None), Err(Refusal::Duplicate(_))), "{line}");
    }
}

#[test]
fn values_that_are_none_leave_a_figure_out() {
    for value in ["NaN", "+Inf", "-1", "1e300"] {
        let said =
            hear(&format!("process_resident_memory_bytes {value}\nprocess_cpu_seconds_total {value}\n"));
        assert_eq!((said.process.resident, said.process.cpu), (None, None), "{value}");
    }
}

#[test]
fn more_vms_than_can_be_are_not_kept() {
    let line =
        |at: usize| format!("kubevirt_vmi_memory_resident_bytes{{name=\"vm-{at}\",namespace=\"b\"}} 1\n");
    let many: String = (0..MOST_VMIS).map(line).collect();
    assert_eq!(hear(&many).vmis.len(), MOST_VMIS);
    assert_eq!(try_hear(&(many + &line(MOST_VMIS)), None), Err(Refusal::TooMany));
    let long =
        format!("kubevirt_vmi_memory_resident_bytes{{name=\"{}\",namespace=\"b\"}} 1\n", "x".repeat(254));
    assert!(matches!(try_hear(&long, None), Err(Refusal::Malformed(_))));
}
