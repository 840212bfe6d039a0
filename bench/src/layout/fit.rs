//! Which columns of a table are shown, and how wide, so that its rows fit the terminal.

use super::model::Keep;

/// Spaces before a table.
pub(super) const INDENT: usize = 2;
/// Spaces between two columns.
pub(super) const GAP: usize = 2;

/// A flexible column is cut no further while there is another way.
const COMFORTABLE: usize = 12;
/// Below this a cut text says nothing.
const SMALLEST: usize = 6;

/// What a column asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Width of its widest cell or title.
    pub(super) width: usize,
    pub(super) keep: Keep,
    pub(super) flexible: bool,
    /// Half a name is still a name, half a number is a wrong number.
    pub(super) is_text: bool,
}

/// What the columns get.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// Index and width of each column that is shown.
    pub(super) columns: Vec<(usize, usize)>,
    /// Whether columns that must always be shown did not fit, which the reader has to be told.
    pub(super) is_cut: bool,
}

impl Fit {
    /// Width of a row without the indent.
    pub(super) fn width(&self) -> usize {
        let columns = self.columns.iter().map(|&(_, width)| width).sum::<usize>();
        columns + GAP * self.columns.len().saturating_sub(1)
    }

    fn fits(&self, terminal: usize) -> bool {
        INDENT + self.width() <= terminal
    }

    /// Takes from the widest of the chosen columns, one by one, until the rows fit or all are at `floor`.
    fn shrink(&mut self, terminal: usize, floor: usize, may: impl Fn(usize) -> bool) {
        while !self.fits(terminal) {
            let candidates = self.columns.iter_mut().filter(|(index, width)| may(*index) && *width > floor);
            let Some((_, width)) = candidates.max_by_key(|(_, width)| *width) else { return };
            *width -= 1;
        }
    }
}

/// Fits columns into a terminal. In this order, until the rows fit: flexible columns shrink, at first to a
/// comfortable width, then to the smallest; columns that need not be kept go, from the right; all columns of
/// text shrink; columns go from the right, which is the one case that is marked; what is left is cut.
pub(super) fn fit(wishes: &[Wish], terminal: usize) -> Fit {
    let mut kept: Vec<usize> = (0..wishes.len())
        .filter(|&i| match wishes[i].keep {
            Keep::Always => true,
            Keep::From(least) => terminal >= least,
        })
        .collect();

    loop {
        let mut fit = Fit { columns: kept.iter().map(|&i| (i, wishes[i].width)).collect(), is_cut: false };
        fit.shrink(terminal, COMFORTABLE, |i| wishes[i].flexible);
        fit.shrink(terminal, SMALLEST, |i| wishes[i].flexible);
        if fit.fits(terminal) {
            return fit;
        }
        if let Some(last) = kept.iter().rposition(|&i| wishes[i].keep != Keep::Always) {
            // The others start again from their full widths: there is more room now.
            kept.remove(last);
            continue;
        }
        fit.shrink(terminal, SMALLEST, |i| wishes[i].is_text);
        if !fit.fits(terminal) {
            fit.is_cut = true;
            // Room for the mark, which is as wide as one character.
            let room = terminal.saturating_sub(GAP + 1);
            while !fit.fits(room) && fit.columns.len() > 1 {
                fit.columns.pop();
            }
            fit.shrink(room, SMALLEST, |_| true);
        }
        return fit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Wish = Wish { width: 30, keep: Keep::Always, flexible: true, is_text: true };
    const NUMBER: Wish = Wish { width: 8, keep: Keep::Always, flexible: false, is_text: false };
    const EXTRA: Wish = Wish { width: 8, keep: Keep::From(50), flexible: false, is_text: false };

    fn widths(wishes: &[Wish], terminal: usize) -> Vec<(usize, usize)> {
        let fit = fit(wishes, terminal);
        assert!(!fit.is_cut);
        fit.columns
    }

    #[test]
    fn columns_are_as_wide_as_they_wish() {
        assert_eq!(widths(&[NAME, NUMBER, EXTRA], 80), [(0, 30), (1, 8), (2, 8)]);
        assert_eq!(widths(&[], 80), []);
    }

    #[test]
    fn flexible_columns_shrink_first() {
        assert_eq!(widths(&[NAME, NUMBER, EXTRA], 50), [(0, 28), (1, 8), (2, 8)]);
        assert_eq!(widths(&[NAME, NUMBER, Wish { width: 20, ..NAME }], 50), [(0, 18), (1, 8), (2, 18)]);
    }

    #[test]
    fn extra_columns_go_on_narrow_terminals() {
        assert_eq!(widths(&[NAME, NUMBER, EXTRA], 49), [(0, 30), (1, 8)]);
    }

    #[test]
    fn extra_columns_go_when_shrinking_is_not_enough() {
        let wide = Wish { width: 33, ..NUMBER };
        assert_eq!(widths(&[NAME, wide, EXTRA], 54), [(0, 7), (1, 33), (2, 8)]);
        assert_eq!(widths(&[NAME, wide, EXTRA], 52), [(0, 15), (1, 33)]);
        assert_eq!(widths(&[EXTRA, NAME, wide, EXTRA], 53), [(0, 8), (1, 6), (2, 33)]);
    }

    #[test]
    fn text_is_cut_before_a_number_is() {
        let path = Wish { width: 99, flexible: false, ..NAME };
        assert_eq!(widths(&[NUMBER, path, NUMBER], 40), [(0, 8), (1, 18), (2, 8)]);
    }

    #[test]
    fn columns_that_had_to_go_are_marked() {
        let columns = (0..5).map(|i| (i, 8)).collect();
        assert_eq!(fit(&[NUMBER; 9], 60), Fit { columns, is_cut: true });
        let one = fit(&[Wish { width: 99, ..NUMBER }, NUMBER], 40);
        assert_eq!(one, Fit { columns: vec![(0, 35)], is_cut: true });
    }
}
