//! The `edgebench` commands on the pages of `deploy/` are ones that it takes.

use clap::Parser;
use edgebench::cli::Cli;
use edgebench_tests::documented_commands::pages;

#[test]
fn edgebench_takes_every_command_of_the_pages() {
    let mut seen = 0;
    for page in pages() {
        for arguments in page.arguments_of("edgebench") {
            seen += 1;
            let words = std::iter::once("edgebench").chain(arguments.iter().map(String::as_str));
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{}: edgebench {}: {error}", page.path.display(), arguments.join(" "));
            }
        }
    }
    // The experiment alone has more.
    assert!(seen >= 15, "{seen} commands");
}

#[test]
fn what_stands_on_a_page_is_read_as_bash_reads_it() {
    let page = edgebench_tests::documented_commands::Page {
        path: "a.md".into(),
        blocks: vec![
            (1, "name=after other=x\nedgebench footprint \\\n    --save \"$name-1.json.gz\"\n".to_owned()),
            (9, "edgebench compare no-*.json.gz --with \"$(ls)\"\nkubectl get edgebench\n".to_owned()),
        ],
    };
    assert_eq!(
        page.arguments_of("edgebench"),
        [vec!["footprint", "--save", "after-1.json.gz"], vec!["compare", "no-*.json.gz", "--with", "output"]]
    );
}
