//! What must be true of every text.

use std::hash::{DefaultHasher, Hash, Hasher};

use edgebench_exporter::endpoints::said;
use edgebench_exporter::guests::{edge_agent, node_exporter};
use edgebench_exporter::scrape_text::{
    Arriving, Bounds, Format, Line, Objection, Read, Refusal, Sample, Wants, lines,
};

const BOUNDS: Bounds = Bounds { bytes: 1 << 20, series: 10_000, line: 4096 };

/// Takes everything.
#[derive(Default)]
struct All(Vec<u64>);

impl Wants for All {
    fn wants(&self, _: &str) -> bool {
        true
    }

    fn take(&mut self, sample: &Sample<'_>) -> Result<(), Objection> {
        self.0.push(digest(sample));
        Ok(())
    }
}

/// All of a sample in short.
fn digest(sample: &Sample<'_>) -> u64 {
    let mut digest = DefaultHasher::new();
    sample.name.hash(&mut digest);
    for (name, value) in sample.labels {
        (name, value.text()).hash(&mut digest);
    }
    for number in [Some(sample.value), sample.timestamp] {
        let number =
            number.map(|number| (number.text(), number.scaled(0), number.scaled(9), number.real().to_bits()));
        number.hash(&mut digest);
    }
    digest.finish()
}

/// Reads a text in pieces of this length.
fn in_pieces<W: Wants>(bytes: &[u8], format: Format, piece: usize, wants: &mut W) -> Result<Read, Refusal> {
    let mut arriving = Arriving::new(format, BOUNDS);
    for piece in bytes.chunks(piece) {
        arriving.push(piece, wants)?;
    }
    arriving.finish()
}

/// The first byte says how long the pieces are in which the rest arrives.
pub fn read(input: &[u8], format: Format) {
    let Some((piece, bytes)) = input.split_first() else { return };
    let piece = usize::from(*piece) + 1;
    let mut whole = None;
    if let Ok(found) = lines(bytes, format) {
        let mut samples = Vec::new();
        let mut all = true;
        for line in found {
            match line {
                Ok(Line::Sample(sample)) => samples.push(digest(&sample)),
                Ok(Line::Help { text, .. }) => drop(text.text().into_owned()),
                Ok(_) => {}
                Err(_) => all = false,
            }
        }
        whole = all.then_some(samples);
    }
    let (mut slow, mut fast) = (All::default(), All::default());
    let results =
        (in_pieces(bytes, format, piece, &mut slow), in_pieces(bytes, format, bytes.len().max(1), &mut fast));
    assert_eq!(results.0.is_ok(), results.1.is_ok(), "where the cuts are makes a difference");
    if let (Ok(one), Ok(other)) = results {
        assert_eq!(one, other);
        assert_eq!(one.series, slow.0.len() as u64);
        assert_eq!(slow.0, fast.0);
        if let Some(whole) = &whole {
            assert_eq!(&slow.0, whole, "a text that is whole is read otherwise in pieces");
        }
    } else if let Some(whole) = whole {
        // Only bounds keep a text that is well-formed from being read.
        let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or_default();
        let bounded =
            bytes.len() as u64 > BOUNDS.bytes || whole.len() as u64 > BOUNDS.series || longest > BOUNDS.line;
        assert!(bounded, "a well-formed text is refused");
    }
    let mut component = said::Hearing::default();
    let _ = in_pieces(bytes, format, piece, &mut component);
    component.finish(None);
    let mut node = node_exporter::Hearing::default();
    let _ = in_pieces(bytes, format, piece, &mut node);
    node.finish(0.0);
    let mut agent = edge_agent::Hearing::default();
    let _ = in_pieces(bytes, format, piece, &mut agent);
    agent.finish(0.0, None);
}
