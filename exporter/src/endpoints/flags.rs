//! The flags of the endpoints.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Fixed, Settings, SkipVerify};
use crate::duration::duration;
use crate::scrape_text::Bounds;
use crate::scraper::Limits;

const HEADING: &str = "KubeVirt's and CDI's endpoints";

/// What is read of one answer. The largest one known, virt-controller's with one VM, has 500 KB and 3,000 series.
const TEXT: Bounds = Bounds { bytes: 16 << 20, series: 200_000, line: 32 << 10 };

/// An answer is served until this many scrapes after it have failed.
const KEPT_SCRAPES: u32 = 3;

/// Whom to ask, how often, and whom to believe.
#[derive(Clone, Debug, Args)]
pub struct EndpointFlags {
    /// An endpoint beside those that the API server names, as COMPONENT=URL:
    /// virt-handler=https://10.42.0.17:8443/metrics. May be given several times.
    #[arg(id = "kubevirt.endpoint", long = "kubevirt.endpoint", value_name = "COMPONENT=URL", help_heading = HEADING)]
    pub fixed: Vec<Fixed>,
    /// How often each is asked, whoever scrapes this exporter. virt-handler answers three at a time and collects while
    /// it answers; up to KubeVirt 1.2 each time is a call to the libvirt of every VM on the node. An answer is served
    /// for three times as long.
    #[arg(id = "kubevirt.interval", long = "kubevirt.interval", value_name = "TIME", default_value = "30s", value_parser = duration,
          help_heading = HEADING)]
    pub interval: Duration,
    /// How long an answer may take: virt-handler itself waits up to 10s for its VMs.
    #[arg(id = "kubevirt.timeout", long = "kubevirt.timeout", value_name = "TIME", default_value = "12s", value_parser = duration,
          help_heading = HEADING)]
    pub timeout: Duration,
    /// Certificates of the CA that signed the components', in PEM [default: the ConfigMap kubevirt-ca, from the API
    /// server]. For an endpoint that is given by address no name is verified: KubeVirt's certificates hold none.
    #[arg(id = "kubevirt.ca-file", long = "kubevirt.ca-file", value_name = "FILE", help_heading = HEADING)]
    pub ca_file: Option<PathBuf>,
    /// A bearer token for CDI (1.66 and later) and for whoever answers 401 or 403, read anew each time; it is sent over
    /// TLS only. To be allowed is `get` of the path /metrics.
    #[arg(id = "kubevirt.token-file", long = "kubevirt.token-file", value_name = "FILE", help_heading = HEADING)]
    pub token_file: Option<PathBuf>,
    /// Believe any certificate, and send the token to whoever has it: of CDI's alone, which no CA has signed, or of all.
    #[arg(id = "kubevirt.insecure-skip-verify", long = "kubevirt.insecure-skip-verify", value_name = "WHOSE", num_args = 0..=1, require_equals = true,
          default_missing_value = "all", default_value = "none", help_heading = HEADING)]
    pub skip_verify: SkipVerifyFlag,
}

/// Whose certificate is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SkipVerifyFlag {
    /// Nobody's.
    None,
    /// CDI's.
    Cdi,
    /// Everybody's.
    All,
}

impl EndpointFlags {
    /// For the exporter of this node.
    pub fn settings(&self, node: &str) -> Settings {
        Settings {
            fixed: self.fixed.clone(),
            interval: self.interval,
            limits: Limits { time: self.timeout, text: TEXT },
            keep: self.interval * KEPT_SCRAPES + self.timeout,
            ca_file: self.ca_file.clone(),
            token_file: self.token_file.clone(),
            skip_verify: match self.skip_verify {
                SkipVerifyFlag::None => SkipVerify::None,
                SkipVerifyFlag::Cdi => SkipVerify::Cdi,
                SkipVerifyFlag::All => SkipVerify::All,
            },
            node: node.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        endpoints: EndpointFlags,
    }

    fn parse(arguments: &[&str]) -> Result<Settings, clap::Error> {
        let flags = Flags::try_parse_from([&["edgebench-exporter"], arguments].concat())?;
        Ok(flags.endpoints.settings("edge-node"))
    }

    #[test]
    fn endpoints_are_given_by_component() {
        let settings = parse(&[
            "--kubevirt.endpoint=virt-handler=https://10.42.0.17:8443/metrics",
            "--kubevirt.endpoint=cdi-operator=http://10.42.0.30:8080",
        ])
        .unwrap();
        let shown: Vec<_> = settings
            .fixed
            .iter()
            .map(|fixed| (fixed.component.as_str(), fixed.address.to_string()))
            .collect();
        assert_eq!(
            shown,
            [
                ("virt-handler", "https://10.42.0.17:8443/metrics".to_owned()),
                ("cdi-operator", "http://10.42.0.30:8080/metrics".to_owned()),
            ]
        );
        for wrong in
            ["virt-handler", "virt-handler=10.0.0.1:8443", "virt-launcher=https://10.0.0.1/", "=https://a/"]
        {
            assert!(parse(&["--kubevirt.endpoint", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn certificates_are_verified_unless_it_is_said_whose_are_not() {
        let skips = |arguments: &[&str]| parse(arguments).unwrap().skip_verify;
        assert_eq!(skips(&[]), SkipVerify::None);
        assert_eq!(skips(&["--kubevirt.insecure-skip-verify"]), SkipVerify::All);
        assert_eq!(skips(&["--kubevirt.insecure-skip-verify=cdi"]), SkipVerify::Cdi);
    }

    #[test]
    fn an_answer_outlives_three_failed_scrapes() {
        let settings = parse(&["--kubevirt.interval=10s", "--kubevirt.timeout=5s"]).unwrap();
        assert_eq!(settings.keep, Duration::from_secs(35));
    }
}
