//! The fourteen defects of the source document's chart, of which the README has a table: each is mended, or is what the
//! table says it is because a name or a default forbids more.

use serde_json::{Value, json};

use crate::guest::{secret, user_data};
use crate::sets::{SSH, config, given, with};

#[test]
#[ignore = "live: needs Helm's engine"]
fn each_of_the_fourteen_is_mended_as_the_readme_says() {
    let refusal = |values: Value| with(&values).render().error.unwrap();
    let rendered = given(json!({"publicSshKey": SSH})).render();
    let machine = rendered.one("VirtualMachine");
    let (spec, template) = (&machine["spec"], &machine["spec"]["template"]["spec"]);

    assert_eq!(machine["apiVersion"], "kubevirt.io/v1", "1");
    assert_eq!((&spec["runStrategy"], spec.get("running")), (&"Always".into(), None), "2");
    let disk = &rendered.one("DataVolume")["spec"];
    assert!(disk["storage"].is_object() && disk.get("pvc").is_none(), "3");
    assert_eq!(template["domain"]["memory"]["guest"], "1Gi", "4");
    assert_eq!(template["domain"].get("resources"), None, "4");

    // 5: one prefix for all names, also where it is empty or as long as it may be.
    let longest = "n".repeat(40);
    for (name, prefix) in [("", "edge"), (longest.as_str(), longest.as_str())] {
        let rendered = given(json!({"nameOverride": name, "publicSshKey": SSH})).render();
        for object in &rendered.objects {
            let own = object.object["metadata"]["name"].as_str().unwrap();
            assert!(own.starts_with(&format!("{prefix}-")), "5: {own}");
        }
    }

    // 6: the default is the source's; it meets nobody, and may be empty.
    let address = |rendered: &Value| {
        let interfaces = &rendered["spec"]["template"]["spec"]["domain"]["devices"]["interfaces"];
        interfaces[0]["macAddress"].clone()
    };
    assert_eq!(address(machine), "fe:7e:48:a0:7d:22", "6");
    assert!(template["domain"]["devices"]["interfaces"][0]["masquerade"].is_object(), "6");
    let bridge = json!({"azIotEdgeConfig": config(), "network": {"binding": "bridge"}});
    assert!(refusal(bridge).contains("macAddress"), "6");
    let without = given(json!({"macAddress": ""})).render();
    assert_eq!(address(without.one("VirtualMachine")), Value::Null, "6");
    let network = secret(&without, "-vm-cloudconfig", "networkdata").unwrap();
    assert!(network.contains("name: \"en*\"") && !network.contains("macaddress"), "6: {network}");

    // 7: what was fixed.
    let set = json!({
        "cores": 3, "memory": "3Gi", "hostname": "other", "configDiskSerial": "other", "iotEdge": {"version": "1.6"},
        "image": {"url": "https://example.org/a.img"}, "disk": {"storageClassName": "other"},
        "network": {"binding": "bridge"}, "macAddress": "",
    });
    let other = given(set).render();
    let objects: Vec<_> = other.objects.iter().map(|object| &object.object).collect();
    let objects = serde_json::to_string(&objects).unwrap();
    let told = secret(&other, "-vm-cloudconfig", "userdata").unwrap();
    for (text, where_) in [
        ("\"cores\":3", &objects),
        ("\"guest\":\"3Gi\"", &objects),
        ("\"serial\":\"other\"", &objects),
        ("https://example.org/a.img", &objects),
        ("\"storageClassName\":\"other\"", &objects),
        ("\"bridge\":{}", &objects),
        ("hostname: other", &told),
        ("CONFIG_DISK_SERIAL='other'", &told),
        ("IOTEDGE_VERSION='1.6'", &told),
    ] {
        assert!(where_.contains(text), "7: {text}: {where_}");
    }

    // 8: at every start; scripts.rs runs it.
    let files = user_data(&rendered).write_files;
    let unit = files.iter().find(|file| file.path.ends_with("iot-edge-vm.service")).unwrap();
    assert!(unit.content.contains("ExecStart=/usr/local/sbin/iot-edge-vm-configure"), "8");
    assert!(refusal(json!({})).contains("azIotEdgeConfig is empty"), "9");

    // 10: the default is the source's; without a key there is no way in.
    assert_eq!(rendered.one("Service")["spec"]["type"], "LoadBalancer", "10");
    assert!(given(json!({})).render().all("Service").is_empty(), "10");
    // 11: the default is the source's.
    let notes = rendered.notes.as_deref().unwrap();
    assert!(notes.contains("! ssh is open") && notes.contains("! 4Gi"), "10, 11: {notes}");
    assert!(disk["source"]["registry"]["url"].as_str().unwrap().ends_with("ubuntu:22.04"), "12");
    assert!(
        secret(&rendered, "-vm-cloudconfig", "userdata").unwrap().contains("IOTEDGE_VERSION='1.5'"),
        "13"
    );
    assert_eq!(
        rendered.one("DataVolume")["metadata"]["annotations"]["helm.sh/resource-policy"],
        "keep",
        "14"
    );
}
