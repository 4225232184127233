//! Dead letters page by page: one listing, and only those are read that are shown.

use euterpe_actors::state::LetterList;

use super::Session;
use super::letters::{Letter, Which};

impl Session {
    /// How many targets have letters that are meant, and the newest letter of each of `most` of them, behind the first `skipped`
    /// ones. Letters that went since they were listed are left out.
    ///
    /// # Errors
    /// As [`Session::letters`].
    pub async fn letter_page(
        &self,
        which: &Which,
        skipped: usize,
        most: usize,
    ) -> anyhow::Result<(usize, Vec<Letter>)> {
        let (state, mut lists) = (&self.workspace.state, Vec::new());
        for filter in self.filters(which).await? {
            lists.push(state.list_letters(&filter).await?);
        }
        let newest = LetterList::newest_of_targets(&lists, |_| true);
        let mut letters = Vec::with_capacity(most.min(newest.len()));
        for one in newest.iter().skip(skipped).take(most) {
            let key = one.key();
            let Some(letter) = state.letter(&key).await? else { continue };
            let is_other = match letter.run {
                Some(run) if which.run.is_none() => self.is_other(run).await?,
                _ => false,
            };
            if !is_other {
                let made_good = self.is_made_good(&letter).await?;
                letters.push(Letter { key, older: Vec::new(), letter, made_good });
            }
        }
        Ok((newest.len(), letters))
    }
}
