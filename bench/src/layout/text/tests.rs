//! Pages as they are to look, written out.

use proptest::prelude::*;

use super::*;
use crate::layout::model::{Cell, Column, Keep, left, right};

fn shown(document: impl Into<Document>, style: Style) -> String {
    let mut out = Vec::new();
    text(&document.into(), &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn of_table(table: Table) -> Block {
    let mut block = Block::untitled();
    block.table(table);
    block
}

fn node() -> Document {
    let mut table = Table::new([
        left("METRIC").flexible(),
        right("NO KUBEVIRT"),
        right("KUBEVIRT"),
        right("DELTA"),
        right("95 % INTERVAL").from(90),
        right("VERDICT"),
    ]);
    table.row(["CPU used", "2.09 %", "4.13 %", "+2.04 pt", "+1.12 .. +2.95 pt", "real"]);
    table.row(["RAM used (sar)", "10.57 %", "38.70 %", "+28.13 pt", "+28.11 .. +28.15 pt", "real"]);
    table.row(["", "840.2 MiB", "3076.3 MiB", "+2236.1 MiB"]);
    table.span("The formula of sysstat 11.7.4 to 12.7.7, which is the one of the source document.");
    table.rule().row(["no swap"]);

    let mut environment = Block::new("Environment");
    environment.pair("hardware", "Intel Xeon Platinum 8272CL, 4 vCPU, 7.76 GiB (Standard_F4s_v2)");
    environment
        .pair("os", "Ubuntu 20.04.6, kernel 5.4.0-1109-azure, swap off, cgroup v1, THP madvise, KSM off");
    environment.pair("cdi", "");
    let mut node = Block::new("Node");
    node.table(table).line("  available = free, node_exporter, sar >= 12.7.8");
    node.note("%steal was 1.2 % in the baseline, 0.0 % now: CPU may be a little too low here.");
    let mut opening = Block::untitled();
    opening.line("edgebench 0.1.0   edge-0417   10 samples, 1 s apart");
    [opening, environment, node].into_iter().collect()
}

#[test]
fn a_report_on_100_columns() {
    assert_eq!(
        shown(node(), Style::plain(100)),
        "\
edgebench 0.1.0   edge-0417   10 samples, 1 s apart

Environment
  hardware   Intel Xeon Platinum 8272CL, 4 vCPU, 7.76 GiB (Standard_F4s_v2)
  os         Ubuntu 20.04.6, kernel 5.4.0-1109-azure, swap off, cgroup v1, THP madvise, KSM off
  cdi

Node
  METRIC          NO KUBEVIRT    KUBEVIRT        DELTA        95 % INTERVAL  VERDICT
  CPU used             2.09 %      4.13 %     +2.04 pt    +1.12 .. +2.95 pt     real
  RAM used (sar)      10.57 %     38.70 %    +28.13 pt  +28.11 .. +28.15 pt     real
                    840.2 MiB  3076.3 MiB  +2236.1 MiB
    The formula of sysstat 11.7.4 to 12.7.7, which is the one of the source document.
  ----------------------------------------------------------------------------------
  no swap
    available = free, node_exporter, sar >= 12.7.8
  ! %steal was 1.2 % in the baseline, 0.0 % now: CPU may be a little too low here.
"
    );
}

#[test]
fn the_same_report_on_80_columns() {
    assert_eq!(
        shown(node(), Style::plain(80)),
        "\
edgebench 0.1.0   edge-0417   10 samples, 1 s apart

Environment
  hardware   Intel Xeon Platinum 8272CL, 4 vCPU, 7.76 GiB (Standard_F4s_v2)
  os         Ubuntu 20.04.6, kernel 5.4.0-1109-azure, swap off, cgroup v1, THP
             madvise, KSM off
  cdi

Node
  METRIC          NO KUBEVIRT    KUBEVIRT        DELTA  VERDICT
  CPU used             2.09 %      4.13 %     +2.04 pt     real
  RAM used (sar)      10.57 %     38.70 %    +28.13 pt     real
                    840.2 MiB  3076.3 MiB  +2236.1 MiB
    The formula of sysstat 11.7.4 to 12.7.7, which is the one of the source
    document.
  -------------------------------------------------------------
  no swap
    available = free, node_exporter, sar >= 12.7.8
  ! %steal was 1.2 % in the baseline, 0.0 % now: CPU may be a little too low
    here.
"
    );
}

#[test]
fn hostile_names_stay_in_their_cells() {
    let mut table = Table::new([left("COMPONENT").flexible(), right("PROCS")]);
    table.row(["evil\nqemu-kvm  1", "1"]);
    table.row(["\x1b[2Jgone", "2"]);
    table.row(["cod\u{202e}mvk-umeq", "3"]);
    table.row(["a\tb\u{200b}c   ", "4"]);
    table.row(["x".repeat(5000).as_str(), "5"]);
    assert_eq!(
        shown(of_table(table), Style::plain(40)),
        r"  COMPONENT                        PROCS
  evil\nqemu-kvm  1                    1
  \x1b[2Jgone                          2
  cod\u{202e}mvk-umeq                  3
  a\tb\u{200b}c                        4
  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…      5
"
    );
}

#[test]
fn wide_characters_count_twice() {
    let mut table = Table::new([left("VM").flexible(), right("GUEST"), left("名前")]);
    table.row(["工場/制御装置", "1024", "一"]);
    table.row(["cafe\u{301}/edge-vm", "512", "二"]);
    assert_eq!(
        shown(of_table(table.clone()), Style::plain(80)),
        "  VM             GUEST  名前
  工場/制御装置   1024  一
  cafe\u{301}/edge-vm     512  二
"
    );
    assert_eq!(
        shown(of_table(table), Style::plain(25)),
        "  VM          GUEST  名前
  工場/制御…   1024  一
  cafe\u{301}/edge…    512  二
"
    );
}

#[test]
fn empty_tables() {
    let titles = Table::new([left("VM"), right("GUEST")]);
    assert_eq!(shown(of_table(titles), Style::plain(80)), "  VM  GUEST\n");
    assert_eq!(shown(of_table(Table::default()), Style::plain(80)), "");
    assert_eq!(shown(Document::new(), Style::plain(80)), "");
}

#[test]
fn a_table_without_titles_shows_only_rows() {
    let mut table = Table::new([right(""), left(""), left("")]);
    table.row(["1.00 GiB", "RAM of 1 VM", "what you asked for"]).row(["0.16 GiB", "around that VM"]);
    assert_eq!(
        shown(of_table(table), Style::plain(80)),
        "  1.00 GiB  RAM of 1 VM     what you asked for\n  0.16 GiB  around that VM\n"
    );
}

#[test]
fn columns_that_had_to_go_are_marked() {
    let mut table = Table::new((0..9).map(|i| right(format!("COLUMN {i}"))));
    table.row(["1"; 9]);
    assert_eq!(
        shown(of_table(table), Style::plain(30)),
        "  COLUMN 0  COLUMN 1  …\n         1         1  …\n"
    );
}

#[test]
fn colours_touch_only_the_words() {
    let mut table = Table::new([left("WHAT"), right("STATE"), left("WHY")]);
    table.row([
        Cell::from("PSS").tone(Tone::Strong),
        Cell::from("ok").tone(Tone::Good),
        Cell::from("root").tone(Tone::Faint),
    ]);
    let mut block = Block::new("can read");
    block.table(table).note("slow");
    assert_eq!(
        shown(block.clone(), Style { width: 80, colour: true }),
        "\x1b[1mcan read\x1b[0m\n  WHAT  STATE  WHY\n  \x1b[1mPSS\x1b[0m      \x1b[32mok\x1b[0m  \x1b[2mroot\x1b[0m\n  \x1b[33m! slow\x1b[0m\n"
    );
    assert_eq!(
        shown(block, Style::plain(80)),
        "can read\n  WHAT  STATE  WHY\n  PSS      ok  root\n  ! slow\n"
    );
}

/// Names as they come, with what is likely to break a table.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        "[a虚é\u{301}👍🏽\u{202e}\u{200d}\u{fe0f}\n\t\x1b\u{9b} لا🇩🇪]{0,30}",
    ]
}

fn rows() -> impl Strategy<Value = Row> {
    prop_oneof![
        6 => prop::collection::vec(names().prop_map(Cell::new), 0..9).prop_map(Row::Cells),
        1 => Just(Row::Rule),
        1 => names().prop_map(|text| Row::Span(text.into())),
    ]
}

fn columns() -> impl Strategy<Value = Column> {
    (names(), any::<bool>(), prop::option::of(50usize..120)).prop_map(|(title, is_right, from)| Column {
        title,
        align: if is_right { Align::Right } else { Align::Left },
        keep: from.map_or(Keep::Always, Keep::From),
        flexible: false,
    })
}

proptest! {
    #[test]
    fn nothing_leaves_the_page(
        heading in names(),
        others in prop::collection::vec(columns(), 0..8),
        rows in prop::collection::vec(rows(), 0..6),
        pairs in prop::collection::vec((names(), names()), 0..3),
        lines in prop::collection::vec(names().prop_map(Line::from), 0..3),
        width in 60usize..140,
    ) {
        let columns = std::iter::once(left("NAME").flexible()).chain(others).collect();
        let mut block = Block::new(heading);
        block.push(Table { columns, rows }).push(pairs).push(lines);
        let text = shown(block, Style::plain(width));
        prop_assert!(text.is_empty() || text.ends_with('\n'));
        for line in text.lines() {
            prop_assert!(!line.contains(char::is_control));
            prop_assert!(super::width(line) <= width, "{} columns: {line}", super::width(line));
            prop_assert_eq!(line, line.trim_end());
        }
    }
}
