//! The man page: one for all commands, as there is one program.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::Cli;

/// Writes the page.
///
/// # Errors
/// Where `out` can't be written.
pub fn page(out: &mut dyn Write) -> io::Result<()> {
    let mut program = Cli::command();
    program.build();
    let man = Man::new(program.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        section(command, out)?;
    }
    man.render_extra_section(out)?;
    man.render_version_section(out)
}

/// A command as a section: its synopsis, what it does, its options.
fn section(command: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    // `--help` and `--version` are those of every program.
    let common = |arg: &clap::Arg| matches!(arg.get_id().as_str(), "help" | "version");
    let man = Man::new(command.clone().mut_args(|arg| if common(&arg) { arg.hide(true) } else { arg }));
    writeln!(out, ".SH \"{}\"", command.get_name().to_uppercase())?;
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    text.extend_from_slice(b".PP\n");
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        // One page has one synopsis, one description and one list of options.
        if !line.starts_with(b".SH ") {
            out.write_all(line)?;
        }
    }
    Ok(())
}
