//! `/proc/zoneinfo`: the pages in per-CPU free lists.
//!
//! A page that is freed goes to a list of the CPU that freed it (`struct per_cpu_pages`), and is in no line
//! of `/proc/meminfo` while it lies there: neither in `MemFree` nor in any other. `mm/vmstat.c`
//! (`zoneinfo_show_print`) prints, for each populated zone, `pagesets` and under it, for each CPU, `cpu: N`
//! and `count:`, its pages. `high:` and others follow, more of them since Linux 6.7 (`high_min`, `high_max`).

use serde::{Deserialize, Serialize};

use super::scan::Lines;
use crate::error::Malformed;
use crate::units::Pages;

/// What is used of `/proc/zoneinfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneInfo {
    /// Pages in the per-CPU free lists of all zones and CPUs.
    pub pcp: Pages,
    /// How many lists that is the sum of: populated zones × CPUs.
    pub pagesets: u32,
}

/// Where in a zone's text a line stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before `pagesets`.
    Zone,
    /// After `pagesets`, before the first `cpu:`.
    Pagesets,
    /// After a `cpu:` line.
    Cpu,
}

/// Reads the text of `/proc/zoneinfo`.
pub fn parse(text: &[u8]) -> Result<ZoneInfo, Malformed> {
    let mut info = ZoneInfo::default();
    let mut place = Place::Zone;
    for line in Lines::of_whole(text)? {
        let mut words = line.words();
        match words.next() {
            Some(b"Node") => place = Place::Zone,
            Some(b"pagesets") => place = Place::Pagesets,
            Some(b"cpu:") if place != Place::Zone => place = Place::Cpu,
            Some(b"count:") if place == Place::Cpu => {
                let pages: u64 = words.number("count")?;
                let too_many = || Malformed::new(line.number, "the counts add up to too large a number");
                info.pcp = Pages(info.pcp.0.checked_add(pages).ok_or_else(too_many)?);
                info.pagesets = info.pagesets.checked_add(1).ok_or_else(too_many)?;
                // One count for each `cpu:`.
                place = Place::Pagesets;
            }
            _ => {}
        }
    }
    Ok(info)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two zones of a KubeVirt node with two CPUs, Linux 6.18, and one that is not populated; counters cut.
    const NODE: &str = "\
Node 0, zone   Normal
  per-node stats
      nr_inactive_anon 349982
  pages free     2612838
        boost    0
        min      11195
        protection: (0, 0, 0, 0, 0)
      nr_free_pages 2612838
      numa_local   14116391
  pagesets
    cpu: 0
              count:    1
              high:     2312
              batch:    63
              high_min: 2312
              high_max: 48307
  vm stats threshold: 24
    cpu: 1
              count:    62
              high:     2312
              batch:    63
              high_min: 2312
              high_max: 48307
  vm stats threshold: 24
  node_unreclaimable:  0
  start_pfn:           4096
Node 0, zone  Movable
  pages free     0
        boost    0
        protection: (0, 0, 0, 0, 0)
Node 1, zone   Normal
  pages free     3840
  pagesets
    cpu: 0
              count:    7479
              high:     8235
              batch:    63
  vm stats threshold: 4
  node_unreclaimable:  0
  start_pfn:           1
";

    #[test]
    fn the_counts_of_all_zones_and_cpus_are_summed() {
        let info = parse(NODE.as_bytes()).unwrap();
        assert_eq!(info, ZoneInfo { pcp: Pages(1 + 62 + 7479), pagesets: 3 });
    }

    #[test]
    fn a_count_elsewhere_is_something_else() {
        let text = "Node 0, zone DMA\n  count: 5\n  cpu: 0\n  count: 5\n  pagesets\n  count: 5\n    cpu: 0\n      \
                    count: 7\n      count: 5\nNode 0, zone DMA32\n  count: 5\n";
        assert_eq!(parse(text.as_bytes()).unwrap(), ZoneInfo { pcp: Pages(7), pagesets: 1 });
    }

    #[test]
    fn a_zone_without_lists_adds_nothing() {
        assert_eq!(parse(b"Node 0, zone  Movable\n  pages free     0\n").unwrap(), ZoneInfo::default());
    }

    #[test]
    fn a_count_that_is_no_number_is_refused() {
        let wrong = parse(b"Node 0, zone DMA\n  pagesets\n    cpu: 0\n  count: -1\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 4: count is not a number: `-1`");
        let wrong = parse(b"Node 0, zone DMA\n  pagesets\n    cpu: 0\n  count:\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 4: count is missing");
    }

    #[test]
    fn a_text_cut_short_is_refused() {
        let end = NODE.find("479").unwrap();
        let wrong = parse(&NODE.as_bytes()[..end]).unwrap_err();
        assert!(wrong.what.starts_with("cut short"), "{wrong}");
        assert_eq!(parse(b"").unwrap_err().to_string(), "line 1: the file is empty");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(text in "(Node|pagesets|cpu: |count: |[0-9]{1,21}|\n| ){0,80}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn the_sum_is_the_sum(counts in prop::collection::vec(0..100_000_000u64, 0..64)) {
            let mut text = String::from("Node 0, zone Normal\n  pagesets\n");
            for (cpu, count) in counts.iter().enumerate() {
                text += &format!("    cpu: {cpu}\n              count: {count}\n              high:  9\n");
            }
            let info = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(info.pcp, Pages(counts.iter().sum()));
            prop_assert_eq!(info.pagesets as usize, counts.len());
        }
    }
}
